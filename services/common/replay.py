"""What goes on beside the stream: re-applying waiting events, replaying dead letters, pruning, measuring."""

import asyncio
import traceback
from datetime import timedelta

from contracts.registry import ServiceName
from services.common import deadletter, inbox, outbox, telemetry, waiting
from services.common.db import Connection, Pool
from services.common.deliver import Handler, apply, scrub, transaction
from services.common.failures import Rejected, is_transient


class Sweeper:
    """Runs in every instance; key locks make two sweepers harmless to each other."""

    def __init__(
        self,
        pool: Pool,
        service: ServiceName,
        handler: Handler,
        *,
        inbox_days: int,
        keep_sent: timedelta | None,
        every_seconds: float = 2.0,
        waiting_seconds: float = 5.0,
    ) -> None:
        self._pool = pool
        self._service = service
        self._handler = handler
        self._inbox_days = inbox_days
        self._keep_sent = keep_sent
        self._every = every_seconds
        self._waiting_seconds = waiting_seconds

    async def run(self) -> None:
        """Sweep until cancelled. What fails is logged and tried in the next round."""
        rounds = 0
        while True:
            try:
                await self.sweep()
                if rounds % 300 == 0:
                    await self._prune()
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("sweep.failed")
            rounds += 1
            await asyncio.sleep(self._every)

    async def sweep(self) -> None:
        """One round: waiting events, asked-for replays, gauges."""
        async with self._pool.acquire() as connection:
            keys = await waiting.oldest_keys(connection, self._waiting_seconds)
            names = await deadletter.keys_to_replay(connection)
            await _measure(connection)
        for key in keys:
            await self._again(key)
        for name in names:
            await self._replay(name)

    async def _again(self, key: str) -> None:
        async with transaction(self._pool, self._service, keys=[key]) as tx:
            blocked, queued = await waiting.look_up(tx.conn, [key])
            if key not in blocked:
                await apply(tx, self._handler, queued, queued)

    async def _replay(self, name: str) -> None:
        """Replay one key's letters in order, each in its own transaction; a new failure parks it and the rest again."""
        while True:
            try:
                if not await self._replay_first(name):
                    return
            except Exception as error:
                if is_transient(error):
                    raise
                await self._fail_first(name, error)
                return

    async def _replay_first(self, name: str) -> bool:
        async with transaction(self._pool, self._service, keys=[name]) as tx:
            letters = await deadletter.to_replay(tx.conn, name)
            if not letters:
                return False
            letter = letters[0]
            if letter.arrival.poison is not None:
                raise Rejected(letter.arrival.poison.code, letter.arrival.poison.detail)
            await deadletter.settle(tx.conn, letter.id, "replayed")
            await apply(tx, self._handler, [letter.arrival], [])
            telemetry.logger().info("deadletter.replayed", letter=letter.id)
            return True

    async def _fail_first(self, name: str, error: Exception) -> None:
        if isinstance(error, Rejected):
            reason = deadletter.Reason("rejected", error.code, error.detail)
        else:
            text = "".join(traceback.format_exception(error, chain=False))
            reason = deadletter.Reason("bug", "BUG", type(error).__name__, scrub(text))
        async with transaction(self._pool, self._service, keys=[name]) as tx:
            letters = await deadletter.to_replay(tx.conn, name)
            if letters:
                await deadletter.settle(tx.conn, letters[0].id, "parked", reason)
                await deadletter.park_rest(tx.conn, name)

    async def _prune(self) -> None:
        async with self._pool.acquire() as connection:
            await inbox.prune(connection, self._inbox_days)
            await outbox.prune(connection, self._keep_sent)


async def _measure(connection: Connection) -> None:
    row = await connection.fetchrow(
        "select (select count(*) from outbox where sequence is null) as unsent,"
        " (select coalesce(extract(epoch from now() - min(created_at)), 0)::float from outbox where sequence is null)"
        "   as unsent_age,"
        " (select count(*) from waiting_event) as waiting,"
        " (select coalesce(extract(epoch from now() - min(since)), 0)::float from waiting_event) as waiting_age,"
        " (select count(*) from timer where fired_at is null and cancelled_at is null and due_at < now()) as due"
    )
    assert row is not None
    telemetry.OUTBOX_ROWS.set(row["unsent"])
    telemetry.OUTBOX_AGE.set(row["unsent_age"])
    telemetry.WAITING_ROWS.set(row["waiting"])
    telemetry.WAITING_AGE.set(row["waiting_age"])
    telemetry.TIMERS_DUE.set(row["due"])
    telemetry.DEAD_LETTERS.clear()
    for letter in await connection.fetch(
        "select reason, count(*) as n from dead_letter where state in ('parked', 'replay') group by reason"
    ):
        telemetry.DEAD_LETTERS.labels(reason=letter["reason"]).set(letter["n"])
