"""Keywords are found whatever their accents, case and spelling of n°, the longest first."""

import pytest

from invoice import keywords
from services.ocr.vocabulary import REGIMES, find, fold, tokens_of


def announced(text: str) -> list[str]:
    return [found.keyword.field for found in find(list(tokens_of(text)))]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("N° de facture", "invoice_number"),
        ("nº facture", "invoice_number"),
        ("NUMERO DE LA FACTURE", "invoice_number"),
        ("Facture No", "invoice_number"),
        ("facture num.", "invoice_number"),
        ("Date d’émission", "issue_date"),
        ("TOTAL T.T.C.", "total_incl_tax"),
        ("total h.t", "total_excl_tax"),
        ("NET A PAYER", "payable"),
        ("Net à payer", "payable"),
        ("Numéro d'engagement", "engagement"),
        ("SIRET du client", "recipient_siret"),
        ("Service exécutant", "service_code"),
        ("Réf. marché", "contract"),
    ],
)
def test_spelling_makes_no_difference(text: str, field: str) -> None:
    assert announced(text) == [field]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("N° TVA", "vat"),
        ("Date d'échéance", "due_date"),
        ("Montant total TVA", "tax"),
        ("Base HT", "vat_base"),
        ("Total à reporter", "decoy"),
        ("Facture d'origine n°", "preceding_invoice"),
        ("N° client", "decoy"),
    ],
)
def test_the_longest_keyword_wins(text: str, field: str) -> None:
    assert announced(text) == [field]


def test_a_keyword_inside_an_identifier_is_none() -> None:
    assert announced("EJ-000187") == []
    assert announced("BC2026-01") == []


def test_a_small_word_may_end_a_keyword_or_stand_inside_one() -> None:
    assert announced("Montant dû") == ["payable"]
    assert announced("Montant du marché") == ["decoy"]
    assert announced("Total de la TVA") == ["tax"]


def test_invoiced_to_is_not_an_invoice() -> None:
    assert announced("Facturé à") == ["block_recipient"]
    assert announced("Facture") == ["type_code"]


@pytest.mark.parametrize(
    "field",
    [
        "invoice_number",
        "issue_date",
        "engagement",
        "service_code",
        "contract",
        "total_excl_tax",
        "tax",
        "total_incl_tax",
        "payable",
    ],
)
def test_every_word_of_the_shared_list_is_known(field: str) -> None:
    for word in keywords.words(field):
        if word != "le":  # read in « Toulouse, le 3 mars 2026 » only
            assert field in announced(word), word


def test_folding_keeps_every_character_in_its_place() -> None:
    text = "Échéance : n° 12 – « Œuvre » ÀÇÉ’"
    assert len(fold(text)) == len(text)
    assert fold("ÀÇÉ’Œ") == "ace'o"


def test_every_word_of_the_shared_list_for_the_regime_is_known() -> None:
    for word in keywords.words("vat_regime"):
        assert set(announced(word)) & set(REGIMES), word


def test_braces_stand_for_each_of_their_words_in_turn() -> None:
    for label in ("Date limite de paiement", "Date limite", "À régler avant le", "Exigible au"):
        assert announced(label) == ["due_date"], label


def test_a_short_word_inside_a_code_is_no_keyword() -> None:
    assert announced("DGA-HT") == []
    assert announced("HT_2026-A") == []
