"""The public directory over HTTP: search, structures as they stand and as they stood, import, open-data export."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Query

from services.common.db import scoped
from services.common.rates import by_network
from services.common.web import Problem
from services.routing import api_export, api_guide, api_import, api_own, api_tenant, store
from services.routing.access import Pools, SearchText, SiretPath, canonical_siret, problems, unknown_structure
from services.routing.domain import paris_day
from services.routing.exports import Exports
from services.routing.search import search as find
from services.routing.settings import Limits
from services.routing.views import StructureLine, StructureOut, line_out, structure_out

__all__ = ["Pools", "add_routes"]

_LISTED = 20
_LAST = 2**63 - 1


def add_routes(app: FastAPI, pools: Pools, exports: Exports, limits: Limits) -> None:
    """All routes of the directory."""
    _add_public(app, pools, limits)
    api_import.add_routes(app, pools, limits)
    api_export.add_routes(app, exports)
    api_tenant.add_routes(app, pools, limits)
    api_guide.add_routes(app, pools, limits)
    api_own.add_routes(app, pools)


def _add_public(app: FastAPI, pools: Pools, limits: Limits) -> None:
    @app.get(
        "/api/v1/directory/structures",
        summary="Chercher une structure",
        description="Par SIRET (même en partie), nom, commune, code postal, type, code ou libellé de service ; les "
        "fautes de frappe, les accents et les mots manquants sont tolérés. Les meilleures réponses d'abord.",
        responses=problems(422, 503),
        tags=["annuaire"],
        dependencies=[Depends(by_network)],
    )
    async def search(
        q: SearchText, limit: Annotated[int, Query(ge=1, le=_LISTED, description="Combien de réponses")] = _LISTED
    ) -> list[StructureLine]:
        # Nothing here depends on who asks, so no scope is set and no transaction opened.
        async with asyncio.timeout(limits.search_seconds), pools.read.acquire() as connection:
            return [line_out(hit) for hit in await find(connection, q, limit)]

    @app.get(
        "/api/v1/directory/structures/{siret}",
        summary="Une structure, ses services et ses exigences",
        description="Telle qu'elle est, ou telle qu'elle était : `at` est un instant (le dépôt d'une facture), "
        "`version` celle que nomme une décision.",
        responses=problems(404, 422, 503),
        tags=["annuaire"],
        dependencies=[Depends(by_network)],
    )
    async def structure(
        siret: SiretPath,
        at: Annotated[datetime | None, Query(examples=["2026-05-04T10:00:00Z"])] = None,
        version: Annotated[int | None, Query(ge=0, le=_LAST)] = None,
    ) -> StructureOut:
        wanted, instant = canonical_siret(siret), _bounded(at)
        async with scoped(pools.read, {}) as connection:
            if at is None and version is None:
                snapshot = await store.in_force(connection, [wanted])
            else:
                snapshot = await store.as_of(connection, wanted, at=instant, version=version)
        body = snapshot.bodies[wanted]
        if body is None:
            raise unknown_structure(wanted)
        return structure_out(body, snapshot.version, paris_day(instant or datetime.now(UTC)))


def _bounded(instant: datetime | None) -> datetime | None:
    """An instant that every part of the way can count with, UTC unless it says otherwise. Raises a 422 problem."""
    if instant is None:
        return None
    if not 2000 <= instant.year < 2200:
        raise Problem(422, "INSTANT_OUT_OF_RANGE", "Instant invalide", "L'annuaire répond de l'an 2000 à l'an 2199.")
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
