"""``/archives``: invoices that are over, by the year in which they were deposited."""

from datetime import date
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from invoice.lifecycle import STATUSES
from services.common import clock
from services.portal.pages import help_names, invoices_search
from services.portal.pages.format import PARIS
from services.portal.pages.forms import Form
from services.portal.pages.invoices import API, searched
from services.portal.pages.invoices_files import carried
from services.portal.pages.invoices_search import Asked, midnight
from services.portal.pages.invoices_spaces import Space, opened
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Shown

#: An invoice is kept for ten years (decisions on retention are each body's): older ones are asked of the archivist.
_YEARS: Final = 11
_OVER: Final = tuple(code for code, status in STATUSES.items() if status.terminal and status.group != "preparation")


def add_routes(router: APIRouter) -> None:
    """Serve them."""

    @router.get("/archives")
    async def years(page: Own) -> Response:
        _space(page, None)
        this = clock.now().astimezone(PARIS).year
        return page.render("archive/years.html", years=[this - back for back in range(_YEARS)])

    @router.get("/archives/{year}")
    async def one(request: Request, page: Own, year: int, cote: str | None = None) -> Response:
        space = _space(page, cote)
        asked = _asked(request, "cursor")
        path = f"/archives/{_checked(year)}"
        spaces = opened(page)
        return await searched(
            page,
            space,
            asked,
            path,
            "archive/year.html",
            _conditions(asked, year),
            year=year,
            # With the side that is shown, in addresses that keep what is looked for.
            given=Asked((*(pair for pair in asked.given if pair[0] != "cursor"), ("cote", space.key))).query,
            sides=[(each.key, page.t(f"nav.{each.key}"), f"{path}?cote={each.key}") for each in spaces],
            over=[(code, help_names.status(STATUSES[code], page.language)[0]) for code in _OVER],
        )

    @router.get("/archives/{year}/export.csv")
    async def export(request: Request, page: Own, year: int, cote: str | None = None) -> Response:
        asked = _asked(request)
        found = {
            **invoices_search.params(asked, _space(page, cote), Form(), page.t),
            **_conditions(asked, _checked(year)),
        }
        return await carried(page, f"{API}/export.csv", found, name=f"factures-{year}.csv")


def _asked(request: Request, *more: str) -> Asked:
    """What is looked for in a year. ``more``: what else the address may say."""
    return invoices_search.read(
        pair for pair in request.query_params.multi_items() if pair[0] in ("q", "status", *more)
    )


def _conditions(asked: Asked, year: int) -> dict[str, Any]:
    """What the address does not say: the year, and unless it names a status all that invoices end in."""
    named = any(name == "status" for name, _ in asked.given)
    return {**_within(year), **({} if named else {"status": list(_OVER)})}


def _checked(year: int) -> int:
    if not 2000 <= year <= 2200:
        raise Shown(NOT_FOUND)
    return year


def _within(year: int) -> dict[str, str]:
    return {"since": midnight(date(year, 1, 1)), "until": midnight(date(year + 1, 1, 1))}


def _space(page: Page, key: str | None) -> Space:
    """The side whose archives are shown: the one asked for, else the first that he has. Raises ``Shown``."""
    spaces = opened(page)
    found = next((space for space in spaces if key in (None, space.key)), None)
    if found is None:
        raise Shown(NOT_FOUND)
    return found
