"""Attachments: decoded when asked for, bounded, with names that are no paths."""

from dataclasses import replace

import pytest

from invoice.syntax import Limits, SyntaxRefused, parse
from tests.unit.invoice.syntax.samples import PLAIN, cii, cpp, ubl

WITH = replace(PLAIN, attachments=(("bl.pdf", "application/pdf", b"%PDF-1.7 delivery"), ("x.csv", "text/csv", b"")))


@pytest.mark.parametrize("data", [ubl(WITH), cii(WITH), cpp(WITH)], ids=["ubl", "cii", "cpp"])
def test_attachments_have_name_type_size_and_content(data: bytes) -> None:
    (found,) = parse(data)
    first, second = found.attachments
    assert (first.name, first.media_type, first.size) == ("bl.pdf", "application/pdf", 17)
    assert first.content() == b"%PDF-1.7 delivery"
    assert (second.name, second.size, second.content()) == ("x.csv", 0, b"")


@pytest.mark.parametrize("length", range(0, 100, 7))
def test_the_size_is_known_without_decoding(length: int) -> None:
    (found,) = parse(ubl(replace(PLAIN, attachments=(("a", "b/c", bytes(length)),))))
    assert found.attachments[0].size == length == len(found.attachments[0].content())


def test_a_document_that_is_only_named_is_no_attachment() -> None:
    data = ubl(PLAIN).replace(
        b"<cac:AccountingSupplierParty>",
        b"<cac:AdditionalDocumentReference><cbc:ID>130</cbc:ID></cac:AdditionalDocumentReference>"
        b"<cac:AccountingSupplierParty>",
    )
    (found,) = parse(data)
    assert found.attachments == ()


def test_an_attachment_above_the_limit_is_not_decoded() -> None:
    big = replace(PLAIN, attachments=(("big.bin", "a/b", bytes(5_000)),))
    (found,) = parse(cii(big), limits=Limits(max_attachment_bytes=4_999))
    with pytest.raises(SyntaxRefused) as caught:
        found.attachments[0].content()
    assert caught.value.finding.code == "ATTACHMENT_TOO_BIG"


@pytest.mark.parametrize("text", ["not base64!", "é", "QUJDR", "=" * 10])
def test_what_is_no_base64_is_damaged_and_harms_nothing_else(text: str) -> None:
    data = cii(replace(PLAIN, attachments=(("a.pdf", "application/pdf", b"ABC"),)))
    (found,) = parse(data.replace(b">QUJD<", f">{text}<".encode()))
    assert found.warnings == ()
    with pytest.raises(SyntaxRefused) as caught:
        found.attachments[0].content()
    assert caught.value.finding.code == "ATTACHMENT_DAMAGED"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\facture.pdf", "facture.pdf"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("x" * 500, "x" * 200),
        ("/", "piece-jointe"),
    ],
)
def test_a_name_is_never_a_path(name: str, shown: str) -> None:
    (found,) = parse(ubl(replace(PLAIN, attachments=((name, "", b"1"),))))
    attachment = found.attachments[0]
    assert (attachment.name, attachment.media_type) == (shown, "application/octet-stream")


def test_a_name_that_is_missing_is_the_reference() -> None:
    data = ubl(WITH).replace(b' filename="bl.pdf"', b"")
    (found,) = parse(data)
    assert found.attachments[0].name == "PJ"
