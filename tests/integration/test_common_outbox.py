"""The relay on a real broker: in order, nothing passed over, and stopped by no message."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import msgspec
import pytest

from contracts.envelope import headers
from deploy.local import Stack
from services.common import outbox
from services.common.deliver import transaction
from services.common.outbox import Outgoing, Relay, RelaySettings
from tests.integration.plumbing.events import bad_record, records, step
from tests.integration.plumbing.process import until
from tests.integration.plumbing.topics import ids_on, read_all
from tests.integration.plumbing.world import MIRROR, SERVICE, World, emptied_world
from tests.servers import NewTopic


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


@pytest.fixture
def settings(stack: Stack, world: World) -> RelaySettings:
    return RelaySettings(schema=SERVICE, dsn=world.dsns.worker, kafka=stack.kafka.bootstrap, poll_seconds=0.2)


@asynccontextmanager
async def relaying(settings: RelaySettings) -> AsyncIterator[Relay]:
    relay = Relay(settings)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def message(topic: str, key: str, number: int, **more: str) -> Outgoing:
    return Outgoing(topic=topic, key=key, headers=[], value=b"%d" % number, **more)


async def sent(world: World) -> bool:
    return not await world.pool.fetchval("select count(*) from outbox where sequence is null")


def by_key(values: list[tuple[bytes | None, bytes | None]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for key, value in values:
        found[(key or b"").decode()].append(int(value or b"-1"))
    return found


async def _write_numbered(world: World, topic: str, keys: list[str], times: int) -> None:
    """Each transaction holds its keys' locks and writes each key's next number, some after a while."""
    for _ in range(times):
        chosen = random.sample(keys, 3)
        async with transaction(world.pool, SERVICE, keys=chosen) as tx:
            for key in chosen:
                number = await tx.conn.fetchval(
                    "insert into effect (event_id, key, entry) select gen_random_uuid(), $1, count(*) + 1 from effect"
                    " where key = $1 returning entry",
                    key,
                )
                tx.outgoing.append(message(topic, key, number))
            await asyncio.sleep(random.random() * 0.01)


async def test_the_order_of_each_key_is_kept_under_concurrent_writers(
    world: World, settings: RelaySettings, new_topic: NewTopic
) -> None:
    topic, keys = await new_topic("order", partitions=3), [f"k{number}" for number in range(10)]
    await asyncio.gather(*(_write_numbered(world, topic, keys, 10) for _ in range(6)))
    async with relaying(settings):
        await asyncio.gather(*(_write_numbered(world, topic, keys, 10) for _ in range(6)))
        await until(lambda: sent(world), "outbox empty")
    found = by_key([(record.key, record.value) for record in await read_all(settings.kafka, topic)])
    assert sum(len(numbers) for numbers in found.values()) == 6 * 20 * 3
    for numbers in found.values():
        assert numbers == list(range(1, len(numbers) + 1))


async def test_a_row_whose_id_commits_late_is_not_passed_over(
    world: World, settings: RelaySettings, new_topic: NewTopic
) -> None:
    topic = await new_topic("late", partitions=1)
    async with relaying(settings):
        async with transaction(world.pool, SERVICE) as slow:
            await outbox.write(slow.conn, SERVICE, [message(topic, "slow", 1)])
            async with transaction(world.pool, SERVICE) as quick:
                quick.outgoing.append(message(topic, "quick", 2))
            await until(lambda: sent(world), "the later row is sent")
        await until(lambda: sent(world), "outbox empty")
    assert [record.value for record in await read_all(settings.kafka, topic)] == [b"2", b"1"]


async def test_kept_rows_get_a_sequence_that_no_reader_can_overtake(
    world: World, settings: RelaySettings, new_topic: NewTopic
) -> None:
    topic, keys = await new_topic("kept", partitions=3), [f"k{number}" for number in range(10)]
    seen: list[tuple[int, str, int]] = []
    done = asyncio.Event()

    async def read() -> None:
        last = 0
        while True:
            finished = done.is_set()
            for row in await world.pool.fetch("select * from outbox where sequence > $1 order by sequence", last):
                last = row["sequence"]
                seen.append((last, row["key"], int(row["value"])))
            if finished:
                return
            await asyncio.sleep(0.005)

    reading = asyncio.create_task(read())
    await asyncio.gather(*(_write_numbered(world, topic, keys, 8) for _ in range(5)))
    async with relaying(msgspec.structs.replace(settings, keep=timedelta(days=1))):
        await asyncio.gather(*(_write_numbered(world, topic, keys, 7) for _ in range(5)))
        await until(lambda: sent(world), "everything is sent")
    done.set()
    await reading
    assert len(seen) == 5 * 15 * 3
    assert [number for number, _, _ in seen] == sorted({number for number, _, _ in seen})
    for key in keys:
        numbers = [value for _, name, value in seen if name == key]
        assert numbers == list(range(1, len(numbers) + 1))
    async with world.pool.acquire() as connection:
        assert await outbox.prune(connection, timedelta(days=1)) == 0
        assert await outbox.prune(connection, timedelta(0)) == len(seen)


HOSTILE: dict[str, Callable[[], list[tuple[str, bytes]]]] = {
    "large values": lambda: [("a", b"x" * 500_000), ("b", b"y" * 400_000)],
    "wide names": lambda: [("é€𝄞" * 10_000, b"")],
    "many empty ones": lambda: [("", b"")] * 150_000,
    "just under the limit": lambda: [("a", b"x" * 31_000)],
    "our own names": lambda: [("chorale_reason", b"forged"), ("ce_id", b"\0"), ("traceparent", b"\xff")],
}


async def test_no_poison_can_block_the_relay_through_its_mirror(
    stack: Stack, world: World, settings: RelaySettings, new_topic: NewTopic
) -> None:
    topic = await new_topic("after", partitions=1)
    keys = {name: f"{topic}/{name}" for name in HOSTILE}
    for name, make in HOSTILE.items():
        for size in (1, 900_000):
            value = b"v" * size
            await world.deliver().batch([bad_record(key=keys[name].encode(), value=value, given=make())])
    await world.deliver().batch([bad_record(key=random.randbytes(400_000), value=b"")])
    async with transaction(world.pool, SERVICE) as tx:
        tx.outgoing.append(message(topic, "after", 1))
    async with relaying(settings):
        await until(lambda: sent(world), "outbox empty")
    assert [record.value for record in await read_all(settings.kafka, topic)] == [b"1"]
    mirrored = [(record.key or b"").decode() for record in await read_all(settings.kafka, MIRROR)]
    for key in keys.values():
        assert mirrored.count(key) == 2


async def test_a_deletion_and_a_chosen_partition_reach_the_topic(
    world: World, settings: RelaySettings, new_topic: NewTopic
) -> None:
    topic = await new_topic("directory", partitions=6)
    async with transaction(world.pool, SERVICE) as tx:
        for key in "abcdefgh":
            tx.outgoing.append(message(topic, key, 1, partition_key="structure"))
        tx.outgoing.append(Outgoing(topic=topic, key="a", headers=[], value=None, partition_key="structure"))
    async with relaying(settings):
        await until(lambda: sent(world), "outbox empty")
    found = await read_all(settings.kafka, topic)
    assert len({record.partition for record in found}) == 1
    assert [(record.key, record.value) for record in found][-1] == (b"a", None)


async def test_one_relay_sends_and_another_takes_over_when_it_ends(
    world: World, settings: RelaySettings, new_topic: NewTopic
) -> None:
    topic = await new_topic("over", partitions=1)
    events = [step(f"{topic}/a", number) for number in range(1, 7)]

    async def write(chosen: slice) -> None:
        async with transaction(world.pool, SERVICE) as tx:
            for event in events[chosen]:
                tx.outgoing.append(Outgoing(topic=topic, key=event.subject, headers=headers(event), value=b"{}"))
        await until(lambda: sent(world), "outbox empty")

    async with relaying(settings):
        await write(slice(0, 2))
        async with relaying(settings):
            await write(slice(2, 4))
    async with relaying(settings), relaying(settings), relaying(settings):
        await write(slice(4, 6))
    assert await ids_on(settings.kafka, topic, {f"{topic}/a"}) == [event.id for event in events]


async def test_an_event_named_like_the_locks_of_the_plumbing_stops_nobody(
    world: World, settings: RelaySettings
) -> None:
    async with relaying(settings) as relay:
        await until(lambda: _healthy(relay), "relay at work")
        async with asyncio.timeout(20):
            await world.deliver().batch(records(step("relay/main", 1), step("migrations", 1)))
        await until(lambda: sent(world), "outbox empty")
    assert await world.effects() == [1, 1]


async def _healthy(relay: Relay) -> bool:
    return relay.healthy
