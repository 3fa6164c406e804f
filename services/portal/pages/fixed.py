"""The pages that the law asks for: accessibility, who is behind this, what is kept of people and for how long."""

from importlib import resources
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from invoice import kinds, packaged
from services.portal.pages.page import Visit

_RETENTION: Final = ("invoice", "data/retention.yaml")
#: For what data of people are kept: their words are ``privacy.<purpose>_…``. The register itself, table by table, is
#: docs/personal-data.md.
PURPOSES: Final = ("account", "session", "belonging", "invoice", "message", "trace")
#: The cookies that the platform gives, as ``fixed.cookie_…`` names them.
COOKIES: Final = ("session", "form", "lang", "keys", "step", "done", "provider", "reason")


def retention() -> list[dict[str, Any]]:
    """How long invoices are kept, as the platform's own table says: its rows, by kind of body."""
    file = resources.files(_RETENTION[0]).joinpath(_RETENTION[1])
    if not file.is_file():
        return []
    found = packaged.parse(file.read_text("utf-8"))
    return [{"kind": kind, "label": _label(kind), **row} for kind, row in found.items()]


def _label(kind: str) -> str | None:
    known = kinds.KINDS.get(kind)
    return known.label if known is not None else None


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    kept = retention()

    @router.get("/accessibilite")
    async def accessibility(page: Visit) -> Response:
        return page.render("fixed/accessibility.html", publisher=page.house.parts.settings.publisher)

    @router.get("/mentions-legales")
    async def legal(page: Visit) -> Response:
        settings = page.house.parts.settings
        return page.render(
            "fixed/legal.html",
            origin=settings.public_url,
            publisher=settings.publisher,
            invented=bool(settings.unsaid),
            cookies=COOKIES,
        )

    @router.get("/donnees-personnelles")
    async def privacy(page: Visit) -> Response:
        return page.render("fixed/privacy.html", kept=kept, purposes=PURPOSES, cookies=COOKIES)
