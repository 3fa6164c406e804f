"""The spaces of invoices: what awaits me, figures, the search with its exports."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from invoice.lifecycle import STATUSES, TURN_LABELS
from services.portal.pages import help_names, invoices_curve, invoices_figures, invoices_names, invoices_search
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.invoices_files import carried
from services.portal.pages.invoices_search import Asked
from services.portal.pages.invoices_spaces import SPACES, Space, open_to, tabs, tone
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Shown
from services.portal.pages.supervision_names import Names
from services.portal.pages.supervision_rows import Row, Rows
from services.portal.pages.words import Language

API: Final = "/api/v1/invoices"
SEARCHES: Final = "/api/v1/accounts/me/searches"
#: Of what awaits him so many are listed; the rest is a search away.
_LISTED: Final = 20
#: Where answers have a last day, the nearest of so many pages of so many are listed.
_LOOKED: Final = 200
_PAGES: Final = 5
_BY_DAY: Final = frozenset(("to_validate", "works"))
_HIDDEN_GROUPS: Final = frozenset(("preparation", "technical"))


def add_routes(router: APIRouter) -> None:
    """Serve them, space by space."""
    for space in SPACES:
        _add_synthesis(router, space)
        _add_board(router, space)
        _add_search(router, space)


def _add_synthesis(router: APIRouter, space: Space) -> None:
    @router.get(space.path, name=f"synthesis_{space.key}")
    async def synthesis(request: Request, page: Own) -> Response:
        open_to(page, space)
        asked = invoices_search.read(request.query_params.multi_items())
        if asked.given:
            return page.go(f"{space.path}/recherche?{asked.query}")
        found = await page.call.get("status", f"{API}/synthesis", {"side": space.side})
        waiting = (found.data or {}).get("waiting", [])
        codes = [each["code"] for each in waiting if each["count"]]
        listed = await _awaiting(page, space, codes)
        _reason(listed[-1] if listed else found)
        every = [row for answer in listed for row in (answer.data or {}).get("invoices", [])]
        invoices = first_ones(every)
        return page.render(
            "invoices/synthesis.html",
            here=space,
            tabs=tabs(page, space),
            found=found.data,
            soon=invoices_figures.soon(found.data),
            waiting=[each for each in waiting if each["count"]],
            more=sum(each["count"] for each in waiting) > len(invoices),
            statuses="&".join(f"status={code}" for code in codes),
            among=len(every) if space.key in _BY_DAY and listed and (listed[-1].data or {}).get("next") else None,
            listing=await listing(page, space, invoices),
            away=any(answer.problem is not None for answer in (found, *listed)),
        )


async def _awaiting(page: Page, space: Space, codes: list[str]) -> list[Answer]:
    """The newest of what awaits him; all of it where answers have a last day: the oldest deposit may be the nearest."""
    by_day = space.key in _BY_DAY
    wanted = {"side": space.side, "status": codes, "limit": _LOOKED if by_day else _LISTED}
    found: list[Answer] = []
    cursor = None
    while codes and len(found) < (_PAGES if by_day else 1):
        found.append(await page.call.get("status", API, {**wanted, "cursor": cursor}))
        cursor = (found[-1].data or {}).get("next")
        if cursor is None:
            break
    return found


def first_ones(invoices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those to be answered by a day first, the nearest day first; the others as they came."""
    return sorted(invoices, key=lambda each: each.get("answer_by") or "9999")[:_LISTED]


def _add_board(router: APIRouter, space: Space) -> None:
    @router.get(f"{space.path}/tableau", name=f"board_{space.key}")
    async def board(page: Own, service: str = "") -> Response:
        open_to(page, space)
        chosen = service if space.key == "received" else ""
        asked = {"side": space.side, "service": chosen or None}
        found, pressing = await asyncio.gather(
            page.call.get("status", f"{API}/figures", asked), _pressing(page, space, chosen)
        )
        _reason(found)
        if found.status == 422:
            raise Shown(NOT_FOUND)
        whole = await page.call.get("status", f"{API}/figures", {"side": space.side}) if chosen else found
        shown = None if found.data is None else invoices_figures.board(found.data, space, page.t, chosen)
        every = (whole.data or {}).get("by_service", [])
        names = await invoices_names.of_structures(page, [each["structure"] for each in every])
        services = await invoices_names.of_services(page, [(each["structure"], each["service"]) for each in every])
        return page.render(
            "invoices/board.html",
            here=space,
            tabs=tabs(page, space),
            board=shown,
            names=names,
            services=services,
            away=found.data is None,
            risks=pressing,
            pays=space.key == "received",
            chosen=chosen,
            choices=_choices(space, every, chosen),
        )

    @router.get(f"{space.path}/tableau/mois.svg", name=f"months_{space.key}")
    async def months(page: Own, etroite: bool = False) -> Response:
        open_to(page, space)
        found = await page.call.need("status", f"{API}/figures", {"side": space.side})
        drawn, policy = invoices_curve.draw(found["by_month"], found["day"], page.t, narrow=etroite)
        headers = {"Content-Security-Policy": policy, "Cache-Control": "private, max-age=60"}
        return Response(drawn, media_type="image/svg+xml", headers=headers)


