"""``/factures/direct``: the live feed of the invoices that who looks may see, handed on to his browser."""

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from services.portal.pages.invoices import API
from services.portal.pages.page import Own
from services.portal.pages.problems import Shown


def add_routes(router: APIRouter) -> None:
    """Serve it. It ends with the token it was opened with; the browser opens it again from where it stood."""

    @router.get("/factures/direct")
    async def follow(page: Own) -> Response:
        last = page.request.headers.get("last-event-id", "")
        headers = {"Last-Event-ID": last} if last.isascii() and last.isdigit() else {}
        try:
            found = await page.call.carry("status", f"{API}/events", headers=headers, lasting=True)
        except Shown as refused:
            # A position that is gone, or too many feeds: the page is read anew by hand. 204 ends a feed for good.
            return Response(status_code=503 if refused.problem.away else 204)
        return StreamingResponse(
            found.chunks,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
