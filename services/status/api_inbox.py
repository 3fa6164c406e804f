"""What finance systems ask of ``/api/v1/invoices``: changes since a cursor, data and files, acknowledgements.

Row-level security says what is the caller's; statuses are posted back through the actions, one by one or in bulk.
"""

from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, FastAPI, Query, Request, Response

from services.common import links, telemetry
from services.common.auth import CurrentPrincipal, Principal
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs, BlobsAway
from services.common.db import Pool, scoped
from services.common.deliver import transaction
from services.common.downloads import download_headers
from services.common.looks import MayLook
from services.common.trace import RequestCause
from services.common.web import Problem
from services.status import action_store, documents, inbox, store
from services.status.api import not_found
from services.status.documents import Held
from services.status.inbox_changes import changes_since, fetched_by
from services.status.inbox_views import (
    Acknowledged,
    AcknowledgedAll,
    Changes,
    DocumentOut,
    InvoiceData,
    Receipt,
    Receipts,
)
from services.status.listing import COLUMNS
from services.status.looked import Trail
from services.status.plan import act
from services.status.writing import write

PREFIX: Final = "/api/v1/invoices"
Since = Annotated[
    str | None,
    Query(description="« next » de la réponse précédente ; absent : tout depuis le début", max_length=100),
]
_NONE: Final[dict[str, Any]] = {"description": "Aucune facture, ou aucun fichier, visible avec vos droits"}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "Le fichier, octet pour octet"},
    404: _NONE,
    502: {"description": "Le fichier conservé n'est pas celui qui a été déposé"},
    503: {"description": "Momentanément indisponible"},
}
_CURSOR: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "Ce n'est pas un curseur"},
    410: {"description": "La base a été restaurée depuis : repartez sans « since »"},
}
_RECEIPT: Final[dict[int | str, dict[str, Any]]] = {
    403: {"description": "La facture n'est pas, ou plus, à votre structure"},
    404: _NONE,
}
_RECIPIENT: Final = ("D", "C")
_WORDS: Final = {
    "recorded": "Reprise enregistrée : l'historique le dit, le fournisseur le voit.",
    "repeated": "Déjà enregistrée : rien n'a changé.",
    "not_found": "Aucune facture visible avec vos droits ne porte cet identifiant.",
    "not_yours": "Cette facture n'est pas, ou plus, à votre structure : seul son destinataire dit l'avoir reprise.",
}


def add_routes(app: FastAPI, pool: Pool, api_pool: Pool, blobs: Blobs | None) -> None:
    """Serve them on ``app``, before the routes of one invoice. ``pool`` is the worker's, which writes."""
    router = APIRouter(prefix=PREFIX, tags=["logiciels financiers"])
    _add_changes(router, api_pool)
    _add_receipts(router, pool, api_pool)
    _add_data(router, Trail(pool, api_pool), blobs)
    app.include_router(router)


# ---------------------------------------------------------------- changes


def _add_changes(router: APIRouter, api_pool: Pool) -> None:
    @router.get("/changes", summary="Ce qui a changé depuis un curseur, pour un logiciel financier", responses=_CURSOR)
    async def changes(
        principal: CurrentPrincipal, since: Since = None, limit: Annotated[int, Query(ge=1, le=500)] = 200
    ) -> Changes:
        async with scoped(api_pool, principal.scope()) as connection:
            return await changes_since(connection, principal, since, limit)


# ---------------------------------------------------------------- acknowledgement


def _add_receipts(router: APIRouter, pool: Pool, api_pool: Pool) -> None:
    @router.post("/receipts", summary="Dire que le logiciel financier a repris ces factures")
    async def acknowledge_all(request: Request, principal: CurrentPrincipal, asked: Receipts) -> AcknowledgedAll:
        cause = request.state.traceparent
        found = [await acknowledge(pool, api_pool, principal, one, None, cause) for one in asked.invoices]
        return AcknowledgedAll(receipts=found)

    @router.post(
        "/{invoice}/receipt", summary="Dire que le logiciel financier a repris cette facture", responses=_RECEIPT
    )
    async def acknowledge_one(
        request: Request, principal: CurrentPrincipal, invoice: UUID, asked: Receipt
    ) -> Acknowledged:
        found = await acknowledge(pool, api_pool, principal, invoice, asked.reference, request.state.traceparent)
        if found.outcome == "not_found":
            raise not_found()
        if found.outcome == "not_yours":
            raise Problem(403, "RECEIPT_NOT_YOURS", "Reprise refusée", found.message)
        return found


