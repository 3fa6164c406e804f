"""A document for a draft that has none: an invoice made again often comes with a new PDF of the supplier's."""

from collections import Counter
from contextlib import suppress
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, FastAPI, Request

from services.common import bodies, clock
from services.common.auth import CurrentPrincipal, Principal
from services.common.blobs import Blobs, BlobsAway
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.ingest import draft_refusals, draft_store, store, views
from services.ingest.answering import answered, one_of
from services.ingest.antivirus import Antivirus
from services.ingest.api_checks import id_of, may_deposit
from services.ingest.deposits import object_key
from services.ingest.domain import LABELS, State
from services.ingest.draft_views import PREFIX
from services.ingest.identity import uuid7
from services.ingest.settings import IngestSettings
from services.ingest.store import Stored
from services.ingest.upload import Door, Limits, Upload, receive
from services.ingest.views import Receipt

_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "description": "Le PDF de la facture."}},
            },
            "example": {"file": "facture.pdf"},
        }
    },
}


class Documents:
    """Gives drafts their documents."""

    def __init__(self, api_pool: Pool, blobs: Blobs, antivirus: Antivirus) -> None:
        self._pool = api_pool
        self._blobs = blobs
        self._antivirus = antivirus

    async def give(self, principal: Principal, draft: UUID, upload: Upload) -> Stored:
        """Store the file and make it the draft's document; what is typed stays as it is."""
        await self._antivirus.clean(upload.source)
        claim = await self._blobs.put(
            object_key(principal.subject, uuid7(clock.now()), upload.media_type),  # never another request's
            upload.source,
            size=upload.size,
            sha256=upload.sha256,
            media_type=upload.media_type,
        )
        try:
            document = msgspec.to_builtins(claim) | {"file_name": upload.file_name}
            stored = await self._settle(principal, draft, document)
            if stored.document.key != claim.key:
                await self._delete(claim.key)
            return stored
        except asyncpg.UniqueViolationError as error:
            await self._delete(claim.key)
            raise draft_refusals.document_known() from error
        except Problem:
            await self._delete(claim.key)
            raise

    async def _settle(self, principal: Principal, draft: UUID, document: dict[str, object]) -> Stored:
        async with transaction(self._pool, "ingest", keys=[str(draft)], scope=principal.scope()) as tx:
            stored = await store.find(tx.conn, draft)
            if stored is None:
                raise draft_refusals.unknown()
            if stored.document.sha256 == document["sha256"]:
                return stored
            if stored.state is not State.TO_VERIFY:
                raise draft_refusals.not_a_draft(LABELS[stored.state])
            given = await tx.conn.fetchval(
                "select give_draft_document($1, $2::jsonb)", draft, msgspec.json.encode(document).decode()
            )
            if not given:
                raise draft_refusals.document_given()
            await draft_store.touched(tx.conn, draft, tx.now)
            found = await store.find(tx.conn, draft)
        assert found is not None
        return found

    async def _delete(self, key: str) -> None:
        with suppress(BlobsAway):
            await self._blobs.delete(key)


def add_routes(app: FastAPI, *, documents: Documents, settings: IngestSettings, uploads: Counter[str]) -> None:
    """Add the route."""
    router = APIRouter(prefix=PREFIX, tags=["drafts"])
    limits = Limits(
        file_bytes=settings.max_file_bytes,
        spool_bytes=settings.spool_bytes,
        stall_seconds=settings.upload_stall_seconds,
    )
    door = Door()

    @router.put(
        "/{draft_id}/document",
        summary="Donner son document à un brouillon qui n'en a pas",
        responses=problems(400, 403, 404, 408, 409, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": _BODY},
    )
    @bodies.takes(bodies.FILES)
    async def give(request: Request, principal: CurrentPrincipal, draft_id: str) -> Receipt:
        """Joint le PDF de la facture à un brouillon commencé sans document.

        Ce qui est saisi reste tel quel ; la version du brouillon change : relisez-le avant de l'envoyer.
        """
        may_deposit(principal)
        async with one_of(uploads, principal.subject, settings.uploads_each), receive(request, limits, door) as upload:
            draft = id_of(draft_id)
            if draft is None:
                raise draft_refusals.unknown()
            stored = await answered(settings.store_seconds, documents.give(principal, draft, upload))
        return views.receipt(stored)

    app.include_router(router)
