"""A whole process on real servers, killed, stopped, stuck and misled: every event has one effect."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import timers
from services.common.consumer import STALLED_EXIT_CODE
from tests.integration.plumbing.events import INSTANT, bad_record, record, step
from tests.integration.plumbing.ladder import SECRET
from tests.integration.plumbing.process import Hop, until
from tests.integration.plumbing.topics import Feeder, send
from tests.integration.plumbing.verify import count, more, verify
from tests.integration.plumbing.world import World, open_world
from tests.servers import NewTopic


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(dsns) as found:
        yield found


async def test_a_process_killed_or_stopped_at_any_moment_loses_and_doubles_nothing(
    stack: Stack, world: World, new_topic: NewTopic, tmp_path: Path
) -> None:
    topic = await new_topic("kill", partitions=4)
    hop = Hop(stack, world.dsns, topic, batch_size="20", stop_seconds="10")
    feeder = Feeder(stack.kafka.bootstrap, topic, per_second=300)
    feeding = asyncio.create_task(feeder.run())
    try:
        for ending in random.sample(["kill", "kill", "kill", "SIGTERM"], 4):
            before = await count(world)
            await asyncio.to_thread(hop.launch)
            await more(world, hop, before)
            await asyncio.sleep(random.random() * 0.4)
            if ending == "SIGTERM":
                await _stops(hop)
                continue
            await asyncio.to_thread(hop.kill)
            hop.new_group()  # all events again from the first: nobody waits for the dead member, the inbox has to hold
        await asyncio.to_thread(hop.launch)
        await more(world, hop, await count(world))
        feeder.stop()
        await feeding
        feeder.sent.append(step(f"{topic}/die", 1, number=f"die {tmp_path / 'died'}"))
        await send(stack.kafka.bootstrap, topic, feeder.sent[-1:])
        assert hop.child is not None
        assert await asyncio.to_thread(hop.child.wait, 40)  # between its effects and their commit
        await asyncio.to_thread(hop.launch)  # the same group: it goes on behind what was acknowledged
        await verify(stack, world, hop, feeder)
    finally:
        feeder.stop()
        await asyncio.to_thread(hop.kill)
        await feeding


async def _stops(hop: Hop) -> None:
    """On SIGTERM it ends by itself, with 0, without running into its own bound."""
    assert hop.child is not None
    hop.child.send(signal.SIGTERM)
    assert await asyncio.to_thread(hop.child.wait, 15), hop.output[-3000:]
    assert hop.child.exit_code == 0
    assert "service.stop_timeout" not in hop.output


async def test_too_many_dead_letters_stop_the_consuming_but_not_the_process(
    stack: Stack, world: World, new_topic: NewTopic
) -> None:
    topic = await new_topic("limit", partitions=2)
    await send(stack.kafka.bootstrap, topic, [step(f"{topic}/{n}", 1, number="rejected") for n in range(200)])
    hop = Hop(stack, world.dsns, topic, batch_size="10", dead_letters_in_a_row="15")
    await asyncio.to_thread(hop.start)

    async def red() -> bool:
        status, body = await asyncio.to_thread(hop.health)
        return status == 503 and any("parked in a row" in problem for problem in body["problems"])

    try:
        await until(red, "readiness says why", hop)
        await asyncio.sleep(1)
        assert 15 <= len(await world.letters()) <= 15 + 10  # the batch in hand is finished, no other is taken
        assert hop.alive
        await _stops(hop)
    finally:
        await asyncio.to_thread(hop.kill)


async def test_a_handler_that_never_comes_back_ends_the_process_with_its_stacks(
    stack: Stack, world: World, new_topic: NewTopic
) -> None:
    """One event alone: nothing is left on the topic, and the one in hand counts."""
    topic = await new_topic("stuck", partitions=1)
    await send(stack.kafka.bootstrap, topic, [step(f"{topic}/k", 1, number="stuck")])
    hop = Hop(stack, world.dsns, topic, stall_seconds="2")
    await asyncio.to_thread(hop.start)
    try:
        assert hop.child is not None
        assert await asyncio.to_thread(hop.child.wait, 40), hop.output[-3000:]
        assert hop.child.exit_code == STALLED_EXIT_CODE
        assert "consumer.stalled" in hop.output
        assert "_go_wrong" in hop.output
    finally:
        await asyncio.to_thread(hop.kill)
    assert await world.empty("effect", "processed_event")


async def test_no_content_of_a_document_reaches_the_output(stack: Stack, world: World, new_topic: NewTopic) -> None:
    topic = await new_topic("logs", partitions=1)
    hop = Hop(stack, world.dsns, topic, log_level="DEBUG")
    await asyncio.to_thread(hop.start)
    secret, kafka = SECRET.encode(), stack.kafka.bootstrap
    good = step(f"{topic}/a", 1)
    bad = [
        bad_record(key=b"x", value=secret),
        bad_record(key=f"{topic}/b".encode(), value=b'{"entry":"%s"}' % secret, given=record(good).headers),
        bad_record(key=None, value=secret, given=[("ce_type", secret)]),
    ]
    try:
        await send(kafka, topic, [*bad, step(f"{topic}/c", 1, number="bug"), step(f"{topic}/d", 1, number="rejected")])
        await send(kafka, topic, [good])
        async with world.pool.acquire() as connection:
            for kind in ("bad", SECRET):
                await timers.start(connection, uuid4(), key="t", kind=kind, due_at=INSTANT)
        await more(world, hop, 0)

        async def fired() -> bool:
            return not await world.empty("fired") and await world.empty("outbox")

        await until(fired, "the timer has fired", hop)
    finally:
        await asyncio.to_thread(hop.stop)
    assert all(said in hop.output for said in ("batch.split", "timer.failed", "Broken"))
    assert "service.stopped" in hop.output
    assert SECRET not in hop.output
    assert sorted(letter["kind"] for letter in await world.letters()) == [
        "bug",
        "poison",
        "poison",
        "poison",
        "rejected",
    ]


async def test_a_header_without_a_value_is_no_obstacle(stack: Stack, world: World, new_topic: NewTopic) -> None:
    """Kafka knows such headers; an event that carries one waits, is parked, replayed and mirrored like any other."""
    topic = await new_topic("null", partitions=1)
    two, one = record(step(f"{topic}/a", 2)), record(step(f"{topic}/a", 1))
    bad = bad_record(key=b"x", value=b"x")
    for found in (two, one, bad):
        found.headers.append(("x-nothing", None))  # type: ignore[arg-type]
    hop = Hop(stack, world.dsns, topic)
    await asyncio.to_thread(hop.start)
    try:
        await send(stack.kafka.bootstrap, topic, [two])

        async def waits() -> bool:
            return bool(await world.waits())

        await until(waits, "the second entry waits", hop)
        await send(stack.kafka.bootstrap, topic, [bad, one])
        await more(world, hop, 1)

        async def left() -> bool:
            return await world.empty("outbox", "waiting_event")

        await until(left, "the mirror has left", hop)
        assert await world.effects() == [1, 2]
    finally:
        await asyncio.to_thread(hop.kill)
