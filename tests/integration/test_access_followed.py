"""The topic of the rights as a service follows it: from where it left it, past poison, after a broker was away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import account_replica
from services.common.follow import Follower
from tests.accounts import account, publish
from tests.integration.access_world import SUPPLIES, World, kept, opened
from tests.integration.plumbing.process import until


@pytest.fixture(scope="module")
def own(stack: Stack) -> Iterator[ServiceDsns]:
    """One migrated schema for all tests here."""
    yield from kept(stack)


@pytest.fixture
async def world(own: ServiceDsns) -> AsyncIterator[World]:
    async with opened(own) as found:
        yield found


@pytest.mark.parametrize("kind", ["as its relay writes it", "with poison before and after"])
async def test_the_topic_is_followed_from_where_it_was_left_and_poison_holds_nothing_up(
    stack: Stack, world: World, kind: str
) -> None:
    subject, kafka = uuid4().hex, stack.kafka.bootstrap

    async def poison(key: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        if kind == "as its relay writes it":
            return
        async with AIOKafkaProducer(bootstrap_servers=kafka) as sender:
            await sender.send_and_wait(account_replica.TOPIC, value=value, key=key.encode(), headers=headers)

    async def has(version: int) -> None:
        async def there() -> bool:
            sql = "select version from account_right where subject = $1"
            return bool(await world.pool.fetchval(sql, subject) == version)

        await until(there, f"version {version}")

    await poison(f"account/{subject}", b"{}", [("ce_type", b"fr.chorale.account.published.v1")])
    async with AIOKafkaProducer(bootstrap_servers=kafka) as sender:  # a session that was taken off the topic
        await sender.send_and_wait(account_replica.TOPIC, value=None, key=f"session/{subject}".encode())
    await publish(kafka, [account(subject, 2, SUPPLIES), account(subject, 1)])
    following = asyncio.create_task(Follower(world.pool, "ocr", kafka).run())
    await has(2)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    letters = await world.pool.fetchval("select count(*) from dead_letter where key = $1", f"account/{subject}")
    await poison(f"account/{subject}", b"\xff", [])
    await publish(kafka, [account(subject, 3)])
    before = await world.pool.fetchval("select sum(next_offset) from account_position")
    # Two instances: each reads it all, each thing has one effect.
    followers = [Follower(world.pool, "ocr", kafka) for _ in range(2)]
    tasks = [asyncio.create_task(follower.run()) for follower in followers]
    await has(3)

    async def following_both() -> bool:
        return not any(follower.problem for follower in followers)

    await until(following_both, "both follow")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await world.pool.fetchval("select sum(next_offset) from account_position") > before
    poisonous = 0 if kind == "as its relay writes it" else 1
    assert letters == poisonous
    assert not await world.pool.fetchval("select exists (select from dead_letter where key = $1)", f"session/{subject}")
    rows = await world.pool.fetch("select kind from dead_letter where key = $1", f"account/{subject}")
    assert [row["kind"] for row in rows] == ["poison"] * (2 * poisonous)


async def test_an_entry_that_cannot_be_applied_is_parked_and_those_beside_it_are_applied(
    stack: Stack, world: World
) -> None:
    good, bad = uuid4().hex, uuid4().hex
    await publish(stack.kafka.bootstrap, [account(bad, 2**63 - 1), account(good, 1, SUPPLIES)])
    await world.pool.execute("alter table account_right add constraint narrow check (version < 1000)")
    following = asyncio.create_task(Follower(world.pool, "ocr", stack.kafka.bootstrap).run())

    async def done() -> bool:
        parked = await world.pool.fetchval("select true from dead_letter where key = $1", f"account/{bad}")
        return bool(parked) and await world.access.of(good) is not None

    try:
        await until(done, "one parked, one applied")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await world.pool.execute("alter table account_right drop constraint narrow")


@pytest.mark.long
async def test_a_broker_that_was_away_is_noticed_and_followed_again(stack: Stack, world: World) -> None:
    follower = Follower(world.pool, "ocr", stack.kafka.bootstrap)
    following = asyncio.create_task(follower.run())
    subject = uuid4().hex

    async def fine() -> bool:
        return follower.problem is None

    async def noticed() -> bool:
        return follower.problem is not None

    async def known() -> bool:
        return await world.access.of(subject) is not None

    try:
        await until(fine, "it follows")
        try:
            await asyncio.to_thread(stack.kill, "kafka")
            await until(noticed, "it says that it does not follow")
        finally:
            await asyncio.to_thread(stack.start, "kafka")
        await publish(stack.kafka.bootstrap, [account(subject, 1, SUPPLIES)])
        await until(known, "the new entry")
        await until(fine, "it follows again")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
