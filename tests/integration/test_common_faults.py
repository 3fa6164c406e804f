"""The servers are killed under a running service and come back: it goes on, nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.plumbing.process import Hop, until
from tests.integration.plumbing.topics import Feeder
from tests.integration.plumbing.verify import count, more, verify
from tests.integration.plumbing.world import World, open_world
from tests.servers import NewTopic


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(dsns) as found:
        yield found


async def _red(hop: Hop, word: str) -> None:
    async def red() -> bool:
        status, body = await asyncio.to_thread(hop.health)
        return status == 503 and any(word in problem for problem in body["problems"])

    await until(red, f"readiness says that {word} is away", hop)


async def test_the_database_and_the_broker_are_killed_and_come_back(
    stack: Stack, world: World, new_topic: NewTopic
) -> None:
    topic = await new_topic("faults", partitions=4)
    hop = Hop(stack, world.dsns, topic, batch_size="20")
    feeder = Feeder(stack.kafka.bootstrap, topic, per_second=200)
    feeding = asyncio.create_task(feeder.run())
    try:
        await asyncio.to_thread(hop.start)
        await more(world, hop, 0)
        for server, word in (("postgres", "database"), ("kafka", "")):
            await asyncio.to_thread(stack.kill, server)
            if word:
                await _red(hop, word)
            await asyncio.to_thread(stack.start, server)
            await more(world, hop, await count(world))
        assert hop.starts == 1
        assert hop.alive
        feeder.stop()
        await feeding
        await verify(stack, world, hop, feeder)
        assert (await asyncio.to_thread(hop.health))[0] == 200
    finally:
        await asyncio.to_thread(stack.start, "postgres")
        await asyncio.to_thread(stack.start, "kafka")
        feeder.stop()
        await asyncio.to_thread(hop.kill)
        await feeding
