"""Durable timers: once, whatever is killed; late after an outage, but never lost."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contracts.envelope import event_id
from contracts.events import NotificationAccepted
from deploy.local import Stack
from services.common import timers
from services.common.deliver import transaction
from services.common.timers import TimerHandler, Timers
from tests.integration.plumbing.process import Hop
from tests.integration.plumbing.service import ring
from tests.integration.plumbing.world import SERVICE, World, emptied_world
from tests.servers import NewTopic

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


def _timers(world: World, clock: Clock, handler: TimerHandler = ring, limit: int = 100) -> Timers:
    return Timers(world.pool, SERVICE, handler, clock=clock, limit=limit)


async def _start(world: World, *, key: str = "k", kind: str = "delay", minutes: int = 0) -> UUID:
    timer = uuid4()
    async with transaction(world.pool, SERVICE, keys=[key]) as tx:
        await timers.start(tx.conn, timer, key=key, kind=kind, due_at=NOON + timedelta(minutes=minutes))
    return timer


async def _fired(world: World) -> list[UUID]:
    return [row["timer_id"] for row in await world.pool.fetch("select timer_id from fired order by position")]


async def test_a_timer_fires_at_its_instant_and_not_before(world: World) -> None:
    clock = Clock()
    later, sooner = await _start(world, minutes=10), await _start(world, minutes=5)
    runner = _timers(world, clock)
    assert await runner.fire() == 0
    clock.now += timedelta(minutes=5)
    await runner.fire()
    assert await _fired(world) == [sooner]
    clock.now += timedelta(minutes=5)
    await runner.fire()
    assert await _fired(world) == [sooner, later]


async def test_timers_missed_during_an_outage_fire_late_in_the_order_of_their_instants(world: World) -> None:
    clock = Clock()
    set_ones = {minutes: await _start(world, minutes=minutes) for minutes in (30, 10, 20)}
    clock.now += timedelta(days=3)
    await _timers(world, clock).fire()
    assert await _fired(world) == [set_ones[10], set_ones[20], set_ones[30]]


async def test_several_runners_fire_each_timer_once(world: World) -> None:
    due = [await _start(world, key=f"k{number % 7}") for number in range(60)]
    runners = [_timers(world, Clock(), limit=25) for _ in range(4)]
    for _ in range(4):
        await asyncio.gather(*(runner.fire() for runner in runners))
    assert sorted(await _fired(world)) == sorted(due)
    assert sorted(await world.outgoing_ids()) == sorted(event_id(one, NotificationAccepted.TYPE) for one in due)


async def test_a_cancelled_timer_does_not_fire_and_other_kinds_and_keys_do(world: World) -> None:
    await _start(world, key="a")
    other = {await _start(world, key="a", kind="reminder"), await _start(world, key="b")}
    async with transaction(world.pool, SERVICE, keys=["a"]) as tx:
        await timers.cancel(tx.conn, ["a"], "delay")
    await _timers(world, Clock()).fire()
    assert set(await _fired(world)) == other


async def test_a_timer_cancelled_while_it_is_taken_up_never_fires(world: World) -> None:
    """Cancelling holds the key's lock, so the runner waits and finds it cancelled."""
    await _start(world, key="a")
    async with transaction(world.pool, SERVICE, keys=["a"]) as tx:
        firing = asyncio.create_task(_timers(world, Clock()).fire())
        await asyncio.sleep(0.3)
        await timers.cancel(tx.conn, ["a"], "delay")
    await firing
    assert await _fired(world) == []
    assert await world.pool.fetchval("select next_try_at = due_at from timer")  # it is no failure either


async def test_a_timer_set_twice_fires_once_even_when_set_again_afterwards(world: World) -> None:
    timer = uuid4()
    for round_number in range(3):
        async with transaction(world.pool, SERVICE) as tx:
            for _ in range(2):
                await timers.start(tx.conn, timer, key="k", kind="delay", due_at=NOON)
        await _timers(world, Clock()).fire()
        assert await _fired(world) == [timer], round_number


async def test_a_timer_of_a_transaction_that_fails_is_not_set(world: World) -> None:
    async def fail() -> None:
        async with transaction(world.pool, SERVICE) as tx:
            await timers.start(tx.conn, uuid4(), key="k", kind="delay", due_at=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await world.empty("timer")


async def test_a_failing_timer_is_put_off_and_the_others_fire(world: World) -> None:
    clock = Clock()
    bad = await _start(world, key="bad", kind="bad")
    good = {await _start(world, key=f"k{number}") for number in range(3)}
    runner = _timers(world, clock)
    await runner.fire()
    assert set(await _fired(world)) == good
    assert await runner.fire() == 0
    assert await world.pool.fetchval("select id from timer where fired_at is null") == bad
    await world.pool.execute("update timer set kind = 'mended' where id = $1", bad)
    clock.now += timedelta(minutes=1)
    await runner.fire()
    assert set(await _fired(world)) == {*good, bad}


async def test_a_process_killed_between_the_effect_and_the_commit_fires_once(
    stack: Stack, world: World, new_topic: NewTopic, tmp_path: Path
) -> None:
    timer = await _start(world, kind=f"die {tmp_path / 'died'}", minutes=-1_000_000)
    hop = Hop(stack, world.dsns, await new_topic("timers", partitions=1))
    await asyncio.to_thread(hop.launch)
    try:
        assert hop.child is not None
        assert await asyncio.to_thread(hop.child.wait, 40), hop.output[-3000:]
        assert hop.child.exit_code == -signal.SIGKILL
        assert await _fired(world) == []
    finally:
        await asyncio.to_thread(hop.kill)
    await _timers(world, Clock()).fire()
    assert await _fired(world) == [timer]
