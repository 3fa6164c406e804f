"""Who stands on which side of a sollicitation."""

from typing import Any

from contracts.events import Grant
from invoice.solicitations import CATEGORIES, label
from services.common.principal import Principal, of_grants
from services.portal import solicitation_sides as sides
from services.portal.solicitation import Place

SUPPLIER, BODY, OTHER, TENANT = "73282932000074", "22060001900016", "44306184100047", "cd06"
INVOICE: dict[str, Any] = {
    "supplier_siret": SUPPLIER,
    "recipient": {"siret": BODY, "service_code": "DRH"},
    "validators": [{"siret": OTHER}],
    "works": None,
}


def who(*grants: Grant) -> Principal:
    return of_grants("person:x", grants)


def test_one_is_to_an_invoice_what_his_right_at_its_place_says() -> None:
    def kind(*grants: Grant) -> str | None:
        found = sides.towards(who(*grants), INVOICE, TENANT)
        return found.kind if found else None

    assert kind(Grant(role="FOURNISSEUR", structure=SUPPLIER)) == "supplier"
    assert kind(Grant(role="AGENT", structure=BODY, service="DRH", tenant=TENANT)) == "body"
    assert kind(Grant(role="AGENT", structure=BODY, service="DSI", tenant=TENANT)) is None
    assert kind(Grant(role="TENANT_ADMIN", tenant=TENANT)) == "body"
    assert kind(Grant(role="TENANT_ADMIN", tenant="cd31")) is None
    assert kind(Grant(role="VALIDATEUR", structure=OTHER)) == "validator"
    assert kind(Grant(role="OPERATEUR")) is None
    assert kind(Grant(role="FOURNISSEUR", structure=BODY)) is None


def test_support_is_answered_for_by_operators_alone() -> None:
    support = Place(kind="support")
    assert sides.acts_for(who(Grant(role="OPERATEUR")), support)
    assert not sides.acts_for(who(Grant(role="TENANT_ADMIN", tenant=TENANT)), support)


def test_who_only_reads_writes_for_nobody() -> None:
    reader = who(Grant(role="LECTURE", structure=SUPPLIER), Grant(role="LECTURE", structure=BODY, tenant=TENANT))
    assert not sides.acts_for(reader, Place(kind="supplier", structure=SUPPLIER))
    assert not sides.acts_for(reader, Place(kind="body", structure=BODY, service="DRH", tenant=TENANT))
    assert sides.places_of(reader) == []


def test_every_line_says_who_answers_in_how_many_days() -> None:
    for code, category in CATEGORIES.items():
        assert category.subcategories, code
        for name, line in category.subcategories.items():
            assert 0 < line.reminded_after < line.days, name
            assert line.to != "supplier" or line.invoice, f"{name}: a supplier is found by his invoice alone"
    assert label("FACTURES_EMISES", "RETARD_PAIEMENT", "en") == "Issued invoices – Late payment, interest"
    assert label("GONE", "TOO") == "GONE – TOO"
