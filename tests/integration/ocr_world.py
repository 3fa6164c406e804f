"""What the tests of ocr share: documents in the real store, jobs in a real table, results in the outbox."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from contracts.envelope import Event, decode
from contracts.events import ClaimCheck, DocumentRead, DocumentReceived, DocumentUnreadable
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.blobs import Blobs
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Deliver
from services.common.record import unpack_headers
from services.ocr.answers import Whole
from services.ocr.handlers import handle
from services.ocr.jobs import Dispatcher, Reader
from services.ocr.settings import OcrSettings
from tests.records import event, eventually, record

BUCKET = "chorale-ocr"
PDF = "application/pdf"


class OcrWorld:
    """A database of its own with the job table, and the session's store."""

    def __init__(self, stack: Stack, pool: Pool, dsns: Mapping[str, ServiceDsns], blobs: Blobs) -> None:
        self.stack, self.pool, self.dsns, self.blobs = stack, pool, dsns, blobs
        self.deliver = Deliver(pool, "ocr", handle)

    def settings(self, **changes: Any) -> OcrSettings:
        """Settings of a service of this world, impatient enough for tests."""
        return ocr_settings(self.stack, self.dsns, **{"lease_seconds": 2.0, "lost_after": 2, **changes})

    async def store(self, content: bytes) -> ClaimCheck:
        """Store a document."""
        digest = hashlib.sha256(content).hexdigest()
        key = f"test/{uuid4()}"
        return await self.blobs.put(key, io.BytesIO(content), size=len(content), sha256=digest, media_type=PDF)

    async def receive(self, *documents: ClaimCheck) -> list[Event]:
        """Deliver one DocumentReceived per document, in one batch."""
        events = [received(document) for document in documents]
        await self.deliver.batch([record(found) for found in events])
        return events

    @asynccontextmanager
    async def dispatcher(self, reader: Reader, **settings: Any) -> AsyncIterator[Dispatcher]:
        """A dispatcher that runs, and is stopped as the service stops it."""
        found = Dispatcher(self.pool, self.blobs, reader, self.settings(**settings))
        running = asyncio.create_task(found.run())
        try:
            yield found
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def results(self) -> list[Event]:
        """The events in the outbox."""
        rows = await self.pool.fetch("select headers, value from outbox where topic = 'chorale.reading.v1' order by id")
        return [decode(unpack_headers(row["headers"]), row["value"]) for row in rows]

    async def until_done(self, events: Sequence[Event], *, within: float = 30.0) -> dict[str, Event]:
        """Wait until each document has its result; returns them by invoice. A second result is an error."""
        wanted = {found.subject for found in events}

        async def all_done() -> bool:
            done = await self.pool.fetch("select invoice_id from job where state = 'done'")
            return wanted <= {str(row["invoice_id"]) for row in done}

        await eventually(all_done, within=within)
        results = await self.results()
        assert len({found.subject for found in results}) == len(results)
        by_invoice = {found.subject: found for found in results}
        assert wanted <= by_invoice.keys()
        return by_invoice

    async def job(self, found: Event) -> Mapping[str, Any]:
        """The job of a document, as a row with ``free``: whether nobody holds it."""
        row = await self.pool.fetchrow("select *, lease_owner is null as free from job where event_id = $1", found.id)
        assert row is not None
        return dict(row)


def received(document: ClaimCheck, invoice: str | None = None) -> Event:
    """A DocumentReceived event."""
    data = DocumentReceived(document=document, depositor="supplier-1", received_at=datetime.now(UTC))
    return event(data, invoice or str(uuid4()), traceparent=f"00-{uuid4().hex}-0123456789abcdef-01")


def ocr_settings(stack: Stack, dsns: Mapping[str, ServiceDsns], **changes: Any) -> OcrSettings:
    """Settings as a service process of this stack and database would have them."""
    return OcrSettings(
        environment="development",
        kafka=stack.kafka.bootstrap,
        dsn=dsns["ocr"].worker,
        api_dsn=dsns["ocr"].api,
        port=1,
        token_secret="not-used-here",
        s3_endpoint=stack.s3.endpoint,
        s3_access_key=stack.s3.access_key,
        s3_secret_key=stack.s3.secret_key,
        s3_bucket=BUCKET,
        **changes,
    )


@asynccontextmanager
async def open_world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[OcrWorld]:
    """A world with an empty job table."""
    await migrate(dsns["ocr"].worker, "ocr", "services.ocr")
    pool = await open_pool(dsns["ocr"].worker, "ocr")
    blobs = Blobs(ocr_settings(stack, dsns))
    try:
        yield OcrWorld(stack, pool, dsns, blobs)
    finally:
        await blobs.close()
        await pool.close()


class StubReader:
    """Reads nothing: keeps what it was given, and answers as told. A gate holds up the documents named in it."""

    def __init__(self, answer: Whole | Exception | None = None) -> None:
        self.answer = answer or Whole(pages=1)
        self.seen: list[bytes] = []
        self.gates: dict[bytes, asyncio.Event] = {}

    async def read(self, data: bytes) -> Whole:
        """The answer, once the document's gate is open."""
        self.seen.append(data)
        if gate := self.gates.get(data):
            await gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def data_of(found: Event) -> DocumentRead | DocumentUnreadable:
    """The result that an event tells."""
    assert isinstance(found.data, DocumentRead | DocumentUnreadable)
    return found.data
