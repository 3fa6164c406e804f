"""Late interest and the flat indemnity of a public body (L2192-13, R2192-31, R2192-36, D2192-35), and their statement.

Interest runs from the day after the end of the delay to the day of payment, that day included, on what is due with
tax: amount x rate x days / 365 (chorus-pro.md 13, derived), each line rounded to the cent, half up. The rate is the
ECB's on the first day of the half-year in which interest began, plus 8 points, and stays for all of it. 40 € are due
once, both within 45 days of the payment of the principal.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import msgspec

from invoice import packaged
from invoice.clock_shapes import SETTLEMENT_DAYS, Clock

CENT: Final = Decimal("0.01")
_DATA: Final[dict[str, Any]] = packaged.load("interest.yaml")
POINTS: Final = Decimal(_DATA["points"])
INDEMNITY: Final = Decimal(_DATA["indemnity"])
YEAR_DAYS: Final = int(_DATA["year_days"])


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ECB's rate in percent on ``since``, the first day of a half-year. ``verified``: compared with the source."""

    since: date
    ecb: Decimal
    source: str
    verified: bool


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of late interest, percent a year. ``provisional``: the half-year is not in the table yet."""

    percent: Decimal
    ecb: Decimal
    half_year: date
    provisional: bool
    verified: bool
    source: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Interest on one base over some days, ``first`` and ``last`` included."""

    first: date
    last: date
    days: int
    base: Decimal
    percent: Decimal
    amount: Decimal


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """What lateness comes to on a day. ``indemnity`` is 40 € or nothing; ``settle_by`` is None before the payment."""

    on: date
    lines: tuple[Line, ...] = ()
    interest: Decimal = Decimal("0.00")
    indemnity: Decimal = Decimal("0.00")
    rate: Applied | None = None
    settle_by: date | None = None

    @property
    def total(self) -> Decimal:
        """Interest and indemnity together."""
        return self.interest + self.indemnity


RATES: Final = tuple(sorted(msgspec.convert(_DATA["rates"], tuple[Rate, ...]), key=lambda rate: rate.since))


def half_year(day: date) -> date:
    """The first day of the half-year of a day."""
    return date(day.year, 1 if day.month <= 6 else 7, 1)


def rate_on(first: date, rates: tuple[Rate, ...] = RATES) -> Applied:
    """The rate of interest that begins on ``first``. Raises LookupError before the first half-year of the table."""
    start = half_year(first)
    known = [rate for rate in rates if rate.since <= start]
    if not known:
        raise LookupError(f"no rate of the ECB is known for {start}: add it to invoice/data/interest.yaml")
    last = known[-1]
    return Applied(
        percent=last.ecb + POINTS,
        ecb=last.ecb,
        half_year=start,
        provisional=last.since != start,
        verified=last.verified and last.since == start,
        source=last.source,
    )


def owed(clock: Clock, on: date, rates: tuple[Rate, ...] = RATES) -> Owed:
    """What the body owes for its lateness: to the payment, or to ``on`` while it has not come. Nothing when in time."""
    due_on = clock.due_on
    if due_on is None or clock.days_late(on) == 0:
        return Owed(on=on)
    rate = rate_on(due_on + timedelta(days=1), rates)
    lines = tuple(_lines(clock, due_on, on, rate.percent))
    if not lines:
        return Owed(on=on)
    settle_by = clock.paid_on + timedelta(days=SETTLEMENT_DAYS) if clock.paid_on and clock.paid_on <= on else None
    interest = sum((line.amount for line in lines), Decimal("0.00"))
    return Owed(on=on, lines=lines, interest=interest, indemnity=INDEMNITY, rate=rate, settle_by=settle_by)


def _lines(clock: Clock, due_on: date, on: date, percent: Decimal) -> Iterator[Line]:
    """One line for each time in which the same amount was due: partial payments lower it (R2192-34)."""
    until = min(on, clock.paid_on or on)
    base, since = clock.due, due_on
    for paid_on, amount in _payments(clock, until):
        if paid_on > since and base > 0:
            yield _line(since, paid_on, base, percent)
        since = max(since, paid_on)
        base = Decimal(0) if amount is None else base - amount
    if until > since and base > 0:
        yield _line(since, until, base, percent)


def _payments(clock: Clock, until: date) -> Iterator[tuple[date, Decimal | None]]:
    return ((payment.paid_on, payment.amount) for payment in clock.payments if payment.paid_on <= until)


def _line(since: date, until: date, base: Decimal, percent: Decimal) -> Line:
    days = (until - since).days
    amount = (base * percent * days / (100 * YEAR_DAYS)).quantize(CENT, ROUND_HALF_UP)
    return Line(first=since + timedelta(days=1), last=until, days=days, base=base, percent=percent, amount=amount)
