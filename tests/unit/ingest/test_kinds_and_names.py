"""What a file looks like, and what is kept of its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.kinds import PDF, XML, is_pdf, looks_like, media_type
from services.ingest.names import MAX_NAME, NO_NAME, label


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"PK\x03\x04rest", "ZIP"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "XML"),
        ("<?xml version='1.0'?>".encode("utf-16"), "XML"),
        (b"<Invoice xmlns='x'>", "XML"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b'{"a": 1}', "JSON"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Word"),
        (b"Bonjour,\n", "texte"),
        (b"\x00\x01\x02\x03\xfe\xfd", "inconnu"),
        (b"", "texte"),
    ],
)
def test_what_was_sent_instead_of_a_pdf_is_named(head: bytes, words: str) -> None:
    assert words in looks_like(head)


def test_the_mark_counts_within_the_first_1024_bytes_only() -> None:
    assert is_pdf(b"%PDF-1.7")
    assert is_pdf(b"x" * 1019 + b"%PDF-")
    assert not is_pdf(b"x" * 1020 + b"%PDF-")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7", PDF),
        (b"\r\n%PDF-1.4", PDF),
        (b"<?xml version='1.0'?><Invoice/>", XML),
        (b"\xef\xbb\xbf  <Invoice/>", XML),
        ("\ufeff<?xml version='1.0'?><a/>".encode("utf-16-le"), XML),
        ("<?xml version='1.0'?><a/>".encode("utf-16-be"), XML),
        (b"<!-- %PDF-1.7 --><Invoice/>", PDF),
        (b"<html><body>", None),
        (b"<!DOCTYPE html><html>", None),
        (b"{}", None),
        (b"PK\x03\x04", None),
        (b"", None),
    ],
)
def test_pdf_and_xml_are_told_by_their_content(head: bytes, kind: str | None) -> None:
    assert media_type(head) == kind


@given(st.binary(max_size=1100))
def test_any_bytes_are_named(head: bytes) -> None:
    assert looks_like(head).startswith("un")


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("facture n° 12 – été.pdf", "facture n° 12 – été.pdf"),
        ("C:\\fakepath\\a.pdf", "a.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("fdp\u202ecod.exe", "fdpcod.exe"),
        ("  ", NO_NAME),
        ("..", NO_NAME),
        ("", NO_NAME),
        ("\x00", NO_NAME),
    ],
)
def test_a_name_is_kept_whole_but_for_what_could_harm(given_name: str, kept: str) -> None:
    assert label(given_name) == kept


def test_a_name_that_is_too_long_keeps_its_ending() -> None:
    kept = label("f" * 400 + ".pdf")
    assert len(kept) == MAX_NAME
    assert kept.endswith("f.pdf")
    assert len(label("." + "f" * 400)) == MAX_NAME


@given(st.text())
def test_a_label_is_always_printable_short_and_without_folders(name: str) -> None:
    kept = label(name)
    assert kept
    assert kept.isprintable()
    assert len(kept) <= MAX_NAME
    assert "/" not in kept
    assert "\\" not in kept
    assert label(kept) == kept
