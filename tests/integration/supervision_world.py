"""Supervision's database and the platform's real topics."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event, encode, headers
from contracts.registry import TOPIC_OF
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal, mint
from services.common.db import migrate
from services.supervision import lag
from tests.processes import WITHOUT_KAFKA, Service
from tests.records import eventually
from tests.servers import fresh_database
from tests.supervised import Lives, now


async def publish(stack: Stack, events: Sequence[Event], *, chance: Random | None = None) -> None:
    """Onto their topics, by key. ``chance``: one in five is sent a second time, as a relay does after a crash."""
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka.bootstrap, acks="all", linger_ms=5) as producer:
        waiting = []
        for event in events:
            for _ in range(2 if chance is not None and chance.random() < 0.2 else 1):
                waiting.append(
                    await producer.send(
                        TOPIC_OF[type(event.data)].name,
                        encode(event.data),
                        key=event.subject.encode(),
                        headers=headers(event),
                    )
                )
        for sent in waiting:
            await sent


class World:
    """A database and the topics of the platform; what other tests left on these is not counted."""

    def __init__(self, stack: Stack, own: ServiceDsns) -> None:
        self.stack = stack
        self.own = own

    async def counted(self) -> bool:
        """Whether every record of the topics is in the windows."""
        connection = await self._connect()
        try:
            rows = await connection.fetch("select topic, kafka_partition, kafka_offset from read_through")
        except asyncpg.UndefinedTableError:
            return False
        finally:
            await connection.close()
        through = {(row["topic"], row["kafka_partition"]): row["kafka_offset"] for row in rows}
        ends = await lag.ends(self.stack.kafka.bootstrap)
        return all(through.get(place, -1) == end - 1 for place, end in ends.items() if end)

    async def sql(self, query: str, *given: Any) -> list[asyncpg.Record]:
        """Rows of the schema, seen by its owner."""
        connection = await self._connect()
        try:
            return await connection.fetch(query, *given)
        finally:
            await connection.close()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(self.own.worker, server_settings={"search_path": "supervision"})

    async def stages(self, size: int) -> dict[tuple[str, str], int]:
        """What the windows of a size come to, by tenant and stage."""
        rows = await self.sql(
            "select tenant, stage, sum(count)::int as n from stage_window where size = $1 group by 1, 2", size
        )
        return {(row["tenant"], row["stage"]): row["n"] for row in rows if row["n"]}

    async def times(self, size: int) -> dict[tuple[str, str], dict[int, int]]:
        """Buckets by tenant and measure."""
        rows = await self.sql(
            "select tenant, measure, bucket, sum(count)::int as n from time_window where size = $1 group by 1, 2, 3",
            size,
        )
        found: dict[tuple[str, str], dict[int, int]] = {}
        for row in rows:
            if row["n"]:
                found.setdefault((row["tenant"], row["measure"]), {})[row["bucket"]] = row["n"]
        return found

    async def fields(self) -> dict[tuple[str, str], int]:
        """Fields by tenant and outcome."""
        rows = await self.sql("select tenant, outcome, sum(count)::int as n from field_window group by 1, 2")
        return {(row["tenant"], row["outcome"]): row["n"] for row in rows if row["n"]}


@asynccontextmanager
async def world_from_here(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """A world in which the windows begin with the next record: what stands on the topics already counts as counted."""
    own = dsns["supervision"]
    world = World(stack, own)
    await store_migrated(own)
    ends = await lag.ends(stack.kafka.bootstrap)
    await world.sql(
        "insert into read_through select * from unnest($1::text[], $2::int[], $3::bigint[])",
        [place[0] for place in ends],
        [place[1] for place in ends],
        [end - 1 for end in ends.values()],
    )
    yield world


async def store_migrated(own: ServiceDsns) -> None:
    """The schema as the service makes it."""
    await migrate(own.worker, "supervision", "services.supervision")


class Platform:
    """Supervision over a status that really runs, with the lives of some invoices counted."""

    def __init__(self, world: World, supervision: Service, lives: Lives, status: ServiceDsns) -> None:
        self.world = world
        self.supervision = supervision
        self.lives = lives
        self.status = status

    async def ask(self, principal: Principal | None, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """What supervision answers; None: to whoever has no token."""
        token = mint(self.world.stack.token_secret, principal) if principal else ""
        header = {"Authorization": f"Bearer {token}"} if principal else {}
        async with httpx.AsyncClient(base_url=self.supervision.url, headers=header, timeout=20) as client:
            return await client.request(method, f"/api/v1/supervision{path}", **more)


@asynccontextmanager
async def platform_over(stack: Stack) -> AsyncIterator[Platform]:
    """The platform for as long as it is needed."""
    async with fresh_database(stack, "supervision", "status") as dsns, world_from_here(stack, dsns) as world:
        # Without Kafka: it answers for its database, and adds no events of its own to those that are counted.
        status = Service("status", stack, dsns["status"], **WITHOUT_KAFKA)
        urls = json.dumps({"status": status.url, "ocr": "http://127.0.0.1:9"})
        supervision = Service("supervision", stack, world.own, CHORALE_SERVICE_URLS=urls, CHORALE_SAMPLE_SECONDS="1")
        lives = Lives("api", now())
        try:
            await status.start()
            await supervision.start()
            await publish(stack, lives.some(40))
            await status.ready("/health/live", within=90)
            await supervision.ready(within=90)
            await eventually(world.counted, within=90)
            yield Platform(world, supervision, lives, dsns["status"])
        finally:
            await supervision.kill()
            await status.kill()
