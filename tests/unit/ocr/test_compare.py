"""The page against the data: a difference is said with both values and the place, a silence is none."""

from typing import Any

import pytest

from contracts.events import ReadCandidate, ReadField
from services.ocr.compare import COMPARED, compare, from_page, place_in_words

A4 = ((595.0, 842.0),)
BOX = (450.0, 100.0, 520.0, 112.0)


def datum(name: str, value: str, **more: Any) -> ReadField:
    """A field of a data file."""
    given = {"confidence": "sure", "page": 0, "box": (0.0, 0.0, 0.0, 0.0), "keyword": "BT-1", "raw": value, **more}
    return ReadField(name=name, value=value, **given)


def shown(name: str, value: str, confidence: Any = "sure", **more: Any) -> ReadField:
    """A field of a page."""
    given = {"page": 1, "box": BOX, "keyword": "Total", "raw": f"{value} €", **more}
    return ReadField(name=name, value=value, confidence=confidence, **given)


EXAMPLES = {
    "total_excl_tax": ("100.00", "110.00"),
    "tax": ("20.00", "22.00"),
    "total_incl_tax": ("120.00", "132.00"),
    "prepaid": ("20.00", "30.00"),
    "payable": ("120.00", "132.00"),
    "vat_breakdown": ("20.00 100.00 20.00", "20.00 110.00 22.00"),
    "invoice_number": ("F-1", "F-2"),
    "issue_date": ("2026-11-01", "2026-11-11"),
    "supplier_siret": ("99900001100018", "99900002900010"),
    "recipient_siret": ("22060001900016", "22310001700423"),
    "type_code": ("380", "381"),
    "currency": ("EUR", "XPF"),
    "supplier_iban": ("FR7630006000011234567890189", "FR1420041010050500013M02606"),
}


@pytest.mark.parametrize("name", COMPARED)
def test_a_difference_is_a_warning_with_both_values_and_the_place(name: str) -> None:
    data, page = EXAMPLES[name]
    compared = compare([datum(name, data)], [shown(name, page)], A4)
    [warning] = compared.differences
    assert (warning.level, warning.field, warning.value, warning.normalised) == ("warn", name, data, page)
    assert "page 1, en bas à droite" in warning.message
    assert warning.action
    [field] = compared.fields
    assert (field.value, field.page) == (data, 0)
    assert [(other.value, other.page, other.box) for other in field.candidates] == [(page, 1, BOX)]


@pytest.mark.parametrize("name", COMPARED)
def test_the_same_value_on_the_page_gives_the_data_its_evidence(name: str) -> None:
    data, _ = EXAMPLES[name]
    compared = compare([datum(name, data)], [shown(name, data)], A4)
    assert compared.differences == ()
    [field] = compared.fields
    assert (field.value, field.page, field.box, field.keyword) == (data, 1, BOX, "BT-1")
    assert field.raw == f"{data} €"


@pytest.mark.parametrize("name", COMPARED)
def test_a_page_that_does_not_show_a_value_or_reads_unsurely_is_no_difference(name: str) -> None:
    data, page = EXAMPLES[name]
    for found in ([], [shown(name, page, "unsure")]):
        compared = compare([datum(name, data)], found, A4)
        assert compared.differences == ()
        assert compared.fields == (datum(name, data),)


def test_a_value_beside_another_is_no_difference_where_the_page_is_not_sure_of_the_other() -> None:
    other = ReadCandidate(value="120.00", page=1, box=BOX, keyword="TTC", raw="120,00", score=0.4)
    unsure = shown("payable", "132.00", "unsure", candidates=(other,))
    compared = compare([datum("payable", "120.00")], [unsure], A4)
    assert compared.differences == ()
    assert (compared.fields[0].page, compared.fields[0].raw) == (1, "120,00")


def test_data_that_repeat_what_the_page_rejected_differ_from_what_it_is_sure_of() -> None:
    before = ReadCandidate(value="2400.00", page=1, box=BOX, keyword="Situation précédente", raw="2 400,00", score=0.4)
    page = shown("total_incl_tax", "3042.00", candidates=(before,))
    [warning] = compare([datum("total_incl_tax", "2400.00")], [page], A4).differences
    assert warning.normalised == "3042.00"


