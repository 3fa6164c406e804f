"""A ZIP with very many entries as several ZIPs with some thousands each, over the same bytes.

The library makes an object of every entry before it gives the first: 100,000 of them weigh more than all else here.
Each slice is the archive's own bytes with a part of its directory behind them. A small archive is its own slice.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple, cast

_WHOLE: Final = 524_288  # bytes of a directory that is not cut
_SLICE: Final = 262_144
_FILLING: Final = b"\0\r\n"
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LENGTHS: Final = struct.Struct("<3H")
_ENTRY_BYTES: Final = 46


class Directory(NamedTuple):
    """Where the list of entries lies; ``before``: bytes that stand in front of the archive itself."""

    start: int
    size: int
    before: int


class Behind(Exception):
    """Something stands behind the end of the archive, which the library would leave aside without a word."""


def archives(source: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """The archive, or its slices in order. Raises :class:`Behind`, and what :class:`zipfile.ZipFile` does."""
    found = _directory(source)
    if found is None or found.size <= _WHOLE:
        yield zipfile.ZipFile(source)
        return
    for part, entries in _parts(source, found):
        offset = found.start - found.before
        end = _END.pack(b"PK\x05\x06", 0, 0, entries, entries, len(part), offset, 0)
        yield zipfile.ZipFile(cast(BinaryIO, io.BufferedReader(_View(source, found.start, part + end))))


def _directory(source: BinaryIO) -> Directory | None:
    """None where the end is not found, which the library says in its own way. Raises :class:`Behind`."""
    size = source.seek(0, io.SEEK_END)
    at = max(0, size - 65_535 - _END.size)
    source.seek(at)
    tail = source.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        return None
    *_, length, offset, comment = _END.unpack_from(tail, place)
    if tail[place + _END.size + comment :].strip(_FILLING):
        raise Behind
    end = at + place
    locator = end - _LOCATOR.size - _END64.size
    if locator >= 0:
        source.seek(locator)
        given = source.read(_END64.size + _LOCATOR.size)
        if given[_END64.size :].startswith(b"PK\x06\x07") and given.startswith(b"PK\x06\x06"):
            *_, length, offset = _END64.unpack_from(given)
            end = locator
    start = end - length
    return Directory(start, length, start - offset) if start >= 0 and start >= offset else None


def _parts(source: BinaryIO, found: Directory) -> Iterator[tuple[bytes, int]]:
    """The directory in pieces of whole entries, and how many are in each."""
    at, end, held = found.start, found.start + found.size, b""
    while at < end or held:
        source.seek(at)
        read = source.read(min(_SLICE, end - at))
        at += len(read)
        held += read
        cut, entries = 0, 0
        while cut + _ENTRY_BYTES <= len(held):
            if held[cut : cut + 4] != b"PK\x01\x02":
                raise zipfile.BadZipFile("Bad magic number for central directory")
            whole = cut + _ENTRY_BYTES + sum(_LENGTHS.unpack_from(held, cut + 28))
            if whole > len(held):
                break
            cut, entries = whole, entries + 1
        if not entries and (at >= end or not read):
            raise zipfile.BadZipFile("Truncated central directory")
        if entries:
            yield held[:cut], entries
        held = held[cut:]


class _View(io.RawIOBase):
    """The first bytes of a file, and others behind them."""

    def __init__(self, source: BinaryIO, length: int, behind: bytes) -> None:
        self._source = source
        self._length = length
        self._behind = behind
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = self._length + len(self._behind)
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: end}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._at < self._length:
            self._source.seek(self._at)
            content = self._source.read(min(len(view), self._length - self._at))
        else:
            inside = self._at - self._length
            content = self._behind[inside : inside + len(view)]
        view[: len(content)] = content
        self._at += len(content)
        return len(content)
