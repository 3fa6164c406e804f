"""Receiving a deposit: the document is stored first, then one transaction makes it a deposit and tells of it."""

import hashlib
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.envelope import event_id
from contracts.events import ClaimCheck, DocumentReceived
from invoice.cadres import NOTHING_GIVEN, Given
from services.common import clock, telemetry, timers
from services.common.auth import Principal
from services.common.blobs import Blobs, BlobsAway
from services.common.db import Pool, scoped
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.ingest import metrics, refusals, store
from services.ingest.antivirus import Antivirus
from services.ingest.depositing import depositor
from services.ingest.handlers import READING_OVERDUE
from services.ingest.identity import folder_of, uuid7
from services.ingest.kinds import PDF, XML
from services.ingest.settings import IngestSettings
from services.ingest.store import Stored
from services.ingest.upload import Upload

ENDINGS = {PDF: "pdf", XML: "xml"}
Earlier = tuple[Stored | None, Stored | None]


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """One request to deposit, whole: who, what, under which key; ``id`` and ``received_at`` are its own.

    ``given``: what he says beside the document, settled.
    """

    id: UUID
    received_at: datetime
    principal: Principal
    upload: Upload
    idempotency_key: str | None
    traceparent: str | None
    given: Given

    def locks(self) -> list[str]:
        """What two requests may not do at once: the same key, the same content, the same deposit."""
        subject = self.principal.subject
        keys = [str(self.id), f"content/{self.upload.sha256}/{subject}"]
        return keys if self.idempotency_key is None else [*keys, f"idempotency/{self.idempotency_key}/{subject}"]


def object_key(depositor: str, deposit: UUID, media_type: str) -> str:
    """Where a document is stored."""
    return f"{folder_of(depositor)}/{deposit}/document.{ENDINGS[media_type]}"


def hash_of(content: bytes) -> str:
    """The hash that a claim check carries."""
    return hashlib.sha256(content).hexdigest()


class Deposits:
    """Takes deposits. What it has answered is durable: document, row, event and timer."""

    def __init__(self, api_pool: Pool, blobs: Blobs, settings: IngestSettings, antivirus: Antivirus) -> None:
        self._pool = api_pool
        self._blobs = blobs
        self._antivirus = antivirus
        self._settings = settings

    async def receive(
        self,
        principal: Principal,
        upload: Upload,
        idempotency_key: str | None,
        traceparent: str | None,
        given: Given = NOTHING_GIVEN,
    ) -> Stored:
        """The deposit, new or earlier. Raises a 422 problem when the key belongs to another content or other fields.

        Transient errors pass through and leave no row; a document stored in vain is swept a day later.
        """
        now = clock.now()
        arrived = Arrived(
            id=uuid7(now),
            received_at=now,
            principal=principal,
            upload=upload,
            idempotency_key=idempotency_key,
            traceparent=traceparent,
            given=given,
        )
        stored = await self._receive(arrived)
        telemetry.logger().info("deposit.stored", deposit=str(stored.id), state=stored.state.value, size=upload.size)
        return stored

    async def _receive(self, arrived: Arrived) -> Stored:
        claim: ClaimCheck | None = None
        if not await self._answered_before(arrived):
            claim = await self._store(arrived)
        stored = await self._settle(arrived, claim)
        if stored is None:
            # The earlier deposit of this content was refused since we looked: this one needs its own document.
            claim = await self._store(arrived)
            stored = await self._settle(arrived, claim)
        assert stored is not None
        if claim is not None and stored.document.key != claim.key:
            with suppress(BlobsAway):
                await self._blobs.delete(claim.key)
        return stored

    async def _answered_before(self, arrived: Arrived) -> bool:
        principal = arrived.principal
        async with scoped(self._pool, principal.scope()) as connection:
            known = await store.earlier(connection, principal.subject, arrived.idempotency_key, arrived.upload.sha256)
        return known != (None, None)

    async def _store(self, arrived: Arrived) -> ClaimCheck:
        upload = arrived.upload
        await self._antivirus.clean(upload.source)
        return await self._blobs.put(
            object_key(arrived.principal.subject, arrived.id, upload.media_type),
            upload.source,
            size=upload.size,
            sha256=upload.sha256,
            media_type=upload.media_type,
        )

    async def _settle(self, arrived: Arrived, claim: ClaimCheck | None) -> Stored | None:
        """In one transaction: the earlier answer, a duplicate, or a new deposit; ``None`` when it needs a document."""
        principal = arrived.principal
        async with transaction(self._pool, "ingest", keys=arrived.locks(), scope=principal.scope()) as tx:
            by_key, by_content = await store.earlier(
                tx.conn, principal.subject, arrived.idempotency_key, arrived.upload.sha256
            )
            if by_key is not None:
                if by_key.document.sha256 != arrived.upload.sha256 or by_key.given != arrived.given:
                    raise refusals.key_reused(str(by_key.id))
                kind, stored = "repeated", by_key
            elif by_content is not None:
                kind, stored = "duplicate", await self._add(tx, arrived, by_content.document, by_content.id)
            elif claim is not None:
                kind, stored = "new", await self._add(tx, arrived, claim)
                await self._announce(tx, arrived, claim)
            else:
                return None
        metrics.DEPOSITS.labels(kind=kind).inc()
        return stored

    async def _add(self, tx: Tx, arrived: Arrived, document: ClaimCheck, duplicate_of: UUID | None = None) -> Stored:
        by = depositor(arrived.principal)
        new = store.New(
            id=arrived.id,
            depositor=arrived.principal.subject,
            contact=arrived.principal.contact,
            structures=by.structures,
            idempotency_key=arrived.idempotency_key,
            file_name=arrived.upload.file_name,
            document=document,
            received_at=arrived.received_at,
            duplicate_of=duplicate_of,
            roles=by.roles,
            given=arrived.given,
        )
        return await store.add(tx.conn, new)

    async def _announce(self, tx: Tx, arrived: Arrived, claim: ClaimCheck) -> None:
        cause = RequestCause(id=arrived.id, traceparent=arrived.traceparent)
        data = DocumentReceived(document=claim, depositor=arrived.principal.subject, received_at=arrived.received_at)
        tx.emit(data, key=str(arrived.id), cause=cause)
        await timers.start(
            tx.conn,
            event_id(arrived.id, READING_OVERDUE),
            key=str(arrived.id),
            kind=READING_OVERDUE,
            due_at=arrived.received_at + self._settings.reading_overdue,
            traceparent=arrived.traceparent,
        )
