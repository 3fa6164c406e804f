"""Keeps the house of the ways out: replays, what was left behind, what is over, what is old, and the gauges."""

import asyncio
import time

from services.common.db import Connection, Pool
from services.common.loops import until_done
from services.notify import webhook_metrics
from services.notify.webhook_replay import replay_some

_SWEEP_SECONDS = 30.0
_PRUNE_SECONDS = 3600.0
_PRUNE_AT_ONCE = 5_000
#: A delivery stands behind nothing when those before it were given up together while it was being written.
_PROMOTE = (
    "update webhook_delivery d set state = 'waiting', next_attempt_at = now() from webhook w where w.id = d.webhook"
    " and w.kind = 'http' and w.state = 'active' and w.open_until is null and d.state = 'behind'"
    " and not exists (select from webhook_delivery e where e.webhook = d.webhook and e.subject = d.subject"
    " and e.position < d.position and e.state in ('behind', 'waiting', 'sending'))"
)
_DROP = (
    "update webhook_delivery d set state = 'dropped', done_at = now() from webhook w where w.id = d.webhook"
    " and w.state in ('deleted', 'gone') and d.state in ('behind', 'waiting')"
)
_GAUGES = (
    "select (select count(*) from webhook where open_until is not null and state = 'active') as circuits,"
    " coalesce((select extract(epoch from now() - min(d.next_attempt_at)) from webhook_delivery d"
    " join webhook w on w.id = d.webhook and w.kind = 'http' and w.state = 'active' and w.open_until is null"
    " where d.state in ('waiting', 'sending') and d.next_attempt_at <= now()), 0)::float as due,"
    " coalesce((select extract(epoch from now() - min(planned_at)) from outgoing_file where written_at is null),"
    " 0)::float as file"
)


class House:
    """Runs beside the workers in every instance; what one has done the others find done."""

    def __init__(self, pool: Pool, keep_days: int, every_seconds: float) -> None:
        self._pool = pool
        self._keep_days = keep_days
        self._every = every_seconds
        self._swept = self._pruned = float("-inf")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not await until_done(self.once, "webhook.house_failed"):
                await asyncio.sleep(self._every)

    async def once(self) -> bool:
        """What is due now; True when there is more to replay."""
        now = time.monotonic()
        if now - self._swept >= _SWEEP_SECONDS:
            self._swept = now
            async with self._pool.acquire() as connection:
                await connection.execute(_PROMOTE)
                await connection.execute(_DROP)
                await _gauges(connection)
        if now - self._pruned >= _PRUNE_SECONDS:
            self._pruned = now
            async with self._pool.acquire() as connection:
                await prune(connection, self._keep_days)
        return await replay_some(self._pool)


async def _gauges(connection: Connection) -> None:
    row = await connection.fetchrow(_GAUGES)
    assert row is not None
    webhook_metrics.CIRCUITS_OPEN.set(row["circuits"])
    webhook_metrics.DUE_AGE.set(row["due"])
    webhook_metrics.FILE_AGE.set(row["file"])


async def prune(connection: Connection, days: int) -> None:
    """Forget deliveries that ended, and events, longer ago than that; a few thousand at a time."""
    for statement in (
        "delete from webhook_delivery where (webhook, event) in (select webhook, event from webhook_delivery"
        " where done_at < now() - make_interval(days => $1) limit $2)",
        "delete from webhook_event where position in (select position from webhook_event"
        " where recorded_at < now() - make_interval(days => $1) limit $2)",
    ):
        while True:
            status = await connection.execute(statement, days, _PRUNE_AT_ONCE)
            if int(status.rpartition(" ")[2]) < _PRUNE_AT_ONCE:
                break
