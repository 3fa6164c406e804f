"""HTTP: deposit a document, follow it, get it back. Everyone sees his own deposits only."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response

from services.common import links, telemetry
from services.common.auth import CurrentPrincipal, Principal, require_role
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs
from services.common.db import Pool, scoped
from services.common.failures import is_transient
from services.common.web import failure
from services.ingest import refusals, store, views
from services.ingest.deposits import Deposits
from services.ingest.domain import State
from services.ingest.kinds import PDF, XML
from services.ingest.settings import IngestSettings
from services.ingest.store import Stored
from services.ingest.upload import Limits, receive
from services.ingest.views import PREFIX, DepositPage, DepositView, Receipt

T = TypeVar("T")
# One plain address, as a relay takes it: a list of them, a name beside it or half of one would reach nobody.
_CONTACT = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]{1,64}@[^\s@<>()\[\],;:\"\\]+\.[^\s@<>()\[\],;:\"\\]{2,}")

SUPPLIER = "FOURNISSEUR"
MAX_KEY = 200
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "La facture, en PDF ou en XML."}
                },
            }
        }
    },
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/problem+json": {}}}
    for status, words in {
        400: "Formulaire illisible, fichier vide ou absent, plusieurs fichiers, clé refusée",
        401: "Jeton absent ou refusé",
        403: "Rôle ou adresse de contact manquants",
        408: "Envoi interrompu",
        413: "Fichier trop lourd",
        415: "Ni un PDF, ni un XML",
        429: "Trop d'envois à la fois",
        422: "Idempotency-Key déjà employée pour un autre document",
        503: "Momentanément indisponible : renvoyez la même demande avec la même Idempotency-Key",
    }.items()
}
IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="Conseillé : la même clé et le même document donnent le même dépôt."),
]


def add_routes(app: FastAPI, *, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
    """Add the routes of deposits."""
    app.include_router(_writing(Deposits(api_pool, blobs, settings), settings))
    app.include_router(_reading(api_pool, blobs, settings))


def _writing(deposits: Deposits, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["deposits"])
    limits = Limits(
        file_bytes=settings.max_file_bytes,
        spool_bytes=settings.spool_bytes,
        stall_seconds=settings.upload_stall_seconds,
    )

    uploads: Counter[str] = Counter()

    @router.post("", status_code=201, responses=_PROBLEMS, openapi_extra={"requestBody": _BODY})
    async def deposit(
        request: Request, response: Response, principal: CurrentPrincipal, idempotency_key: IdempotencyKey = None
    ) -> Receipt:
        """Dépose une facture, PDF ou XML (UBL, CII). Le dépôt est durable dès la réponse 201 ; sa lecture suit."""
        _may_deposit(principal)
        key = _checked(idempotency_key)
        async with _one_of(uploads, principal.subject, settings.uploads_each), receive(request, limits) as upload:
            receiving = deposits.receive(principal, upload, key, request.state.traceparent)
            stored = await _answered(settings.store_seconds, receiving)
        response.headers["Location"] = f"{PREFIX}/{stored.id}"
        return views.receipt(stored)

    return router


def _reading(api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["deposits"])

    @router.get("")
    async def deposits(
        principal: CurrentPrincipal,
        state: Annotated[list[State] | None, Query(description="Un ou plusieurs états.")] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> DepositPage:
        """Vos dépôts, du plus récent au plus ancien."""
        found = await _answered(
            settings.store_seconds, _page(api_pool, principal, state or (), _cursor(cursor), limit + 1)
        )
        return views.page(found, limit)

    @router.get("/{deposit_id}", responses={404: {"description": "Aucun de vos dépôts"}})
    async def one(principal: CurrentPrincipal, deposit_id: str) -> DepositView:
        """Un dépôt : état, remarques, champs lus avec leur place dans le document, lien vers ses pages."""
        stored = await _answered(settings.store_seconds, _own(api_pool, principal, deposit_id))
        return views.deposit(stored, links.make(settings.token_secret.get_secret_value(), stored.id))

    @router.get(
        "/{deposit_id}/document",
        response_class=Response,
        responses={200: {"content": {PDF: {}, XML: {}}}, 404: {"description": "Aucun de vos dépôts"}},
    )
    async def document(principal: CurrentPrincipal, deposit_id: str) -> Response:
        """Le document tel qu'il a été déposé, son empreinte vérifiée."""
        stored = await _answered(settings.store_seconds, _own(api_pool, principal, deposit_id))
        content = await _answered(settings.store_seconds, _content(blobs, stored))
        return Response(content, media_type=stored.document.media_type, headers=_document_headers(stored))

    return router


@asynccontextmanager
async def _one_of(uploads: Counter[str], subject: str, limit: int) -> AsyncIterator[None]:
    """One upload of this subject. Each holds disk while it comes, however slowly: nobody may take all there is."""
    if uploads[subject] >= limit:
        raise refusals.too_many_uploads(limit)
    uploads += Counter({subject: 1})
    try:
        yield
    finally:
        uploads -= Counter({subject: 1})  # keeps no one who has none left


def _may_deposit(principal: Principal) -> None:
    """A deposit needs the supplier's role, and an address: what becomes of it is told by e-mail."""
    require_role(principal, SUPPLIER)
    if not _CONTACT.fullmatch(principal.contact):
        raise refusals.contact_missing()


def _checked(key: str | None) -> str | None:
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise refusals.key_invalid(len(key))
    return key


def _cursor(value: str | None) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError as error:
        raise refusals.cursor_invalid(value) from error


async def _page(
    api_pool: Pool, principal: Principal, states: Sequence[State], before: UUID | None, limit: int
) -> list[Stored]:
    async with scoped(api_pool, principal.scope()) as connection:
        return await store.page(connection, principal.subject, states=states, before=before, limit=limit)


async def _own(api_pool: Pool, principal: Principal, deposit_id: str) -> Stored:
    """The depositor's own deposit; one of somebody else is as unknown as one that never was."""
    try:
        wanted = UUID(deposit_id)
    except ValueError as error:
        raise refusals.unknown_deposit() from error
    async with scoped(api_pool, principal.scope()) as connection:
        stored = await store.find(connection, wanted)
    if stored is None:
        raise refusals.unknown_deposit()
    return stored


async def _content(blobs: Blobs, stored: Stored) -> bytes:
    try:
        return await blobs.get(stored.document)
    except (BlobMissing, BlobCorrupt) as error:
        telemetry.logger().error("document.unavailable", deposit=str(stored.id), error=type(error).__name__)
        raise refusals.document_unavailable() from error


def _document_headers(stored: Stored) -> dict[str, str]:
    """The document is somebody's upload: downloaded under its name, never sniffed, never kept by a shared cache."""
    plain = "".join(c if c.isascii() and c not in '"\\' else "_" for c in stored.file_name)
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(stored.file_name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "ETag": f'"{stored.document.sha256}"',
    }


_running: set[asyncio.Task[Any]] = set()


async def _answered(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work`` within ``seconds``. A part that is away, or too slow, becomes a 503 to be tried again.

    What is too slow is cancelled but not waited for: a connection to a frozen server takes its time to be let go.
    """
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_forget)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise TimeoutError
        return task.result()
    except Exception as error:
        if is_transient(error):
            telemetry.logger().warning("http.unavailable", error=type(error).__name__)
            raise failure(error) from error
        raise
    finally:
        task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled():
        task.exception()
