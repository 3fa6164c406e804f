"""How long a replica needs to be rebuilt from the compacted topic alone: 150,000 structures and 500,000 services."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import uuid5

from aiokafka import AIOKafkaProducer

from contracts.envelope import NAMESPACE, Event, encode, headers
from contracts.registry import TOPIC_OF
from deploy.database import bootstrap, drop
from deploy.local import Stack
from invoice.directory import Entry, Structure
from services.common.db import lock_number, migrate, open_pool
from services.ingest.directory import CatchUp
from services.routing.domain import entry_key, partition_key, published
from tests import directory_variety as variety
from tests.bench.report import Figure

NAME = "directory_rebuild"
GOAL = 60
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_CHUNK = 5_000


def entries() -> Iterator[Entry]:
    """The directory, in the order of an import."""
    yield from variety.tenants()
    yield from variety.structures()
    yield from variety.services()


async def _publish(kafka: str) -> int:
    """Put the directory on its topic as the relay does; returns how many records."""
    count = 0
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=20, max_batch_size=262_144) as producer:
        partitions = len(await producer.partitions_for(TOPIC_OF[type(published(next(entries()), 1, "", _AT))].name))
        waiting = []
        for count, entry in enumerate(entries(), 1):
            data = published(entry, count, "bench", _AT)
            key = entry_key(entry)
            event = Event(
                id=uuid5(NAMESPACE, key), type=data.TYPE, source="/chorale/routing", subject=key, time=_AT, data=data
            )
            waiting.append(
                await producer.send(
                    TOPIC_OF[type(data)].name,
                    value=encode(data),
                    key=key.encode(),
                    headers=headers(event),
                    partition=lock_number("partition", partition_key(entry)) % partitions,
                )
            )
            if len(waiting) == _CHUNK:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)
    return count


async def _measure(stack: Stack) -> list[Figure]:
    count = await _publish(stack.kafka.bootstrap)
    dsns = await bootstrap(stack.postgres.admin_dsn, NAME)
    try:
        await migrate(dsns["ingest"].worker, "ingest", "services.ingest")
        pool = await open_pool(dsns["ingest"].worker, "ingest")
        try:
            begun = time.perf_counter()
            if not await CatchUp(pool, stack.kafka.bootstrap, quiet_seconds=0.5).once():
                raise RuntimeError("the replica is not complete")
            took = time.perf_counter() - begun
            held = await pool.fetchval("select count(*) from directory_entry where kind = 'structure'")
            if held != sum(isinstance(entry, Structure) for entry in variety.structures()):
                raise RuntimeError(f"the replica holds {held} structures")
        finally:
            await pool.close()
    finally:
        await drop(stack.postgres.admin_dsn, NAME)
    return [
        Figure(bench=NAME, figure=f"rebuild of {count:,} entries from the topic", value=took, unit="s", at_most=GOAL)
    ]


def measure() -> Sequence[Figure]:
    """Start the servers, fill the topic, rebuild."""
    with Stack() as stack:
        return asyncio.run(_measure(stack))
