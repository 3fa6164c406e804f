"""``/factures/recherches``: searches kept under a name; and whether the keys of lists are on."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import invoices_search
from services.portal.pages.forms import Form
from services.portal.pages.invoices import SEARCHES
from services.portal.pages.invoices_spaces import BY_KEY, is_open
from services.portal.pages.page import Own, local
from services.portal.pages.problems import NOT_FOUND, Shown

_PAGE: Final = "/factures/recherches"
_YEAR: Final = 365 * 86_400
_LOOK: Final = 1_800
_SHORTEST: Final = 10


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_searches(router)
    _add_keys(router)
    _add_reason(router)


def _add_searches(router: APIRouter) -> None:
    @router.get(_PAGE)
    async def kept(page: Own) -> Response:
        found = await page.call.need("portal", SEARCHES)
        mine = [each for each in found["searches"] if is_open(page, BY_KEY[each["space"]])]
        return page.render("invoices/saved.html", searches=mine, spaces_by_key=BY_KEY)

    @router.post(_PAGE)
    async def keep(page: Own) -> Response:
        form = await page.form()
        space = BY_KEY.get(form.text("space"))
        if space is None:
            raise Shown(NOT_FOUND)
        query = invoices_search.of_query(form.text("query")).query
        back = f"{space.path}/recherche?{query}"
        name = " ".join(form.text("name").split())[:80]
        if not name:
            return page.go(back)
        answer = await page.call.post("portal", SEARCHES, {"space": space.key, "name": name, "query": query})
        if answer.problem is not None:
            return page.refused(answer.problem)
        return page.go(back, "search_kept")

    @router.post(f"{_PAGE}/{{search}}/oubli")
    async def forget(page: Own, search: UUID) -> Response:
        await page.form()
        answer = await page.call.delete("portal", f"{SEARCHES}/{search}")
        if answer.problem is not None:
            return page.refused(answer.problem)
        return page.go(_PAGE, "search_forgotten")


def _add_keys(router: APIRouter) -> None:
    @router.post("/factures/raccourcis")
    async def keys(page: Own) -> Response:
        form = await page.form()
        page.set_cookie("keys", "off" if form.text("state") == "off" else "on", seconds=_YEAR)
        return page.go(local(form.text("then"), "/"))


def _add_reason(router: APIRouter) -> None:
    """An operator's look into what is a tenant's: he says why, and the tenant reads it."""

    @router.get("/factures/motif")
    async def ask(page: Own, suite: str = "/") -> Response:
        page.need("OPERATEUR")
        return page.render("invoices/reason.html", form=Form(), then=local(suite))

    @router.post("/factures/motif")
    async def give(page: Own) -> Response:
        page.need("OPERATEUR")
        form = await page.form()
        reason = " ".join(form.text("reason").split())[:500]
        if len(reason) < _SHORTEST:
            form.wrong("reason", page.t("invoices.reason_short", n=_SHORTEST))
            return page.render("invoices/reason.html", status=422, form=form, then=local(form.text("then")))
        page.keep_reason(reason, seconds=_LOOK)
        return page.go(local(form.text("then")))
