"""Figures of the invoices that the caller may see: how many, how old, how late, worth how much.

Sums come from ``tally``, whose policies show whole tenants to administrators and operators. Services and suppliers are
small enough to be counted: their open invoices are read along an index.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

import asyncpg
from pydantic import BaseModel

from invoice.lifecycle import STATUSES, turn
from services.common.db import Connection
from services.status.payment_delay import paris_day
from services.status.search import OPEN, waiting_for
from services.status.sides import Side, Standing, holders, where_read, where_summed
from services.status.words import TURNS

#: Days in the present status, from–to.
AGES: Final = ((0, 2), (3, 7), (8, 15), (16, 30), (31, None))
#: Days to the last day to pay, from–to; negative: late.
DELAYS: Final = ((None, -31), (-30, -1), (0, 5), (6, 10), (11, None))
SOON_DAYS: Final = 5
MONTHS: Final = 24
SERVICES: Final = 200
_CENTS = "case when coalesce(header ->> 'currency', 'EUR') = 'EUR' then payable_cents else 0 end"
_SUMS = "sum(count)::bigint as count, sum(cents)::bigint as cents"


class Sum(BaseModel):
    """So many invoices; ``amount`` is what is to be paid for those in euros."""

    count: int
    amount: Decimal


class StatusSum(Sum):
    """Invoices in one status, and whose turn it is there."""

    code: str
    label: str
    turn: str | None
    turn_label: str | None


class RangeSum(Sum):
    """Invoices within a range of days, both ends included; None is open."""

    days_from: int | None
    days_to: int | None


class ServiceSum(Sum):
    """Invoices of a service that still wait for somebody."""

    structure: str
    service: str | None


class MonthSum(Sum):
    """Invoices deposited in a month (its first day)."""

    month: date


class TenantSum(Sum):
    """Invoices of a tenant that still wait for somebody; None: not at any body's disposal yet."""

    tenant: str | None


class Figures(BaseModel):
    """The *tableau de bord*. ``by_month`` is given for whole structures, tenants and the platform."""

    day: date
    standing: Standing
    by_status: list[StatusSum]
    by_age: list[RangeSum]
    by_delay: list[RangeSum]
    by_service: list[ServiceSum]
    by_month: list[MonthSum]
    by_tenant: list[TenantSum]


class Synthesis(BaseModel):
    """The *synthèse*: what waits for the caller, by status, and what presses among all that is open."""

    day: date
    standing: Standing
    waiting: list[StatusSum]
    late: Sum
    due_soon: Sum
    unchanged: Sum


async def figures(connection: Connection, side: Side, now: datetime) -> Figures:
    """Everything of the *tableau de bord*. ``connection`` must be scoped to the caller."""
    today = paris_day(now)
    await _plan_anew(connection)
    held = await _open(connection, side)
    return Figures(
        day=today,
        standing=side.standing,
        by_status=await _by_status(connection, side),
        by_age=await _ranges(connection, side, "since", today, AGES, held),
        by_delay=await _ranges(connection, side, "due", today, DELAYS, held),
        by_service=await _by_service(connection, side),
        by_month=await _by_month(connection, side, today) if side.sums else [],
        by_tenant=await _by_tenant(connection) if side.standing == "operator" else [],
    )


async def synthesis(connection: Connection, side: Side, now: datetime, unchanged_days: int) -> Synthesis:
    """What waits for the caller. ``connection`` must be scoped to him."""
    today = paris_day(now)
    await _plan_anew(connection)
    mine = {code for actor in side.actors for code in waiting_for(actor)}
    presses = ((None, -1), (0, SOON_DAYS))
    held = await _open(connection, side)
    late, soon = await _ranges(connection, side, "due", today, presses, held)
    [unchanged] = await _ranges(connection, side, "since", today, ((unchanged_days, None),), held)
    return Synthesis(
        day=today,
        standing=side.standing,
        waiting=[found for found in await _waiting(connection, side) if found.code in mine],
        late=_plain(late),
        due_soon=_plain(soon),
        unchanged=_plain(unchanged),
    )


async def _plan_anew(connection: Connection) -> None:
    """A plan for any caller whatever reads far too much for the one at hand."""
    await connection.fetchval("select set_config('plan_cache_mode', 'force_custom_plan', true)")


async def _by_status(connection: Connection, side: Side) -> list[StatusSum]:
    rows = await connection.fetch(
        f"select status, {_SUMS} from tally where kind = '{side.status_kind}' and {where_summed(side)}"
        " group by status having sum(count) > 0"
        if side.status_kind
        else f"select status, count(*) as count, sum({_CENTS})::bigint as cents from invoice where {where_read(side)}"
        " group by status",
        holders(side),
    )
    order = list(STATUSES)
    return sorted((_status(row) for row in rows), key=lambda found: order.index(found.code))


