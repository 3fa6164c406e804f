"""``/api/v1/invoices/{id}/clock``: the law's clock of an invoice, and the statement of what lateness costs as a PDF."""

import asyncio
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, FastAPI, Response

from invoice.clock import Clock, paris_day
from invoice.interest_statement import Subject, statement
from services.common import clock as platform_clock
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Pool, scoped
from services.common.looks import MayLook
from services.common.web import Problem
from services.status import statement_pdf, store
from services.status.api_actions import load, standing_of
from services.status.clock_views import ClockView, clock_view
from services.status.looked import Trail
from services.status.model import Invoice
from services.status.payment_delay import clock_of

_PDF: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/pdf": {}}, "description": "Le relevé, à la date du jour"},
    403: {"description": "Le relevé est pour le fournisseur et pour le destinataire"},
    404: {"description": "Aucune facture visible avec vos droits ne porte cet identifiant"},
}
_PARTIES: Final = frozenset(("F", "D", "C"))


def add_routes(app: FastAPI, pool: Pool, api_pool: Pool) -> None:
    """Two routes. ``pool`` is the worker's, ``api_pool`` that of the API's role."""
    router = APIRouter(prefix="/api/v1/invoices/{invoice}/clock", tags=["délai de paiement"])
    trail = Trail(pool, api_pool)

    @router.get(
        "", summary="Le délai de paiement : étapes, articles, jours restants, intérêts", responses={404: _PDF[404]}
    )
    async def read(invoice: UUID, principal: CurrentPrincipal, looking: MayLook) -> ClockView:
        await standing_of(api_pool, principal, invoice)
        await trail.opened(looking, invoice)
        _, clock = await _clock(pool, invoice)
        today = paris_day(platform_clock.of("status"))
        return clock_view(invoice, clock, today, await _visible(api_pool, principal, invoice))

    @router.get("/statement.pdf", summary="Relevé d'intérêts et d'indemnité", response_class=Response, responses=_PDF)
    async def write(invoice: UUID, principal: CurrentPrincipal, looking: MayLook) -> Response:
        standing = await standing_of(api_pool, principal, invoice)
        party = standing.reads or bool(_PARTIES.intersection(standing.actors))
        if not party and "OPERATEUR" not in principal.roles:
            raise _not_yours()
        await trail.opened(looking, invoice)
        found, clock = await _clock(pool, invoice)
        made = statement(_subject(found), clock, paris_day(platform_clock.of("status")))
        drawn = await asyncio.to_thread(statement_pdf.render, made)
        return Response(drawn, media_type="application/pdf", headers=_HEADERS | _name(invoice))

    app.include_router(router)


async def _clock(pool: Pool, invoice: UUID) -> tuple[Invoice, Clock]:
    async with pool.acquire() as connection:
        found = await load(connection, invoice)
        past = await store.clock_entries(connection, [invoice])
    return found, clock_of(found, past[invoice])


async def _visible(api_pool: Pool, principal: Principal, invoice: UUID) -> Collection[int]:
    """The entries that the reader may see: another body's stretch of the story is its own."""
    async with scoped(api_pool, principal.scope()) as connection:
        rows = await connection.fetch("select entry from history where invoice = $1", invoice)
    return {row["entry"] for row in rows}


def _subject(invoice: Invoice) -> Subject:
    header = invoice.header
    return Subject(
        invoice_number=header.invoice_number,
        issue_date=header.issue_date,
        supplier_siret=header.supplier_siret,
        recipient_siret=header.recipient_siret,
        recipient_name=invoice.recipient_name,
        service_code=invoice.service_code,
        engagement=header.engagement,
        contract=header.contract,
    )


def _not_yours() -> Problem:
    return Problem(
        403,
        "STATEMENT_NOT_YOURS",
        "Relevé réservé",
        "Le relevé d'intérêts est pour le fournisseur, à qui ils sont dus, et pour le destinataire, qui les doit.",
    )


_HEADERS: Final = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


def _name(invoice: UUID) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="interets-{invoice}.pdf"'}
