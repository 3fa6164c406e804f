"""The audit trail and its details, as people read them."""

from services.portal.pages import gestion_words
from services.portal.pages.words import Words

T = Words("fr")
NAMES = {"person:1": "Agnès Dubois", "person:2": "Bruno Verdier"}


def test_details_are_words_and_names_and_what_only_the_platform_knows_is_left_out() -> None:
    given = {
        "delegation": "0190e8a0-0000-7000-8000-000000000042",
        "giver": "person:1",
        "since": "2026-12-01",
        "until": "2026-12-31",
    }
    assert gestion_words.details(given, T, NAMES) == [
        ("Confié par", "Agnès Dubois"),
        ("À partir du", "01/12/2026"),
        ("Jusqu'au", "31/12/2026"),
    ]
    roles = {"roles": ["AGENT/DRH until 2026-12-31", "FINANCE"], "level": "principal", "fields": ["town"], "days": 90}
    assert gestion_words.details(roles, T, {}) == [
        ("Rôles", "Agent d'un service (DRH) jusqu'au 31/12/2026, Service financier"),
        ("Gestion", "Gestionnaire principal"),
        ("Corrigé", "Commune"),
        ("Valable, en jours", "90"),
    ]
    assert gestion_words.details({"kind": "KBIS", "successor": "22060001900016"}, T, {}) == [
        ("Document", "Extrait Kbis"),
        ("Nouveau SIRET", "220\u202f600\u202f019\u202f00016"),
    ]


def test_a_detail_without_words_is_shown_as_it_is_written_and_nothing_is_not_shown() -> None:
    assert gestion_words.details({"new_one": "X", "writes_each_day": None, "roles": []}, T, {}) == [("new_one", "X")]


def test_everybody_who_is_named_is_looked_up() -> None:
    entry = {"actor": "person:1", "about": "person:2", "details": {"source": "person:3", "level": "principal"}}
    assert set(gestion_words.subjects([entry])) == {"person:1", "person:2", "person:3", None}
