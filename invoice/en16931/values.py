"""Texts as the European rules read them: XPath's white space, numbers, truth and days.

A rule that compares an amount which is missing, is no number or stands twice does not hold. So all three become a
number that is equal to, below and above nothing (not-a-number), and a rule needs no word about them.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Context, Decimal
from math import copysign, floor, isfinite

from invoice.syntax.elements import Element

NO_NUMBER = Decimal("NaN")
NO_DOUBLE = float("nan")
ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)
_HALF = Decimal("0.5")
_MAX_DIGITS = 200
#: Nothing is rounded on the way, and what is no number raises nothing.
EXACT = Context(prec=1_200, traps=[])

_SPACES = " \t\r\n"
_INNER = re.compile(r"[ \t\r\n]+")
_DECIMAL = re.compile(r"[ \t\r\n]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))[ \t\r\n]*")
_DOUBLE = re.compile(r"[ \t\r\n]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?)[ \t\r\n]*")
_INFINITE = {"INF": float("inf"), "+INF": float("inf"), "-INF": float("-inf")}
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_DAY = re.compile(r"(-?[0-9]{4})-([0-9]{2})-([0-9]{2})(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))?")


def tidy(text: str) -> str:
    """The text without spaces around it and with one for each run inside (``normalize-space``)."""
    if text.isalnum():
        return text
    stripped = text.strip(_SPACES)
    return _INNER.sub(" ", stripped) if any(space in stripped for space in _SPACES) else stripped


def text_of(elements: Sequence[Element]) -> str:
    """The tidy text of the only element; empty where there is none, or more than one."""
    return tidy(elements[0].text) if len(elements) == 1 else ""


def has_text(elements: Sequence[Element]) -> bool:
    """Whether there is one element, and it holds more than spaces: which of two would count, no rule says."""
    return len(elements) == 1 and bool(elements[0].text.strip(_SPACES))


def decimal(text: str) -> Decimal:
    """``xs:decimal``, not-a-number for a text that is none."""
    match = _DECIMAL.fullmatch(text)
    return NO_NUMBER if match is None or len(text) > _MAX_DIGITS else Decimal(match[1])


def amount(elements: Sequence[Element]) -> Decimal:
    """``xs:decimal`` of the only element."""
    return decimal(elements[0].text) if len(elements) == 1 else NO_NUMBER


def total(elements: Iterable[Element]) -> Decimal:
    """The sum of decimals; zero where there is none to add."""
    return sum((decimal(element.text) for element in elements), ZERO)


def double(text: str) -> float:
    """``xs:double``, not-a-number for a text that is none."""
    match = _DOUBLE.fullmatch(text)
    if match is None or len(text) > _MAX_DIGITS:
        return _INFINITE.get(text.strip(_SPACES), NO_DOUBLE)
    number = match[1]
    return float(number) if "." in number or "e" in number.lower() else float(int(number))


def doubles(elements: Iterable[Element]) -> float:
    """The sum of doubles, in their order."""
    added: float | None = None
    for element in elements:
        value = double(element.text)
        added = value if added is None else added + value
    return 0.0 if added is None else added


def same(written: float, counted: float) -> bool:
    """Whether an amount is the one that was counted.

    A nil written with a minus and a point (``-0.00``) is not nil for the processor that the official rules are run
    with (SaxonC 13), against the standard of the language. It is none here either; this goes when it is one there.
    """
    return written == counted and (written != 0 or copysign(1, written) == copysign(1, counted))


def is_nil(value: float) -> bool:
    """Whether it is zero, as :func:`same` has it."""
    return same(value, 0.0)


def to_cents(value: Decimal) -> Decimal:
    """Rounded to two decimals, half a cent upwards, as ``round(… * 100) div 100`` has it."""
    return rounded(value * HUNDRED) / HUNDRED


def rounded(value: Decimal) -> Decimal:
    """``round``: to the nearest whole number, a half upwards."""
    return (value + _HALF).to_integral_value(rounding=ROUND_FLOOR)


def rounded_double(value: float) -> float:
    """``round`` of a double."""
    if not isfinite(value):
        return value
    below = floor(value)
    return copysign(below + 1 if value - below >= 0.5 else below, value)


def truth(text: str) -> bool | None:
    """``xs:boolean``; None for a text that is neither."""
    return _TRUTHS.get(text) if text in _TRUTHS else _TRUTHS.get(text.strip(_SPACES))


def more_than_two_decimals(elements: Sequence[Element]) -> bool:
    """Whether more than two characters follow the point, zeros and spaces too."""
    if not elements:
        return False
    return len(elements) > 1 or len(elements[0].text.partition(".")[2]) > 2


def day(elements: Sequence[Element]) -> tuple[date, timedelta] | None:
    """``xs:date`` of the only element as a day and its distance to UTC; None for what is none."""
    match = _DAY.fullmatch(elements[0].text.strip(_SPACES)) if len(elements) == 1 else None
    if match is None:
        return None
    year, month, number, _, sign, hours, minutes = match.groups()
    away = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
    try:
        return date(int(year), int(month), int(number)), -away if sign == "-" else away
    except ValueError:
        return None


def not_before(end: tuple[date, timedelta] | None, start: tuple[date, timedelta] | None) -> bool:
    """Whether a day does not begin before the other one."""
    if end is None or start is None:
        return False
    return (end[0] - start[0]) - (end[1] - start[1]) >= timedelta()
