"""The form of a request that was answered before anybody read it, so that what was written can be kept.

Whoever has not signed in may send it: a bounded part is read, nothing of a file is kept but its name, and what comes
from a page of another site is not read at all.
"""

import asyncio
import io
from typing import Any, Final

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from services.common.web import Problem as Refused
from services.portal.pages import reading
from services.portal.pages.deposit_stream import Part, Parts
from services.portal.pages.forms import Form
from services.portal.pages.problems import Shown
from services.portal.session_guard import same_site

_SECONDS: Final = 10.0
#: Of files, which are read past, so that what follows them is found and the sender sees the answer.
_PASSED: Final = 8_000_000


async def written(request: Request) -> Form | None:
    """What the form has, as far as it can be read."""
    try:
        same_site(request)
    except Refused:
        return None
    values: dict[str, list[Any]] = {}
    try:
        async with asyncio.timeout(_SECONDS):
            if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
                await _parts(request, values)
            else:
                return Form.sent(await reading.whole(request, files=False))
    except (Shown, TimeoutError, ClientDisconnect, RuntimeError):
        pass  # what came before it is kept; RuntimeError: somebody has read it already
    return Form(values) if values else None


async def _parts(request: Request, values: dict[str, list[Any]]) -> None:
    parts, left, passed = Parts(request), reading.MOST_OF_ALL, 0
    async for part in parts:
        if part.file_name is None:
            text = await part.whole(min(left, reading.MOST_OF_ONE))
            left -= len(text)
            values.setdefault(part.name, []).append(text.decode("utf-8", "replace").replace("\x00", ""))
            continue
        if part.file_name:
            values.setdefault(part.name, []).append(UploadFile(io.BytesIO(), filename=part.file_name))
        passed += await _past(part, _PASSED - passed)
        if passed >= _PASSED:
            return


async def _past(part: Part, most: int) -> int:
    """Read past a file; how much of it there was, up to a bound."""
    found = 0
    async for chunk in part.chunks():
        found += len(chunk)
        if found >= most:
            break
    return found
