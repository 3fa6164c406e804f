"""A multipart body in, in bounded memory: hashed, measured and judged as it comes, spooled to disk when large."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import BinaryIO, cast

import msgspec
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from services.common.web import Problem
from services.ingest import refusals
from services.ingest.kinds import MAGIC_WITHIN, looks_like, media_type
from services.ingest.names import label

PART = "file"
MAX_VALUE_BYTES = 1_000
_FORM_BYTES = 65_536
_MAX_PARTS = 20
_DRAIN_SECONDS = 5.0
_DRAIN_BYTES = 64_000_000


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A whole document: ``source`` holds its ``size`` bytes, whose hash is ``sha256``; ``file_name`` is only a label.

    ``media_type`` is what the content says. ``fields``: the other parts of the form, by name.
    """

    source: BinaryIO
    file_name: str
    size: int
    sha256: str
    media_type: str
    fields: Mapping[str, str] = MappingProxyType({})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of a file, bytes kept in memory, and how long a sender may be silent."""

    file_bytes: int
    spool_bytes: int
    stall_seconds: float


class Door:
    """What a form may bring, and in which words anything else is refused: an invoice, unless told otherwise.

    ``fields``: the values it may hold beside the file; where there are none, other values are passed over.
    """

    def __init__(self, fields: frozenset[str] = frozenset()) -> None:
        self.fields = fields

    def media_type(self, head: bytes, name: str) -> str:
        """The media type of a file that begins with ``head``. Raises the problem of one that is not taken."""
        kind = media_type(head)
        if kind is None:
            raise refusals.not_a_pdf(looks_like(head))
        return kind

    def too_large(self, limit: int, size: int | None) -> Problem:
        return refusals.file_too_large(limit, size)

    def missing(self, parts: list[str]) -> Problem:
        return refusals.file_missing(parts)


_INVOICE = Door()


@asynccontextmanager
async def receive(request: Request, limits: Limits, door: Door = _INVOICE) -> AsyncIterator[Upload]:
    """The one document of a request. Raises a :class:`Problem` of :mod:`services.ingest.refusals` for anything else."""
    with tempfile.SpooledTemporaryFile(max_size=limits.spool_bytes) as spool:
        form = _Form(cast(BinaryIO, spool), limits, door)
        await _read(request, form)
        yield form.finish()


async def _read(request: Request, form: "_Form") -> None:
    declared = request.headers.get("content-length", "")
    body = request.stream().__aiter__()
    try:
        parser = _parser(request, form)
        if declared.isdigit() and int(declared) > form.limits.file_bytes + _FORM_BYTES:
            raise form.door.too_large(form.limits.file_bytes, int(declared))
        while True:
            async with asyncio.timeout(form.limits.stall_seconds):
                chunk = await anext(body, None)
            if chunk is None:
                return
            form.count(len(chunk))
            parser.write(chunk)
    except (TimeoutError, ClientDisconnect) as error:
        raise refusals.upload_stalled() from error
    except FormParserError as error:
        await _drain(body)
        raise refusals.multipart_invalid() from error
    except Problem:
        await _drain(body)
        raise


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read on for a while, keeping nothing: a sender who is cut off mid-body never sees the answer."""
    drained = 0
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for chunk in body:
                drained += len(chunk)
                if drained > _DRAIN_BYTES:
                    return


def _parser(request: Request, form: "_Form") -> MultipartParser:
    given = request.headers.get("content-type", "")
    media_type, options = parse_options_header(given)
    boundary = options.get(b"boundary")
    if media_type != b"multipart/form-data":
        raise refusals.multipart_required(given[:100])
    if not boundary:
        raise refusals.multipart_invalid()
    return MultipartParser(
        boundary,
        {
            "on_part_begin": form.on_part_begin,
            "on_header_field": form.on_header_field,
            "on_header_value": form.on_header_value,
            "on_header_end": form.on_header_end,
            "on_headers_finished": form.on_headers_finished,
            "on_part_data": form.on_part_data,
            "on_end": form.on_end,
        },
    )


class _Form:
    """What the parser's callbacks have seen."""

    def __init__(self, spool: BinaryIO, limits: Limits, door: Door) -> None:
        self.limits = limits
        self.door = door
        self._values: dict[str, bytes] = {}
        self._in_value: str | None = None
        self._spool = spool
        self._hash = hashlib.sha256()
        self._head = b""
        self._size = 0
        self._total = 0
        self._files = 0
        self._names: list[str] = []
        self._file_name = ""
        self._found = False
        self._in_file = False
        self._ended = False
        self._field = self._value = b""
        self._disposition = b""

    def count(self, size: int) -> None:
        """More bytes of the body came. Raises the problem of a body that can only hold too large a file."""
        self._total += size
        if self._total > self.limits.file_bytes + _FORM_BYTES:
            raise self.door.too_large(self.limits.file_bytes, None)

    def on_part_begin(self) -> None:
        self._disposition = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = _text(options.get(b"name", b""))
        self._names.append(name[:50])
        if len(self._names) > _MAX_PARTS:
            raise refusals.multipart_invalid()
        self._in_file = name == PART
        self._files += self._in_file or b"filename" in options
        if self._files > 1:
            raise refusals.several_files(self._files)
        if self.door.fields and b"filename" not in options and name not in (PART, *self.door.fields):
            raise refusals.field_unknown(name[:100], self.door.fields)  # a misspelt validator is not passed over
        self._in_value = name if name in self.door.fields else None
        if self._in_value is not None:
            if name in self._values:
                raise refusals.field_twice(name)
            self._values[name] = b""
        if self._in_file:
            self._found = True
            self._file_name = label(_text(options.get(b"filename", b"")))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_value is not None:
            self._values[self._in_value] += data[start:end]
            if len(self._values[self._in_value]) > MAX_VALUE_BYTES:
                raise refusals.field_too_long(self._in_value, MAX_VALUE_BYTES)
        if not self._in_file:
            return
        chunk = data[start:end]
        self._size += len(chunk)
        if self._size > self.limits.file_bytes:
            raise self.door.too_large(self.limits.file_bytes, None)
        if len(self._head) < MAGIC_WITHIN:
            self._head += chunk[: MAGIC_WITHIN - len(self._head)]
            if len(self._head) == MAGIC_WITHIN:
                self.door.media_type(self._head, self._file_name)
        self._hash.update(chunk)
        self._spool.write(chunk)

    def on_end(self) -> None:
        self._ended = True

    def finish(self) -> Upload:
        """The file, once the body is over. Raises the problem of a form without exactly one whole document."""
        if not self._ended:
            raise refusals.multipart_invalid()
        if not self._found:
            raise self.door.missing(self._names)
        if not self._size:
            raise refusals.file_empty()
        kind = self.door.media_type(self._head, self._file_name)
        self._spool.seek(0)
        return Upload(
            source=self._spool,
            file_name=self._file_name,
            size=self._size,
            sha256=self._hash.hexdigest(),
            media_type=kind,
            fields={name: _text(value) for name, value in self._values.items()},
        )


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