def test_other_kinds_of_invoices_are_told_apart_from_credit_notes_only() -> None:
    assert compare([datum("type_code", "384")], [shown("type_code", "380")], A4).differences == ()
    [warning] = compare([datum("type_code", "381")], [shown("type_code", "380")], A4).differences
    assert "« facture »" in warning.message
    assert "« avoir »" in warning.message


def test_a_breakdown_is_compared_rate_by_rate_and_told_in_words() -> None:
    data = datum("vat_breakdown", "20.00 60.00 12.00; 20.00 40.00 8.00; 0.00 500.00 0.00")
    assert compare([data], [shown("vat_breakdown", "20.00 100.00 20.00")], A4).differences == ()
    [warning] = compare([data], [shown("vat_breakdown", "5.50 100.00 5.50")], A4).differences
    assert "5,50 € à 5,5 % de 100,00 €" in warning.message.replace("\u00a0", " ").replace("\u202f", " ")


def test_only_a_credit_note_may_be_printed_with_a_sign() -> None:
    page = [shown("total_incl_tax", "-120.00")]
    credit = [datum("type_code", "381"), datum("total_incl_tax", "120.00")]
    assert compare(credit, page, A4).differences == ()
    assert len(compare(credit[1:], page, A4).differences) == 1


def test_one_cent_is_a_difference_and_a_spelling_of_the_number_is_none() -> None:
    assert len(compare([datum("tax", "20.00")], [shown("tax", "20.01")], A4).differences) == 1
    assert compare([datum("invoice_number", "F 2026-1")], [shown("invoice_number", "f2026-1")], A4).differences == ()


def test_any_of_the_accounts_of_the_data_may_stand_on_the_page() -> None:
    data, page = EXAMPLES["supplier_iban"]
    compared = compare([datum("supplier_iban", data)], [shown("supplier_iban", page)], A4, ibans={data, page})
    assert compared.differences == ()


def test_what_is_not_compared_never_warns() -> None:
    compared = compare([datum("engagement", "E1")], [shown("engagement", "E2")], A4)
    assert compared.differences == ()


def test_the_page_fills_in_only_what_it_surely_shows_and_the_data_lack() -> None:
    page = [shown("engagement", "E1"), shown("service_code", "S", "unsure"), shown("tax", "1.00")]
    assert list(from_page([datum("tax", "2.00")], page)) == [page[0]]


@pytest.mark.parametrize(
    ("held", "taken"),
    [
        ({"supplier_siren": "999000011"}, True),
        ({"supplier_vat": "FR16999000011"}, True),
        ({"supplier_siren": "999000029"}, False),
        ({"supplier_vat": "FR12999000029"}, False),
        ({"supplier_vat": "DE123456789"}, True),
        ({"recipient_siren": "999000029"}, True),
    ],
)
def test_a_number_of_another_company_is_not_taken_from_the_page(held: dict[str, str], taken: bool) -> None:
    data = [datum(name, value) for name, value in held.items()]
    page = [shown("supplier_siret", "99900001100018")]
    assert list(from_page(data, page)) == (page if taken else [])


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((10.0, 800.0, 60.0, 812.0), "page 1, en haut à gauche"),
        ((280.0, 420.0, 300.0, 432.0), "page 1, au milieu au centre"),
        ((500.0, 20.0, 560.0, 32.0), "page 1, en bas à droite"),
        ((0.0, 0.0, 0.0, 0.0), "page 1"),
    ],
)
def test_a_place_is_told_as_a_person_would(box: tuple[float, float, float, float], words: str) -> None:
    assert place_in_words(shown("tax", "1.00", box=box), A4) == words


def test_a_place_on_a_page_of_unknown_size_is_the_page() -> None:
    assert place_in_words(shown("tax", "1.00", page=3), A4) == "page 3"
    assert place_in_words(shown("tax", "1.00"), ((0.0, 0.0),)) == "page 1"
