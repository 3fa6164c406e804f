"""Amounts and days: one reading or none, and French on the way out."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.money import (
    CURRENCIES,
    InvalidAmount,
    canonical,
    has_cents_only,
    parse_amount,
    show_amount,
    show_date,
)
from tests.unit.invoice.sample import pure

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False, allow_infinity=False)


@pure
@given(amounts)
def test_an_amount_shown_in_french_or_canonically_is_read_back_the_same(amount: Decimal) -> None:
    assert parse_amount(canonical(amount)) == amount
    assert parse_amount(show_amount(amount)) == amount


@pure
@given(st.text(max_size=30))
def test_any_text_is_an_amount_of_whole_cents_or_is_refused(text: str) -> None:
    try:
        amount = parse_amount(text)
    except InvalidAmount:
        return
    assert has_cents_only(amount)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1 234,56", "1234.56"),
        ("1\u00a0234,56\u00a0€", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1234.56 EUR", "1234.56"),
        ("-120", "-120.00"),
        ("\u2212 12,5", "-12.50"),
        ("0,00", "0.00"),
    ],
)
def test_usual_spellings_are_read(text: str, amount: str) -> None:
    assert str(parse_amount(text)) == amount


@pytest.mark.parametrize(
    "text", ["1.234", "1,234", "12 34,00", "1.234.56", "", "abc", "1e5", "--1", "1,234,56", "9" * 20]
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_amount(text)


@pytest.mark.parametrize(
    ("amount", "holds"),
    [
        ("1", True),
        ("1.10", True),
        ("1.1000", True),
        ("1.101", False),
        ("1E+3", True),
        ("NaN", False),
        ("Infinity", False),
    ],
)
def test_an_amount_has_two_decimals_at_most_however_it_is_written(amount: str, holds: bool) -> None:
    assert has_cents_only(Decimal(amount)) is holds


def test_thirty_digits_are_not_rounded_away() -> None:
    assert not has_cents_only(Decimal("1" * 28 + ".001"))


def test_amounts_and_days_are_shown_in_french() -> None:
    assert show_amount(Decimal("1234567.8")) == "1\u202f234\u202f567,80\u00a0€"
    assert show_amount(Decimal("-5"), "CHF") == "-5,00\u00a0CHF"
    assert show_date(date(2025, 5, 1)) == "1er mai 2025"
    assert show_date(date(2025, 11, 22)) == "22 novembre 2025"


def test_the_currencies_are_those_of_the_standard() -> None:
    assert {"EUR", "CHF", "USD", "XPF", "GBP"} <= CURRENCIES
    assert not {"FRF", "XXX", "XAU", "eur"} & CURRENCIES
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
