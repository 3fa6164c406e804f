"""Payment delays at risk, and what they cost if nobody pays: sums by last day to pay, of invoices that are still open.

Interest is that of :mod:`invoice.interest`, computed on the sum of each day instead of invoice by invoice: the two
differ by half a cent for each invoice at most. Payments in part are not known to the sums.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from pydantic import BaseModel

from invoice.interest import CENT, INDEMNITY, YEAR_DAYS, rate_on
from services.common.db import Connection
from services.status.figures import euros
from services.status.search import OPEN
from services.status.sides import Side, Standing, where_read

#: Days to the last day to pay, from–to; negative: late.
RANGES: Final = {"late": (None, -1), "due_5": (0, 5), "due_10": (6, 10), "due_30": (11, 30)}
Due = tuple[date, int, int]


class Risk(BaseModel):
    """Open invoices whose last day to pay lies in a range of days.

    ``interest`` and ``indemnity``: owed on ``day`` (late ones). ``each_day``: what one more day of lateness costs, and
    ``if_late`` what the first one does, indemnity included, of those that are still in time.
    """

    range: str
    days_from: int | None
    days_to: int | None
    count: int
    amount: Decimal
    interest: Decimal
    indemnity: Decimal
    each_day: Decimal
    if_late: Decimal


class Risks(BaseModel):
    """All ranges on a day; ``provisional``: a rate is that of an earlier half-year."""

    day: date
    standing: Standing
    risks: list[Risk]
    provisional: bool


async def risks(connection: Connection, side: Side, today: date) -> Risks:
    """What presses among the open invoices of ``side``. ``connection`` must be scoped to the caller."""
    dues = await (due_days if side.sums else _own_days)(connection, side)
    return reckon(dues, side.standing, today)


async def due_days(connection: Connection, side: Side) -> list[Due]:
    """Open invoices by last day to pay: how many, and cents."""
    rows = await connection.fetch(
        "select day, sum(count)::bigint as count, sum(cents)::bigint as cents from tally"
        " where kind = 'due' and scope = any ($1) and status = any ($2) group by day having sum(count) > 0",
        side.scopes,
        list(OPEN),
    )
    return [(row["day"], row["count"], row["cents"]) for row in rows]


async def _own_days(connection: Connection, side: Side) -> list[Due]:
    """The same for whoever has no sums: his open invoices are read along an index."""
    if not side.scopes:
        return []
    rows = await connection.fetch(
        "select due_on as day, count(*) as count,"
        " sum(case when coalesce(header ->> 'currency', 'EUR') = 'EUR' then payable_cents else 0 end)::bigint as cents"
        f" from invoice where {where_read(side)} and status = any ($2) and due_on is not null group by due_on",
        list(side.scopes),
        list(OPEN),
    )
    return [(row["day"], row["count"], row["cents"]) for row in rows]


def reckon(dues: Sequence[Due], standing: Standing, today: date) -> Risks:
    """The ranges of these days."""
    found, provisional = [], False
    for name, (low, high) in RANGES.items():
        within = [due for due in dues if _within((due[0] - today).days, low, high)]
        provisional = provisional or any(_rate(day)[1] for day, _, _ in within)
        found.append(_risk(name, low, high, within, today))
    return Risks(day=today, standing=standing, risks=found, provisional=provisional)


def _within(days: int, low: int | None, high: int | None) -> bool:
    return (low is None or days >= low) and (high is None or days <= high)


def _risk(name: str, low: int | None, high: int | None, dues: Iterable[Due], today: date) -> Risk:
    count, cents, late = 0, 0, 0
    interest, each_day = Decimal(0), Decimal(0)
    for day, number, worth in dues:
        a_day = euros(worth) * _rate(day)[0] / (100 * YEAR_DAYS)
        lateness = max(0, (today - day).days)
        count, cents, late = count + number, cents + worth, late + (number if lateness else 0)
        interest, each_day = interest + a_day * lateness, each_day + a_day
    in_time = count - late
    return Risk(
        range=name,
        days_from=low,
        days_to=high,
        count=count,
        amount=euros(cents),
        interest=_cents(interest),
        indemnity=_cents(INDEMNITY * late),
        each_day=_cents(each_day),
        if_late=_cents(each_day + INDEMNITY * in_time) if in_time else Decimal("0.00"),
    )


def interest_of(due_on: date, payable: Decimal, today: date) -> Decimal:
    """What the lateness of one invoice comes to on ``today``, without the indemnity; nothing while there is time."""
    late = max(0, (today - due_on).days)
    return _cents(payable * _rate(due_on)[0] * late / (100 * YEAR_DAYS))


def _rate(due_on: date) -> tuple[Decimal, bool]:
    applied = rate_on(due_on + timedelta(days=1))
    return applied.percent, applied.provisional


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
