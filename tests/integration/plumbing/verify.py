"""What has to hold after a stream of steps went through a process, whatever was done to it."""

from contextlib import suppress

import asyncpg

from deploy.local import Stack
from services.common.failures import is_transient
from tests.integration.plumbing.events import answer_id
from tests.integration.plumbing.process import Process, until
from tests.integration.plumbing.topics import Feeder, ids_on
from tests.integration.plumbing.world import World

ANSWERS = "chorale.notification.v1"


async def count(world: World) -> int:
    """How many effects there are."""
    while True:
        try:
            return int(await world.pool.fetchval("select count(*) from effect"))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            if not is_transient(error):
                raise


async def more(world: World, process: Process, than: int) -> None:
    """Wait until there are more effects than that."""

    async def grown() -> bool:
        return await count(world) > than

    await until(grown, f"more than {than} effects", process)


async def verify(stack: Stack, world: World, process: Process, feeder: Feeder) -> None:
    """Every event fed has one effect, in the order of its key, and its own event has left."""

    async def done() -> bool:
        with suppress(OSError):
            return await count(world) >= len(feeder.sent) and await world.empty("outbox")
        return False

    await until(done, f"{len(feeder.sent)} effects and an empty outbox", process)
    assert await world.effect_ids() == sorted(event.id for event in feeder.sent)
    for key in feeder.keys:
        entries = await world.effects(key)
        assert entries == list(range(1, len(entries) + 1))
    assert await world.empty("waiting_event", "dead_letter")
    left = await ids_on(stack.kafka.bootstrap, ANSWERS, feeder.keys)
    assert set(left) == {answer_id(event) for event in feeder.sent}
