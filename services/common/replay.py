"""What goes on beside the stream: re-applying waiting events, replaying dead letters, pruning, measuring."""

import asyncio
import itertools
from datetime import timedelta
from functools import partial
from uuid import UUID

from contracts.registry import ServiceName
from services.common import deadletter, inbox, outbox, telemetry, timers, waiting
from services.common.db import Connection, Pool
from services.common.deliver import Handler, apply, attempt, transaction
from services.common.failures import Rejected
from services.common.loops import tried

_ROUNDS_TO_PRUNE = 300


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
        for rounds in itertools.count():
            await tried(self.sweep, "sweep.failed")
            if rounds % _ROUNDS_TO_PRUNE == 0:
                await tried(self._prune, "sweep.failed")
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
        """Re-apply what waits for a key; when that fails, one by one, so that only what can never work is parked."""
        if await attempt(lambda: self._apply_waiting(key), 1) is None:
            return
        async with self._pool.acquire() as connection:
            _, queued = await waiting.look_up(connection, [key])
        for arrival in queued:
            reason = await attempt(partial(self._apply_waiting, key, arrival.id))
            if reason is not None:
                await self._park_waiting(key, arrival.id, reason)
                return

    async def _apply_waiting(self, key: str, only: UUID | None = None) -> None:
        async with transaction(self._pool, self._service, keys=[key]) as tx:
            blocked, queued = await waiting.look_up(tx.conn, [key])
            chosen = [arrival for arrival in queued if only in (None, arrival.id)]
            if key not in blocked:
                await apply(tx, self._handler, chosen, chosen)

    async def _park_waiting(self, key: str, event: UUID, reason: deadletter.Reason) -> None:
        async with transaction(self._pool, self._service, keys=[key]) as tx:
            _, queued = await waiting.look_up(tx.conn, [key])
            found = [arrival for arrival in queued if arrival.id == event]
            await waiting.leave(tx.conn, [event])
            tx.outgoing += await deadletter.park(tx.conn, self._service, [(arrival, reason) for arrival in found])

    async def _replay(self, name: str) -> None:
        """Replay one key's letters in order, each in its own transaction; a new failure parks it and the rest again."""
        while True:
            async with transaction(self._pool, self._service, keys=[name]) as tx:
                letters = await deadletter.to_replay(tx.conn, name)
            if not letters:
                return
            reason = await attempt(partial(self._replay_one, name, letters[0]))
            if reason is not None:
                await self._park_again(name, letters[0].id, reason)
                return

    async def _replay_one(self, name: str, letter: deadletter.Letter) -> None:
        if letter.arrival.poison is not None:
            raise Rejected(letter.arrival.poison.code, letter.arrival.poison.detail)
        async with transaction(self._pool, self._service, keys=[name]) as tx:
            if letter.id not in [other.id for other in (await deadletter.to_replay(tx.conn, name))[:1]]:
                return  # another instance or a person was quicker
            await deadletter.settle(tx.conn, letter.id, "replayed")
            await apply(tx, self._handler, [letter.arrival], [])
        telemetry.logger().info("deadletter.replayed", letter=letter.id)

    async def _park_again(self, name: str, letter: int, reason: deadletter.Reason) -> None:
        async with transaction(self._pool, self._service, keys=[name]) as tx:
            if letter in [other.id for other in await deadletter.to_replay(tx.conn, name)]:
                await deadletter.settle(tx.conn, letter, "parked", reason)
                await deadletter.park_rest(tx.conn, name)

    async def _prune(self) -> None:
        async with self._pool.acquire() as connection:
            await inbox.prune(connection, self._inbox_days)
            await outbox.prune(connection, self._keep_sent)
            await timers.prune(connection, self._inbox_days)


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
    letters = await connection.fetch(
        "select reason, count(*) as n from dead_letter where state in ('parked', 'replay') group by reason"
    )
    telemetry.DEAD_LETTERS.clear()
    for letter in letters:
        telemetry.DEAD_LETTERS.labels(reason=letter["reason"]).set(letter["n"])
