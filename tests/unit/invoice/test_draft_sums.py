"""Completing an invoice from a reading: its amounts, what is left to pay, the signs of a credit note."""

from decimal import Decimal

import pytest

from tests.unit.invoice.draft_sample import done, waits
from tests.unit.invoice.sample import codes, only


def test_the_total_is_payable_when_nothing_was_read_that_says_otherwise() -> None:
    draft = done()
    assert draft.header is not None
    assert draft.header.payable == Decimal("120.00")
    assert codes(draft.findings) == ["PAYABLE_FROM_TOTAL"]


@pytest.mark.parametrize(
    ("payable", "prepaid", "expected"),
    [
        ("120.00", None, []),
        ("120.01", None, []),
        ("90.00", None, ["PAYABLE_UNEXPLAINED"]),
        ("130.00", None, ["PAYABLE_UNEXPLAINED"]),
        ("90.00", "30.00", []),
        ("90.00", "20.00", ["PAYABLE_UNEXPLAINED"]),
        ("120.00", "30.00", ["PREPAID_UNEXPLAINED"]),
        ("120.00", "0.00", []),
        (None, "30.00", ["PAYABLE_NOT_READ"]),
        (None, "0.00", []),
        ("0.00", "120.00", ["PAYABLE_ZERO"]),
        ("0.00", None, ["PAYABLE_ZERO"]),
    ],
)
def test_a_net_a_payer_other_than_the_total_needs_a_sure_prepayment(
    payable: str | None, prepaid: str | None, expected: list[str]
) -> None:
    draft = done(payable=payable, prepaid=prepaid)
    if expected:
        assert waits(draft) == expected
    else:
        assert draft.outcome == "complete"
        assert draft.header is not None
        assert draft.header.payable == Decimal(payable or "120.00")


def test_an_unsure_prepayment_explains_nothing() -> None:
    assert "FIELD_UNSURE" in waits(done(("prepaid",), payable="90.00", prepaid="30.00"))


def test_a_net_a_payer_read_without_certainty_is_not_replaced_by_the_total() -> None:
    draft = done(("payable",), payable="90.00")
    assert codes(draft.findings) == ["FIELD_UNSURE"]


def test_sums_that_disagree_wait_for_a_person_and_refuse_nothing() -> None:
    draft = done(tax="19.60")
    assert waits(draft) == ["SUMS_DISAGREE"]
    assert "font 119,60\u00a0€" in only(draft.findings, "SUMS_DISAGREE").message
    assert done(tax="20.01", total_excl_tax="100.00").outcome == "complete"


def test_an_exempt_invoice_needs_its_tax_of_zero_to_be_read() -> None:
    assert done(tax="0.00", total_incl_tax="100.00").outcome == "complete"
    assert waits(done(tax=None, total_incl_tax="100.00")) == ["FIELD_MISSING"]


def test_a_credit_note_has_to_say_so_surely() -> None:
    draft = done(type_code="381")
    assert draft.header is not None
    assert draft.header.type_code == "381"
    assert waits(done(("type_code",), type_code="381")) == ["FIELD_UNSURE"]
    plain = done(("type_code",), type_code="380")
    assert plain.header is not None
    assert plain.header.type_code == "380"


@pytest.mark.parametrize("payable", [None, "-120.00", "120.00"])
def test_a_credit_note_printed_with_signs_is_taken_without_them(payable: str | None) -> None:
    draft = done(type_code="381", total_excl_tax="-100.00", tax="-20.00", total_incl_tax="-120.00", payable=payable)
    assert draft.header is not None
    assert "CREDIT_NOTE_SIGN" in codes(draft.findings, "info")
    assert (draft.header.total_excl_tax, draft.header.tax) == (Decimal("100.00"), Decimal("20.00"))
    assert (draft.header.total_incl_tax, draft.header.payable) == (Decimal("120.00"), Decimal("120.00"))


def test_an_exempt_credit_note_loses_its_signs_and_an_empty_one_has_none_to_lose() -> None:
    exempt = done(type_code="381", total_excl_tax="-100.00", tax="0.00", total_incl_tax="-100.00")
    assert exempt.header is not None
    assert (exempt.header.total_incl_tax, exempt.header.payable) == (Decimal("100.00"), Decimal("100.00"))
    empty = done(type_code="381", total_excl_tax="0.00", tax="0.00", total_incl_tax="0.00")
    assert empty.outcome == "complete"
    assert codes(empty.findings) == ["PAYABLE_FROM_TOTAL"]


def test_negative_amounts_that_are_no_credit_note_wait_for_a_person() -> None:
    draft = done(total_excl_tax="-100.00", tax="-20.00", total_incl_tax="-120.00")
    assert waits(draft) == ["AMOUNT_NEGATIVE"] * 4
    mixed = done(type_code="381", total_excl_tax="-100.00", tax="20.00", total_incl_tax="-80.00")
    assert "CREDIT_NOTE_NEGATIVE" in waits(mixed)
