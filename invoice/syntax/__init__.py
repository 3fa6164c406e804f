"""Structured invoices read completely: UBL 2.1, CII D16B and D22B, Factur-X, ZUGFeRD 1 and 2, Chorus Pro's flavours.

Pure: bytes in, values out; no files, no network, no clock. The only importer of the XML library.
"""

from invoice.syntax.choose import choose
from invoice.syntax.encoding import looks_like_xml
from invoice.syntax.model import (
    DEFAULT,
    Attachment,
    DataFile,
    Datum,
    Limits,
    Line,
    Note,
    PaymentMeans,
    SyntaxRefused,
    VatLine,
)
from invoice.syntax.parsing import parse
from invoice.syntax.split import split

__all__ = [
    "DEFAULT",
    "Attachment",
    "DataFile",
    "Datum",
    "Limits",
    "Line",
    "Note",
    "PaymentMeans",
    "SyntaxRefused",
    "VatLine",
    "choose",
    "looks_like_xml",
    "parse",
    "split",
]
