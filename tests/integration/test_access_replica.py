"""A service's copy of the rights: never older than it was, heard of at once, read again when nobody can be heard."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from contracts.envelope import Event
from contracts.events import Grant, Payload
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import access, account_replica
from services.common.access import Pending
from services.common.db import Pool
from services.common.deliver import Tx, transaction
from services.common.tokens import Refused
from tests.accounts import SUPPLIER, TOWN, Signer, account, event, revoked
from tests.integration.access_world import MANAGES, SUPPLIES, World, kept, opened
from tests.integration.plumbing.process import until

LISTENERS = "chorale-listen-" + account_replica.channel("ocr")


@pytest.fixture(scope="module")
def own(stack: Stack) -> Iterator[ServiceDsns]:
    """One migrated schema for all tests here."""
    yield from kept(stack)


@pytest.fixture
async def world(own: ServiceDsns) -> AsyncIterator[World]:
    async with opened(own) as found:
        yield found


async def content(pool: Pool) -> list[list[asyncpg.Record]]:
    """Everything in the copy."""
    tables = ("account_right", "revoked_session", "signing_key")
    return [await pool.fetch(f"select * from {table} order by 1") for table in tables]


async def test_whatever_the_order_and_however_often_the_highest_version_stands(world: World) -> None:
    chance = random.Random(9)
    entries: list[Payload] = []
    for number in range(20):
        subject = f"s{number}"
        for version in range(1, 6):
            grants = [Grant(role="FOURNISSEUR", structure=str(version))] * (version % 3)
            entries.append(account(subject, version, *grants, state="closed" if version == 5 else "active"))
        entries += [revoked(subject, version=version) for version in (1, 2)]
    keys = [Signer() for _ in range(4)]
    entries += [key.entry(version=v, until=datetime(2030, 1, v, tzinfo=UTC)) for key in keys for v in (1, 2, 3)]
    await world.take(*entries)
    expected = await content(world.pool)
    assert {(row["version"], row["state"]) for row in expected[0]} == {(5, "closed")}
    assert {row["version"] for row in expected[1]} == {2}
    for _ in range(6):
        again = chance.choices(entries, k=len(entries))
        for at in range(0, len(again), 37):
            await world.take(*again[at : at + 37])
    assert await content(world.pool) == expected


async def test_two_instances_that_take_the_same_at_once_leave_the_same(world: World) -> None:
    entries = [account(f"s{n}", version, SUPPLIES) for n in range(50) for version in (1, 2, 3)]
    shuffled = [random.Random(seed).sample(entries, len(entries)) for seed in range(6)]
    await asyncio.gather(*(world.take(*each) for each in shuffled))
    assert {row["version"] for row in (await content(world.pool))[0]} == {3}


async def test_a_token_means_what_its_subject_may_do_now_and_not_when_it_was_made(world: World) -> None:
    await world.take(account("s", 1, SUPPLIES))
    token = world.signer.token("s")
    first = await world.access.principal(token)
    assert (first.structures, first.roles, first.session) == ((SUPPLIER,), ("FOURNISSEUR",), "session of s")
    assert await world.access.principal(token) is first
    await world.take(account("s", 2, MANAGES))

    async def changed() -> bool:
        return await world.access.principal(token) is not first

    await until(changed, "other rights")
    now = await world.access.principal(token)
    assert now.bodies_as("GESTIONNAIRE") == (TOWN,)
    assert now.structures_as("FOURNISSEUR") == ()
    assert await world.access.still(first) == now
    assert await world.access.still(now) is now


@pytest.mark.parametrize("ending", ["locked", "closed", "revoked", "sessions_from", "key"])
async def test_what_ends_a_session_ends_its_tokens_at_once_and_says_no_more_than_any_refusal(
    world: World, ending: str
) -> None:
    await world.take(account("s", 1, SUPPLIES), account("t", 1, SUPPLIES))
    token, others = world.signer.token("s"), world.signer.token("t")
    principal = await world.access.principal(token)
    await world.access.principal(others)
    if ending == "revoked":
        await world.take(revoked("s"))
    elif ending == "key":
        await world.take(world.signer.entry(version=2, until=datetime.now(UTC)))
    elif ending == "sessions_from":
        assert principal.issued is not None
        since = datetime.fromtimestamp(principal.issued, UTC)  # the very second in which the token was made
        await world.take(account("s", 2, SUPPLIES, sessions_from=since))
    else:
        await world.take(account("s", 2, SUPPLIES, state=ending))
    took = await world.becomes(False, token)
    print(f"{ending}: {took * 1000:.0f} ms")
    assert await world.access.still(principal) is None
    if ending != "key":
        assert (await world.access.principal(others)).subject == "t"
    if ending == "revoked":
        assert (await world.of("s", sid="another session")).subject == "s"
    if ending == "sessions_from":
        assert (await world.of("s", ver=2, sid="after it")).subject == "s"  # made in the same second, but after


async def test_a_delegation_begins_and_ends_on_its_instant_though_nothing_is_published(world: World) -> None:
    now = datetime.now(UTC)
    since, until = now + timedelta(seconds=1), now + timedelta(seconds=3)
    lent = Grant(role="LECTURE", structure=TOWN, tenant="demo", since=since, until=until)
    await world.take(account("s", 1, SUPPLIES, lent))
    token = world.signer.token("s")
    seen: list[tuple[bool, bool]] = []
    while datetime.now(UTC) < until + timedelta(seconds=0.2):
        before = datetime.now(UTC)
        held = TOWN in (await world.access.principal(token)).structures
        if (since <= before < until) == (since <= datetime.now(UTC) < until):
            seen.append((since <= before < until, held))
        await asyncio.sleep(0.02)
    assert {(True, True), (False, False)} == set(seen)


async def test_a_token_newer_than_the_copy_waits_for_it_and_is_told_to_come_back_when_it_does_not_come(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.take(account("s", 1, SUPPLIES))
    waiting = asyncio.create_task(world.of("s", ver=2))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.take(account("s", 2, MANAGES))
    assert (await waiting).roles == ("GESTIONNAIRE",)
    monkeypatch.setattr(access, "PENDING_SECONDS", 0.2)
    with pytest.raises(Pending):
        await world.of("s", ver=3)
    with pytest.raises(Pending):
        await world.of("nobody")


async def test_a_process_that_has_just_begun_first_reads_what_it_has_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.take(account("s", 1, SUPPLIES))
    begun = world.access.caught_up = asyncio.Event()
    waiting = asyncio.create_task(world.of("s"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.take(account("s", 2, MANAGES))
    begun.set()
    assert (await waiting).roles == ("GESTIONNAIRE",)
    monkeypatch.setattr(access, "PENDING_SECONDS", 0.1)
    begun.clear()
    with pytest.raises(Pending):
        await world.of("s", sid="not seen before")
    monkeypatch.setattr(access, "BEGIN_SECONDS", 0.0)  # the broker does not come: what is known must do
    assert (await world.of("s", sid="later")).roles == ("GESTIONNAIRE",)


async def test_a_key_is_known_when_its_first_token_comes_and_the_one_before_until_its_last_has_ended(
    world: World,
) -> None:
    await world.take(account("s", 1, SUPPLIES))
    old, new = world.signer, Signer()
    with pytest.raises(Refused, match="kid"):
        await world.access.principal(new.token("s"))
    await world.take(new.entry(), old.entry(version=2, until=datetime.now(UTC) + timedelta(minutes=11)))
    await world.becomes(True, new.token("s"))
    assert (await world.access.principal(old.token("s"))).subject == "s"


async def test_names_of_keys_that_there_are_not_cost_no_query(world: World) -> None:
    await world.take(account("s", 1, SUPPLIES))
    await world.of("s")
    await world.pool.execute("alter table signing_key rename to hidden")
    try:
        for _ in range(100):
            with pytest.raises(Refused, match="kid"):
                await world.access.principal(Signer().token("s"))
    finally:
        await world.pool.execute("alter table hidden rename to signing_key")


async def cut(pool: Pool) -> None:
    """End every listening connection."""
    await pool.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", LISTENERS)


async def test_while_nobody_can_be_heard_the_copy_is_read_again_after_a_second(world: World) -> None:
    await world.take(account("s", 1, SUPPLIES))
    token = world.signer.token("s")
    await world.access.principal(token)

    async def keep_cutting() -> None:
        while True:
            await cut(world.pool)
            await asyncio.sleep(0.01)

    cutting = asyncio.create_task(keep_cutting())
    try:
        await asyncio.sleep(0.3)
        await world.access.principal(token)
        await world.take(account("s", 2, state="locked"))
        took = await world.becomes(False, token)
        print(f"listener cut: {took * 1000:.0f} ms")
    finally:
        cutting.cancel()


async def test_what_is_said_while_the_listener_is_away_is_not_missed(world: World) -> None:
    await world.take(account("s", 1, SUPPLIES))
    token = world.signer.token("s")
    for version in range(2, 8):
        active = version % 2 == 1
        assert await world.counts(token) is not active
        await cut(world.pool)
        await world.take(account("s", version, SUPPLIES, state="active" if active else "locked"))
        await world.becomes(active, token)


async def test_what_changes_while_it_is_being_read_is_not_kept(world: World) -> None:
    await world.take(account("s", 1, SUPPLIES))
    token = world.signer.token("s")

    async def change() -> None:
        for version in range(2, 60):
            await world.take(account("s", version, Grant(role="FOURNISSEUR", structure=str(version))))

    changing = asyncio.create_task(change())
    while not changing.done():
        await world.access.principal(token)
        await asyncio.sleep(0)
    await changing

    async def newest() -> bool:
        return (await world.access.principal(token)).structures == ("59",)

    await until(newest, "the last version")


async def test_a_session_that_is_long_over_is_forgotten_and_one_that_is_not_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(pool: Pool, service: str) -> int:
        return 0

    sweep = account_replica.sweep
    monkeypatch.setattr(account_replica, "sweep", nothing)  # the world's own round would take what is counted here
    await world.take(revoked("s", "old", over_in=-7200), revoked("s", "ending", over_in=-60), revoked("s", "live"))
    rows = await world.pool.fetch("select session from revoked_session order by 1")
    assert [row["session"] for row in rows] == ["ending", "live"]
    await world.pool.execute(
        "update revoked_session set expires_at = now() - interval '2 hours' where session = 'live'"
    )
    assert await sweep(world.pool, "ocr") == 1
    assert await world.pool.fetchval("select count(*) from outbox") == 0
    await world.pool.execute("update revoked_session set expires_at = now() - '2 hours'::interval")
    assert await sweep(world.pool, "portal") == 1  # as its writer does: off the topic, too
    row = await world.pool.fetchrow("delete from outbox returning topic, key, partition_key, value")
    assert row is not None
    assert tuple(row) == (account_replica.TOPIC, "session/ending", "s", None)


async def test_the_handler_of_a_service_never_sees_an_entry_of_an_account(world: World) -> None:
    seen: list[Event] = []

    async def handler(tx: Tx, events: Any) -> Any:
        seen.extend(events)
        return ()

    async with transaction(world.pool, "ocr") as tx:
        assert not await account_replica.first(handler)(tx, [event(account("s", 1, SUPPLIES))])
    assert seen == []
    assert (await world.of("s")).structures == (SUPPLIER,)
