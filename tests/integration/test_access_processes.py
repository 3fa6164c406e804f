"""A right that is withdrawn is gone in every process of every service, killed, cut off or busy as it may be."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import httpx
import pytest

from contracts.events import Grant, SigningKeyPublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.service import ServiceProcess
from services.common import account_replica
from services.common.auth import Principal, mint
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import transaction
from services.common.outbox import Relay, RelaySettings
from services.common.trace import RequestCause
from services.portal import publishing
from tests.accounts import SUPPLIER, Signer, account, event, revoked
from tests.servers import fresh_database

NAMES = ("status", "status#2", "ingest")
PATIENCE = 20.0  # of the test, not of the platform: the machine is shared
SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)
MANAGES = Grant(role="TENANT_ADMIN", tenant="demo")


@dataclass
class World:
    """Processes on a database of their own, and a key whose tokens they take."""

    stack: Stack
    services: Mapping[str, ServiceProcess]
    dsn: str
    portal: Pool
    signer: Signer
    client: httpx.AsyncClient

    async def publish(self, *entries: account_replica.AccountEntry) -> float:
        """As portal does, whose relay runs; the instant of the commit."""
        async with transaction(self.portal, "portal") as tx:
            for entry in entries:
                made = event(entry)
                part = entry.kid if isinstance(entry, SigningKeyPublished) else entry.subject
                await publishing.emit(
                    tx, entry, key=made.subject, partition_key=part, cause=RequestCause(made.id, None)
                )
        return time.monotonic()

    async def stands(self, name: str, token: str) -> str:
        """What a process says of a token: as what it is taken, or why not."""
        url, headers = self.services[name].url, {"Authorization": f"Bearer {token}"}
        try:
            if name == "ingest":
                asked = {"attachment": str(uuid4())}
                path = f"/api/v1/deposits/{uuid4()}/attachments/reuse"
                answer = await self.client.post(url + path, json=asked, headers=headers)
            else:
                answer = await self.client.get(f"{url}/api/v1/invoices/figures", headers=headers)
        except httpx.TransportError:
            return "away"
        said = answer.json()
        return str(said.get("standing") or said["code"])

    async def becomes(self, token: str, wanted: Mapping[str, str], since: float) -> None:
        """Until every process says what is wanted; prints how long each took."""

        async def one(name: str) -> None:
            while (said := await self.stands(name, token)) != wanted[name]:
                assert time.monotonic() - since < PATIENCE, f"{name}: {said} instead of {wanted[name]}"
                await asyncio.sleep(0.02)
            print(f"{name}: {wanted[name]} after {time.monotonic() - since:.3f} s")

        await asyncio.gather(*(one(name) for name in wanted))


@pytest.fixture(scope="module")
def processes(stack: Stack) -> Iterator[tuple[Mapping[str, ServiceProcess], Mapping[str, ServiceDsns]]]:
    """Two instances of one service and one of another, in production, on a database of their own."""
    loop, database = asyncio.new_event_loop(), fresh_database(stack)
    dsns = loop.run_until_complete(database.__aenter__())

    def environment(service: str) -> Mapping[str, str]:
        own = {"CHORALE_DSN": dsns[service].worker, "CHORALE_API_DSN": dsns[service].api}
        # The broker may hold what other files sent on purpose: to a new database all of it is new, poison included.
        own |= {"CHORALE_DEAD_LETTERS_IN_A_ROW": "1000000", "CHORALE_DEAD_LETTER_SHARE": "1"}
        return {**stack.environment(service), **own, "CHORALE_ENVIRONMENT": "production"}

    services = {name: ServiceProcess(stack.workspace, name, environment) for name in NAMES}
    loop.run_until_complete(migrate(dsns["portal"].worker, "portal", "services.portal"))
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda service: service.start(), services.values()))
        yield services, dsns
    finally:
        for service in services.values():
            service.kill()
        loop.run_until_complete(database.__aexit__(None, None, None))
        loop.close()


@pytest.fixture
async def world(
    stack: Stack, processes: tuple[Mapping[str, ServiceProcess], Mapping[str, ServiceDsns]]
) -> AsyncIterator[World]:
    services, dsns = processes
    own, kafka = dsns["portal"].worker, stack.kafka.bootstrap
    relay = Relay(RelaySettings(schema="portal", dsn=own, kafka=kafka, transactional_id="portal of the tests"))
    relaying = asyncio.create_task(relay.run())
    pool = await open_pool(own, "portal")
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            found = World(stack, services, dsns["status"].worker, pool, Signer(), client)
            await found.publish(found.signer.entry())
            yield found
    finally:
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await pool.close()


def each(status: str, ingest: str) -> dict[str, str]:
    return {"status": status, "status#2": status, "ingest": ingest}


async def test_a_right_that_is_withdrawn_or_given_is_so_in_every_process_and_no_development_token_counts(
    world: World,
) -> None:
    subject = uuid4().hex
    token = world.signer.token(subject)
    development = mint(world.stack.token_secret, Principal(subject="op", roles=("OPERATEUR",)))
    assert [await world.stands(name, development) for name in NAMES] == ["TOKEN_INVALID"] * len(NAMES)
    gone = each("none", "RIGHT_MISSING")
    for version in (1, 3):
        at = await world.publish(account(subject, version, SUPPLIES, MANAGES))
        await world.becomes(token, each("tenant", "ATTACHMENT_UNKNOWN"), at)
        at = await world.publish(account(subject, version + 1))
        await world.becomes(token, gone, at)
    at = await world.publish(account(subject, 5, SUPPLIES), revoked(subject))
    await world.becomes(token, each("TOKEN_INVALID", "TOKEN_INVALID"), at)
    assert await world.stands("status", world.signer.token(subject, sid="another", ver=5)) == "supplier"


async def test_one_process_killed_the_moment_it_hears_and_the_others_listening_cut_change_nothing(world: World) -> None:
    subject = uuid4().hex
    token = world.signer.token(subject)
    at = await world.publish(account(subject, 1, SUPPLIES, MANAGES))
    await world.becomes(token, each("tenant", "ATTACHMENT_UNKNOWN"), at)
    async with _cutting(world.dsn):
        at = await world.publish(account(subject, 2))
        await asyncio.to_thread(world.services["status"].kill)
        await world.becomes(token, {"status#2": "none", "ingest": "RIGHT_MISSING"}, at)
    await asyncio.to_thread(world.services["status"].start)
    await world.becomes(token, each("none", "RIGHT_MISSING"), at)
    at = await world.publish(account(subject, 3, SUPPLIES, MANAGES))
    await world.becomes(token, each("tenant", "ATTACHMENT_UNKNOWN"), at)


@asynccontextmanager
async def _cutting(dsn: str) -> AsyncIterator[None]:
    """Meanwhile nobody can listen for what changes in status."""
    name = "chorale-listen-" + account_replica.channel("status")

    async def cut(still: Callable[[], bool]) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            while still():
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1"
                    " and usename = current_user",
                    name,
                )
                await asyncio.sleep(0.01)
        finally:
            await connection.close()

    ended = asyncio.Event()
    task = asyncio.create_task(cut(lambda: not ended.is_set()))
    await asyncio.sleep(0.1)
    try:
        yield
    finally:
        ended.set()
        await task
