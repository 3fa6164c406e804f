"""Not yet: an event whose predecessor has not come waits, and goes on in the transaction that brings it."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from contracts.envelope import Event
from deploy.local import Stack
from tests.integration.plumbing.events import answer_id, records, step
from tests.integration.plumbing.ladder import Ladder
from tests.integration.plumbing.world import World, emptied_world


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


async def _apply_beside_the_stream(world: World, key: str, entry: int) -> None:
    """As a request or a timer does: the state moves on without an event."""
    await world.pool.execute("insert into effect (event_id, key, entry) values ($1, $2, $3)", uuid4(), key, entry)


async def test_a_predecessor_later_in_the_same_batch_is_applied_first(world: World) -> None:
    three, two, one = step("a", 3), step("a", 2), step("a", 1)
    await world.deliver().batch(records(three, two, step("b", 1), one))
    assert await world.effects("a") == [1, 2, 3]
    assert await world.waits() == set()
    assert {answer_id(event) for event in (one, two, three)} <= set(await world.outgoing_ids())


async def test_a_predecessor_in_a_later_batch_takes_what_waits_along_in_its_own_transaction(world: World) -> None:
    await world.deliver().batch(records(step("a", 3), step("b", 1)))
    await world.deliver().batch(records(step("a", 2)))
    assert await world.effects("a") == []
    assert len(await world.waits()) == 2
    await world.deliver().batch(records(step("a", 1), step("b", 2)))
    assert await world.effects("a") == [1, 2, 3]
    assert await world.pool.fetchval("select count(distinct xmin::text) from effect where key = 'a'") == 1
    assert await world.waits() == set()


async def test_what_waits_is_offered_in_the_order_it_came_in(world: World) -> None:
    events = [step("a", entry) for entry in (7, 3, 9, 5)]
    await world.deliver().batch(records(*events))
    world.ladder.seen.clear()
    await world.deliver().batch(records(step("a", 8)))
    assert [event.id for event in world.ladder.seen[1:5]] == [event.id for event in events]


async def test_an_event_that_waits_and_comes_again_waits_once(world: World) -> None:
    two = step("a", 2)
    for batch in ([two, two], [two]):
        await world.deliver().batch(records(*batch))
    assert await world.waits() == {two.id}
    await world.deliver().batch(records(step("a", 1), two))
    assert await world.effects() == [1, 2]


async def test_predecessors_that_come_at_the_same_time_in_other_transactions_lose_nothing(world: World) -> None:
    """The key's lock closes the race between "not here yet, so wait" and "nobody waits, so done"."""
    for _ in range(4):
        keys = [f"k{uuid4()}" for _ in range(30)]
        events = [step(key, entry) for key in keys for entry in (1, 2, 3, 4)]
        random.shuffle(events)
        batches: list[list[Event]] = []
        while events:
            size = random.choice((1, 1, 2, 5))
            batches.append(events[:size])
            events = events[size:]
        deliverers = [world.deliver() for _ in range(3)]
        await asyncio.gather(*(random.choice(deliverers).batch(records(*batch)) for batch in batches))
        assert await world.waits() == set()
        for key in keys:
            assert await world.effects(key) == [1, 2, 3, 4]


async def test_the_sweeper_applies_what_has_its_predecessor_after_all(world: World) -> None:
    await world.deliver().batch(records(step("a", 3), step("a", 2), step("b", 2)))
    await _apply_beside_the_stream(world, "a", 1)
    await world.sweeper().sweep()
    assert await world.effects("a") == [1, 2, 3]
    assert len(await world.waits()) == 1


async def test_two_sweepers_and_the_stream_at_once_leave_one_effect_each(world: World) -> None:
    keys = [f"k{number}" for number in range(20)]
    await world.deliver().batch(records(*(step(key, 2) for key in keys)))
    await asyncio.gather(
        world.sweeper().sweep(),
        world.sweeper().sweep(),
        *(world.deliver().batch(records(step(key, 1))) for key in keys),
    )
    await world.sweeper().sweep()
    for key in keys:
        assert await world.effects(key) == [1, 2]


async def test_waiting_events_of_a_blocked_key_stay(world: World) -> None:
    two = step("a", 2)
    await world.deliver().batch(records(two))
    await world.deliver().batch(records(step("a", 1, number="rejected")))
    await _apply_beside_the_stream(world, "a", 1)
    await world.sweeper().sweep()
    await world.deliver().batch(records(step("a", 2)))
    assert await world.effects("a") == [1]
    assert await world.waits() == {two.id}
    await world.pool.execute("update dead_letter set state = 'dropped'")
    await world.sweeper().sweep()
    assert await world.effects("a") == [1, 2]


async def test_a_bad_event_that_waits_is_parked_and_stops_no_other_key(world: World) -> None:
    await world.deliver().batch(records(step("a", 2, number="bug"), step("a", 3), step("b", 2, number="rejected")))
    await world.deliver().batch(records(step("c", 2)))
    for key in "abc":
        await _apply_beside_the_stream(world, key, 1)
    await world.sweeper().sweep()
    assert await world.effects("c") == [1, 2]
    assert sorted(await world.states()) == [("bug", "parked"), ("rejected", "parked")]
    assert len(await world.waits()) == 1  # a's third entry, behind the parked second


async def test_many_that_wait_for_long_do_not_keep_the_sweeper_from_the_others(world: World) -> None:
    await world.deliver().batch(records(*(step(f"k{number}", 2) for number in range(150))))
    await world.deliver().batch(records(step("late", 2)))
    await _apply_beside_the_stream(world, "late", 1)
    for _ in range(40):
        await world.sweeper(Ladder()).sweep()
        if len(await world.effects("late")) == 2:
            break
    assert await world.effects("late") == [1, 2]
