"""Lists, exports and figures of ``/api/v1/invoices``. Row-level security decides what is in them, never this file."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.common import clock
from services.common.auth import CurrentPrincipal
from services.common.blobs import Blobs
from services.common.db import Pool, scoped
from services.common.lasting import lasting
from services.common.looks import MayLook
from services.common.web import Problem
from services.status import archive, figures, proofs, queries, risks, sides, table_csv, viewing
from services.status.api_search import wanted, write_cursor
from services.status.figures import Figures, Synthesis
from services.status.inbox_changes import changed_page
from services.status.looked import Trail
from services.status.payment_delay import paris_day
from services.status.risks import Risks
from services.status.search import Search, Side
from services.status.views import InvoiceItem, InvoicePage

Wanted = Annotated[Search, Depends(wanted)]
Tenant = Annotated[
    str | None, Query(description="Un seul tenant (opérateur, administrateur)", max_length=64, pattern=r"^[\w.-]+$")
]
OneService = Annotated[
    str | None,
    Query(
        description="Un seul service, « SIRET/code », parmi ceux pour lesquels je vois les factures reçues",
        examples=["22310001700423/ACHATS"],
        max_length=150,
        pattern=r"^[^/\x00]+/[^\x00]+$",
    ),
]
LookedFrom = Annotated[
    Side | None,
    Query(description="De quel côté : issued, received, to_validate, works ; sans lui, celui qui voit le plus"),
]
ChangedSince = Annotated[
    str | None,
    Query(
        description="Logiciel financier : ce qui a changé depuis ce curseur (« next » de la réponse d'avant, « 0 » au "
        "début), dans l'ordre des changements. Les autres conditions ne comptent pas. Voir aussi /changes",
        max_length=100,
    ),
]
_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {}}, "description": "Une ligne par facture"}
}
_ZIP: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/zip": {}}, "description": "Documents, pièces jointes, factures.csv, documents.csv"}
}
_EXPORT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {}}, "description": "À vérifier par « python -m services.status verify »"}
}
_json = msgspec.json.Encoder()


def add_lists(router: APIRouter, trail: Trail) -> None:
    """The list, and the same as CSV."""
    api_pool = trail.api_pool

    @router.get("", summary="Factures visibles, la plus récente d'abord")
    async def list_invoices(
        principal: CurrentPrincipal,
        looking: MayLook,
        asked: Wanted,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        changed_since: ChangedSince = None,
    ) -> InvoicePage:
        if changed_since is not None:
            async with scoped(api_pool, principal.scope()) as connection:
                return await changed_page(connection, principal, changed_since, limit)
        async with scoped(api_pool, principal.scope()) as connection:
            rows = await queries.search(connection, principal, asked, limit + 1, clock.now())
        shown = rows[:limit]
        await trail.listed(looking, [row["id"] for row in shown])
        following = None
        if len(rows) > limit:
            last = shown[-1]
            place = last["submitted_at"] if asked.sort == "recent" else last["due_on"]
            following = write_cursor(asked.sort, place, last["id"])
        return InvoicePage(invoices=[InvoiceItem(**viewing.item(row)) for row in shown], next=following)

    @router.get("/export.csv", summary="Les mêmes en CSV, toutes", response_class=Response, responses=_CSV)
    async def export_csv(request: Request, principal: CurrentPrincipal, looking: MayLook, asked: Wanted) -> Response:
        lines = lasting(request, principal, table_csv.stream(trail, principal, looking, asked, clock.now()))
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=_download("factures.csv"))


def add_archive(router: APIRouter, trail: Trail, blobs: Blobs) -> None:
    """A selection as one ZIP."""

    @router.get(
        "/archive.zip", summary="Documents d'une sélection en une archive", response_class=Response, responses=_ZIP
    )
    async def download(
        request: Request,
        principal: CurrentPrincipal,
        looking: MayLook,
        asked: Wanted,
        id: Annotated[
            list[UUID] | None, Query(max_length=200, description="Les factures, au lieu de conditions")
        ] = None,
    ) -> Response:
        chosen = await archive.select(trail.api_pool, principal, asked, id or (), clock.now())
        await trail.listed(looking, [row["id"] for row in chosen.rows])
        written = lasting(request, principal, archive.write(blobs, chosen))
        return StreamingResponse(written, media_type="application/zip", headers=_download("factures.zip"))


def add_figures(router: APIRouter, api_pool: Pool) -> None:
    """*Synthèse* and *tableau de bord*."""

    @router.get("/synthesis", summary="Synthèse : ce qui m'attend")
    async def synthesis(
        principal: CurrentPrincipal,
        tenant: Tenant = None,
        side: LookedFrom = None,
        unchanged_days: Annotated[int, Query(ge=1, le=365, description="« Sans changement » : tant de jours")] = 8,
    ) -> Synthesis:
        whose = sides.side_of(principal, tenant, side)
        async with scoped(api_pool, principal.scope()) as connection:
            return await figures.synthesis(connection, whose, clock.now(), unchanged_days)

    @router.get("/figures", summary="Tableau de bord : par statut, âge, échéance, service et mois")
    async def dashboard(
        principal: CurrentPrincipal, tenant: Tenant = None, side: LookedFrom = None, service: OneService = None
    ) -> Figures:
        whose = sides.side_of(principal, tenant, side)
        if service is not None:
            whose = sides.in_service(principal, whose, service)
        async with scoped(api_pool, principal.scope()) as connection:
            return await figures.figures(connection, whose, clock.now())

    @router.get("/risks", summary="Délais de paiement à risque, et ce qu'ils coûteraient")
    async def at_risk(
        principal: CurrentPrincipal, tenant: Tenant = None, side: LookedFrom = None, service: OneService = None
    ) -> Risks:
        whose = sides.side_of(principal, tenant, side)
        if service is not None:
            whose = sides.in_service(principal, whose, service)
        async with scoped(api_pool, principal.scope()) as connection:
            return await risks.risks(connection, whose, paris_day(clock.now()))


def add_history(router: APIRouter, trail: Trail) -> None:
    """The history with its proofs, read as the owner: of what the API's role may see."""

    @router.get(
        "/{invoice}/history/export",
        summary="L'histoire d'une facture et ses preuves",
        response_class=Response,
        responses=_EXPORT,
    )
    async def export(principal: CurrentPrincipal, looking: MayLook, invoice: UUID) -> Response:
        found = await proofs.export_for(trail.pool, trail.api_pool, principal, invoice)
        if found is None:
            raise Problem(
                404,
                "INVOICE_NOT_FOUND",
                "Facture introuvable",
                "Aucune facture visible avec vos droits ne porte cet identifiant.",
            )
        await trail.opened(looking, invoice)
        headers = _download(f"histoire-{invoice}.json")
        return Response(_json.encode(found), media_type="application/json", headers=headers)


def _download(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
