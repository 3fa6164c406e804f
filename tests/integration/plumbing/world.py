"""An empty schema for a test, and what it asks of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from contracts.registry import dead_letter_topic
from deploy.database import ServiceDsns, bootstrap
from deploy.local import Stack
from services.common.db import Pool, migrate, open_pool
from services.common.deadletter import Limit
from services.common.deliver import Deliver
from services.common.record import unpack_headers
from services.common.replay import Sweeper
from tests.integration.plumbing.ladder import Ladder

SERVICE: Final = "notify"
PACKAGE = "tests.integration.plumbing"
_TABLES = (
    "effect",
    "fired",
    "outbox",
    "processed_event",
    "waiting_event",
    "dead_letter",
    "dead_letter_audit",
    "timer",
)
MIRROR = dead_letter_topic(SERVICE)


@dataclass
class World:
    """A migrated schema, its pool, and the handler of the tests."""

    dsns: ServiceDsns
    pool: Pool
    ladder: Ladder

    def deliver(self, ladder: Ladder | None = None, limit: Limit | None = None) -> Deliver:
        """A deliverer; the limit on dead letters is out of reach unless given."""
        return Deliver(self.pool, SERVICE, ladder or self.ladder, limit or Limit(in_a_row=10_000, share=1.0))

    def sweeper(self, ladder: Ladder | None = None) -> Sweeper:
        """A sweeper that takes up at once what waits."""
        handler = ladder or self.ladder
        return Sweeper(self.pool, SERVICE, handler, inbox_days=35, keep_sent=None, waiting_seconds=0)

    async def effects(self, key: str | None = None) -> list[int]:
        """The entries applied, in order."""
        sql = "select entry from effect where $1::text is null or key = $1 order by position"
        return [row["entry"] for row in await self.pool.fetch(sql, key)]

    async def effect_ids(self) -> list[UUID]:
        """The events that had an effect, each as often as it had one."""
        return [row["event_id"] for row in await self.pool.fetch("select event_id from effect order by event_id")]

    async def outgoing(self, topic: str | None = None) -> list[asyncpg.Record]:
        """Rows of the outbox in order, without the mirrors unless their topic is given."""
        sql = "select * from outbox where case when $1::text is null then topic <> $2 else topic = $1 end order by id"
        return await self.pool.fetch(sql, topic, MIRROR)

    async def outgoing_ids(self) -> list[UUID]:
        """Ids of the events in the outbox, in order."""
        return [UUID(dict(unpack_headers(row["headers"]))["ce_id"].decode()) for row in await self.outgoing()]

    async def letters(self) -> list[asyncpg.Record]:
        """Dead letters in order."""
        return await self.pool.fetch("select * from dead_letter order by id")

    async def states(self) -> list[tuple[str, str]]:
        """Kind and state of the dead letters in order."""
        return [(row["kind"], row["state"]) for row in await self.letters()]

    async def waits(self) -> set[UUID]:
        """Ids of the events that wait."""
        return {row["event_id"] for row in await self.pool.fetch("select event_id from waiting_event")}

    async def empty(self, *tables: str) -> bool:
        """Whether these tables hold nothing."""
        return not any([await self.pool.fetchval(f"select count(*) from {table}") for table in tables])


@asynccontextmanager
async def open_world(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """Migrate, and give the pool back at the end."""
    found = dsns[SERVICE]
    await migrate(found.worker, SERVICE, PACKAGE)
    pool = await open_pool(found.worker, SERVICE)
    try:
        yield World(found, pool, Ladder())
    finally:
        await pool.close()


@asynccontextmanager
async def emptied_world(stack: Stack) -> AsyncIterator[World]:
    """The same, on one database for all tests that leave nothing running: emptied, which is quicker than a new one."""
    async with open_world(await bootstrap(stack.postgres.admin_dsn, "test_plumbing")) as world:
        await world.pool.execute(f"truncate {', '.join(_TABLES)} restart identity cascade")
        yield world
