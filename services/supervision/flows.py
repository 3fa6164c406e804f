"""Flows that ended with refused invoices: the list behind their figure. The operator's alone: a flow is no tenant's."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query

from contracts.envelope import Event
from contracts.events import FlowFinished
from services.common.db import Connection, Pool, scoped
from services.supervision.access import Watches
from services.supervision.sums import ALL
from services.supervision.views import RefusedFlow, RefusedFlows

_ADD: Final = (
    "insert into refused_flow (flow, finished_at, received_at, state, depositor, integrated, to_verify, rejected,"
    " duplicate, errors) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (flow) do nothing"
)
#: Newest first; a place that has been swept meanwhile has nothing behind it.
_PAGE: Final = (
    "select * from refused_flow where $1::text is null"
    " or (finished_at, flow) < (select finished_at, flow from refused_flow where flow = $1)"
    " order by finished_at desc, flow desc limit $2"
)


async def add(connection: Connection, events: Iterable[Event]) -> None:
    """Remember those of these events that tell of a flow with refusals."""
    rows = [
        _row(event.subject, data)
        for event in events
        if isinstance(data := event.data, FlowFinished) and data.state != "IN_INTEGRE"
    ]
    if rows:
        await connection.executemany(_ADD, rows)


def _row(flow: str, data: FlowFinished) -> tuple[object, ...]:
    counts, codes = data.counts, list(dict.fromkeys(error.code for error in data.errors))
    told = (counts.integrated, counts.to_verify, counts.rejected, counts.duplicate)
    return flow, data.finished_at, data.received_at, data.state, data.depositor, *told, codes


async def page(connection: Connection, after: str | None, limit: int) -> Sequence[RefusedFlow]:
    """Flows with refusals, newest first, behind the flow ``after``."""
    return [RefusedFlow(**dict(row)) for row in await connection.fetch(_PAGE, after, limit)]


def add_routes(router: APIRouter, api_pool: Pool) -> None:
    """Serve the list."""

    @router.get("/flows", summary="Flux terminés avec des factures rejetées, les plus récents d'abord, sur 31 jours")
    async def listed(
        _: Watches,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[UUID | None, Query(description="« next » de la page précédente")] = None,
    ) -> RefusedFlows:
        async with scoped(api_pool, {"reach": ALL}) as connection:
            found = await page(connection, str(cursor) if cursor else None, limit + 1)
        return RefusedFlows(flows=list(found[:limit]), next=found[limit - 1].flow if len(found) > limit else None)
