"""What a reader process answers, and the words of its protocol. Light: the service and the command import it.

A request is a length of four bytes, one byte that says what is asked, and its body; a reply is a length, one byte
that says what came of it, and its body as MessagePack.
"""

import struct
from typing import Final, Literal

import msgspec

from contracts.events import DocumentSignature, EmbeddedFile, ReadField
from invoice.findings import Finding

LENGTH: Final = struct.Struct(">I")
PLACE: Final = struct.Struct(">I")  # of a page, from 1, in front of the document to be drawn

READ: Final = b"r"  # a document to read, with the data it carries
READ_TEXT: Final = b"t"  # a document to read from its pages alone
DRAW: Final = b"d"  # a page to draw: its number, then the document
KNOW: Final = b"k"  # the recipients that are known from now on (``known.packed``)

READY: Final = b"+"
ANSWER: Final = b"a"
OUT_OF_MEMORY: Final = b"m"
FAILED: Final = b"f"  # a bug; followed by where it happened, without a word of the document

Source = Literal["text", "facturx", "ubl", "cii", "cpp"]


class Whole(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one document. Exactly one of these holds:

    * ``unreadable`` is not empty: the document is refused, with every reason (``level`` is ``refuse``);
    * ``empty`` is set: it was opened and nothing was recognised (decisions.md 20);
    * ``fields`` holds at most one field per name.

    ``source`` says where the fields come from. ``pages`` counts the whole document's pages, none for a data file;
    ``page_sizes`` are their widths and heights as shown, in PDF points. ``warnings``: the page and the data differ, or
    something the document carries cannot be relied on. ``lines`` counts the invoice lines of the data.
    """

    pages: int = 0
    source: Source = "text"
    fields: tuple[ReadField, ...] = ()
    page_sizes: tuple[tuple[float, float], ...] = ()
    warnings: tuple[Finding, ...] = ()
    signatures: tuple[DocumentSignature, ...] = ()
    embedded: tuple[EmbeddedFile, ...] = ()
    lines: int = 0
    empty: Finding | None = None
    unreadable: tuple[Finding, ...] = ()


class Picture(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One page drawn, or the reason why not. ``png`` is ``pixels`` wide and high; ``size`` is the page's in points."""

    png: bytes = b""
    pixels: tuple[int, int] = (0, 0)
    size: tuple[float, float] = (0.0, 0.0)
    refused: Finding | None = None
