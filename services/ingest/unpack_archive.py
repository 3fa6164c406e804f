"""The entries of an archive, one after the other, within bounds: nothing is written anywhere, no name is a path here.

Every way an archive can be hostile has a code of :mod:`services.ingest.flow_words`.
"""

import gzip
import io
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from services.ingest.unpack_messages import Job
from services.ingest.unpack_slices import Behind, archives

_CHUNK: Final = 262_144
_FREE: Final = 100_000_000  # below this many bytes unpacked no ratio is suspicious
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENDS: Final = 100
_PAX: Final = 16_384
MAX_NAME: Final = 255
#: What the libraries raise for broken headers beside their own errors.
_BROKEN: Final = (ValueError, OverflowError, EOFError, LookupError, struct.error, zlib.error)
#: Left aside without a word of blame: what systems put into archives, and the style sheets of E1 flows.
_CLUTTER: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_STYLES: Final = (".xsl", ".xslt")


class Refused(Exception):
    """The archive as a whole cannot be had; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Member(msgspec.Struct, kw_only=True):
    """One entry: its bytes, or the code of what is wrong with it; ``ignored`` where nothing is wrong or wanted."""

    name: str
    content: bytes = b""
    code: str | None = None
    ignored: bool = False


class Meter:
    """Counts what comes out against what went in. Raises :class:`Refused` beyond the bounds."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.entries = 0
        self.folders = 0
        self.unpacked = 0

    def entry(self) -> None:
        self.entries += 1
        self._bounded()

    def folder(self) -> None:
        """A folder is no entry, but it is work."""
        self.folders += 1
        self._bounded()

    def _bounded(self) -> None:
        if self.entries + self.folders > self._job.entries:
            raise Refused("FLOW_TOO_MANY_ENTRIES")

    def count(self, size: int) -> None:
        self.unpacked += size
        if self.unpacked > self._job.unpacked_bytes:
            raise Refused("FLOW_TOO_LARGE_UNPACKED")
        if self.unpacked > _FREE and self.unpacked > self._job.ratio * self._job.size:
            raise Refused("FLOW_BOMB")

    def read(self, source: BinaryIO, limit: int) -> bytes | None:
        """All bytes of an entry; None for more than ``limit``, of which the rest is not unpacked."""
        parts, size = [], 0
        while chunk := source.read(_CHUNK):
            self.count(len(chunk))
            size += len(chunk)
            if size > limit:
                return None
            parts.append(chunk)
        return b"".join(parts)


def members(source: BinaryIO, job: Job, meter: Meter) -> Iterator[Member]:
    """The entries of an archive from ``job.skip`` on. Raises :class:`Refused`."""
    names: set[str] = set()
    found = _zip(source, job, meter, names) if job.kind == "zip" else _tar(source, job, meter, names)
    yield from found
    if not meter.entries:
        raise Refused("FLOW_EMPTY")


def _zip(source: BinaryIO, job: Job, meter: Meter, names: set[str]) -> Iterator[Member]:
    slices, first = archives(source), None
    while True:
        try:
            archive = next(slices, None)
        except Behind as error:
            raise Refused("FLOW_SEVERAL") from error
        except (zipfile.BadZipFile, NotImplementedError, *_BROKEN) as error:
            raise Refused("FLOW_DAMAGED") from error
        if archive is None:
            break
        starts = (info.header_offset for info in archive.infolist())
        first = min(starts, default=first) if first is None else min(first, *starts)
        yield from _zip_slice(archive, job, meter, names)
    if first:  # bytes in front of the first entry: another archive's, of which this directory says nothing
        raise Refused("FLOW_SEVERAL")


