"""A form as it comes in, within bounds: what each field and all of them may weigh, and how long a browser is silent."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from services.portal.pages.forms import MOST_FIELDS, MOST_FILES
from services.portal.pages.problems import Problem, Shown

#: For so many seconds a browser may send nothing of a form that it has begun to send.
SILENCE: Final = 30.0
#: Of one field, and of all that are no files: the largest form of the platform, three hundred lines that are typed,
#: has room three times.
MOST_OF_ONE, MOST_OF_ALL = 100_000, 1_000_000
#: What is read on of a form that is refused, so that its sender sees the answer.
_DRAINED: Final = 8_000_000
_TOO_LARGE: Final = Problem(status=413, code="FORM_TOO_HEAVY")
#: How the parser begins to say that there is too much of something.
_TOO_MUCH: Final = ("Part exceeded", "Field exceeded", "Too many")


class _TooHeavy(Exception):
    """More than a form may weigh."""


class _Multipart(MultiPartParser):
    """Counts what is no file: files are bounded by the gateway, and by who takes them."""

    _seen = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is None:
            self._seen += end - start
            if self._seen > MOST_OF_ALL:
                raise _TooHeavy
        super().on_part_data(data, start, end)


class _Patient:
    """What a browser sends, as long as it is never silent for :data:`SILENCE`. Raises ``TimeoutError``."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        #: Nothing more comes.
        self.over = False

    async def __call__(self) -> Message:
        async with asyncio.timeout(SILENCE):
            message = await self._receive()
        self.over = message["type"] != "http.request" or not message.get("more_body", False)
        return message


async def whole(request: Request, *, files: bool) -> FormData:
    """The fields of a form. Without ``files`` nothing of it may be heavy: who has not signed in sends no files here.
    Raises ``Shown`` for what is too heavy, cannot be read, or stops coming."""
    body = _Patient(request.receive)
    try:
        return await _parsed(Request(request.scope, body), files=files)
    except (TimeoutError, ClientDisconnect) as error:
        raise Shown(Problem(status=408, code="UPLOAD_STALLED")) from error
    except _TooHeavy as error:
        await drain(body)
        raise Shown(_TOO_LARGE) from error
    except MultiPartException as error:
        await drain(body)
        if error.message.startswith(_TOO_MUCH):
            raise Shown(_TOO_LARGE) from error
        raise Shown(Problem(status=400, code="BAD_REQUEST")) from error


async def _parsed(request: Request, *, files: bool) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        stream = request.stream() if files else _bounded(request.stream())
        parts = _Multipart(
            request.headers, stream, max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=MOST_OF_ONE
        )
        return await parts.parse()
    if kind == "application/x-www-form-urlencoded":
        pairs = FormParser(
            request.headers, _bounded(request.stream()), max_fields=MOST_FIELDS, max_part_size=MOST_OF_ONE
        )
        return await pairs.parse()
    return FormData()


async def _bounded(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    seen = 0
    async for chunk in chunks:
        seen += len(chunk)
        if seen > MOST_OF_ALL:
            raise _TooHeavy
        yield chunk


async def drain(body: _Patient) -> None:
    """Read on for a while and keep nothing: who is cut off in the middle of a form never sees the answer."""
    drained = 0
    try:
        async with asyncio.timeout(5):
            while not body.over and drained < _DRAINED:
                drained += len((await body()).get("body", b""))
    except TimeoutError:
        return
