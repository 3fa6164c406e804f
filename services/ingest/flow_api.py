"""HTTP: send a flow in one request, follow it, have its reports. Everyone sees his own flows only."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from invoice.sandbox import is_sandbox
from services.common import bodies, sandbox, table_csv
from services.common.auth import CurrentPrincipal, Principal
from services.common.blobs import Blobs
from services.common.db import Pool, scoped
from services.common.downloads import download_headers
from services.common.lasting import lasting
from services.common.problems import in_words
from services.ingest import (
    flow_csv,
    flow_items,
    flow_report,
    flow_store,
    flow_views,
    flow_words,
    list_csv,
    upload_resumable,
)
from services.ingest.answering import answered
from services.ingest.api_checks import cursor_of, id_of, may_deposit
from services.ingest.examples import FLOWS_CSV
from services.ingest.flow_domain import Flow, FlowState, Outcome
from services.ingest.flow_items import Told
from services.ingest.flow_uploads import Uploads
from services.ingest.flow_views import PREFIX, FlowPage, FlowView, ItemPage
from services.ingest.settings import IngestSettings

_PAGE: Final = 1_000
_UNKNOWN: Final = in_words({404: "Aucun de vos flux"})
_States = Annotated[list[FlowState] | None, Query(description="Un ou plusieurs états.")]
_PROBLEMS: Final = in_words(
    {
        400: "Aucun octet",
        403: "Rôle ou adresse de contact manquants",
        408: "Envoi interrompu",
        413: "Flux trop lourd",
        415: "Ni XML, ni PDF, ni ZIP, ni TAR.GZ",
        429: "Trop d'envois à la fois, ou quota atteint",
    }
)
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


def add_routes(app: FastAPI, *, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
    """Add the routes of flows."""
    uploads = Uploads(api_pool, blobs, settings)
    app.include_router(upload_resumable.routes(uploads, settings))  # first: `uploads` is no flow's id
    app.include_router(_sending(uploads, settings))
    app.include_router(_following(Shown(api_pool, uploads), settings))
    app.include_router(_reports(Shown(api_pool, uploads), api_pool, settings))


class Shown:
    """A depositor's own flows with their counts."""

    def __init__(self, api_pool: Pool, uploads: Uploads) -> None:
        self._pool = api_pool
        self._uploads = uploads

    async def flow(self, principal: Principal, flow_id: str) -> tuple[Flow, dict[str, int]]:
        """One flow. Raises the 404 problem."""
        wanted = id_of(flow_id)
        if wanted is None:
            raise flow_words.unknown()
        flow = await self._uploads.own(principal, wanted)
        async with scoped(self._pool, principal.scope()) as connection:
            return flow, await flow_items.counts(connection, flow.id)

    async def page(
        self, principal: Principal, states: list[FlowState], before: UUID | None, limit: int
    ) -> list[tuple[Flow, dict[str, int]]]:
        """Flows, newest first."""
        async with scoped(self._pool, principal.scope()) as connection:
            found = await flow_store.page(connection, principal.subject, states=states, before=before, limit=limit)
            counts = await flow_store.counted(connection, [flow.id for flow in found])
        return [(flow, counts.get(flow.id, {})) for flow in found]

    async def rows(
        self, principal: Principal, states: list[FlowState], before: UUID | None, limit: int
    ) -> list[list_csv.Row]:
        """The same, as rows of their table."""
        return [flow_csv.row(flow, counts) for flow, counts in await self.page(principal, states, before, limit)]

    async def told(self, principal: Principal, flow: UUID, outcomes: list[str], after: int, limit: int) -> list[Told]:
        """Items of a flow."""
        async with scoped(self._pool, principal.scope()) as connection:
            return await flow_items.told(connection, flow, outcomes=outcomes, after=after, limit=limit)

    async def every(self, principal: Principal, flow: UUID, outcomes: list[str]) -> AsyncIterator[Told]:
        """All items of a flow, page by page: no transaction is held while a slow reader takes them."""
        after = 0
        while found := await self.told(principal, flow, outcomes, after, _PAGE):
            for one in found:
                yield one
            after = found[-1].number


async def _spooled(parts: AsyncIterator[bytes], memory: int) -> AsyncIterator[bytes]:
    """All of it at the database's pace, then out at the reader's: a slow one holds no connection."""
    with tempfile.SpooledTemporaryFile(max_size=memory) as spool:
        async for part in parts:
            spool.write(part)
        spool.seek(0)
        while chunk := spool.read(262_144):
            yield chunk


def _sending(uploads: Uploads, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["flows"])

    @router.post("", status_code=201, responses=_PROBLEMS, openapi_extra={"requestBody": _BODY})
    @bodies.takes(bodies.ARCHIVES)
    async def send(
        request: Request,
        response: Response,
        principal: CurrentPrincipal,
        name: Annotated[str, Query(max_length=255, description="Le nom du fichier.")] = "",
    ) -> FlowView:
        """Envoie un flux : un document XML ou PDF, une archive ZIP ou TAR.GZ, dans le corps de la demande.

        Le flux est durable dès la réponse ; son contenu est traité ensuite, facture par facture. Les mêmes octets
        envoyés de nouveau donnent le même flux (réponse 200, « repeated »).
        """
        may_deposit(principal)
        declared = request.headers.get("content-length", "")
        size = int(declared) if declared.isdigit() and len(declared) < 16 else None
        beginning = uploads.begin(principal, name, size, "request", request.state.traceparent)
        flow = await answered(settings.store_seconds, beginning)
        flow, repeated = await uploads.whole(principal, flow, request.stream())
        response.headers["Location"] = f"{PREFIX}/{flow.id}"
        if repeated:
            response.status_code = 200
        return flow_views.flow(flow, {}, repeated=repeated)

    return router