def _zip_slice(archive: zipfile.ZipFile, job: Job, meter: Meter, names: set[str]) -> Iterator[Member]:
    for info in archive.infolist():
        if info.is_dir():
            meter.folder()
            continue
        meter.entry()
        name = _zip_name(info)
        verdict = _named(name, names)
        if meter.entries <= job.skip:
            continue
        yield verdict or _zip_member(archive, info, name, job, meter)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, job: Job, meter: Meter) -> Member:
    if (info.external_attr >> 16) & 0o170000 not in (0, 0o100000):
        return Member(name=name, code="ENTRY_NOT_A_FILE")
    if info.flag_bits & 0x41:
        return Member(name=name, code="ENTRY_ENCRYPTED")
    if info.compress_type not in _METHODS:
        return Member(name=name, code="ENTRY_COMPRESSION")
    if info.file_size > job.item_bytes:
        return Member(name=name, code="ENTRY_TOO_LARGE")
    try:
        with archive.open(info) as entry:
            content = meter.read(entry, job.item_bytes)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, RuntimeError, *_BROKEN):
        return Member(name=name, code="ENTRY_DAMAGED")
    return Member(name=name, code="ENTRY_TOO_LARGE") if content is None else Member(name=name, content=content)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names without the UTF-8 mark are mostly UTF-8 all the same, whatever the format says (code page 437)."""
    raw = info.orig_filename
    if info.flag_bits & 0x800:
        return raw
    try:
        return raw.encode("cp437").decode()
    except UnicodeError:
        return raw


class _Damaged(Exception):
    """A header of the archive is broken: the library would take that for its end."""


class _Header(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf, encoding, errors):  # type: ignore[no-untyped-def]
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise _Damaged from error

    def _proc_pax(self, tarfile):  # type: ignore[no-untyped-def]
        if self.size > _PAX:  # the library's search in it takes the square of its length
            raise _Damaged
        return super()._proc_pax(tarfile)  # type: ignore[misc]


class _Counted(io.RawIOBase):
    """What comes out of the compression, counted as it comes: also what lies between entries."""

    def __init__(self, source: BinaryIO, meter: Meter) -> None:
        self._source = source
        self._meter = meter
        self._ends = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._source.read(size if size >= 0 else _CHUNK)
        self._meter.count(len(content))
        if not content:
            self._ends += 1
            if self._ends > _ENDS:  # the library skips an entry of a yottabyte piece by piece, also behind the end
                raise EOFError
        return content


def _tar(source: BinaryIO, job: Job, meter: Meter, names: set[str]) -> Iterator[Member]:
    plain = _Counted(gzip.GzipFile(fileobj=source, mode="rb"), meter)  # type: ignore[arg-type]
    try:
        try:
            archive = tarfile.open(fileobj=plain, mode="r|", tarinfo=_Header, errors="surrogateescape")  # noqa: SIM115
        except _Damaged as error:
            raise Refused("FLOW_NOT_TAR") from error
        yield from _tar_members(archive, job, meter, names)
        while rest := archive.fileobj.read(_CHUNK):  # the checksum stands at the end
            if rest.strip(b"\0"):
                raise Refused("FLOW_SEVERAL")
    except (tarfile.TarError, _Damaged, gzip.BadGzipFile, RecursionError, *_BROKEN) as error:
        raise Refused("FLOW_DAMAGED") from error


def _tar_members(archive: tarfile.TarFile, job: Job, meter: Meter, names: set[str]) -> Iterator[Member]:
    for info in archive:
        archive.members.clear()  # type: ignore[attr-defined]  # a stream needs none of them again
        if info.isdir():
            meter.folder()
            continue
        meter.entry()
        name = info.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        verdict = _named(name, names)
        if meter.entries <= job.skip:
            continue
        if verdict is not None:
            yield verdict
        elif not info.isreg() or info.issparse():
            yield Member(name=name, code="ENTRY_NOT_A_FILE")
        elif info.size > job.item_bytes:
            yield Member(name=name, code="ENTRY_TOO_LARGE")
        else:
            entry = archive.extractfile(info)
            content = entry.read() if entry is not None else b""
            yield Member(name=name, content=content)


def _named(name: str, names: set[str]) -> Member | None:
    """What the name alone decides."""
    parts = name.replace("\\", "/").split("/")
    if _outside(name, parts):
        return Member(name=name, code="ENTRY_PATH")
    plain = unicodedata.normalize("NFC", name)
    if plain in names:
        return Member(name=name, code="ENTRY_NAME_TWICE")
    names.add(plain)
    if parts[0] + "/" in _CLUTTER or parts[-1] in _CLUTTER or name.lower().endswith(_STYLES):
        return Member(name=name, ignored=True)
    return None


def _outside(name: str, parts: list[str]) -> bool:
    return (
        ".." in parts
        or parts[0] == ""
        or parts[-1] == ""
        or (len(parts[0]) > 1 and parts[0][1] == ":")
        or len(name) > 4 * MAX_NAME
        or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
    )