async def acknowledge(
    pool: Pool, api_pool: Pool, principal: Principal, invoice: UUID, reference: str | None, traceparent: str | None
) -> Acknowledged:
    """Write once into the history that the recipient's software has fetched the invoice; a repeat changes nothing."""
    async with transaction(pool, "status", keys=[str(invoice)]) as tx:
        standing = await action_store.standing(api_pool, principal, invoice)
        actor = next((each for each in standing.actors if each in _RECIPIENT), None)
        if actor is None:
            return _report(invoice, "not_yours" if standing.sees or standing.left else "not_found", None)
        async with scoped(api_pool, principal.scope()) as connection:
            before = (await fetched_by(connection, [invoice])).get(invoice)
        if before is not None:
            return _report(invoice, "repeated", before)
        found = (await store.load(tx.conn, [invoice]))[invoice]
        done = inbox.fetched(found, actor, principal.subject, reference, tx.now)
        await write(tx, act(done, RequestCause(id=done.entry.cause, traceparent=traceparent)))
    telemetry.logger().info("invoice.fetched", invoice=str(invoice), entry=done.entry.number)
    return _report(invoice, "recorded", done.entry.number)


def _report(invoice: UUID, outcome: str, entry: int | None) -> Acknowledged:
    return Acknowledged.model_validate({"id": invoice, "outcome": outcome, "entry": entry, "message": _WORDS[outcome]})


# ---------------------------------------------------------------- data and files


def _add_data(router: APIRouter, trail: Trail, blobs: Blobs | None) -> None:
    api_pool = trail.api_pool

    @router.get("/{invoice}/data", summary="La facture en données, et ses fichiers", responses={404: _NONE})
    async def data(request: Request, principal: CurrentPrincipal, looking: MayLook, invoice: UUID) -> InvoiceData:
        async with scoped(api_pool, principal.scope()) as connection:
            row = await connection.fetchrow(f"select {COLUMNS}, tenant from invoice where id = $1", invoice)
            held = (await documents.of_invoices(connection, [invoice])).get(invoice, [])
        if row is None:
            raise not_found()
        await trail.opened(looking, invoice)
        return _data(row, [_document(request, principal, invoice, each) for each in held])

    if blobs is None:
        return

    @router.get(
        "/{invoice}/documents/{document}",
        summary="Un fichier de la facture",
        response_class=Response,
        responses=_FILE,
    )
    async def file(principal: CurrentPrincipal, looking: MayLook, invoice: UUID, document: str) -> Response:
        async with scoped(api_pool, principal.scope()) as connection:
            held = (await documents.of_invoices(connection, [invoice])).get(invoice, [])
        wanted = next((each for each in held if each.document == document), None)
        if wanted is None:
            raise not_found()
        await trail.opened(looking, invoice)
        return _download(wanted, await _content(blobs, wanted, invoice))


def _data(row: asyncpg.Record, files: list[DocumentOut]) -> InvoiceData:
    header: dict[str, str] = {
        name: str(value) for name, value in msgspec.json.decode(row["header"]).items() if value is not None
    }
    cadre = header.pop("frame", None) or header.get("cadre", "A1").partition("_")[0]
    return InvoiceData(
        id=row["id"],
        cadre=cadre,
        header=header,
        status=row["status"],
        status_since=row["status_at"],
        service_code=row["service_code"],
        service_label=row["service_label"],
        tenant=row["tenant"],
        payment_delay_started_on=row["payment_delay_started_on"],
        documents=files,
    )


def _document(request: Request, principal: Principal, invoice: UUID, held: Held) -> DocumentOut:
    """An attachment also has a link for the caller to the service that owns it; the invoice's own document has none."""
    link = None
    if held.document != documents.INVOICE:
        secret = request.app.state.token_secret
        link = links.attachment(secret, invoice, UUID(held.document), principal.holder)
    return DocumentOut(
        id=held.document,
        name=held.name,
        media_type=held.claim.media_type,
        size=held.claim.size,
        sha256=held.claim.sha256,
        href=f"{PREFIX}/{invoice}/documents/{held.document}",
        link=None if link is None else link.href,
        link_expires_at=None if link is None else link.expires_at,
    )


async def _content(blobs: Blobs, held: Held, invoice: UUID) -> bytes:
    try:
        return await blobs.get(held.claim)
    except (BlobMissing, BlobCorrupt) as error:
        telemetry.logger().error("document.unavailable", invoice=str(invoice), error=type(error).__name__)
        raise Problem(
            502,
            "DOCUMENT_UNAVAILABLE",
            "Fichier indisponible",
            "Le fichier conservé n'est pas celui qui a été déposé : écrivez à l'exploitant de la plateforme.",
        ) from error
    except BlobsAway as error:
        raise Problem(
            503,
            "STORE_AWAY",
            "Momentanément indisponible",
            "Les fichiers ne sont pas accessibles : réessayez dans quelques secondes.",
            headers={"Retry-After": "5"},
        ) from error


def _download(held: Held, content: bytes) -> Response:
    headers = download_headers(held.name, held.claim.sha256)
    return Response(content, media_type=held.claim.media_type, headers=headers)
