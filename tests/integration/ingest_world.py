"""ingest in the test's own process, on real servers: its API behind a web server, its handlers without a broker."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from pydantic import SecretStr

from contracts.envelope import Event, decode, encode, headers
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal
from services.common.blobs import Blobs
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Deliver
from services.common.rates import Rates
from services.common.record import Record, unpack_headers
from services.common.web import Server, create_app
from services.ingest import api, handlers
from services.ingest.settings import IngestSettings
from tests.identity import Named
from tests.processes import free_port
from tests.unit.ingest.samples import SUPPLIER, pdf

BUCKET = "ingest-tests"
SECRET = "the-secret-of-the-tests-of-ingest-only"
PDF_PART = "application/pdf"


def supplier(subject: str = "supplier-1", **more: Any) -> Principal:
    """A depositor who may act for one structure."""
    given = {"structures": (SUPPLIER,), "roles": ("FOURNISSEUR",), "contact": f"{subject}@fournisseur.example", **more}
    return Principal(subject=subject, **given)


@dataclass
class World:
    """One ingest, and what a test needs to look at it."""

    url: str
    secret: str
    pool: Pool
    api_pool: Pool
    blobs: Blobs
    settings: IngestSettings
    deliver: Deliver
    client: httpx.AsyncClient
    identity: Named
    offset: int = field(default=0)

    def headers(self, principal: Principal | None = None, key: str | None = None) -> dict[str, str]:
        """Who asks, and under which Idempotency-Key."""
        token = self.identity.token(principal or supplier())
        return {"Authorization": f"Bearer {token}"} | ({} if key is None else {"Idempotency-Key": key})

    async def post(
        self,
        content: bytes | None = None,
        *,
        principal: Principal | None = None,
        key: str | None = None,
        name: str = "facture.pdf",
        given: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Deposit, with what is given beside the document."""
        files = {"file": (name, pdf() if content is None else content, PDF_PART)}
        headers = self.headers(principal, key)
        return await self.client.post("/api/v1/deposits", files=files, data=dict(given or {}), headers=headers)

    async def deposit(self, content: bytes | None = None, **more: Any) -> UUID:
        """Deposit, which must succeed; returns the id."""
        answer = await self.post(content, **more)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def get(self, path: str, principal: Principal | None = None, **more: Any) -> httpx.Response:
        """Ask below ``/api/v1/deposits``."""
        return await self.client.get(f"/api/v1/deposits{path}", headers=self.headers(principal), **more)

    async def take(self, *events: Event) -> None:
        """Deliver events to the handlers as one batch."""
        await self.deliver.batch([self.record(event) for event in events])

    def record(self, event: Event) -> Record:
        """The event as it comes from a topic."""
        self.offset += 1
        return Record(
            topic="test",
            partition=0,
            offset=self.offset,
            key=event.subject.encode(),
            headers=headers(event),
            value=encode(event.data),
        )

    async def sent(self) -> list[Event]:
        """The events in the outbox, in order; the mirrors of dead letters left out."""
        rows = await self.pool.fetch("select headers, value from outbox where topic not like '%.dlq.%' order by id")
        return [decode(unpack_headers(row["headers"]), row["value"]) for row in rows]

    async def row(self, deposit: UUID) -> asyncpg.Record:
        """The deposit's row."""
        row = await self.pool.fetchrow("select * from deposit where id = $1", deposit)
        assert row is not None
        return row

    async def parked(self) -> Sequence[str]:
        """Codes of the dead letters."""
        return [row["reason"] for row in await self.pool.fetch("select reason from dead_letter order by id")]


def settings_for(stack: Stack, dsns: Mapping[str, ServiceDsns], **more: Any) -> IngestSettings:
    """Settings of an ingest on this database, with a bucket for tests."""
    given: dict[str, Any] = {
        "environment": "development",
        "kafka": stack.kafka.bootstrap,
        "dsn": SecretStr(dsns["ingest"].worker),
        "api_dsn": SecretStr(dsns["ingest"].api),
        "port": free_port(),
        "token_secret": SecretStr(SECRET),
        "s3_endpoint": stack.s3.endpoint,
        "s3_access_key": stack.s3.access_key,
        "s3_secret_key": SecretStr(stack.s3.secret_key),
        "s3_bucket": BUCKET,
        **more,
    }
    return IngestSettings(**given)


@asynccontextmanager
async def open_world(stack: Stack, dsns: Mapping[str, ServiceDsns], **more: Any) -> AsyncIterator[World]:
    """An ingest without consumer and relay, so that a test sees each step by itself."""
    settings = settings_for(stack, dsns, **more)
    await migrate(dsns["ingest"].worker, "ingest", "services.ingest")
    pool = await open_pool(dsns["ingest"].worker, "ingest")
    api_pool = await open_pool(dsns["ingest"].api, "ingest")
    blobs = Blobs(settings)
    await blobs.open()
    identity = Named(SECRET)
    app = create_app("ingest", token_secret=SECRET, live=_fine, ready=[], access=identity)
    app.state.rates = Rates(pool, settings, seconds=settings.store_seconds)
    api.add_routes(app, pool=pool, api_pool=api_pool, blobs=blobs, settings=settings)
    server = Server(app, settings.host, settings.port, 2)
    serving = asyncio.create_task(server.serve())
    url = f"http://{settings.host}:{settings.port}"
    try:
        patient = httpx.AsyncHTTPTransport(retries=5)
        async with httpx.AsyncClient(base_url=url, timeout=40, transport=patient) as client:
            yield World(
                url=url,
                secret=SECRET,
                pool=pool,
                api_pool=api_pool,
                blobs=blobs,
                settings=settings,
                deliver=Deliver(pool, "ingest", handlers.handle),
                client=client,
                identity=identity,
            )
    finally:
        server.should_exit = True
        await serving
        await blobs.close()
        for each in (pool, api_pool):
            each.terminate()


async def _fine() -> str | None:
    return None
