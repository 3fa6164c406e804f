"""What may be attached: by its ending and by its first bytes, which must agree."""

import pytest

from services.ingest.attachment_kinds import DEFAULT_TYPE, ENDINGS, ONLY_ONE, TYPES, ending, is_program, media_type

CHORUS = """BMP GIF FAX ODT PPT TIFF XLS BZ2 GZ JPEG P7S RTF TXT XML CSV GZIP JPG PDF SVG XHTML XLSX DOC HTM ODP PNG
TGZ XLC ZIP DOCX HTML ODS PPS TIF XLM PPTX"""
NORM = """RIB LISIBLE FEUILLE_DE_STYLE PJA BORDEREAU_SUIVI DOCUMENT_ANNEXE BON_LIVRAISON BON_COMMANDE
BORDEREAU_SUIVI_VALIDATION ETAT_ACOMPTE FACTURE_PAIEMENT_DIRECT RECAPITULATIF_COTRAITANCE"""
STARTS = {
    "pdf": b"%PDF-1.7\n", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a", "bmp": b"BM\x00", "jpg": b"\xff\xd8\xff\xe0",
    "tif": b"II*\x00", "gz": b"\x1f\x8b\x08", "bz2": b"BZh9", "docx": b"PK\x03\x04", "zip": b"PK\x05\x06",
}  # fmt: skip


def test_endings_and_types_are_those_of_the_sources() -> None:
    assert sorted(ENDINGS) == sorted(CHORUS.lower().split())
    assert set(TYPES) == set(NORM.split())
    assert {DEFAULT_TYPE, ONLY_ONE} <= set(TYPES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.PDF", "pdf"), ("a.tar.gz", "gz"), ("sans", ""), (".pdf", ""), ("a.", ""), ("a.b c.png", "png"), ("", "")],
)
def test_the_ending_is_what_stands_behind_the_last_dot_of_a_name(name: str, expected: str) -> None:
    assert ending(name) == expected


@pytest.mark.parametrize("end", sorted(STARTS))
def test_a_file_whose_ending_has_a_mark_begins_with_it_and_with_no_other(end: str) -> None:
    assert media_type(STARTS[end] + b"rest", end)
    zipped = {"docx", "zip"}
    others = [start for other, start in STARTS.items() if other != end and not {end, other} <= zipped]
    assert [start for start in (*others, b"text", b"") if media_type(start, end)] == []


@pytest.mark.parametrize("end", ["txt", "csv", "xml", "html", "svg", "rtf"])
def test_a_text_is_one_in_any_encoding_and_no_binary_file(end: str) -> None:
    assert media_type("été".encode("latin-1"), end)
    assert media_type("été".encode("utf-16"), end)
    assert media_type(b"a\x00b", end) is None


def test_what_begins_as_a_program_is_one() -> None:
    programs = (b"MZ\x90", b"\x7fELF\x02", b"#!/bin/sh", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
    assert all(is_program(head) for head in programs)
    assert not any(is_program(start) for start in (*STARTS.values(), b"Madame", b"", b"# titre"))
