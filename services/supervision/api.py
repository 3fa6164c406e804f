"""``/api/v1/supervision``: the live figures, as JSON, pictures and (at ``/metrics``) gauges.

Whoever shows them asks again every second or two: nothing is pushed.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, Query, Request, Response

from services.common.db import Pool, scoped
from services.common.web import Problem
from services.supervision import curve_data, curve_picture, flows, letters, overview, store, windows
from services.supervision.access import Reached, Watches
from services.supervision.neighbours import Neighbours
from services.supervision.views import Curve, CurveLink, Layouts, Overview, ServiceState
from services.supervision.watch import Watch
from services.supervision.words import language

_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"image/svg+xml": {}}, "description": "Une image lisible en clair et en sombre, sans script"}
}
Span = Annotated[
    Literal["hour", "day", "month"], Query(description="La dernière heure, le dernier jour, les 31 derniers jours")
]

Stage = Annotated[str | None, Query(max_length=40, description="De « rates » et « mails » : cette étape seule")]


def add_routes(app: FastAPI, api_pool: Pool, watch: Watch, neighbours: Neighbours) -> None:
    """Serve supervision on ``app``."""
    router = APIRouter(prefix="/api/v1/supervision", tags=["supervision"])
    _add_figures(router, api_pool, watch, neighbours)
    _add_curves(router, api_pool, neighbours)
    flows.add_routes(router, api_pool)
    letters.add_routes(router, neighbours)
    app.include_router(router)


def _add_figures(router: APIRouter, api_pool: Pool, watch: Watch, neighbours: Neighbours) -> None:
    @router.get("", summary="Toutes les figures, en direct")
    async def everything(request: Request, response: Response, reach: Reached) -> Overview:
        response.headers["Cache-Control"] = "private, no-store"
        return await overview.overview(request, reach, api_pool, neighbours, watch.last)

    @router.get("/services", summary="Retard, boîte d'envoi, attentes et lettres mortes de chaque service")
    async def services(_: Watches) -> list[ServiceState]:
        return overview.services(watch.last)

    @router.get("/reading", summary="Part des champs lus sans correction, par présentation (fournisseur)")
    async def reading(
        reach: Reached,
        hours: Annotated[int, Query(ge=1, le=744)] = 24,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Layouts:
        async with scoped(api_pool, dict(reach.scope)) as connection:
            return await windows.layouts(connection, reach.tenants, store.now(), hours=hours, limit=limit)


def _add_curves(router: APIRouter, api_pool: Pool, neighbours: Neighbours) -> None:
    async def drawn(request: Request, reach: Reached, name: str, span: Span, stage: Stage) -> Curve:
        asked = curve_data.Asked(name, reach, span, language(request), stage)
        found = await curve_data.curve(asked, request, api_pool, neighbours)
        if found is None:
            names = ", ".join(curve_data.names(reach, asked.language))
            raise Problem(404, "CURVE_UNKNOWN", "Courbe inconnue", f"Les courbes que vous pouvez voir : {names}.")
        return found

    @router.get("/curves", summary="Les courbes")
    async def curves(request: Request, reach: Reached) -> list[CurveLink]:
        base = f"{router.prefix}/curves"
        return [
            CurveLink(name=name, title=title, picture=f"{base}/{name}.svg", numbers=f"{base}/{name}")
            for name, title in curve_data.names(reach, language(request)).items()
        ]

    @router.get("/curves/{name}.svg", summary="Une courbe", response_class=Response, responses=_PICTURE)
    async def picture(
        request: Request,
        reach: Reached,
        name: str,
        span: Span = "hour",
        stage: Stage = None,
        narrow: Annotated[bool, Query(description="Pour un écran étroit")] = False,
    ) -> Response:
        curve = await drawn(request, reach, name, span, stage)
        svg, policy = curve_picture.draw(curve, language(request), narrow=narrow)
        headers = {
            "Cache-Control": "private, no-store",
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Language",
        }
        return Response(svg, media_type="image/svg+xml", headers=headers)

    @router.get("/curves/{name}", summary="Une courbe, en nombres")
    async def numbers(request: Request, reach: Reached, name: str, span: Span = "hour", stage: Stage = None) -> Curve:
        return await drawn(request, reach, name, span, stage)
