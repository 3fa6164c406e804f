"""The same invoice in every encoding; bytes that are none of the encoding they claim."""

import codecs
from dataclasses import replace

import pytest

from invoice.syntax import SyntaxRefused, parse
from tests.unit.invoice.syntax.samples import PLAIN, ubl

ACCENTS = replace(PLAIN, engagement="ÉTÉ-ŒUVRE 42")
LATIN = replace(PLAIN, engagement="ÉTÉ 42", notes=())


def engagement(data: bytes) -> str:
    (found,) = parse(data)
    datum = found.datum("engagement")
    assert datum is not None
    return datum.value


def declared(text: str, name: str) -> str:
    return text.replace('encoding="UTF-8"', f'encoding="{name}"')


@pytest.mark.parametrize(
    ("bom", "codec", "name"),
    [
        (b"", "utf-8", "UTF-8"),
        (b"", "utf-8", "utf8"),
        (codecs.BOM_UTF8, "utf-8", "UTF-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
        (b"", "utf-16-le", "UTF-16"),
        (b"", "utf-16-be", "UTF-16"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
        (b"", "utf-32-be", "UTF-32"),
        (b"", "cp1252", "Windows-1252"),
        (b"", "iso-8859-15", "ISO-8859-15"),
        # Bytes win over what the declaration says, where only one reading is possible.
        (b"", "utf-8", "UTF-16"),
        (codecs.BOM_UTF8, "utf-8", "ISO-8859-1"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-8"),
    ],
)
def test_every_encoding_gives_the_same_text(bom: bytes, codec: str, name: str) -> None:
    text = declared(ubl(ACCENTS).decode(), name)
    assert engagement(bom + text.encode(codec)) == "ÉTÉ-ŒUVRE 42"


@pytest.mark.parametrize("name", ["ISO-8859-1", "latin1", "iso_8859_1"])
def test_latin_1_is_read(name: str) -> None:
    assert engagement(declared(ubl(LATIN).decode(), name).encode("iso-8859-1")) == "ÉTÉ 42"


def test_a_document_without_a_declaration_is_utf_8() -> None:
    text = ubl(LATIN).decode().partition("\n")[2]
    assert engagement(text.encode()) == "ÉTÉ 42"


def refused(data: bytes) -> SyntaxRefused:
    with pytest.raises(SyntaxRefused) as caught:
        parse(data)
    assert caught.value.finding.code == "XML_ENCODING"
    return caught.value


def test_a_lying_declaration_is_refused_with_the_place() -> None:
    text = "<?xml version='1.0' encoding='UTF-8'?>\n<a>\n  été</a>"
    why = refused(text.encode("iso-8859-1"))
    assert (why.line, why.column) == (3, 3)
    assert "ligne 3, colonne 3" in why.finding.message


@pytest.mark.parametrize("name", ["UTF-7", "ISO-2022-JP", "EBCDIC-CP-FR", "rot13", "zip", "unknown", "x" * 41])
def test_other_encodings_are_refused_or_not_believed(name: str) -> None:
    data = declared(ubl(PLAIN).decode(), name).encode()
    if len(name) > 40:  # no name of an encoding: the parser says so
        with pytest.raises(SyntaxRefused):
            parse(data + b"<")
        return
    assert name in refused(data).finding.message


@pytest.mark.parametrize(
    "data",
    [
        b"<a>\xc3\x28</a>",
        b"<a>\xed\xa0\x80</a>",  # a surrogate in UTF-8
        b"<a>\xc0\xbc</a>",  # an overlong <
        b"<a>\xf4\x90\x80\x80</a>",
        codecs.BOM_UTF16_LE + b"<\x00a",
        codecs.BOM_UTF16_LE + "<a>".encode("utf-16-le") + b"\x00\xd8" + "</a>".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + b"<\x00",
        codecs.BOM_UTF32_LE + b"\xff\xff\xff\xff",
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    if data == codecs.BOM_UTF16_BE + b"<\x00":  # a character, only not the one that begins a document
        with pytest.raises(SyntaxRefused, match="XML_MALFORMED"):
            parse(data)
        return
    refused(data)
