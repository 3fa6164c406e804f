"""``/messages``: what the platform has written to this person, in words."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages.page import Own, Page

_MINE: Final = "/api/v1/messages/mine"
#: Pages that letters name otherwise than they are called.
_MOVED: Final = {"/comptes": "/compte", "/adresse": "/messages/reglages"}


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get("/messages")
    async def listed(page: Own, avant: str = "") -> Response:
        before = _uuid(avant)
        answer = await page.call.get("notify", _MINE, {"before": before, "language": page.language, "limit": 30})
        found = answer.data or {"messages": [], "next": None}
        problem = answer.problem if answer.problem is not None and answer.problem.code != "NO_CONTACT" else None
        return page.render(
            "messages/list.html",
            rows=[{**each, "path": lead(page, each["path"])} for each in found["messages"]],
            next=f"/messages?avant={found['next']}" if found["next"] else None,
            first="/messages" if before else None,
            problem=problem,
        )


def lead(page: Page, path: str | None) -> str | None:
    """Where a message leads, where there is such a page."""
    if path is None:
        return None
    path = _MOVED.get(path, path)
    first = f"/{path.split('/')[1]}" if path.startswith("/") else ""
    return path if any(known == path or known.startswith(f"{first}/{{") for known in page.house.there) else None


def _uuid(text: str) -> Any:
    try:
        return str(UUID(text))
    except ValueError:
        return None
