"""A form with files, read as it comes and handed on as it comes: however large the files, memory holds one piece.

The fields of a form come in the order of the page: its hidden word is there before the first file.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from services.portal.account_limits import network_of
from services.portal.pages import guard
from services.portal.pages.pace import Pace
from services.portal.pages.page import Page
from services.portal.pages.problems import Problem, Shown
from services.portal.pages.reading import SILENCE

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

#: Of a field that is no file; of the parts of one form.
_VALUE: Final = 20_000
_PARTS: Final = 400
#: What is read on of a form that is refused, so that its sender sees the answer.
_DRAINED: Final = 8_000_000
UNREADABLE: Final = Problem(status=400, code="FORM_UNREADABLE")
_STALLED: Final = Problem(status=408, code="UPLOAD_STALLED")
_STALE: Final = Problem(status=403, code="FORM_STALE")
_BEGIN, _DATA, _END, _OVER = range(4)


class Part:
    """One field of a form. ``file_name``: of a file, None of another field; empty where none was chosen."""

    def __init__(self, name: str, file_name: str | None, parts: "Parts") -> None:
        self.name = name
        self.file_name = file_name
        self._parts = parts

    async def chunks(self) -> AsyncGenerator[bytes]:
        """What is left of it, as it comes."""
        async for chunk in self._parts.rest():
            yield chunk

    async def text(self) -> str:
        """Its value. Raises ``Shown`` for one that is too long."""
        return (await self.whole(_VALUE)).decode("utf-8", "replace").replace("\x00", "")

    async def whole(self, most: int) -> bytes:
        """All of it. Raises ``Shown`` beyond ``most`` bytes."""
        found = bytearray()
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                found += chunk
                if len(found) > most:
                    raise Shown(Problem(status=413, code="FORM_TOO_LARGE"))
        return bytes(found)

    async def skip(self) -> None:
        """Read past it."""
        async with aclosing(self.chunks()) as chunks:
            async for _ in chunks:
                pass


class Parts:
    """The fields of a form in their order. Raises ``Shown`` for a form that cannot be read or stops coming."""

    def __init__(self, request: Request) -> None:
        self._body = request.stream().__aiter__()
        self._events: deque[tuple[int, bytes]] = deque()
        self._parser = MultipartParser(_boundary(request), self._callbacks())
        self._field = self._value = self._disposition = b""
        self._open = False
        self._ended = False
        self._seen = 0
        self._pace = Pace()

    async def __aiter__(self) -> AsyncIterator[Part]:
        while True:
            found = await self._next()
            if found is None:
                return
            yield found

    async def _next(self) -> Part | None:
        """The next field; what was left of the one before is passed over."""
        while True:
            kind, disposition = await self._event()
            if kind == _OVER:
                return None
            if kind != _BEGIN:
                continue
            self._seen += 1
            if self._seen > _PARTS:
                raise Shown(UNREADABLE)
            _, options = parse_options_header(disposition)
            file_name = options.get(b"filename")
            self._open = True
            return Part(_text(options.get(b"name", b"")), None if file_name is None else _text(file_name)[:255], self)

    async def rest(self) -> AsyncGenerator[bytes]:
        """What is left of the field that is open."""
        while self._open:
            kind, data = await self._event()
            if kind == _DATA:
                yield data
            else:
                self._open = False

    async def drain(self) -> None:
        """Read on for a while and keep nothing: who is cut off in the middle of a form never sees the answer."""
        drained = 0
        try:
            async with asyncio.timeout(5):
                async for chunk in self._body:
                    drained += len(chunk)
                    if drained > _DRAINED:
                        return
        except (TimeoutError, ClientDisconnect):
            return

    async def _event(self) -> tuple[int, bytes]:
        while not self._events:
            if self._ended:
                return _OVER, b""
            chunk = await self._chunk()
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise Shown(UNREADABLE) from error
        return self._events.popleft()

    async def _chunk(self) -> bytes:
        self._pace.wait()
        try:
            async with asyncio.timeout(SILENCE):
                chunk = await anext(self._body, None)
        except (TimeoutError, ClientDisconnect) as error:
            raise Shown(_STALLED) from error
        if chunk is None:
            raise Shown(UNREADABLE)  # its end did not come
        self._pace.moved(len(chunk))
        if self._pace.too_slow:
            raise Shown(_STALLED)
        return chunk

    def _callbacks(self) -> "MultipartCallbacks":
        def field(data: bytes, start: int, end: int) -> None:
            self._field += data[start:end]

        def value(data: bytes, start: int, end: int) -> None:
            self._value += data[start:end]

        def header() -> None:
            if self._field.lower() == b"content-disposition":
                self._disposition = self._value
            self._field = self._value = b""

        def begun() -> None:
            self._events.append((_BEGIN, self._disposition))
            self._disposition = b""

        def data(found: bytes, start: int, end: int) -> None:
            self._events.append((_DATA, found[start:end]))

        def over() -> None:
            self._ended = True

        return {
            "on_header_field": field,
            "on_header_value": value,
            "on_header_end": header,
            "on_headers_finished": begun,
            "on_part_data": data,
            "on_part_end": lambda: self._events.append((_END, b"")),
            "on_end": over,
        }


@asynccontextmanager
async def guarded(page: Page) -> AsyncIterator[AsyncIterator[Part]]:
    """The fields of a form of ours, without its hidden word. Raises ``Shown`` for a form that is none of ours, and for
    who has too many under way.

    Of one that is refused for whatever reason a part is read on, so that its sender sees the answer.
    """
    parts = Parts(page.request)
    who = page.call.who if page.person is not None else f"@{network_of(page.request, whole=True)}"
    try:
        with page.house.services.turns.take(who):
            yield _ours(page, parts)
    except Shown:
        await parts.drain()
        raise


async def _ours(page: Page, parts: Parts) -> AsyncIterator[Part]:
    known = False
    async for part in parts:
        if part.name == guard.FIELD and part.file_name is None:
            page.demand(await part.text())
            known = True
        elif not known:
            raise Shown(_STALE)  # a field before the word that says whose form it is
        else:
            yield part
    if not known:
        raise Shown(_STALE)


class Multipart:
    """A form to be sent on: fields, then one file whose bytes come bit by bit."""

    def __init__(self, fields: Mapping[str, str], file_name: str) -> None:
        self._boundary = uuid4().hex
        self._fields = fields
        self._name = file_name

    @property
    def headers(self) -> dict[str, str]:
        """What says that it is one."""
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}"}

    async def around(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The form with this file in it."""
        for name, value in self._fields.items():
            yield (f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n').encode()
        shown = self._name.replace("\\", "_").replace('"', "%22").replace("\r", " ").replace("\n", " ")
        yield (
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="file"; filename="{shown}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        async for chunk in chunks:
            yield chunk
        yield f"\r\n--{self._boundary}--\r\n".encode()


async def ahead(chunks: AsyncIterator[bytes], most: int = 8) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes, and everything from the beginning."""
    head = b""
    seen: list[bytes] = []
    async for chunk in chunks:
        seen.append(chunk)
        head += chunk
        if len(head) >= most:
            break

    async def every() -> AsyncIterator[bytes]:
        for chunk in seen:
            yield chunk
        async for chunk in chunks:
            yield chunk

    return head[:most], every()


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so holds others: a ZIP or a TAR.GZ."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"))


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Shown(UNREADABLE)
    return boundary


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\x00", "")
