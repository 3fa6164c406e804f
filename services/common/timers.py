"""Durable timers: held in the service's database, fired once whatever is killed, late after an outage, never lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from contracts.registry import ServiceName
from services.common import clock, telemetry
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.common.failures import is_transient


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """A timer that is due. It is the cause of what its handler emits, so a repeat emits the same ids."""

    id: UUID
    key: str
    kind: str
    due_at: datetime
    traceparent: str | None


TimerHandler = Callable[[Tx, Sequence[Timer]], Awaitable[None]]


async def start(
    connection: Connection, timer: UUID, *, key: str, kind: str, due_at: datetime, traceparent: str | None = None
) -> None:
    """Set a timer in the running transaction; setting the same id again changes nothing."""
    await connection.execute(
        "insert into timer (id, key, kind, due_at, next_try_at, traceparent) values ($1, $2, $3, $4, $4, $5)"
        " on conflict do nothing",
        timer,
        key,
        kind,
        due_at,
        traceparent,
    )


async def cancel(connection: Connection, keys: Sequence[str], kind: str) -> None:
    """Cancel the timers of this kind of these keys, in the running transaction."""
    await connection.execute(
        "update timer set cancelled_at = now()"
        " where key = any($1::text[]) and kind = $2 and fired_at is null and cancelled_at is null",
        list(keys),
        kind,
    )


async def prune(connection: Connection, days: int) -> int:
    """Forget timers that fired or were cancelled longer ago than that; returns how many."""
    status: str = await connection.execute(
        "delete from timer where coalesce(fired_at, cancelled_at) < now() - make_interval(days => $1)", days
    )
    return int(status.rpartition(" ")[2])


class Timers:
    """Fires what is due. ``clock`` gives the instant, so that a test can move it."""

    def __init__(
        self,
        pool: Pool,
        service: ServiceName,
        handler: TimerHandler,
        *,
        clock: Callable[[], datetime] = clock.now,
        every_seconds: float = 1.0,
        limit: int = 100,
    ) -> None:
        self._pool = pool
        self._service = service
        self._handler = handler
        self._clock = clock
        self._every = every_seconds
        self._limit = limit

    async def run(self) -> None:
        """Fire until cancelled."""
        while True:
            try:
                if await self.fire() == self._limit:
                    continue
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("timer.failed")
            await asyncio.sleep(self._every)

    async def fire(self) -> int:
        """Fire up to ``limit`` due timers in one transaction with their effects; returns how many were due.

        When that fails, each is tried alone; one that still fails is put off by a minute and stays visible as due.
        """
        async with self._pool.acquire() as connection:
            due = await connection.fetch(
                "select id, key from timer where next_try_at <= $1 and fired_at is null and cancelled_at is null"
                " order by next_try_at limit $2",
                self._clock(),
                self._limit,
            )
        if not due:
            return 0
        try:
            await self._fire(due)
        except Exception as error:
            if is_transient(error):
                raise
            for row in due:
                await self._fire_alone(row)
        return len(due)

    async def _fire_alone(self, row: asyncpg.Record) -> None:
        try:
            await self._fire([row])
        except Exception as error:
            if is_transient(error):
                raise
            telemetry.logger().exception("timer.failed", timer=str(row["id"]))
            async with self._pool.acquire() as connection:
                await connection.execute(
                    "update timer set next_try_at = $2 where id = $1", row["id"], self._clock() + timedelta(minutes=1)
                )

    async def _fire(self, due: Sequence[asyncpg.Record]) -> None:
        async with transaction(self._pool, self._service, keys={row["key"] for row in due}) as tx:
            rows = await tx.conn.fetch(
                "update timer set fired_at = now() where id = any($1::uuid[]) and fired_at is null"
                " and cancelled_at is null returning id, key, kind, due_at, traceparent",
                [row["id"] for row in due],
            )
            if rows:
                await self._handler(tx, [Timer(**dict(row)) for row in sorted(rows, key=lambda row: row["due_at"])])
