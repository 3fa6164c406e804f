"""The status service inside the test's process, on real servers: its tables, its API on a port, its relay."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from contracts.envelope import Event
from deploy.database import ServiceDsns
from services.common.auth import Principal, mint
from services.common.blobs import Blobs
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Deliver
from services.common.listen import Listener
from services.common.outbox import Relay, RelaySettings, channel
from services.common.web import Server, create_app
from services.status import api, api_actions, api_bulk, api_clock, api_inbox
from services.status.feed import Feed
from services.status.handlers import handle
from services.status.settings import FEED_KEPT, StatusSettings
from tests.processes import free_port
from tests.unit.status import samples

SECRET = "a secret of the tests that is long enough"
_TLS = ssl.create_default_context()  # made once: it is slow, and nothing here uses it
OPERATOR = Principal(subject="op", roles=("OPERATEUR",))
WHY = "Un essai de la plateforme"
SUPPLIER = Principal(subject="sup", structures=(samples.SUPPLIER,))


@dataclass
class Tables:
    """The status schema with both roles, and the way in for events."""

    pool: Pool
    api_pool: Pool
    deliver: Deliver

    async def take(self, *events: Event) -> None:
        """One batch, as the consumer hands it over."""
        await self.deliver.batch([samples.record(event) for event in events])

    async def history(self, invoice: UUID) -> list[tuple[int, str, str | None]]:
        """Number, kind and status of every entry."""
        rows = await self.pool.fetch(
            "select entry, kind, status_to from history where invoice = $1 order by entry", invoice
        )
        return [(row["entry"], row["kind"], row["status_to"]) for row in rows]

    async def status(self, invoice: UUID) -> str | None:
        """The invoice's status, if there is one."""
        found: str | None = await self.pool.fetchval("select status from invoice where id = $1", invoice)
        return found

    async def count(self, table: str) -> int:
        """Rows of a table."""
        found: int = await self.pool.fetchval(f"select count(*) from {table}")
        return found