def _choices(space: Space, every: list[dict[str, Any]], chosen: str) -> list[tuple[str, str]]:
    """The services of which figures can be asked for, where there are several."""
    found = [(each["structure"], each["service"]) for each in every if each["service"]]
    return found if space.key == "received" and (chosen or len(found) > 1) else []


async def _pressing(page: Page, space: Space, service: str) -> tuple[list[Row], bool] | None:
    """What late payments cost whoever receives, and whether a rate is provisional; None: not asked, or not known."""
    if space.key != "received":
        return None
    found = await page.call.get("status", f"{API}/risks", {"side": space.side, "service": service or None})
    _reason(found)
    if found.data is None:
        return None
    return Rows(page, {"risks": found.data}, Names(), "").risks(service), found.data["provisional"]


def _add_search(router: APIRouter, space: Space) -> None:
    @router.get(f"{space.path}/recherche", name=f"search_{space.key}")
    async def search(request: Request, page: Own) -> Response:
        open_to(page, space)
        asked = invoices_search.read(request.query_params.multi_items())
        path = f"{space.path}/recherche"
        if not invoices_search.is_tidy(request.url.query):
            return page.go(f"{path}?{asked.query}" if asked.query else path)
        return await searched(page, space, asked, path)

    @router.get(f"{space.path}/export.csv", name=f"csv_{space.key}")
    async def export(request: Request, page: Own) -> Response:
        open_to(page, space)
        return await carried(page, f"{API}/export.csv", wanted(page, space, request))

    @router.get(f"{space.path}/archive.zip", name=f"zip_{space.key}")
    async def archive(request: Request, page: Own) -> Response:
        open_to(page, space)
        return await carried(page, f"{API}/archive.zip", wanted(page, space, request))


def wanted(page: Page, space: Space | None, request: Request) -> dict[str, Any]:
    """What an export is asked for. Raises ``Shown`` for conditions that cannot be read: a file says nothing of them."""
    asked, form = invoices_search.read(request.query_params.multi_items()), Form()
    found = invoices_search.params(asked, space, form, page.t)
    if not form.valid:
        raise Shown(NOT_FOUND)
    return {name: value for name, value in found.items() if name != "cursor"}


async def searched(
    page: Page,
    space: Space,
    asked: Asked,
    path: str,
    template: str = "invoices/search.html",
    more: dict[str, Any] | None = None,
    **shown: Any,
) -> Response:
    """The page of a search. ``more``: conditions that the address does not say."""
    form = asked.form()
    conditions = {**invoices_search.params(asked, space, form, page.t), **(more or {})}
    found, kept = await asyncio.gather(
        page.call.get("status", API, {**conditions, "limit": invoices_search.PAGE}),
        page.call.get("portal", SEARCHES, {"space": space.key}),
    )
    _reason(found)
    if found.problem is not None and not found.problem.away:
        form.take(found.problem, invoices_search.NAMES)
    data = found.data or {"invoices": [], "next": None}
    return page.render(
        template,
        status=200 if form.valid else 422,
        here=space,
        tabs=tabs(page, space),
        form=form,
        asked=asked,
        path=path,
        statuses=statuses(space, page.language),
        turns=[(actor, help_names.turn(actor, page.language, said)) for actor, said in TURN_LABELS.items()],
        saved=(kept.data or {}).get("searches", []),
        listing=await listing(page, space, data["invoices"]),
        next=f"{path}?{asked.at(data['next'])}" if data["next"] else None,
        first=(f"{path}?{asked.query}" if asked.query else path) if _is_further(asked) else None,
        away=found.problem is not None and found.problem.away,
        **shown,
    )


def _is_further(asked: Asked) -> bool:
    return any(name == "cursor" for name, _ in asked.given)


async def listing(page: Page, space: Space, invoices: list[dict[str, Any]]) -> dict[str, Any]:
    """What the part with the rows needs; ``back`` leads from one of them to this list again."""
    keys = [each["supplier_siret"] for each in invoices]
    names = await invoices_names.of_structures(page, keys if space.other == "supplier" else ())
    return {
        "rows": invoices,
        "names": names,
        "tones": {each["id"]: tone(each["status"]) for each in invoices},
        "space": space,
        "back": came_from(page),
    }


def came_from(page: Page) -> str:
    """The address of this list, without what was just done."""
    asked = [pair for pair in page.request.query_params.multi_items() if pair[0] != "fait"]
    return f"{page.request.url.path}?{urlencode(asked)}" if asked else page.request.url.path


def statuses(space: Space, language: Language) -> list[tuple[str, str]]:
    """Those that an invoice of this space can have, with their names."""
    return [
        (code, help_names.status(status, language)[0])
        for code, status in STATUSES.items()
        if status.group not in _HIDDEN_GROUPS
        and not status.hidden
        and (status.group != "works" or space.key in ("works", "issued"))
    ]


def _reason(answer: Any) -> None:
    """Raises ``Shown`` where an operator has to say first why he looks."""
    if answer.problem is not None and answer.problem.code == "REASON_REQUIRED":
        raise Shown(answer.problem)
