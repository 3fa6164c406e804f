"""A deposit that is typed: JSON in, checked at once, a PDF made of it, sent in one transaction or not at all."""

from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import msgspec
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from contracts.events import ClaimCheck
from invoice.findings import refusals as refusing
from invoice.typed import assemble
from services.common import clock, telemetry
from services.common.auth import Principal
from services.common.blobs import Blobs, BlobsAway
from services.common.db import Pool, scoped
from services.common.deliver import Tx, transaction
from services.common.web import Problem
from services.ingest import draft_refusals, draft_store, metrics, refusals, sending, store
from services.ingest.depositing import depositor, sending_scope
from services.ingest.deposits import hash_of
from services.ingest.domain import State
from services.ingest.draft_rules import Examined, Filled
from services.ingest.draft_store import Draft
from services.ingest.draft_views import DraftInput
from services.ingest.drafts import Change, Drafts, checked, typed_filled
from services.ingest.identity import uuid7
from services.ingest.settings import IngestSettings
from services.ingest.store import Stored

MAX_JSON = 2_000_000
JSON = "application/json"


def is_typed(request: Request) -> bool:
    """Whether the request brings values rather than a file."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON


async def read(request: Request) -> Change:
    """What was typed. Raises the problem of a body that is too long, is no JSON or names what is no field."""
    body = bytearray()
    try:
        async for chunk in _stream(request):
            body += chunk
            if len(body) > MAX_JSON:
                raise refusals.file_too_large(MAX_JSON, None)
    except ClientDisconnect as error:
        raise refusals.upload_stalled() from error
    try:
        return checked(DraftInput.model_validate_json(bytes(body)).change())
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(found) from error


def _stream(request: Request) -> AsyncIterator[bytes]:
    return request.stream().__aiter__()


class _Typed(msgspec.Struct, frozen=True, kw_only=True):
    """One request, whole."""

    id: UUID
    principal: Principal
    filled: Filled
    examined: Examined
    content: bytes
    name: str
    idempotency_key: str | None
    traceparent: str | None

    @property
    def sha256(self) -> str:
        return hash_of(self.content)


class TypedDeposits:
    """Takes invoices that are typed through the API."""

    def __init__(self, pool: Pool, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
        self._drafts = Drafts(pool, api_pool, blobs, settings)
        self._pool = api_pool
        self._blobs = blobs

    async def receive(
        self, principal: Principal, change: Change, idempotency_key: str | None, traceparent: str | None
    ) -> Stored:
        """The deposit, new or earlier: the same values make the same document, so the same rules of repetition hold.

        Raises a 422 problem with every rule that fails; nothing is then kept.
        """
        filled, id_ = typed_filled(change), uuid7(clock.now())
        assembled = assemble(filled.sheet, with_document=False)
        if assembled.header is None:
            raise draft_refusals.to_correct(refusing(assembled.findings), typed=True)
        tenant = await self._drafts.sandbox_of(assembled.header.recipient_siret)
        content, name = await sending.made(filled.sheet, assembled, tenant)
        new = Stored(
            id=id_,
            state=State.TO_VERIFY,
            duplicate_of=None,
            file_name=name,
            document=store.NO_DOCUMENT,
            received_at=clock.now(),
        )
        before = await self._earlier(principal, idempotency_key, hash_of(content))
        examined = await self._drafts.examine(principal, new, filled.sheet, numbered=not before)
        if examined.header is None and not before and await self._earlier(principal, idempotency_key, hash_of(content)):
            # The same request went through meanwhile: the number is taken by itself.
            examined = await self._drafts.examine(principal, new, filled.sheet, numbered=False)
        if examined.header is None:
            raise draft_refusals.to_correct(refusing(examined.findings), typed=True)
        typed = _Typed(
            id=id_,
            principal=principal,
            filled=filled,
            examined=examined,
            content=content,
            name=name,
            idempotency_key=idempotency_key,
            traceparent=traceparent,
        )
        stored = await self._settle(typed)
        telemetry.logger().info("deposit.typed", deposit=str(stored.id), state=stored.state.value)
        return stored

    async def _earlier(self, principal: Principal, key: str | None, sha256: str) -> bool:
        async with scoped(self._pool, principal.scope()) as connection:
            return await store.earlier(connection, principal.subject, key, sha256) != (None, None)

    async def _settle(self, typed: _Typed) -> Stored:
        claim = await sending.keep(self._blobs, typed.principal, typed.content)
        subject = typed.principal.subject
        keys = [str(typed.id), f"content/{typed.sha256}/{subject}"]
        keys += [f"idempotency/{typed.idempotency_key}/{subject}"] if typed.idempotency_key else []
        try:
            async with transaction(self._pool, "ingest", keys=keys, scope=sending_scope(typed.principal)) as tx:
                stored = await self._in(tx, typed, claim)
        except Problem:  # after any other error the commit may have been done: the sweep knows
            await self._delete(claim)
            raise
        if stored.document.key != claim.key:
            await self._delete(claim)
        return stored

    async def _in(self, tx: Tx, typed: _Typed, claim: ClaimCheck) -> Stored:
        principal = typed.principal
        by_key, by_content = await store.earlier(tx.conn, principal.subject, typed.idempotency_key, typed.sha256)
        if by_key is not None:
            if by_key.document.sha256 != typed.sha256:
                raise refusals.key_reused(str(by_key.id))
            metrics.DEPOSITS.labels(kind="repeated").inc()
            return by_key
        if by_content is not None:
            metrics.DEPOSITS.labels(kind="duplicate").inc()
            return await store.add(tx.conn, _duplicate(typed, by_content, tx))
        await draft_store.begin(tx.conn, typed.id, principal, tx.now, typed.idempotency_key)
        draft = Draft(filled=typed.filled, version=1, saved_at=tx.now)
        await draft_store.save(tx.conn, typed.id, principal.subject, draft)
        await sending.send(tx, principal, typed.id, typed.examined, claim, typed.name, typed.traceparent)
        stored = await store.find(tx.conn, typed.id)
        assert stored is not None
        metrics.DEPOSITS.labels(kind="new").inc()
        return stored

    async def _delete(self, claim: ClaimCheck) -> None:
        with suppress(BlobsAway):
            await self._blobs.delete(claim.key)


def _duplicate(typed: _Typed, earlier: Stored, tx: Tx) -> store.New:
    by = depositor(typed.principal)
    return store.New(
        id=typed.id,
        depositor=typed.principal.subject,
        contact=typed.principal.contact,
        structures=by.structures,
        idempotency_key=typed.idempotency_key,
        file_name=typed.name,
        document=earlier.document,
        received_at=tx.now,
        duplicate_of=earlier.id,
        roles=by.roles,
        given=typed.examined.given,
    )
