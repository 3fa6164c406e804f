"""Deposit checks: what refuses an invoice at entry, each rule by itself and all of them together."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.checks import check_deposit, check_header, number_key, number_taken
from invoice.findings import refusals
from tests.unit.invoice.sample import (
    ALPES_MARITIMES,
    DAY,
    GOOD,
    SUPPLIER,
    bend,
    codes,
    only,
    pure,
    services_of,
    structure_of,
)


def checked(**changes: Any) -> list[str]:
    """The codes of the header's findings."""
    return codes(check_header(bend(**changes), on=DAY, depositor_structures=(SUPPLIER,)))


def amounts(excl: str, tax: str, incl: str, payable: str | None = None, **changes: Any) -> list[str]:
    """The codes of an invoice of these amounts."""
    totals = {"total_excl_tax": Decimal(excl), "tax": Decimal(tax), "total_incl_tax": Decimal(incl)}
    return checked(**totals, payable=Decimal(incl if payable is None else payable), **changes)


def test_the_good_invoice_has_nothing_against_it() -> None:
    assert checked() == []


@pytest.mark.parametrize(
    ("number", "code"),
    [("", "NUMBER_EMPTY"), ("F" * 21, "NUMBER_TOO_LONG"), ("F 12", "NUMBER_CHARACTERS"), ("F°12", "NUMBER_CHARACTERS")],
)
def test_a_number_that_is_none_is_refused(number: str, code: str) -> None:
    assert checked(invoice_number=number) == [code]


def test_a_refused_number_says_which_signs_and_how_long() -> None:
    found = check_header(bend(invoice_number="F 12#"), on=DAY, depositor_structures=(SUPPLIER,))
    assert only(found, "NUMBER_CHARACTERS").message.endswith("contient un caractère refusé : espace, « # ».")
    found = check_header(bend(invoice_number="F" * 23), on=DAY, depositor_structures=(SUPPLIER,))
    assert "23 caractères" in only(found, "NUMBER_TOO_LONG").message


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (DAY, []),
        (DAY + timedelta(days=1), ["DATE_FUTURE"]),
        (date(2000, 1, 1), []),
        (date(1999, 12, 31), ["DATE_TOO_OLD"]),
        (date(2100, 1, 1), ["DATE_TOO_LATE"]),
    ],
)
def test_the_date_is_within_2000_and_the_day_of_deposit(day: date, expected: list[str]) -> None:
    assert checked(issue_date=day) == expected


def test_the_last_day_is_still_one() -> None:
    last = bend(issue_date=date(2099, 12, 31))
    assert codes(check_header(last, on=date(2100, 1, 1), depositor_structures=(SUPPLIER,))) == []


def test_a_currency_is_a_known_code_and_a_foreign_one_only_warns() -> None:
    assert checked(currency="FRF") == ["CURRENCY_UNKNOWN"]
    assert checked(currency="eur") == ["CURRENCY_UNKNOWN"]
    assert checked(currency="CHF") == ["CURRENCY_FOREIGN"]
    found = check_header(bend(currency="CHF"), on=DAY, depositor_structures=(SUPPLIER,))
    assert refusals(found) == ()


def test_a_depositor_acts_for_his_own_structures_only() -> None:
    assert checked(supplier_siret="00099901100018") == ["SUPPLIER_NOT_YOURS"]
    assert checked(supplier_siret="00099900300016") == ["SUPPLIER_SIRET_INVALID"]
    found = check_header(GOOD, on=DAY, depositor_structures=())
    assert codes(found) == ["SUPPLIER_NOT_YOURS"]
    found = check_header(GOOD, on=DAY, depositor_structures=("00099901100018", SUPPLIER))
    assert codes(found) == []


def test_nobody_invoices_himself() -> None:
    assert checked(recipient_siret=SUPPLIER) == ["SUPPLIER_IS_RECIPIENT"]


@pytest.mark.parametrize(
    ("excl", "tax", "incl", "expected"),
    [
        ("100.00", "20.00", "120.00", []),
        ("100.00", "20.00", "120.01", []),
        ("100.00", "20.00", "119.99", []),
        ("100.00", "20.00", "120.02", ["SUMS_DISAGREE"]),
        ("100.00", "20.00", "119.98", ["SUMS_DISAGREE"]),
        ("100.00", "0.00", "100.00", []),
        ("0.00", "0.00", "0.00", []),
        ("100.001", "20.00", "120.00", ["AMOUNT_FORM"]),
        ("NaN", "20.00", "120.00", ["AMOUNT_FORM"]),
        ("100.00", "sNaN", "120.00", ["AMOUNT_FORM"]),
        ("100.00", "20.00", "Infinity", ["AMOUNT_FORM", "AMOUNT_FORM"]),
        ("1E+999999", "0", "1E+999999", ["AMOUNT_TOO_LONG"] * 3),
        ("9999999999999999.99", "0.00", "9999999999999999.99", []),
        ("10000000000000000.00", "0.00", "10000000000000000.00", ["AMOUNT_TOO_LONG"] * 3),
        ("-100.00", "-20.00", "-120.00", ["AMOUNT_NEGATIVE"] * 4),
    ],
)
def test_amounts_have_two_decimals_and_agree_to_one_cent(excl: str, tax: str, incl: str, expected: list[str]) -> None:
    assert amounts(excl, tax, incl) == expected


