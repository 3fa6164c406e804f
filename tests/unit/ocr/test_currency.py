"""The currency is euros only where the pages say nothing else."""

import pytest

from tests.unit.ocr.pages import column, read


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("F CFP", "XPF"),
        ("FCFP", "XPF"),
        ("XPF", "XPF"),
        ("FCFA", "XOF"),
        ("Fr", "CHF"),
        ("dollars", "USD"),
        ("£", "GBP"),
    ],
)
def test_another_currency_is_never_taken_for_euros(written: str, code: str) -> None:
    found = read(column(f"Total HT 100,00 {written}", f"TVA 20,00 {written}", f"Total TTC 120,00 {written}"))
    assert (found["currency"].value, found["currency"].confidence) == (code, "unsure")


@pytest.mark.parametrize("word", ["CFA Le Corbusier", "CFP des métiers", "12 rue Fr. Arago"])
def test_names_are_no_currency(word: str) -> None:
    found = read(column(word, "Total HT 100,00 €", "TVA 20,00 €", "Total TTC 120,00 €"))
    assert (found["currency"].value, found["currency"].confidence) == ("EUR", "sure")


def test_amounts_in_thousands_are_for_a_person() -> None:
    found = read(column("Montants en k€", "Total HT 100,00 €", "TVA 20,00 €", "Total TTC 120,00 €"))
    assert found["currency"].confidence == "unsure"