async def _waiting(connection: Connection, side: Side) -> list[StatusSum]:
    """By status; of a validator only what waits for his own rank: the first sees what waits for the second too."""
    if side.column != "to_validate":
        return await _by_status(connection, side)
    rows = await connection.fetch(
        f"select status, count(*) as count, sum({_CENTS})::bigint as cents from invoice i where exists (select from"
        " invoice_party p where p.invoice = i.id and p.structure = any ($1) and p.role = 'VALIDATEUR'"
        " and p.valid_until is null and i.status = 'A_VALIDER_' || p.rank) group by status order by status",
        holders(side),
    )
    return [_status(row) for row in rows]


def _status(row: asyncpg.Record) -> StatusSum:
    actor = turn(row["status"])
    return StatusSum(
        code=row["status"],
        label=STATUSES[row["status"]].label_fr,
        turn=actor,
        turn_label=TURNS.get(actor) if actor else None,
        count=row["count"],
        amount=euros(row["cents"]),
    )


async def _open(connection: Connection, side: Side) -> Sequence[asyncpg.Record]:
    """The open invoices of whoever has no sums, by day of their status and last day to pay. They are read once."""
    if side.sums:
        return []
    return await connection.fetch(
        "select since, due, count(*) as count, sum(cents)::bigint as cents from"
        f" (select (status_at at time zone 'Europe/Paris')::date as since, due_on as due, {_CENTS} as cents"
        f" from invoice where {where_read(side)} and status = any ($2)) found group by since, due",
        side.scopes,
        list(OPEN),
    )


async def _ranges(
    connection: Connection,
    side: Side,
    kind: Literal["since", "due"],
    today: date,
    ranges: Sequence[tuple[int | None, int | None]],
    held: Sequence[asyncpg.Record],
) -> list[RangeSum]:
    """Open invoices by days: since when in their status (``since``), or until the last day to pay (``due``)."""
    rows = held
    if side.sums:
        rows = await connection.fetch(
            f"select day as {kind}, {_SUMS} from tally where kind = $1 and scope = any ($2) and status = any ($3)"
            " group by day",
            kind,
            side.scopes,
            list(OPEN),
        )
    sums = {each: [0, 0] for each in ranges}
    for row in rows:
        day, count, cents = row[kind], row["count"], row["cents"]
        if day is None:
            continue
        away = (day - today).days if kind == "due" else (today - day).days
        for low, high in ranges:
            if (low is None or away >= low) and (high is None or away <= high):
                sums[low, high][0] += count
                sums[low, high][1] += cents
    return [
        RangeSum(days_from=low, days_to=high, count=count, amount=euros(cents))
        for (low, high), (count, cents) in sums.items()
    ]


async def _by_service(connection: Connection, side: Side) -> list[ServiceSum]:
    """Open invoices by service, the fullest first."""
    if side.standing in ("operator", "supplier", "guest", "none"):
        return []
    rows = await connection.fetch(
        f"select structure, service, {_SUMS} from tally where kind = 'service' and {where_summed(side)}"
        " and status = any ($2)"
        f" group by structure, service having sum(count) > 0 order by 3 desc, 1, 2 limit {SERVICES}",
        holders(side),
        list(OPEN),
    )
    return [
        ServiceSum(
            structure=row["structure"], service=row["service"] or None, count=row["count"], amount=euros(row["cents"])
        )
        for row in rows
    ]


async def _by_month(connection: Connection, side: Side, today: date) -> list[MonthSum]:
    rows = await connection.fetch(
        f"select day, {_SUMS} from tally where kind = 'month' and scope = any ($1)"
        f" and day > $2::date - interval '{MONTHS} months' group by day having sum(count) > 0 order by day",
        side.scopes,
        today,
    )
    return [MonthSum(month=row["day"], count=row["count"], amount=euros(row["cents"])) for row in rows]


async def _by_tenant(connection: Connection) -> list[TenantSum]:
    rows = await connection.fetch(
        f"select structure as tenant, {_SUMS} from tally where kind = 'tenant' and scope = '*' and status = any ($1)"
        " group by structure having sum(count) > 0 order by 2 desc, 1",
        list(OPEN),
    )
    return [TenantSum(tenant=row["tenant"] or None, count=row["count"], amount=euros(row["cents"])) for row in rows]


def _plain(found: RangeSum) -> Sum:
    return Sum(count=found.count, amount=found.amount)


def euros(cents: int) -> Decimal:
    """An amount of ``tally``."""
    return Decimal(cents).scaleb(-2)