def test_sums_that_disagree_show_the_three_amounts_in_french() -> None:
    found = check_header(bend(total_incl_tax=Decimal("1250.50")), on=DAY, depositor_structures=(SUPPLIER,))
    message = only(found, "SUMS_DISAGREE").message
    for shown in ("100,00\u00a0€", "20,00\u00a0€", "120,00\u00a0€", "1\u202f250,50\u00a0€"):
        assert shown in message


@pytest.mark.parametrize(
    ("payable", "cadre", "expected"),
    [
        ("120.00", "A1_FACTURE_FOURNISSEUR", []),
        ("20.00", "A1_FACTURE_FOURNISSEUR", []),
        ("120.01", "A1_FACTURE_FOURNISSEUR", []),
        ("120.02", "A1_FACTURE_FOURNISSEUR", ["PAYABLE_ABOVE_TOTAL"]),
        ("0.00", "A1_FACTURE_FOURNISSEUR", ["PAYABLE_ZERO"]),
        ("-1.00", "A1_FACTURE_FOURNISSEUR", ["AMOUNT_NEGATIVE"]),
        ("0.00", "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", []),
        ("120.00", "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", ["ALREADY_PAID_PAYABLE"]),
    ],
)
def test_the_net_a_payer_is_at_most_the_total_and_nil_once_paid(payable: str, cadre: str, expected: list[str]) -> None:
    assert amounts("100", "20", "120", payable, cadre=cadre) == expected


def test_a_credit_note_carries_positive_amounts() -> None:
    assert amounts("100", "20", "120", type_code="381") == []
    assert amounts("-100", "-20", "-120", type_code="381") == ["CREDIT_NOTE_NEGATIVE"] * 4


def test_references_keep_within_their_lengths_and_hide_nothing() -> None:
    assert checked(engagement="E" * 50, contract="M" * 50, service_code="S" * 100) == []
    assert checked(engagement="E" * 51) == ["ENGAGEMENT_TOO_LONG"]
    assert checked(contract="M" * 51) == ["MARKET_TOO_LONG"]
    assert checked(service_code="S" * 101) == ["SERVICE_TOO_LONG"]
    assert checked(engagement="E1\r\nBcc: x") == ["REFERENCE_CHARACTERS"]


def test_every_failed_rule_is_listed_with_its_field() -> None:
    header = bend(
        invoice_number="", issue_date=date(2030, 1, 1), currency="X", payable=Decimal("500"), engagement="E" * 60
    )
    found = check_header(header, on=DAY, depositor_structures=())
    assert [(f.code, f.field) for f in found] == [
        ("NUMBER_EMPTY", "invoice_number"),
        ("DATE_FUTURE", "issue_date"),
        ("CURRENCY_UNKNOWN", "currency"),
        ("SUPPLIER_NOT_YOURS", "supplier_siret"),
        ("ENGAGEMENT_TOO_LONG", "engagement"),
        ("PAYABLE_ABOVE_TOTAL", "payable"),
    ]


def test_a_deposit_is_checked_with_its_address() -> None:
    structure, services = structure_of(ALPES_MARITIMES), services_of(ALPES_MARITIMES)
    good = check_deposit(GOOD, on=DAY, depositor_structures=(SUPPLIER,), structure=structure, services=services)
    assert codes(good, "warn", "refuse") == []
    assert "SERVICE_KNOWN" in codes(good, "ok")
    bad = check_deposit(
        bend(service_code=None, currency="X"),
        on=DAY,
        depositor_structures=(SUPPLIER,),
        structure=structure,
        services=services,
    )
    assert codes(bad, "refuse") == ["CURRENCY_UNKNOWN", "SERVICE_REQUIRED"]


def test_an_invoice_is_unique_by_issuer_year_and_number() -> None:
    assert number_key(GOOD) == ("000999003", 2026, "2026-0117")
    other_office = bend(supplier_siret="00099900300023", issue_date=date(2026, 1, 1))
    assert number_key(other_office) == number_key(GOOD)
    assert number_key(bend(supplier_siret="000 999 003 00015", invoice_number=" 2026-0117 ")) == number_key(GOOD)
    for different in (
        bend(issue_date=date(2025, 11, 3)),
        bend(invoice_number="2026-0118"),
        bend(supplier_siret="00099901100018"),
    ):
        assert number_key(different) != number_key(GOOD)


def test_a_taken_number_is_refused_in_words() -> None:
    found = number_taken(GOOD)
    assert (found.code, found.level, found.field) == ("DOUBLON", "refuse", "invoice_number")
    assert "2026-0117" in found.message
    assert "000999003" in found.message


any_amount = st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(places=2, min_value=0, max_value=1000)


@pure
@given(
    any_amount, any_amount, any_amount, any_amount, st.sampled_from(["380", "381"]), st.text(max_size=30), st.dates()
)
def test_no_header_breaks_the_checks(
    excl: Decimal, tax: Decimal, incl: Decimal, payable: Decimal, type_code: str, number: str, day: date
) -> None:
    header = bend(
        total_excl_tax=excl,
        tax=tax,
        total_incl_tax=incl,
        payable=payable,
        type_code=type_code,
        invoice_number=number,
        issue_date=day,
    )
    found = check_header(header, on=DAY, depositor_structures=(SUPPLIER,))
    assert all(one.level in ("warn", "refuse") and one.message and one.action for one in found)
    if not refusals(found):
        assert abs(excl + tax - incl) <= Decimal("0.01")
        assert 0 <= payable <= incl + Decimal("0.01")
        assert date(2000, 1, 1) <= day <= DAY