@asynccontextmanager
async def tables(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    """Migrated tables and both pools."""
    own = dsns["status"]
    await migrate(own.worker, "status", "services.status")
    pool, api_pool = await open_pool(own.worker, "status"), await open_pool(own.api, "status")
    try:
        yield Tables(pool, api_pool, Deliver(pool, "status", handle))
    finally:
        await pool.close()
        await api_pool.close()


class Instance:
    """One instance's HTTP side. Without a store of documents it has no archives."""

    def __init__(self, found: Tables, dsn: str, settings: StatusSettings, blobs: Blobs | None = None) -> None:
        self.port = free_port()
        listener = Listener(dsn, channel("status") + "_sent")
        self.feed = Feed(found.pool, found.api_pool, listener, settings)
        app = self.app = create_app("status", token_secret=SECRET, live=_fine, ready=[_fine])
        for own in (api_actions, api_bulk, api_clock):
            own.add_routes(app, found.pool, found.api_pool)
        api_inbox.add_routes(app, found.pool, found.api_pool, blobs)
        api.add_routes(app, found.api_pool, self.feed, blobs, lambda: app.state.server.should_exit)
        self.server = Server(app, "127.0.0.1", self.port, stop_seconds=4)
        self._tasks = [asyncio.create_task(run()) for run in (self.server.serve, listener.run, self.feed.run)]

    async def ready(self) -> None:
        """Until it answers."""

        async def started() -> bool:
            return self.server.started

        await until(started)

    async def close(self) -> None:
        """Stop as the runtime does."""
        self.server.should_exit = True
        await self._tasks[0]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def client(self, principal: Principal, ttl_seconds: int = 3600) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client with this principal's token."""
        async with self.bearing(mint(SECRET, principal, ttl_seconds=ttl_seconds)) as client:
            yield client

    @asynccontextmanager
    async def bearing(self, token: str, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client with this token; without other headers it gives a reason, which only operators need."""
        why = {name: value.encode() for name, value in (headers or {"X-Chorale-Reason": WHY}).items()}
        given = {b"Authorization": f"Bearer {token}".encode(), **{name.encode(): value for name, value in why.items()}}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", headers=given, timeout=10, verify=_TLS
        ) as client:
            yield client

    async def get(self, principal: Principal, path: str, **query: Any) -> httpx.Response:
        """One request under ``/api/v1/invoices``."""
        async with self.client(principal) as client:
            return await client.get(f"/api/v1/invoices{path}", params=query)

    @asynccontextmanager
    async def events(
        self, principal: Principal, *, last: int | None = None, start: str = "now", ttl_seconds: int = 3600
    ) -> AsyncIterator["Sse"]:
        """An open feed."""
        async with self.listening(mint(SECRET, principal, ttl_seconds=ttl_seconds), last=last, start=start) as sse:
            yield sse

    @asynccontextmanager
    async def listening(self, token: str, *, last: int | None = None, start: str = "now") -> AsyncIterator["Sse"]:
        """An open feed with this token."""
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        async with (
            self.bearing(token) as client,
            client.stream("GET", "/api/v1/invoices/events", params={"from": start}, headers=headers) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            sse = Sse(answer)
            try:
                await sse.opened()
                yield sse
            finally:
                await sse.close()


class Sse:
    """Reads server-sent events in the background."""

    def __init__(self, answer: httpx.Response) -> None:
        self.position = -1
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._opened = asyncio.Event()
        self._task = asyncio.create_task(self._read(answer))

    async def _read(self, answer: httpx.Response) -> None:
        block: dict[str, str] = {}
        try:
            async for line in answer.aiter_lines():
                name, _, value = line.partition(":")
                if line:
                    block[name] = value.strip()
                    continue
                if "id" in block:
                    self.position = int(block["id"])
                    self._opened.set()
                if "data" in block:
                    self._events.put_nowait({"id": int(block["id"]), **json.loads(block["data"])})
                block = {}
        finally:
            self._events.put_nowait(None)

    async def opened(self) -> None:
        """The first block gives the position."""
        await asyncio.wait_for(self._opened.wait(), 5)

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def next(self, seconds: float = 5) -> dict[str, Any]:
        """The next event's data; heartbeats are passed over. Raises EOFError at the end of the feed."""
        found = await asyncio.wait_for(self._events.get(), seconds)
        if found is None:
            raise EOFError
        return found

    async def take(self, count: int) -> list[dict[str, Any]]:
        """So many events."""
        return [await self.next() for _ in range(count)]

    async def silent(self, seconds: float) -> bool:
        """Whether nothing comes for that long."""
        with suppress(TimeoutError):
            await self.next(seconds)
            return False
        return True


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(0.02)


async def _fine() -> str | None:
    return None


def settings_of(own: ServiceDsns, kafka: str, **changes: Any) -> StatusSettings:
    """Settings of an instance inside the test."""
    return StatusSettings(
        environment="development",
        kafka=kafka,
        dsn=own.worker,
        api_dsn=own.api,
        port=1,
        token_secret=SECRET,
        **changes,
    )


@asynccontextmanager
async def relayed(own: ServiceDsns, kafka: str) -> AsyncIterator[None]:
    """The relay of the status service."""
    relay = Relay(RelaySettings(schema="status", dsn=own.worker, kafka=kafka, keep=FEED_KEPT))
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def instances(
    found: Tables, own: ServiceDsns, kafka: str, count: int = 1, *, blobs: Blobs | None = None, **changes: Any
) -> AsyncIterator[Sequence[Instance]]:
    """Several instances of the HTTP side on the same tables."""
    running = [Instance(found, own.worker, settings_of(own, kafka, **changes), blobs) for _ in range(count)]
    try:
        for instance in running:
            await instance.ready()
        yield running
    finally:
        for instance in running:
            await instance.close()
