"""A process that unpacks a flow and may be killed: ``python -m services.ingest.unpack PARENT BYTES``.

It asks its parent for the bytes it needs and tells what it finds (:mod:`services.ingest.unpack_messages`). It knows no
secret, writes no file, opens no connection, and dies with its parent. Structured invoices are read here as well, so
that hostile XML meets the same walls.
"""

import ctypes
import hashlib
import io
import os
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

import msgspec

from contracts.envelope import encode as encode_event
from contracts.events import DocumentRead, DocumentUnreadable
from invoice.syntax import DataFile, SyntaxRefused, parse, split
from invoice.syntax.model import Limits
from services.ingest import unpack_archive
from services.ingest.flow_reading import READER, reading_of
from services.ingest.kinds import MAGIC_WITHIN, PDF, XML, looks_like, media_type
from services.ingest.unpack_archive import Member, Meter, Refused
from services.ingest.unpack_messages import LENGTH, Ask, Done, Item, Job, encode
from services.ingest.unpack_messages import job as decode_job

_PR_SET_PDEATHSIG: Final = 1
_WINDOW: Final = 1_048_576
MAX_INVOICES: Final = 5_000
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
_SHOWN: Final = ("invoice_number", "supplier_siret", "recipient_siret")


class Channel:
    """The two pipes to the parent."""

    def __init__(self) -> None:
        self._in = os.fdopen(os.dup(0), "rb", buffering=1 << 20)
        self._out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)

    def job(self) -> Job:
        (size,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return decode_job(self._exactly(size))

    def tell(self, message: Ask | Item | Done) -> None:
        body = encode(message)
        self._out.write(LENGTH.pack(len(body)))
        self._out.write(body)

    def fetch(self, offset: int, length: int) -> bytes:
        self.tell(Ask(offset=offset, length=length))
        self._out.flush()
        return self._exactly(length)

    def close(self) -> None:
        self._out.flush()

    def _exactly(self, size: int) -> bytes:
        content = self._in.read(size)
        if len(content) < size:
            sys.exit(0)  # the parent has gone
        return content


class Window(io.RawIOBase):
    """The flow's bytes as a file, of which one stretch is held."""

    def __init__(self, channel: Channel, size: int) -> None:
        self._channel = channel
        self._size = size
        self._at = 0
        self._start = 0
        self._held = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._at >= self._size or not len(view):
            return 0
        if not self._start <= self._at < self._start + len(self._held):
            self._start = self._at
            self._held = self._channel.fetch(self._at, min(_WINDOW, self._size - self._at))
        at = self._at - self._start
        count = min(len(view), len(self._held) - at)
        view[:count] = self._held[at : at + count]
        self._at += count
        return count


def work(job: Job, source: BinaryIO, channel: Channel) -> Done:
    """Do the job; what is found goes out over the channel."""
    meter = Meter(job)
    try:
        for entry, member in enumerate(_members(job, source, meter), job.skip):
            if not job.check:
                for item in _items(entry, member, job):
                    channel.tell(item)
    except Refused as error:
        return Done(entries=meter.entries, unpacked=meter.unpacked, code=error.code)
    except MemoryError:
        return Done(entries=meter.entries, unpacked=meter.unpacked, code="FLOW_TOO_COMPLEX")
    return Done(entries=meter.entries, unpacked=meter.unpacked)


def _members(job: Job, source: BinaryIO, meter: Meter) -> Iterator[Member]:
    if job.kind in ("zip", "tar.gz"):
        yield from unpack_archive.members(source, job, meter)
        return
    meter.entry()
    if meter.entries > job.skip:
        too_large = job.size > job.item_bytes
        yield Member(name=job.name, code="ENTRY_TOO_LARGE" if too_large else None, content=source.read(job.item_bytes))


def _items(entry: int, member: Member, job: Job) -> Iterator[Item]:
    code = "ENTRY_READER_LOST" if entry == job.refuse else member.code
    if member.ignored or code is not None:
        yield Item(entry=entry, name=member.name, code=code, ignored=member.ignored)
        return
    kind = media_type(member.content[:MAGIC_WITHIN])
    if kind == XML:
        yield from _structured(entry, member)
    elif kind == PDF:
        yield Item(entry=entry, name=member.name, media_type=PDF, **_bytes(member.content))
    else:
        yield Item(entry=entry, name=member.name, **_refusal(member.content))


def _refusal(content: bytes) -> dict[str, Any]:
    if not content:
        return {"code": "ENTRY_EMPTY"}
    if content.startswith(_ARCHIVES):
        return {"code": "ENTRY_ARCHIVE"}
    return {"code": "ENTRY_NOT_AN_INVOICE", "value": looks_like(content[:MAGIC_WITHIN])}


def _bytes(content: bytes) -> dict[str, Any]:
    return {"content": content, "sha256": hashlib.sha256(content).hexdigest()}


def _structured(entry: int, member: Member) -> Iterator[Item]:
    """One item per invoice; a file that is refused is one item, with the reasons that a single deposit of it gets."""
    limits = Limits(max_invoices=MAX_INVOICES)
    try:
        invoices = parse(member.content, limits=limits)
        if len(invoices) == 1:
            yield _read(entry, member.name, member.content, invoices[0])
            return
        total = len(invoices)
        for number, content in enumerate(split(member.content, limits=limits), start=1):
            item = _read(entry, f"{member.name} ({number} sur {total})", content, parse(content)[0])
            yield msgspec.structs.replace(item, last=number == total)
    except SyntaxRefused as error:
        found = _bytes(member.content)
        refusal = DocumentUnreadable(sha256=found["sha256"], reasons=(error.finding,), reader=READER)
        reading = encode_event(refusal)
        yield Item(entry=entry, name=member.name, media_type=XML, reading=reading, unreadable=True, **found)


def _read(entry: int, name: str, content: bytes, invoice: DataFile) -> Item:
    """The reading of a document of one invoice; a document that names nothing goes the way of a page."""
    found = _bytes(content)
    reading: DocumentRead | None = reading_of(invoice, found["sha256"])
    if reading is None:
        return Item(entry=entry, name=name, media_type=XML, **found)
    shown = {field.name: field.value for field in reading.fields if field.name in _SHOWN}
    return Item(
        entry=entry,
        name=name,
        media_type=XML,
        reading=encode_event(reading),
        invoice_number=shown.get("invoice_number"),
        supplier=shown.get("supplier_siret"),
        recipient=shown.get("recipient_siret"),
        **found,
    )


def main(arguments: list[str]) -> None:
    """Do one job and leave."""
    parent, memory = (int(argument) for argument in arguments)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel()
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    job = channel.job()
    source = io.BufferedReader(Window(channel, job.size), 1 << 16)
    channel.tell(work(job, cast(BinaryIO, source), channel))
    channel.close()


if __name__ == "__main__":
    main(sys.argv[1:])
