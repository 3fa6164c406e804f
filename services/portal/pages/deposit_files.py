"""Files that services hold, handed on to whoever may have them: saved by the browser, never run in a page of ours."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from services.portal.pages.call import Params
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Shown

#: What suppliers made is looked at in a box: no script, no form, no way out.
SANDBOX: Final = "sandbox; default-src 'none'"
_KEPT: Final = ("content-disposition", "etag", "chorale-sandbox")


async def handed_on(page: Page, service: str, path: str, params: Params | None = None) -> Response:
    """A file of a service. Raises ``Shown`` where it is not given."""
    found = await page.call.carry(service, path, params)
    headers = {name: found.headers[name] for name in _KEPT if name in found.headers}
    headers["Content-Security-Policy"] = SANDBOX
    headers["Cache-Control"] = "private, no-store"
    kind = found.headers.get("content-type", "application/octet-stream")
    return StreamingResponse(found.chunks, headers=headers, media_type=kind)


def page_path(template: str, number: int) -> str:
    """The address of a page's picture."""
    return template.replace("{n}", str(number))


def add_routes(router: APIRouter) -> None:
    """Serve a deposit's files."""

    @router.get("/depots/{deposit}/document")
    async def document(page: Own, deposit: UUID) -> Response:
        return await handed_on(page, "ingest", f"/api/v1/deposits/{deposit}/document")

    @router.get("/depots/{deposit}/certificat.pdf")
    async def certificate(page: Own, deposit: UUID) -> Response:
        return await handed_on(page, "ingest", f"/api/v1/certificates/{deposit}/pdf")

    @router.get("/depots/{deposit}/pages/{number}.png")
    async def picture(page: Own, deposit: UUID, number: int) -> Response:
        """Links to pictures last a quarter of an hour, a page stays open for longer: each picture asks anew."""
        found: dict[str, Any] = await page.call.need("ingest", f"/api/v1/deposits/{deposit}")
        shown = found.get("pages")
        if shown is None or not 1 <= number <= len(shown["sizes"]):
            raise Shown(NOT_FOUND)
        return page.go(page_path(shown["template"], number))
