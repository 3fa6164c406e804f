"""Files of the services on their way to the browser: they are saved under their name, never shown as a page."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi.responses import Response, StreamingResponse

from services.portal.pages.page import Page

_KEPT: Final = ("content-disposition", "content-security-policy", "content-length", "etag")


async def carried(
    page: Page, path: str, params: Mapping[str, Any] | None = None, service: str = "status", name: str | None = None
) -> Response:
    """A file as it comes, bit by bit. ``name``: under which it is saved, where the service's own is no help."""
    found = await page.call.carry(service, path, params)
    headers = {each: found.headers[each] for each in _KEPT if each in found.headers}
    if "content-encoding" in found.headers:
        headers.pop("content-length", None)
    if name is not None:
        headers["content-disposition"] = f'attachment; filename="{name}"'
    headers.setdefault("content-disposition", "attachment")
    headers["cache-control"] = "private, no-store"
    media_type = found.headers.get("content-type", "application/octet-stream")
    return StreamingResponse(found.chunks, media_type=media_type, headers=headers)
