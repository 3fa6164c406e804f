"""The bytes of an XML document as UTF-8, whatever they were written in."""

import re
from typing import NoReturn

from invoice.messages import finding
from invoice.syntax.model import SyntaxRefused

_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_NO_BOM = (
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s{0,20}=\s{0,20}[\"']([A-Za-z][\w.:-]{0,40})[\"']")
# Only encodings of one byte a character: nothing that keeps a state or could hide a tag.
_ONE_BYTE = {
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "iso8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "iso8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
}
# Bytes of 8 bits that call themselves UTF-16 are text that a program re-encoded without its declaration.
_UTF8 = frozenset({"utf-8", "utf8", "utf-16", "utf16", "utf-16le", "utf-16be", "unicode", "ucs-2"})


def looks_like_xml(head: bytes) -> bool:
    """Whether a file's first bytes are those of an XML document; a few hundred bytes are enough."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return _starts(head[len(bom) :].decode(encoding, "ignore"))
    for start, encoding in _NO_BOM:
        if head.startswith(start):
            return _starts(head.decode(encoding, "ignore"))
    return _starts(head[:1024].decode("latin-1"))


def _starts(text: str) -> bool:
    return re.match(r"\ufeff?\s*<[?!:_A-Za-z\u00c0-\uffff]", text) is not None  # a second mark does no harm


def to_utf8(data: bytes) -> bytes:
    """The document in UTF-8, without a byte-order mark; its declaration stays and no longer counts.

    The byte-order mark decides before the declaration. Raises SyntaxRefused ``XML_ENCODING`` for an encoding that is
    not read, and for bytes that are none of the encoding they claim.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _converted(data[len(bom) :], encoding)
    for start, encoding in _NO_BOM:
        if data.startswith(start):
            return _converted(data, encoding)
    return _converted(data, _declared(data))


def _declared(data: bytes) -> str:
    match = _DECLARED.match(data[:400].lstrip())
    if match is None:
        return "utf-8"
    name = match[1].decode("ascii").lower().replace("_", "-")
    if name in _UTF8:
        return "utf-8"
    if name not in _ONE_BYTE:
        shown = match[1].decode("ascii")
        why = f"l'encodage « {shown} » n'est pas accepté"
        raise SyntaxRefused(finding("XML_ENCODING", value=shown, why=why), line=1, column=1)
    return _ONE_BYTE[name]


def _converted(data: bytes, encoding: str) -> bytes:
    if encoding == "utf-8" and data.isascii():
        return data
    try:
        text = data.decode(encoding)
        return data if encoding == "utf-8" else text.encode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(data, error)
    except UnicodeEncodeError:  # half of a surrogate pair in UTF-16
        why = "il contient un caractère incomplet"
        raise SyntaxRefused(finding("XML_ENCODING", value=encoding.upper(), why=why)) from None


def _refuse(data: bytes, error: UnicodeDecodeError) -> NoReturn:
    before = data[: error.start].decode(error.encoding, "replace")
    line = before.count("\n") + 1
    column = len(before) - before.rfind("\n")
    name = error.encoding.upper()
    why = f"un caractère n'est pas écrit en {name}, ligne {line}, colonne {column}"
    raise SyntaxRefused(finding("XML_ENCODING", value=name, why=why), line=line, column=column) from error
