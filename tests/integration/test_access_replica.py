"""A service's copy of the rights: never older than it was, heard of at once, read again when nobody can be heard."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event
from contracts.events import Grant, Payload
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import access, account_replica
from services.common.access import Access, Pending
from services.common.auth import CurrentPrincipal, Principal, mint
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Tx, transaction
from services.common.follow import Follower
from services.common.may import require
from services.common.tokens import Refused
from services.common.web import create_app
from tests.accounts import SUPPLIER, TOWN, Signer, account, event, publish, revoked
from tests.integration.plumbing.process import until
from tests.servers import fresh_database

SECRET = "the secret of development tokens, long enough"
SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)
MANAGES = Grant(role="GESTIONNAIRE", structure=TOWN, tenant="demo")
_TABLES = "account_right, revoked_session, signing_key, account_position"
LISTENERS = "chorale-listen-" + account_replica.channel("ocr")


@dataclass
class World:
    """The tables of one service, and one instance that reads them."""

    pool: Pool
    dsn: str
    access: Access
    signer: Signer

    async def take(self, *entries: Payload) -> None:
        """Into the copy, as one batch."""
        async with self.pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, "ocr", entries)

    async def of(self, subject: str, **claims: Any) -> Principal:
        """The principal of a fresh token."""
        return await self.access.principal(self.signer.token(subject, **claims))

    async def counts(self, token: str) -> bool:
        """Whether a token counts for something now."""
        try:
            await self.access.principal(token)
        except Refused:
            return False
        return True

    async def becomes(self, counts: bool, token: str) -> float:
        """Until a token counts, or does no more; the seconds it took."""
        started = time.monotonic()

        async def done() -> bool:
            return await self.counts(token) is counts

        await until(done, f"{counts} for the token")
        return time.monotonic() - started


@pytest.fixture(scope="module")
def own(stack: Stack) -> Iterator[ServiceDsns]:
    """One migrated schema for all tests here."""
    loop, database = asyncio.new_event_loop(), fresh_database(stack, "ocr")
    try:
        found = loop.run_until_complete(database.__aenter__())["ocr"]
        loop.run_until_complete(migrate(found.worker, "ocr", "services.ocr"))
        yield found
    finally:
        loop.run_until_complete(database.__aexit__(None, None, None))
        loop.close()


@pytest.fixture
async def world(own: ServiceDsns) -> AsyncIterator[World]:
    dsn = own.worker
    pool = await open_pool(dsn, "ocr")
    await pool.execute(f"truncate {_TABLES}, dead_letter cascade")
    found = Access(pool, dsn, "ocr")
    running = asyncio.create_task(found.run())
    signer = Signer()
    result = World(pool, dsn, found, signer)
    await result.take(signer.entry())
    try:
        yield result
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await pool.close()


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


@asynccontextmanager
async def served(found: access.Identity) -> AsyncIterator[httpx.AsyncClient]:
    """A service that says who asks."""

    async def fine() -> None:
        return None

    app = create_app("ocr", token_secret=SECRET, live=fine, ready=[], access=found)

    @app.get("/api/v1/invoices/who")
    async def who(principal: CurrentPrincipal) -> list[str]:
        return [principal.subject, *principal.roles]

    @app.post("/api/v1/invoices/who")
    async def act(principal: CurrentPrincipal, action: str) -> str:
        require(principal, action)
        return "done"

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_service_in_production_takes_no_development_token_whoever_signed_it(world: World) -> None:
    token = mint(SECRET, Principal(subject="s", roles=("OPERATEUR",)))
    async with served(world.access) as client:
        refused = await client.get("/api/v1/invoices/who", headers=bearer(token))
        assert (refused.status_code, refused.json()["code"]) == (401, "TOKEN_INVALID")
    both = Access(world.pool, world.dsn, "ocr", development_secret=SECRET)
    async with served(both) as client:
        taken = await client.get("/api/v1/invoices/who", headers=bearer(token))
        assert taken.json() == ["s", "OPERATEUR"]


async def test_every_refusal_has_the_same_words_and_what_is_on_its_way_says_when_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "PENDING_SECONDS", 0.1)
    await world.take(account("locked", 1, state="locked"), account("out", 1), revoked("out"))
    signer = world.signer
    bad = [signer.token("locked"), signer.token("out"), Signer().token("out"), signer.token("out", exp=1), "x", "a.b.c"]
    async with served(world.access) as client:
        answers = [await client.get("/api/v1/invoices/who", headers=bearer(token)) for token in bad]
        said = [{k: v for k, v in answer.json().items() if k != "trace"} for answer in answers]
        assert [answer.status_code for answer in answers] == [401] * len(bad)
        assert all(each == said[0] for each in said)
        later = await client.get("/api/v1/invoices/who", headers=bearer(signer.token("out", ver=9, sid="x")))
        assert (later.status_code, later.json()["code"], later.headers["retry-after"]) == (503, "RIGHTS_PENDING", "1")


async def test_software_asks_only_for_what_it_was_registered_for_and_a_token_may_ask_for_less(world: World) -> None:
    scopes = ("invoices.read", "invoices.write", "directory.read")
    await world.take(account("erp", 1, MANAGES, kind="software", scopes=scopes))
    whole, less = world.signer.token("erp"), world.signer.token("erp", scope="invoices.read messages.read")
    async with served(world.access) as client:
        for token, expected in ((whole, 200), (less, 403)):
            read = await client.get("/api/v1/invoices/who", headers=bearer(token))
            assert read.json() == ["erp", "GESTIONNAIRE"]
            acted = await client.post("/api/v1/invoices/who?action=invoice.act_as_body", headers=bearer(token))
            assert acted.status_code == expected
        assert acted.json()["code"] == "SCOPE_REQUIRED"
        beyond = await client.post("/api/v1/invoices/who?action=deposit.create", headers=bearer(whole))
        assert (beyond.status_code, beyond.json()["code"]) == (403, "RIGHT_MISSING")
    assert (await world.access.principal(less)).scopes == ("invoices.read",)


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
