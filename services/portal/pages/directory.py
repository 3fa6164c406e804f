"""``/annuaire``: who can be invoiced, and how. Nobody signs in for that."""

import asyncio
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.page import Visit
from services.portal.pages.problems import NOT_FOUND, Shown

_API: Final = "/api/v1/directory"


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get("/annuaire")
    async def search(page: Visit, q: str = "") -> Response:
        asked = " ".join(q.replace("\x00", "").split())[:200]
        answer = await page.call.get("routing", f"{_API}/structures", {"q": asked}) if asked else None
        return page.render(
            "directory/search.html",
            q=asked,
            found=answer.data or [] if answer is not None else None,
            problem=answer.problem if answer is not None else None,
        )

    @router.get("/annuaire/{siret}")
    async def one(page: Visit, siret: str) -> Response:
        wanted = "".join(siret.split())
        if len(wanted) != 14 or not wanted.isascii() or not wanted.isdigit():
            raise Shown(NOT_FOUND)
        body, guide = await asyncio.gather(
            page.call.need("routing", f"{_API}/structures/{wanted}"),
            page.call.get("routing", f"{_API}/structures/{wanted}/guide"),
        )
        services = sorted(body["services"], key=lambda each: (not each["open_today"], each["code"]))
        return page.render("directory/one.html", body=body, guide=guide.data, services=services)
