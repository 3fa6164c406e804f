"""A batch through on a real database: one effect each, one transaction, and one bad event harms no other."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from contracts.envelope import Event
from contracts.events import Payload, StatusChanged
from deploy.local import Stack
from services.common.deadletter import Limit
from services.common.deliver import Deliver, transaction
from services.common.failures import Transient
from services.common.trace import RequestCause
from tests.integration.plumbing.events import answer, answer_id, record, records, step
from tests.integration.plumbing.ladder import SECRET, Ladder
from tests.integration.plumbing.world import MIRROR, SERVICE, World, emptied_world


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


async def test_an_event_leaves_one_effect_and_one_event_of_its_own(world: World) -> None:
    event = step("a", 1)
    await world.deliver().batch(records(event))
    assert await world.effect_ids() == [event.id]
    assert await world.outgoing_ids() == [answer_id(event)]


async def test_state_inbox_and_events_leave_in_one_transaction(world: World) -> None:
    await world.deliver().batch(records(step("a", 1), step("b", 2), step("c", 1, number="rejected")))
    rows = await world.pool.fetch(
        "select distinct xmin::text from effect union select xmin::text from outbox o"
        " where o.topic <> $1 union select xmin::text from processed_event where event_id in"
        " (select event_id from effect)",
        MIRROR,
    )
    assert len(rows) == 1
    rows = await world.pool.fetch(
        "select xmin::text from dead_letter union select xmin::text from outbox o"
        " where o.topic = $1 union select xmin::text from processed_event where event_id in"
        " (select event_id from dead_letter)",
        MIRROR,
    )
    assert len(rows) == 1


async def test_nothing_is_left_of_a_handler_that_fails_after_writing_and_emitting(world: World) -> None:
    with pytest.raises(Transient):
        await world.deliver().batch(records(step("a", 1), step("b", 1, number="away"), step("a", 2)))
    assert await world.empty("effect", "outbox", "processed_event", "waiting_event", "dead_letter")


async def test_a_batch_offered_again_after_a_transient_failure_has_its_effects_once(world: World) -> None:
    first, second = step("a", 1), step("b", 1, number="away")
    with pytest.raises(Transient):
        await world.deliver().batch(records(first, second))
    await world.deliver(Ladder(mended=True)).batch(records(first, second))
    assert sorted(await world.effect_ids()) == sorted([first.id, second.id])


async def test_what_a_service_has_no_use_for_leaves_no_trace_and_what_stands_beside_it_is_done(world: World) -> None:
    def skips(data: Payload) -> bool:
        return isinstance(data, StatusChanged) and data.invoice_number == "rejected"

    one, two = step("a", 1), step("a", 2)
    deliver = Deliver(world.pool, SERVICE, world.ladder, skips=skips)
    await deliver.batch(records(step("b", 1, number="rejected")))
    assert await world.empty("processed_event", "dead_letter")
    await deliver.batch(records(one, step("a", 9, number="rejected"), two))
    assert await world.effects() == [1, 2]
    taken = await world.pool.fetch("select event_id from processed_event")
    assert {row["event_id"] for row in taken} == {one.id, two.id}


async def test_the_same_event_twice_in_a_batch_has_one_effect_in_its_first_place(world: World) -> None:
    one, two = step("a", 1), step("a", 2)
    await world.deliver().batch(records(one, two, one))
    assert [event.id for event in world.ladder.seen] == [one.id, two.id]
    assert await world.effects() == [1, 2]
    assert await world.outgoing_ids() == [answer_id(one), answer_id(two)]


async def test_the_same_event_in_several_batches_has_one_effect(world: World) -> None:
    one, two = step("a", 1), step("a", 2)
    for batch in ([one], [one, two], [two, one], [two]):
        await world.deliver().batch(records(*batch))
    assert await world.effects() == [1, 2]
    assert len(await world.outgoing_ids()) == 2


async def test_two_instances_with_the_same_events_at_once_leave_one_effect_each(world: World) -> None:
    events = [step(key, entry) for key in "abcdef" for entry in (1, 2, 3)]
    for _ in range(5):
        batches = [events[i : i + 6] for i in range(0, len(events), 3)] * 3
        random.shuffle(batches)
        await asyncio.gather(*(world.deliver().batch(records(*batch)) for batch in batches))
    await world.deliver().batch(records(*events))
    assert await world.effect_ids() == sorted(event.id for event in events)
    assert set(await world.outgoing_ids()) == {answer_id(event) for event in events}
    for key in "abcdef":
        assert await world.effects(key) == [1, 2, 3]


async def test_batches_that_cross_each_other_never_deadlock(world: World) -> None:
    keys = [f"k{number}" for number in range(12)]
    events = [step(key, 1) for key in keys for _ in range(4)]
    deliver = world.deliver()
    await asyncio.gather(*(deliver.batch(records(*random.sample(events, 20))) for _ in range(30)))
    await deliver.batch(records(*events))
    assert await world.effect_ids() == sorted(event.id for event in events)
    assert await world.empty("dead_letter")


async def test_one_rejected_event_is_parked_with_its_code_and_harms_no_other(world: World) -> None:
    good, bad, other = step("a", 1), step("b", 1, number="rejected"), step("c", 1)
    await world.deliver().batch(records(good, bad, other))
    assert sorted(await world.effect_ids()) == sorted([good.id, other.id])
    (letter,) = await world.letters()
    assert (letter["event_id"], letter["kind"], letter["reason"]) == (bad.id, "rejected", "TEST_RULE")
    assert letter["key"] == "b"
    assert letter["type"] == bad.type
    (mirror,) = await world.outgoing(MIRROR)
    assert mirror["key"] == "b"


async def test_a_bug_is_parked_after_three_tries_with_its_frames_and_without_its_text(world: World) -> None:
    bad = step("a", 1, number="bug")
    await world.deliver().batch(records(step("b", 1)))
    world.ladder.seen.clear()
    await world.deliver().batch(records(bad, step("c", 1)))
    alone = [event for event in world.ladder.seen if event.id == bad.id]
    assert len(alone) == 1 + 3  # once with the batch, three times by itself
    (letter,) = await world.letters()
    assert (letter["kind"], letter["reason"], letter["detail"]) == ("bug", "BUG", "Broken")
    assert "_go_wrong" in letter["traceback"]
    assert SECRET not in letter["traceback"] + letter["detail"]
    assert await world.effects("c") == [1]


async def test_later_events_of_a_parked_key_are_parked_behind_it(world: World) -> None:
    deliver = world.deliver()
    await deliver.batch(records(step("a", 1, number="rejected"), step("a", 2), step("b", 1), step("a", 3)))
    await deliver.batch(records(step("b", 2), step("a", 4)))
    assert [letter["kind"] for letter in await world.letters()] == ["rejected", "behind", "behind", "behind"]
    assert await world.effects("a") == []
    assert await world.effects("b") == [1, 2]


async def test_a_parked_event_that_comes_again_is_not_parked_again(world: World) -> None:
    bad = step("a", 1, number="rejected")
    for _ in range(3):
        await world.deliver().batch(records(bad))
    assert await world.states() == [("rejected", "parked")]
    assert len(await world.outgoing(MIRROR)) == 1


async def test_a_good_event_is_not_blamed_for_the_one_that_waited_for_it(world: World) -> None:
    """The waiting event is applied with its predecessor; when it turns out bad, the predecessor still stands."""
    first, second, third = step("a", 1), step("a", 2, number="bug"), step("a", 3)
    await world.deliver().batch(records(third, second))
    assert await world.waits() == {second.id, third.id}
    await world.deliver().batch(records(first))
    await world.sweeper().sweep()
    await world.sweeper().sweep()
    assert await world.effect_ids() == [first.id]
    (letter,) = await world.letters()
    assert (letter["event_id"], letter["kind"]) == (second.id, "bug")
    assert await world.waits() == {third.id}


async def test_too_much_parked_in_a_row_trips_the_limit(world: World) -> None:
    limit = Limit(in_a_row=3)
    deliver = world.deliver(limit=limit)
    await deliver.batch(records(step("a", 1, number="rejected"), step("b", 1, number="bug")))
    assert limit.tripped is None
    await deliver.batch(records(step("c", 1, number="rejected")))
    assert limit.tripped == "3 records parked in a row"


async def test_a_database_that_goes_away_in_mid_batch_leaves_nothing(world: World) -> None:
    async def kill_ourselves(tx: object, events: object) -> list[Event]:
        pid = await tx.conn.fetchval("select pg_backend_pid()")  # type: ignore[attr-defined]
        admin = await asyncpg.connect(world.dsns.worker)
        await admin.execute("select pg_terminate_backend($1)", pid)
        await admin.close()
        return []

    deliver = Deliver(world.pool, SERVICE, kill_ourselves)
    with pytest.raises(Transient):
        await deliver.batch(records(step("a", 1)))
    assert await world.empty("processed_event", "dead_letter")


async def test_a_request_that_fails_leaves_neither_state_nor_events(world: World) -> None:
    cause = RequestCause(uuid4())

    async def request() -> None:
        async with transaction(world.pool, SERVICE, keys=["a"]) as tx:
            tx.emit(answer(1), key="a", cause=cause)
            await tx.conn.execute("insert into effect (event_id, key, entry) values ($1, 'a', 1)", cause.id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await request()
    assert await world.empty("effect", "outbox")


async def test_the_same_cause_always_gives_the_same_ids(world: World) -> None:
    cause = RequestCause(uuid4())
    ids = []
    for _ in range(2):
        async with transaction(world.pool, SERVICE) as tx:
            ids.append([tx.emit(answer(n), key="a", cause=cause, index=n) for n in (0, 1)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


async def test_an_event_of_a_foreign_topic_or_too_large_cannot_be_emitted(world: World) -> None:
    cause = RequestCause(uuid4())
    async with transaction(world.pool, SERVICE) as tx:
        with pytest.raises(ValueError, match="written by status alone"):
            tx.emit(step("a", 1).data, key="a", cause=cause)
        with pytest.raises(ValueError, match="900"):
            tx.emit(answer(1, "x" * 900_000), key="a", cause=cause)
        with pytest.raises(ValueError, match="ce_subject"):
            tx.emit(answer(1), key="", cause=cause)
    assert await world.empty("outbox")


async def test_a_record_without_a_place_is_taken_too(world: World) -> None:
    """Offsets say nothing about identity: the same event from another topic or partition is the same event."""
    event = step("a", 1)
    await world.deliver().batch([record(event, topic="one"), record(event, topic="two")])
    assert await world.effects() == [1]
