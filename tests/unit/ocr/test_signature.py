"""Signatures: whether the bytes are those that were signed, and nothing more."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from services.ocr import container
from services.ocr.signature import MAX_SIGNATURES, UNKNOWN, signatures
from services.ocr.whole import read_document
from tests.carriers import sign
from tests.documents import sample

PLAIN = sample(1).render()


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign(PLAIN)


def test_a_pdf_without_signature_has_none() -> None:
    assert read_document(PLAIN).signatures == ()


def test_a_signature_over_the_whole_document_is_valid(signed: bytes) -> None:
    [found] = read_document(signed).signatures
    assert (found.state, found.whole) == ("valid", True)
    assert found.signed_at is not None
    assert abs(found.signed_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_signed_document_is_read_as_the_same_document_unsigned(signed: bytes) -> None:
    assert read_document(signed).fields == read_document(PLAIN).fields
    assert not read_document(signed).warnings


def test_a_byte_that_was_changed_after_signing_is_told(signed: bytes) -> None:
    at = PLAIN.index(b"/Producer") if b"/Producer" in PLAIN else PLAIN.index(b"/Type")
    altered = bytearray(signed)
    altered[at + 1] ^= 0x01
    whole = read_document(bytes(altered))
    assert [one.state for one in whole.signatures] == ["altered"]
    assert [warning.code for warning in whole.warnings] == ["SIGNATURE_ALTERED"]


def test_what_was_added_behind_a_signature_is_not_covered_by_it(signed: bytes) -> None:
    twice = sign(signed, field="Signature2")
    assert [(one.state, one.whole) for one in read_document(twice).signatures] == [("valid", False), ("valid", True)]


def test_a_signature_that_is_no_signature_is_unknown(signed: bytes) -> None:
    start = signed.index(b"/Contents <") + len(b"/Contents <") if b"/Contents <" in signed else -1
    start = start if start > 0 else signed.index(b"/Contents<") + len(b"/Contents<")
    broken = signed[:start] + b"00" * 40 + signed[start + 80 :]
    assert [one.state for one in read_document(broken).signatures] == ["unknown"]


def test_bytes_that_claim_signatures_and_have_none_end_as_unknown() -> None:
    assert signatures(b"%PDF-1.7 /ByteRange", 2) == (UNKNOWN, UNKNOWN)
    assert len(signatures(b"%PDF-1.7 /ByteRange", 10_000)) == MAX_SIGNATURES


def test_a_field_that_nobody_has_signed_is_no_signature(signed: bytes) -> None:
    out = io.BytesIO()
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(PLAIN))
    append_signature_field(writer, SigFieldSpec("Ici"))
    writer.write(out)
    assert container.look(out.getvalue()).signed == 1
    assert read_document(out.getvalue()).signatures == ()
    assert len(read_document(sign(out.getvalue(), field="Autre")).signatures) == 1


def test_looking_at_a_signed_document_does_not_change_it(signed: bytes) -> None:
    before = bytes(signed)
    assert container.look(signed).signed == 1
    read_document(signed)
    assert signed == before
