"""Amounts and days: read as people write them, kept exact, shown in French."""

import re
from datetime import date
from decimal import Decimal

from invoice import packaged

TOLERANCE = Decimal("0.01")  # chorus-pro.md 5: one cent on totals
MAX_POSITIONS = 19  # chorus-pro.md 5: of the canonical text, sign and point included

_SPACES = re.compile(r"[\u00a0\u2009\u202f]")
_COMMA_DECIMALS = re.compile(r"(?P<whole>\d{1,3}(?: \d{3})+|\d{1,3}(?:\.\d{3})+|\d+),(?P<cents>\d{1,2})")
_POINT_DECIMALS = re.compile(r"(?P<whole>\d{1,3}(?: \d{3})+|\d{1,3}(?:,\d{3})+|\d+)\.(?P<cents>\d{1,2})")
_WHOLE = re.compile(r"(?P<whole>\d{1,3}(?: \d{3})+|\d+)(?P<cents>)")
_SYMBOL = re.compile(r"\s*(?:€|EUR)$")
_SIGNS = {"-": -1, "\u2212": -1, "+": 1}
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_SYMBOLS = {"EUR": "€"}

CURRENCIES: frozenset[str] = frozenset(packaged.load("currencies.yaml"))


class InvalidAmount(ValueError):
    """The text is not an amount that can be read in one way only (``1.234`` could be two numbers)."""

    code = "AMOUNT_FORM"

    def __init__(self, value: str) -> None:
        super().__init__(f"{value!r} is not an amount")
        self.value = value


def parse_amount(text: str) -> Decimal:
    """Read ``1 234,56 €``, ``1.234,56``, ``1,234.56``, ``1234.56`` or ``-120``; two decimals at most.

    Raises InvalidAmount when the text is no amount or could be read in two ways (``1.234``, ``1,234``).
    """
    body = _SYMBOL.sub("", _SPACES.sub(" ", text).strip())
    sign = _SIGNS.get(body[:1], 0)
    if sign:
        body = body[1:].lstrip()
    match = _COMMA_DECIMALS.fullmatch(body) or _POINT_DECIMALS.fullmatch(body) or _WHOLE.fullmatch(body)
    if match is None or not body.isascii():
        raise InvalidAmount(text)
    whole = re.sub(r"[ .,]", "", match["whole"])
    if len(whole) > MAX_POSITIONS:
        raise InvalidAmount(text)
    amount = Decimal(f"{whole}.{match['cents']:0<2}")
    return -amount if sign < 0 else amount


def canonical(amount: Decimal) -> str:
    """An amount with two decimals and a point: ``1234.50``. The amount must have two decimals at most."""
    return f"{amount:.2f}"


def has_cents_only(amount: Decimal) -> bool:
    """Whether the amount is finite and has at most two decimals."""
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int):  # NaN and the infinities
        return False
    return exponent >= -2 or not any(digits[exponent + 2 :])


def show_amount(amount: Decimal, currency: str = "EUR") -> str:
    """An amount for a French reader: ``1 234,56 €``, with spaces that do not break over a line."""
    grouped = f"{amount:,.2f}".replace(",", "\u202f").replace(".", ",")
    return f"{grouped}\u00a0{_SYMBOLS.get(currency, currency)}"


def show_date(day: date) -> str:
    """A day in French words: ``1er mai 2025``."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{number} {_MONTHS[day.month - 1]} {day.year}"
