"""The live feed: in order, without gap or repeat, on any instance, and only what the reader may see."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal, mint
from tests.integration.status_service import (
    OPERATOR,
    SECRET,
    SUPPLIER,
    WHY,
    Instance,
    Tables,
    instances,
    relayed,
    tables,
    until,
)
from tests.unit.status.samples import BODY, SERVICE, UNKNOWN_SERVICE, event, routed, submitted, unroutable

EVENTS = "/api/v1/invoices/events"
OTHER_SUPPLIER = Principal(subject="other", structures=("44306184100047",))
CLERK = Principal(subject="clerk", services=(f"{BODY}/{SERVICE}",))


@dataclass
class World:
    """Tables, a relay and two instances."""

    tables: Tables
    one: Instance
    two: Instance

    async def deposit(self, count: int, supplier: str = SUPPLIER.structures[0]) -> list[UUID]:
        """Invoices that are deposited and routed."""
        made = [uuid4() for _ in range(count)]
        for i, invoice in enumerate(made):
            await self.tables.take(event(submitted(f"F-{i}-{invoice}", supplier), invoice), event(routed(), invoice))
        return made

    async def sent(self) -> None:
        """Until the relay has sent everything."""

        async def all_sent() -> bool:
            return not await self.tables.pool.fetchval("select count(*) from outbox where sequence is null")

        await until(all_sent)


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns], stack: Stack) -> AsyncIterator[World]:
    own = dsns["status"]
    async with (
        tables(dsns) as found,
        relayed(own, stack.kafka.bootstrap),
        instances(found, own, stack.kafka.bootstrap, 2, feed_heartbeat_seconds=1) as (one, two),
    ):
        yield World(found, one, two)


async def test_an_open_feed_shows_each_status_in_order_as_it_comes(world: World) -> None:
    async with world.one.events(SUPPLIER) as feed:
        [invoice] = await world.deposit(1)
        first, second = await feed.take(2)
    assert [(e["invoice"], e["changed"]["status_to"]) for e in (first, second)] == [
        (str(invoice), "DEPOSEE"),
        (str(invoice), "MISE_A_DISPOSITION"),
    ]
    assert first["label"] == "Déposée"
    assert second["id"] > first["id"]


async def test_a_client_resumes_on_another_instance_without_gap_or_repeat(world: World) -> None:
    got: list[dict[str, Any]] = []
    expected = 0
    async with world.one.events(SUPPLIER) as feed:
        expected += 2 * len(await world.deposit(3))
        got += await feed.take(4)
    expected += 2 * len(await world.deposit(3))
    for instance in (world.two, world.one, world.two):
        async with instance.events(SUPPLIER, last=got[-1]["id"]) as feed:
            expected += 2 * len(await world.deposit(2))
            got += await feed.take(5)
    async with world.one.events(SUPPLIER, last=got[-1]["id"]) as feed:
        got += await feed.take(expected - len(got))
        assert await feed.silent(0.5)
    assert len({(e["invoice"], e["changed"]["status_to"]) for e in got}) == len(got) == expected


async def test_from_zero_everything_kept_is_read_and_a_full_resume_gives_the_same(world: World) -> None:
    await world.deposit(120)
    await world.sent()
    async with world.one.events(OPERATOR, start="0") as feed:
        everything = await feed.take(240)
    assert [e["id"] for e in everything] == sorted({e["id"] for e in everything})
    middle = everything[99]["id"]
    async with world.two.events(OPERATOR, last=middle) as feed:
        assert await feed.take(140) == everything[100:]


async def test_a_feed_ends_with_the_token_it_was_opened_with(world: World) -> None:
    async with world.one.events(OPERATOR, ttl_seconds=2) as feed:
        with pytest.raises(EOFError):
            await feed.next(seconds=8)
    async with world.one.events(OPERATOR) as feed:
        assert await feed.silent(4)


async def test_only_those_concerned_are_read_for_and_the_same_claims_share_a_reading(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, read = world.one.feed, list[str]()
    original = feed._read

    async def counted(scope: dict[str, str], position: int, upto: int) -> tuple[bytes, int]:
        read.append(scope["structures"])
        return await original(scope, position, upto)

    async def at_rest() -> bool:
        return len(feed._readers) == 6 and not any(reader.woken.is_set() for reader in feed._readers)

    await world.deposit(1)
    await world.sent()
    colleagues = [Principal(subject=f"colleague {n}", structures=SUPPLIER.structures) for n in range(5)]
    async with AsyncExitStack() as opened:
        feeds = [await opened.enter_async_context(world.one.events(who)) for who in (*colleagues, OTHER_SUPPLIER)]
        await until(at_rest)
        monkeypatch.setattr(feed, "_read", counted)
        await world.deposit(1)
        for one in feeds[:-1]:
            assert len(await one.take(2)) == 2
        assert await feeds[-1].silent(0.3)
    assert set(read) == set(SUPPLIER.structures)
    assert len(read) < len(colleagues)


async def test_a_feed_shows_nothing_of_others_and_moves_past_it(world: World) -> None:
    async with world.one.events(OTHER_SUPPLIER) as feed:
        start = feed.position
        await world.deposit(2)
        await world.sent()
        assert await feed.silent(2.5)  # heartbeats come, events do not
        assert feed.position >= start + 4
        [own] = await world.deposit(1, OTHER_SUPPLIER.structures[0])
        assert {e["invoice"] for e in await feed.take(2)} == {str(own)}


async def test_a_body_s_feed_begins_with_the_entry_that_made_the_invoice_available(world: World) -> None:
    async with world.one.events(CLERK) as feed:
        [invoice] = await world.deposit(1)
        live = await feed.take(1)
        assert await feed.silent(0.5)
    async with world.two.events(CLERK, start="0") as feed:
        replayed = await feed.take(1)
        assert await feed.silent(0.5)
    assert live == replayed
    assert (live[0]["invoice"], live[0]["changed"]["status_to"]) == (str(invoice), "MISE_A_DISPOSITION")


async def test_a_position_that_cannot_be_resumed_is_refused_in_words(world: World) -> None:
    async with world.one.client(OPERATOR) as client:
        for last in ("99999", "-1", "x", "1" * 30, "²"):
            answer = await client.get(EVENTS, headers={b"Last-Event-ID": last.encode()})
            assert (answer.status_code, answer.json()["code"]) == (410, "FEED_POSITION_GONE")


async def test_a_position_older_than_what_is_kept_is_refused_rather_than_skipped(world: World) -> None:
    await world.deposit(3)
    await world.sent()
    await world.tables.pool.execute("delete from outbox where sequence <= 3")
    async with world.one.client(OPERATOR) as client:
        answer = await client.get(EVENTS, headers={"Last-Event-ID": "2"})
    assert answer.status_code == 410
    async with world.one.events(OPERATOR, last=3) as feed:
        assert [e["id"] for e in await feed.take(3)] == [4, 5, 6]


async def test_a_slow_client_delays_nobody_and_is_let_go(dsns: Mapping[str, ServiceDsns], stack: Stack) -> None:
    own = dsns["status"]
    async with (
        tables(dsns) as found,
        relayed(own, stack.kafka.bootstrap),
        instances(found, own, stack.kafka.bootstrap, 1, feed_write_seconds=1) as (http,),
    ):
        world = World(found, http, http)

        async def two_clients() -> bool:
            return http.feed.clients == 2

        async def lazy_one_gone() -> bool:
            await world.deposit(2)
            return http.feed.clients == 1

        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect(("127.0.0.1", http.port))
            token = mint(SECRET, OPERATOR)
            asked = f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nX-Chorale-Reason: {WHY}"
            lazy.sendall(f"{asked}\r\n\r\n".encode())
            async with http.events(OPERATOR) as feed:
                await until(two_clients)
                # More than the sockets' buffers hold.
                long = msgspec.structs.replace(UNKNOWN_SERVICE, message="x" * 200_000)
                for _ in range(80):
                    invoice = uuid4()
                    await found.take(event(submitted(f"F-{invoice}"), invoice), event(unroutable(1, (long,)), invoice))
                assert len(await feed.take(160)) == 160
                await until(lazy_one_gone, 30)
                assert await feed.next()


async def test_an_open_feed_does_not_hold_up_the_stop(world: World) -> None:
    async with world.one.events(OPERATOR) as feed:
        world.one.server.should_exit = True
        started = asyncio.get_running_loop().time()
        with pytest.raises(EOFError):
            await feed.next(10)
        assert asyncio.get_running_loop().time() - started < 3


async def test_too_many_feeds_are_refused_with_a_time_to_come_back(
    dsns: Mapping[str, ServiceDsns], stack: Stack
) -> None:
    own = dsns["status"]
    async with (
        tables(dsns) as found,
        instances(found, own, stack.kafka.bootstrap, 1, feed_clients=1) as (http,),
        http.events(OPERATOR),
        http.client(OPERATOR) as client,
    ):
        answer = await client.get(EVENTS)
        assert (answer.status_code, answer.json()["code"]) == (503, "FEED_FULL")
        assert answer.headers["retry-after"] == "5"
