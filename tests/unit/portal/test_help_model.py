"""The model invoice opens in word processors, and its PDF is read by the platform without a doubt."""

from io import BytesIO
from xml.etree import ElementTree
from zipfile import ZIP_STORED, ZipFile

import pytest

from invoice.reading import FIELD_NAMES
from services.ocr.whole import read_document
from services.portal.pages import help_docx, help_model, help_odt, help_paper
from services.portal.pages.help_model import KINDS, TRUTH, content

OASIS = "urn:oasis:names:tc:opendocument:xmlns"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
#: What no model invoice has: a sum paid before, a preceding invoice, the State, a frame that only data files name.
NOT_THERE = {"prepaid", "preceding_invoice", "recipient_state", "recipient_vat", "cadre"}


def test_every_field_of_the_pdf_is_read_for_sure() -> None:
    whole = read_document(KINDS[".pdf"].made())
    found = {field.name: field for field in whole.fields}
    assert set(found) == set(FIELD_NAMES) - NOT_THERE
    assert {name: found[name].value for name in TRUTH} == dict(TRUTH)
    assert [name for name, field in found.items() if field.confidence != "sure"] == []
    assert [*whole.warnings, *whole.unreadable] == []


@pytest.mark.parametrize("ending", sorted(KINDS))
def test_the_same_model_gives_the_same_bytes(ending: str) -> None:
    again = {".odt": help_odt.odt, ".docx": help_docx.docx, ".pdf": help_paper.pdf}[ending](content())
    assert KINDS[ending].made() == again
    assert len(again) < 60_000


def test_the_odt_is_packed_as_its_standard_wants() -> None:
    with ZipFile(BytesIO(KINDS[".odt"].made())) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", ZIP_STORED, b"")
        assert archive.read("mimetype").decode() == KINDS[".odt"].media_type
        manifest = ElementTree.fromstring(archive.read("META-INF/manifest.xml"))
        listed = {entry.get(f"{{{OASIS}:manifest:1.0}}full-path") for entry in manifest}
        assert listed == {"/", *archive.namelist()} - {"mimetype", "META-INF/manifest.xml"}
        text = "\n".join(ElementTree.fromstring(archive.read("content.xml")).itertext())
        ElementTree.fromstring(archive.read("styles.xml"))
    assert_shown(text)


def test_the_docx_is_packed_as_its_standard_wants() -> None:
    with ZipFile(BytesIO(KINDS[".docx"].made())) as archive:
        trees = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}
    parts = {each.get("PartName") for each in trees["[Content_Types].xml"]} - {None}
    assert parts == {"/word/document.xml", "/word/styles.xml"}
    assert [each.get("Target") for each in trees["_rels/.rels"]] == ["word/document.xml"]
    document = trees["word/document.xml"]
    known = {style.get(f"{WORD}styleId") for style in trees["word/styles.xml"]}
    assert {style.get(f"{WORD}val") for style in document.iter(f"{WORD}pStyle")} <= known
    # A cell without a paragraph is what Word calls damaged.
    assert all(cell[-1].tag == f"{WORD}p" for cell in document.iter(f"{WORD}tc"))
    assert_shown("\n".join(document.itertext()))


def assert_shown(text: str) -> None:
    """All that the model says stands there, word before value."""
    model = content()
    for word, value in (*model.references, *model.totals):
        assert text.index(word) < text.rindex(value)
    for said in (*model.supplier, *model.recipient, *model.mentions, *model.head):
        assert said in text


def test_its_numbers_are_invented_and_well_formed() -> None:
    assert TRUTH["supplier_siret"].startswith("999")
    assert TRUTH["recipient_siret"].startswith("999")
    assert help_model.NAME == "facture-modele"
