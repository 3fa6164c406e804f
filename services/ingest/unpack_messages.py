"""What an unpacking process and its parent say to each other: length and msgpack, over two pipes."""

import struct
from typing import Final

import msgspec

from services.ingest.flow_domain import Kind

LENGTH: Final = struct.Struct("!I")


class Job(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What to unpack. ``check``: look whether it can be read in full, and tell no entry; ``skip``: entries done.

    ``refuse``: the entry that ended two processes before, which is not touched again.
    """

    kind: Kind
    name: str
    size: int
    check: bool
    skip: int = 0
    refuse: int | None = None
    entries: int
    ratio: int
    item_bytes: int
    unpacked_bytes: int


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Wanted: these bytes of the flow. The parent answers with them, bare."""

    offset: int
    length: int


class Item(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An invoice found, or a file that is refused (``code``) or left aside (``ignored``).

    ``reading``: JSON of its DocumentRead or DocumentUnreadable; none where its pages are to be read. ``last``: of its
    entry, from which a later process may go on.
    """

    entry: int
    name: str
    last: bool = True
    content: bytes = b""
    sha256: str = ""
    media_type: str = ""
    reading: bytes | None = None
    unreadable: bool = False
    invoice_number: str | None = None
    supplier: str | None = None
    recipient: str | None = None
    code: str | None = None
    value: str | None = None
    ignored: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The end: how many entries there are, or why the file as a whole cannot be had."""

    entries: int = 0
    unpacked: int = 0
    code: str | None = None


Said = Ask | Item | Done
encode = msgspec.msgpack.Encoder().encode
said = msgspec.msgpack.Decoder(Said).decode
job = msgspec.msgpack.Decoder(Job).decode
