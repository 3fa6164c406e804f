"""A relay that freezes at the worst moment: another takes over, and on waking it harms nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
import psutil
import pytest

from contracts.envelope import Event, encode, headers
from deploy.local import Stack
from services.common.deliver import transaction
from services.common.outbox import Outgoing, Relay, RelaySettings
from tests.integration.plumbing.events import step
from tests.integration.plumbing.process import Process, until
from tests.integration.plumbing.topics import ids_on, read_all
from tests.integration.plumbing.world import SERVICE, World, emptied_world
from tests.servers import NewTopic


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


async def _write(world: World, topic: str, lane: str, *events: Event) -> None:
    async with transaction(world.pool, SERVICE, keys=[topic]) as tx:
        for event in events:
            value = encode(event.data)
            tx.outgoing.append(Outgoing(topic=topic, key=event.subject, headers=headers(event), value=value, lane=lane))


async def _run(world: World, stack: Stack, topic: str, lane: str, when: str, transactional: str | None) -> list[Event]:
    """Freeze one relay over the first events, let another send the next, wake the first, send the last."""
    events = [step(f"{topic}/k", number) for number in range(1, 10)]
    settings = RelaySettings(
        schema=SERVICE,
        dsn=world.dsns.worker,
        kafka=stack.kafka.bootstrap,
        lane=lane,
        transactional_id=transactional,
        idle_seconds=2.0,
        poll_seconds=0.2,
    )

    async def empty() -> bool:
        return not await world.pool.fetchval("select count(*) from outbox where lane = $1", lane)

    async def frozen() -> bool:
        pids = process.pids()
        return bool(pids) and psutil.Process(pids[0]).status() == psutil.STATUS_STOPPED

    process = Process(stack, "frozen", msgspec.json.encode(settings).decode(), when)
    await asyncio.to_thread(process.start)
    try:
        await _write(world, topic, lane, *events[:3])
        await until(frozen, "the relay has frozen itself", process)
        twin = asyncio.create_task(Relay(settings).run())
        await _write(world, topic, lane, *events[3:6])
        await until(empty, "the twin has sent everything", process)
        assert process.child is not None
        process.child.send(signal.SIGCONT)
        await until(lambda: _said(process, "relay."), "the woken relay has found out", process)
        twin.cancel()
        with suppress(asyncio.CancelledError):
            await twin
        await _write(world, topic, lane, *events[6:])
        await until(empty, "the woken relay has taken over again", process)
    finally:
        await asyncio.to_thread(process.kill)
    return events


async def _said(process: Process, word: str) -> bool:
    return word in process.output


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_relay_that_was_frozen_loses_nothing_and_repeats_are_seen_once(
    stack: Stack, world: World, new_topic: NewTopic, when: str
) -> None:
    topic = await new_topic("frozen", partitions=2)
    events = await _run(world, stack, topic, "main", when, None)
    found = await ids_on(stack.kafka.bootstrap, topic, {events[0].subject})
    assert set(found) == {event.id for event in events}
    assert len(found) > len(events)  # else nothing was repeated, and this test shows nothing
    await world.deliver().batch(await read_all(stack.kafka.bootstrap, topic))
    assert await world.effects() == list(range(1, 10))
    assert await world.waits() == set()


async def test_a_frozen_twin_is_fenced_and_cannot_write_an_older_version_after_the_newer(
    stack: Stack, world: World, new_topic: NewTopic
) -> None:
    topic = await new_topic("fenced", partitions=2)
    events = await _run(world, stack, topic, "directory", "before", f"fenced-{topic}")
    found = await ids_on(stack.kafka.bootstrap, topic, {events[0].subject})
    assert found == [event.id for event in events]