def _add_export(router: APIRouter, shown: Shown, settings: IngestSettings) -> None:
    @router.get("/export.csv", response_class=Response, responses=list_csv.responses(FLOWS_CSV))
    async def export(
        request: Request, principal: CurrentPrincipal, state: _States = None, cursor: str | None = None
    ) -> Response:
        """Vos flux en CSV, du plus récent au plus ancien. « cursor » : la suite d'une liste coupée."""
        read = partial(shown.rows, principal, state or [])
        table = list_csv.Table(flow_csv.FILE, flow_csv.HEAD, read, settings.store_seconds)
        return await list_csv.answer(request, principal, table, cursor_of(cursor))


def _following(shown: Shown, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["flows"])
    _add_export(router, shown, settings)  # first: `export.csv` is no flow's id

    @router.get("")
    async def flows(
        principal: CurrentPrincipal,
        state: _States = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> FlowPage:
        """Vos flux, du plus récent au plus ancien."""
        found = await answered(settings.store_seconds, shown.page(principal, state or [], cursor_of(cursor), limit + 1))
        views = [flow_views.flow(flow, counts) for flow, counts in found[:limit]]
        return FlowPage(flows=views, next=str(views[-1].id) if len(found) > limit else None)

    @router.get("/{flow_id}", responses=_UNKNOWN)
    async def one(principal: CurrentPrincipal, flow_id: str) -> FlowView:
        """Un flux : son état, son avancement, combien de factures sont où."""
        return flow_views.flow(*await answered(settings.store_seconds, shown.flow(principal, flow_id)))

    @router.get("/{flow_id}/items", responses=_UNKNOWN)
    async def items(
        principal: CurrentPrincipal,
        flow_id: str,
        outcome: Annotated[list[Outcome | Literal["waiting"]] | None, Query(description="Un ou plusieurs.")] = None,
        after: Annotated[int, Query(ge=0, le=2_000_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> ItemPage:
        """Les factures d'un flux, dans l'ordre du fichier, avec leurs motifs."""
        flow, _ = await answered(settings.store_seconds, shown.flow(principal, flow_id))
        wanted = [str(one) for one in outcome or ()]
        found = await answered(settings.store_seconds, shown.told(principal, flow.id, wanted, after, limit + 1))
        return flow_views.items(found, limit)

    return router


def _reports(shown: Shown, api_pool: Pool, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["flows"])

    @router.get(
        "/{flow_id}/report.{form}",
        response_class=Response,
        responses={**_UNKNOWN, 200: {"content": {"application/json": {}, "text/csv": {}, "application/pdf": {}}}},
    )
    async def report(
        request: Request, principal: CurrentPrincipal, flow_id: str, form: Literal["json", "csv", "pdf"]
    ) -> Response:
        """Le compte rendu d'intégration, facture par facture."""
        flow, counts = await answered(settings.store_seconds, shown.flow(principal, flow_id))
        sandbox.marked(is_sandbox(flow.sandbox))
        headers = download_headers(f"compte-rendu-{flow.id}.{form}", str(flow.id))
        del headers["ETag"]  # it grows while the flow is worked on
        if form == "pdf":
            wanted = [Outcome.REJECTED.value, Outcome.TO_VERIFY.value, Outcome.DUPLICATE.value]
            told = await answered(
                settings.store_seconds, shown.told(principal, flow.id, wanted, 0, flow_report.PRINTED + 1)
            )
            page = await asyncio.to_thread(flow_report.as_pdf, flow, counts, told)
            return Response(page, media_type="application/pdf", headers=headers)
        every = shown.every(principal, flow.id, [])
        if form == "csv":
            lines = lasting(request, principal, flow_report.as_csv(every))
            return StreamingResponse(lines, media_type=table_csv.MEDIA_TYPE, headers=headers)
        body = lasting(request, principal, flow_report.as_json(flow_views.flow(flow, counts), every))
        return StreamingResponse(body, media_type="application/json", headers=headers)

    @router.get("/rejections/{day}", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
    async def rejections(
        request: Request,
        principal: CurrentPrincipal,
        day: Annotated[date, Path(ge=date(2000, 1, 1), le=date(2099, 12, 30), description="AAAA-MM-JJ.")],
        supplier: Annotated[str | None, Query(pattern=r"^[0-9]{14}$", description="SIRET d'un fournisseur.")] = None,
    ) -> Response:
        """Les factures de vos flux refusées un jour donné (heure de Paris), par fournisseur, en CSV."""

        async def found() -> AsyncIterator[Told]:
            async with scoped(api_pool, principal.scope()) as connection:
                async for one in flow_items.rejected_on(connection, day, supplier):
                    yield one

        name = f"rejets-{day.isoformat()}{'' if supplier is None else '-' + supplier}.csv"
        headers = download_headers(name, "")
        del headers["ETag"]
        body = _spooled(flow_report.as_csv(found()), settings.spool_bytes)
        return StreamingResponse(lasting(request, principal, body), media_type=table_csv.MEDIA_TYPE, headers=headers)

    return router
