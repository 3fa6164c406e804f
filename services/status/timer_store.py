"""Makes the timers that invoices have those that they should have, in the transaction that writes the invoices."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.common.db import Connection
from services.status.model import Invoice
from services.status.timers import TIMERS, Planned, is_stale, next_steps, wanted


async def follow(connection: Connection, invoices: Sequence[Invoice], now: datetime) -> None:
    """Set what is to be set, cancel what no longer holds. The invoices' locks are held by the caller.

    A timer that is due but has not fired yet stays, as long as what it was set for holds: late, never lost.
    """
    if not invoices:
        return
    rows = await connection.fetch(
        "select id, kind, key from timer where key = any ($1::text[]) and kind = any ($2::text[])"
        " and fired_at is null and cancelled_at is null",
        [str(invoice.id) for invoice in invoices],
        list(TIMERS),
    )
    is_set = frozenset(row["id"] for row in rows)
    planned = [each for invoice in invoices for each in next_steps(wanted(invoice), is_set, now)]
    await cancel(connection, is_set - {each.id for each in planned}, now)
    await _set(connection, [each for each in planned if each.id not in is_set and not is_stale(each, now)])


async def cancel(connection: Connection, timers: Iterable[UUID], now: datetime) -> None:
    """These do not hold any more, even if they have just been taken to be fired."""
    gone = list(timers)
    if gone:
        await connection.execute(
            "update timer set cancelled_at = $2, fired_at = null where id = any ($1::uuid[])", gone, now
        )


async def _set(connection: Connection, planned: Sequence[Planned]) -> None:
    """One that was cancelled and holds again is set again; one that has fired is not."""
    if planned:
        await connection.execute(
            "insert into timer (id, key, kind, due_at, next_try_at)"
            " select id, key, kind, due_at, due_at from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])"
            " t(id, key, kind, due_at)"
            " on conflict (id) do update set cancelled_at = null, next_try_at = excluded.next_try_at,"
            " due_at = excluded.due_at where timer.fired_at is null",
            [each.id for each in planned],
            [str(each.invoice) for each in planned],
            [each.kind for each in planned],
            [each.due_at for each in planned],
        )
