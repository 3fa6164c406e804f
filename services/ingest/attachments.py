"""Receiving an attachment: the file is stored first, then one transaction gives it to its deposit and tells of it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.events import AttachmentStored, ClaimCheck
from services.common import clock, telemetry
from services.common.auth import Principal
from services.common.blobs import Blobs, BlobsAway
from services.common.db import Connection, Pool, scoped
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.common.web import Problem
from services.ingest import attachment_refusals, attachment_store, draft_store, metrics, refusals, store
from services.ingest.antivirus import Antivirus
from services.ingest.attachment_kinds import ENDINGS, ONLY_ONE, ending, is_program, media_type
from services.ingest.attachment_store import Kept, Target
from services.ingest.domain import State
from services.ingest.identity import folder_of, uuid7
from services.ingest.kinds import looks_like
from services.ingest.names import short
from services.ingest.settings import IngestSettings
from services.ingest.upload import Door, Upload

OPEN = frozenset((State.RECEIVED, State.TO_VERIFY, State.SUBMITTED))


class Paper(Door):
    """What an attachment's form may bring: a file whose name and content agree, its type and its label."""

    def __init__(self) -> None:
        super().__init__(frozenset(("type", "label")))

    def media_type(self, head: bytes, name: str) -> str:
        end = ending(name)
        if is_program(head):
            raise attachment_refusals.program()
        if end not in ENDINGS:
            raise attachment_refusals.bad_ending(name)
        found = media_type(head, end)
        if found is None:
            raise attachment_refusals.other_content(end, looks_like(head))
        return found

    def too_large(self, limit: int, size: int | None) -> Problem:
        return attachment_refusals.too_large(limit, size)

    def missing(self, parts: list[str]) -> Problem:
        return attachment_refusals.missing(parts)


class File(msgspec.Struct, frozen=True, kw_only=True):
    """What is attached, as far as the rules look at it."""

    name: str
    size: int
    sha256: str


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """One request to attach, whole; ``id`` and ``stored_at`` are its own."""

    id: UUID
    stored_at: datetime
    principal: Principal
    deposit: UUID
    file: File
    type: str
    label: str
    traceparent: str | None


def arriving(
    principal: Principal, deposit: UUID, file: File, type_: str, label: str, traceparent: str | None
) -> Arrived:
    """A request of now."""
    now = clock.now()
    return Arrived(
        id=uuid7(now),
        stored_at=now,
        principal=principal,
        deposit=deposit,
        file=file,
        type=type_,
        label=label,
        traceparent=traceparent,
    )


def object_key(depositor: str, deposit: UUID, attachment: UUID) -> str:
    """Where an attachment is stored: beside its deposit's document, under its own id and never under its name."""
    return f"{folder_of(depositor)}/{deposit}/attachments/{attachment}"


