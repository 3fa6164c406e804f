"""``/supervision``: what happens, live; the whole platform for its operator, their tenants for administrators."""

import asyncio
import gzip
import time
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.call import Answer, Params
from services.portal.pages.format import show_number
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Shown
from services.portal.pages.supervision_names import Names, known_tenants, named
from services.portal.pages.supervision_rows import FLOWS, Rows

API: Final = "/api/v1/supervision"
ROLES: Final = ("OPERATEUR", "TENANT_ADMIN")
SPANS: Final = ("hour", "day", "month")
#: Curves in the overview; the others are named below them.
_FIRST: Final = ("rates", "times", "lag", "risks")
#: Curves of which a span can be chosen; the others have one of their own.
_SPANNED: Final = frozenset({"rates", "times", "mails", "lag", "letters"})
#: A picture is asked for again after so many seconds.
_PICTURE_SECONDS: Final = 10
#: What is read is shown for so many hours: a day, a week, 31 days.
_HOURS: Final = (24, 168, 744)
_FLOWS_PAGE: Final = 50


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    _add_overview(router)
    _add_curves(router)
    _add_reading(router)
    _add_flows(router)


async def ask(page: Page, path: str = "", params: Params | None = None, method: str = "GET", **more: Any) -> Answer:
    """What supervision says, in the page's language; for whoever has nothing to supervise the page is not there."""
    page.need(*ROLES)
    headers = {"Accept-Language": page.language, **more.pop("headers", {})}
    return await page.call.ask(method, "supervision", f"{API}{path}", params=params, headers=headers, **more)


async def need(page: Page, path: str, params: Params | None = None) -> Any:
    """What the page is about. Raises ``Shown`` where there is nothing to show."""
    answer = await ask(page, path, params)
    if answer.problem is not None:
        raise Shown(NOT_FOUND if answer.status in (400, 422) else answer.problem)
    return answer.data


def _add_overview(router: APIRouter) -> None:
    @router.get("/supervision")
    async def overview(page: Own, tenant: str = "") -> Response:
        answer, curves, tenants = await asyncio.gather(
            ask(page, params={"tenant": tenant}), ask(page, "/curves", {"tenant": tenant}), known_tenants(page)
        )
        if answer.problem is not None and not answer.problem.away:
            raise Shown(NOT_FOUND if answer.status == 422 else answer.problem)
        seen: dict[str, Any] | None = answer.data
        found = await named(page, seen) if seen is not None else Names()
        titles = {each["name"]: each["title"] for each in curves.data or ()}
        return page.render(
            "supervision/overview.html",
            seen=seen,
            rows=Rows(page, seen, found, tenant) if seen is not None else None,
            tenant=tenant,
            tenants=tenants,
            pictures=[(name, titles[name]) for name in _FIRST if name in titles],
            others=[(name, title) for name, title in titles.items() if name not in _FIRST],
            fresh=int(time.time() // _PICTURE_SECONDS),
        )


def _add_curves(router: APIRouter) -> None:
    @router.get("/supervision/courbes/{name}.svg")
    async def picture(
        page: Own, name: str, span: str = "hour", stage: str = "", tenant: str = "", etroite: bool = False
    ) -> Response:
        asked = {"span": span, "stage": stage, "tenant": tenant, "narrow": "true" if etroite else None}
        answer = await ask(page, f"/curves/{_plain(name)}.svg", asked)
        if answer.problem is not None:
            raise Shown(NOT_FOUND if answer.status == 422 else answer.problem)
        svg: bytes = answer.data
        headers = {
            "Content-Security-Policy": answer.headers["content-security-policy"],
            "Vary": "Cookie, Accept-Language, Accept-Encoding",
        }
        if "gzip" in page.request.headers.get("accept-encoding", ""):
            svg, headers["Content-Encoding"] = gzip.compress(svg, 6, mtime=0), "gzip"
        return Response(svg, media_type="image/svg+xml", headers=headers)

    @router.get("/supervision/courbes/{name}")
    async def numbers(page: Own, name: str, span: str = "hour", stage: str = "", tenant: str = "") -> Response:
        curve = await need(page, f"/curves/{_plain(name)}", {"span": span, "stage": stage, "tenant": tenant})
        return page.render(
            "supervision/curve.html",
            curve=curve,
            instants=name in _SPANNED,
            days=span == "month",
            stage=stage,
            lines=_lines(page, curve["series"]),
            span=span,
            spans=SPANS if name in _SPANNED else (),
            tenant=tenant,
            fresh=int(time.time() // _PICTURE_SECONDS),
        )


def _lines(page: Page, series: list[dict[str, Any]]) -> list[tuple[str, list[str | None]]]:
    """The numbers of a curve by place, the latest first where they are instants: so they are read."""
    if not series:
        return []
    lines = [
        (point["at"], [_number(page, one["points"][place]["value"]) for one in series])
        for place, point in enumerate(series[0]["points"])
    ]
    return lines[::-1] if lines and "T" in lines[0][0] else lines


def _number(page: Page, value: float | None) -> str | None:
    return None if value is None else show_number(f"{value:.6g}", page.language)


def _add_reading(router: APIRouter) -> None:
    @router.get("/supervision/lecture")
    async def reading(page: Own, hours: int = 24, tenant: str = "") -> Response:
        wanted = hours if hours in _HOURS else _HOURS[0]
        found = await need(page, "/reading", {"hours": wanted, "tenant": tenant, "limit": 500})
        rows = Rows(page, {"reading": found}, Names(), tenant)
        return page.render(
            "supervision/reading.html", found=found, rows=rows, hours=wanted, choices=_HOURS, tenant=tenant
        )


def _add_flows(router: APIRouter) -> None:
    @router.get(FLOWS)
    async def flows(page: Own, suite: str = "") -> Response:
        page.need("OPERATEUR")
        found = await need(page, "/flows", {"limit": _FLOWS_PAGE, "cursor": suite[:40]})
        return page.render(
            "supervision/flows.html",
            flows=found["flows"],
            curve=Rows(page, {}, Names(), "").curve("rates", "month", "flow_rejected"),
            next=f"{FLOWS}?suite={found['next']}" if found["next"] else None,
            first=FLOWS if suite else None,
        )


def _plain(name: str) -> str:
    """A name of a curve; others lead to nothing."""
    if not name.isascii() or not name.isalpha():
        raise Shown(NOT_FOUND)
    return name
