"""``/api/v1/invoices``: the invoices that the caller may see, their history, and the live feed.

Who may see what is decided by row-level security (``migrations/0002_visibility.sql``), never here.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response

from services.common import links
from services.common.auth import CurrentPrincipal
from services.common.blobs import Blobs
from services.common.db import Pool, scoped
from services.common.looks import MayLook, add_looks
from services.common.web import Problem
from services.status import api_queries, proofs, viewing
from services.status.feed import Feed
from services.status.feed_stream import EventStream
from services.status.listing import COLUMNS
from services.status.looked import Trail
from services.status.views import InvoiceDetail

_HISTORY = (
    "select entry, kind, status_from, status_to, actor, at, reasons, notice, action, motif, comment, changes"
    " from history"
    " where invoice = $1 order by entry"
)
#: A body's own assignment is shown to who sees the invoice as the body.
_MORE = (
    "works, validators, read_as,"
    " case when exists (select from invoice_party p where p.invoice = $1 and p.role = 'DESTINATAIRE')"
    " then assigned_to end as assigned_to"
)
_MINE = f"select {COLUMNS}, {_MORE}, null::timestamptz as left_at from invoice where id = $1"
#: What a body that the invoice has left keeps of it: the invoice as it stood then.
_LEFT = (
    f"select {COLUMNS}, {_MORE}, left_at from (select (jsonb_populate_record(null::invoice, left_as)).*,"
    " valid_until as left_at from invoice_party where invoice = $1 and left_as is not null"
    " order by until_entry desc limit 1) as left_then"
)
_EVENT_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Événements status.changed, au fil de l'eau"}
}


def add_routes(app: FastAPI, api_pool: Pool, feed: Feed, blobs: Blobs | None, stopping: Callable[[], bool]) -> None:
    """Serve the status API on ``app``. ``stopping``: open feeds are to end. Without ``blobs`` there is no archive."""
    router = APIRouter(prefix="/api/v1/invoices", tags=["factures"])
    trail = Trail(feed.pool, api_pool)
    api_queries.add_lists(router, trail)  # before the detail, whose path would match these
    if blobs is not None:
        api_queries.add_archive(router, trail, blobs)
    api_queries.add_figures(router, api_pool)
    add_looks(router, api_pool)
    feed.stopping = stopping
    _add_feed(router, feed, api_pool)
    _add_detail(router, trail)
    api_queries.add_history(router, trail)
    app.include_router(router)


def _add_feed(router: APIRouter, feed: Feed, api_pool: Pool) -> None:
    @router.get(
        "/events", summary="Flux en direct (server-sent events)", response_class=Response, responses=_EVENT_STREAM
    )
    async def follow(
        request: Request,
        principal: CurrentPrincipal,
        looking: MayLook,
        last_event_id: Annotated[str | None, Header(description="Dernier numéro reçu : le flux reprend après")] = None,
        start: Annotated[
            str | None, Query(alias="from", description="« now » (par défaut) ou « 0 » : tout ce qui est conservé")
        ] = None,
    ) -> Response:
        if feed.clients >= feed.settings.feed_clients:
            raise Problem(
                503,
                "FEED_FULL",
                "Trop de flux ouverts",
                "Réessayez dans quelques secondes : une autre instance répondra.",
                headers={"Retry-After": "5"},
            )
        if feed.clients_of[principal.subject] >= feed.settings.feed_clients_each:
            raise Problem(
                429,
                "FEED_TOO_MANY",
                "Trop de flux ouverts par vous",
                f"Vous avez déjà {feed.settings.feed_clients_each} flux ouverts : fermez-en un, puis réessayez.",
                headers={"Retry-After": "5"},
            )
        position = await _position(feed, last_event_id, start)
        await looking.everywhere(api_pool)
        return EventStream(feed, principal, position, request.app.state.access)


def _add_detail(router: APIRouter, trail: Trail) -> None:
    @router.get(
        "/{invoice}",
        summary="Une facture, son historique et son délai de paiement",
        responses={404: {"description": "Aucune facture visible avec vos droits ne porte cet identifiant"}},
    )
    async def read(
        request: Request, response: Response, invoice: UUID, principal: CurrentPrincipal, looking: MayLook
    ) -> InvoiceDetail:
        async with scoped(trail.api_pool, principal.scope()) as connection:
            row = await connection.fetchrow(_MINE, invoice) or await connection.fetchrow(_LEFT, invoice)
            history = await connection.fetch(_HISTORY, invoice)
        if row is None:
            raise not_found()
        await trail.opened(looking, invoice)
        by = await proofs.authors(trail.pool, trail.api_pool, principal, invoice)
        if row["left_at"] is None:
            response.headers["ETag"] = etag(row["version"])
        pages = links.make(request.app.state.token_secret, row["read_as"] or invoice, principal.holder)
        return viewing.detail(row, history, pages, by)


def not_found() -> Problem:
    """The same answer for an invoice that is not there and for one that is somebody else's."""
    return Problem(
        404,
        "INVOICE_NOT_FOUND",
        "Facture introuvable",
        "Aucune facture visible avec vos droits ne porte cet identifiant.",
    )


def etag(version: int) -> str:
    """The version of an invoice: the number of its last status or action. An action names the one it was decided on."""
    return f'"{version}"'


async def _position(feed: Feed, last_event_id: str | None, start: str | None) -> int:
    """Where a client's feed begins. Raises a problem when it cannot begin there without a gap."""
    bounds = await feed.bounds()
    if last_event_id:
        position = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else -1
        if not (len(last_event_id) <= 18 and bounds.holds(position)):
            raise Problem(
                410,
                "FEED_POSITION_GONE",
                "Reprise impossible",
                "Les événements qui suivent cette position ne sont plus conservés : relisez la liste des factures, "
                "puis ouvrez le flux sans « Last-Event-ID ».",
                errors=[{"field": "Last-Event-ID", "value": last_event_id[:40], "rule": "7 jours conservés"}],
            )
        return position
    if start not in (None, "now", "0"):
        raise Problem(
            422,
            "FEED_START_INVALID",
            "Départ inconnu",
            "« from » vaut « now » ou « 0 ».",
            errors=[{"field": "from", "value": str(start)[:40], "rule": "now | 0"}],
        )
    return bounds.start if start == "0" else bounds.end