class Attachments:
    """Takes attachments. What it has answered is durable: file, row and, once there is an invoice, event."""

    def __init__(self, api_pool: Pool, blobs: Blobs, settings: IngestSettings, antivirus: Antivirus) -> None:
        self._pool = api_pool
        self._blobs = blobs
        self._settings = settings
        self._antivirus = antivirus

    async def add(
        self,
        principal: Principal,
        deposit: UUID,
        upload: Upload,
        type_: str,
        label: str,
        traceparent: str | None,
    ) -> Kept:
        """The attachment, new or the earlier one of the same content; raises a problem where there is no room."""
        file = File(name=upload.file_name, size=upload.size, sha256=upload.sha256)
        arrived = arriving(principal, deposit, file, type_, label, traceparent)
        async with scoped(self._pool, principal.scope()) as connection:
            target, earlier = await self._look(connection, arrived)
        if earlier is None:
            claim = await self._store(arrived, upload, target)
            earlier = await self._settle_or_delete(arrived, claim)
        else:
            metrics.ATTACHMENTS.labels(kind="repeated").inc()
        telemetry.logger().info("attachment.stored", deposit=str(deposit), attachment=str(earlier.id), size=upload.size)
        return earlier

    async def reuse(
        self,
        principal: Principal,
        deposit: UUID,
        attachment: UUID,
        type_: str | None,
        label: str | None,
        traceparent: str | None,
    ) -> Kept:
        """A piece that the same depositor stored before, for this deposit too: the same bytes, not stored again."""
        async with scoped(self._pool, principal.scope()) as connection:
            kept = await attachment_store.own(connection, attachment, principal.subject)
            expired = None if kept is None else await attachment_store.expired(connection, kept.deposit)
        if kept is None:
            raise attachment_refusals.unknown()
        if expired is not None:
            raise refusals.document_expired(expired)
        file = File(name=kept.name, size=kept.document.size, sha256=kept.document.sha256)
        words = label or kept.label or kept.name[:100]
        arrived = arriving(principal, deposit, file, type_ or kept.type, words, traceparent)
        return await self._settle(arrived, kept.document)

    async def reusable(self, principal: Principal, deposit: UUID, limit: int) -> list[Kept]:
        """What the same depositor sent with other deposits, and this one has not."""
        async with scoped(self._pool, principal.scope()) as connection:
            if await attachment_store.target(connection, deposit) is None:
                raise refusals.unknown_deposit()
            return await attachment_store.reusable(connection, deposit, principal.subject, limit)

    async def from_draft(
        self, principal: Principal, paper: UUID, deposit: UUID, type_: str, label: str, traceparent: str | None
    ) -> Kept:
        """A paper that was dropped as an invoice becomes an attachment of one; its draft is no more."""
        async with transaction(self._pool, "ingest", keys=[str(paper), str(deposit)], scope=principal.scope()) as tx:
            stored = await store.find(tx.conn, paper)
            if stored is None:
                raise refusals.unknown_deposit()
            if stored.state is not State.TO_VERIFY or not stored.document.sha256 or paper == deposit:
                raise attachment_refusals.no_document()
            document = stored.document
            if document.size > self._settings.max_attachment_bytes:
                raise attachment_refusals.too_large(self._settings.max_attachment_bytes, document.size)
            name = stored.file_name if ending(stored.file_name) in ENDINGS else f"{stored.file_name}.pdf"
            file = File(name=name, size=document.size, sha256=document.sha256)
            arrived = arriving(principal, deposit, file, type_, label, traceparent)
            kept = await self._settle_in(tx, arrived, document)
            if not await draft_store.drop(tx.conn, paper):
                raise attachment_refusals.no_document()
        return kept

    async def _look(self, connection: Connection, arrived: Arrived) -> tuple[Target, Kept | None]:
        """The deposit, and its attachment of the same content. Raises the problem of a deposit that takes none."""
        target = await attachment_store.target(connection, arrived.deposit)
        if target is None:
            raise refusals.unknown_deposit()
        kept = await attachment_store.listed(connection, arrived.deposit)
        earlier = next((each for each in kept if each.document.sha256 == arrived.file.sha256), None)
        if earlier is None:
            if target.state not in OPEN:
                raise attachment_refusals.closed(target.state)
            self._room(arrived, target, kept)
        return target, earlier

    def _room(self, arrived: Arrived, target: Target, kept: Sequence[Kept]) -> None:
        if len(kept) >= self._settings.max_attachments:
            raise attachment_refusals.too_many(self._settings.max_attachments)
        size = target.document_size + sum(each.document.size for each in kept) + arrived.file.size
        if size > self._settings.max_deposit_bytes:
            raise attachment_refusals.too_heavy(self._settings.max_deposit_bytes, size)
        readable = next((str(each.id) for each in kept if each.type == ONLY_ONE), None)
        if arrived.type == ONLY_ONE and readable is not None:
            raise attachment_refusals.readable_twice(readable)

    async def _store(self, arrived: Arrived, upload: Upload, target: Target) -> ClaimCheck:
        await self._antivirus.clean(upload.source)
        return await self._blobs.put(
            object_key(target.depositor, arrived.deposit, arrived.id),
            upload.source,
            size=upload.size,
            sha256=upload.sha256,
            media_type=upload.media_type,
        )

    async def _settle_or_delete(self, arrived: Arrived, claim: ClaimCheck) -> Kept:
        """Settle; what was then stored in vain is deleted at once if the store answers, else swept a day later."""
        try:
            kept = await self._settle(arrived, claim)
        except Problem:
            await self._delete(claim)
            raise
        if kept.id != arrived.id:
            await self._delete(claim)
        return kept

    async def _settle(self, arrived: Arrived, claim: ClaimCheck) -> Kept:
        """In one transaction, under the deposit's lock: a decision on it is taken before or after, never meanwhile."""
        scope = arrived.principal.scope()
        async with transaction(self._pool, "ingest", keys=[str(arrived.deposit)], scope=scope) as tx:
            return await self._settle_in(tx, arrived, claim)

    async def _settle_in(self, tx: Tx, arrived: Arrived, claim: ClaimCheck) -> Kept:
        target, earlier = await self._look(tx.conn, arrived)
        metrics.ATTACHMENTS.labels(kind="new" if earlier is None else "repeated").inc()
        if earlier is not None:
            return earlier
        others = await attachment_store.listed(tx.conn, arrived.deposit)
        kept = Kept(
            id=arrived.id,
            deposit=arrived.deposit,
            name=arrived.file.name,
            short_name=short(arrived.file.name, {each.short_name.lower() for each in others}),
            type=arrived.type,
            label=arrived.label,
            document=claim,
            stored_at=arrived.stored_at,
        )
        submitted = target.state is State.SUBMITTED
        subject = arrived.principal.subject
        await attachment_store.add(tx.conn, kept, subject, after_submission=submitted)
        if submitted:
            tx.emit(
                AttachmentStored(attachment=kept.told(), stored_by=subject, stored_at=arrived.stored_at),
                key=str(arrived.deposit),
                cause=RequestCause(id=arrived.id, traceparent=arrived.traceparent),
            )
        return kept

    async def _delete(self, claim: ClaimCheck) -> None:
        with suppress(BlobsAway):
            await self._blobs.delete(claim.key)
