"""The short form of the chaos run: each kind of fault once, on one platform, everything verified after each."""

import random

import pytest

from contracts.registry import SERVICES
from deploy.local import Stack
from tests.chaos.faults import FAULTS, Fault, freeze
from tests.chaos.rounds import play
from tests.chaos.world import SETTINGS, World

SHORT_FREEZE_SECONDS = 12.0
# One round costs 6 to 12 s; the long run plays every fault many times. These are the ones that take most with them.
SHORT = ("kill ingest", "kill status", "kill notify", "kill postgres", "kill kafka", "kill the relays")
SHORT_TOGETHER = ("kill reader workers", "doubled and reordered events", "poison on every topic")


async def _together(world: World) -> None:
    for fault in FAULTS:
        if fault.name in SHORT_TOGETHER:
            await fault.strike(world)


@pytest.mark.timeout(240)
async def test_every_accepted_deposit_reaches_its_end_once_whatever_is_killed() -> None:
    chosen = [fault for fault in FAULTS if fault.name in SHORT]
    chosen += [Fault(", ".join(SHORT_TOGETHER), _together), freeze(SHORT_FREEZE_SECONDS)]
    with Stack(services=SERVICES, supervise=True, settings=SETTINGS) as stack:
        world = World(stack=stack, rng=random.Random(7))
        await world.open()
        try:
            for number, fault in enumerate(chosen, 1):
                found = await play(world, number, fault, deposits=15, rate=5.0, limit=60)
                print(f"{fault.name}: {found.seconds} s, settled in {found.verdict.settled_seconds} s")
                assert found.verdict.problems == [], f"after: {fault.name}"
        finally:
            await world.close()
    assert len(world.accepted) == 15 * len(chosen)


@pytest.mark.long
async def test_every_fault_holds_on_one_platform() -> None:
    with Stack(services=SERVICES, supervise=True, settings=SETTINGS) as stack:
        world = World(stack=stack, rng=random.Random(11))
        await world.open()
        try:
            for number, fault in enumerate([*FAULTS, freeze(60.0)], 1):
                found = await play(world, number, fault, deposits=30, rate=6.0)
                assert found.verdict.problems == [], f"after: {fault.name}"
        finally:
            await world.close()
