"""One document whole: text or data, told apart by content; what it carries; why it was not read."""

import pytest

from services.ocr.answers import Whole
from services.ocr.container import MAX_FILES
from services.ocr.whole import read_document
from tests.carriers import attach, facts_of, facturx
from tests.documents import damaged, encrypted, sample, scanned, two_pages, without_keywords
from tests.hostile import many_pages, pdf, stream
from tests.unit.invoice.syntax.samples import cii, cpp, ubl

INVOICE = sample(3, layout="label_left")
FACTS = facts_of(INVOICE)


def values(whole: Whole) -> dict[str, str]:
    return {field.name: field.value for field in whole.fields}


def codes(whole: Whole) -> list[str]:
    return [reason.code for reason in whole.unreadable]


def test_a_plain_pdf_is_read_from_its_text() -> None:
    whole = read_document(INVOICE.render())
    assert (whole.source, whole.pages, whole.lines, whole.embedded) == ("text", 1, 0, ())
    assert values(whole)["invoice_number"] == INVOICE.truth()["invoice_number"]
    [(width, height)] = whole.page_sizes
    assert (round(width), round(height)) == (595, 842)


@pytest.mark.parametrize(("source", "document"), [("cii", cii(FACTS)), ("ubl", ubl(FACTS)), ("cpp", cpp(FACTS))])
def test_a_data_file_alone_is_read_completely_and_has_no_page(source: str, document: bytes) -> None:
    whole = read_document(document)
    assert (whole.source, whole.pages, whole.page_sizes) == (source, 0, ())
    assert all(field.page == 0 and field.box == (0.0, 0.0, 0.0, 0.0) for field in whole.fields)
    assert values(whole)["total_incl_tax"] == FACTS.incl
    assert values(whole)["cadre"] == "A1_FACTURE_FOURNISSEUR"


@pytest.mark.parametrize("document", [cii(FACTS), ubl(FACTS)])
def test_the_terms_of_the_norm_are_the_keywords_of_a_data_file(document: bytes) -> None:
    whole = read_document(document)
    assert all(field.keyword for field in whole.fields)
    assert {field.name: field.keyword for field in whole.fields}["invoice_number"] == "BT-1"
    assert whole.lines == FACTS.lines


def test_a_facturx_is_its_data_with_the_evidence_of_the_page() -> None:
    whole = read_document(facturx(INVOICE))
    assert (whole.source, whole.warnings) == ("facturx", ())
    assert values(whole) | INVOICE.truth() == values(whole)
    number = next(field for field in whole.fields if field.name == "invoice_number")
    assert (number.page, number.keyword) == (1, "BT-1")
    assert number.box[2] > number.box[0] > 0
    [file] = whole.embedded
    assert (file.name, file.size) == ("factur-x.xml", len(cii(FACTS)))


def test_figures_that_differ_between_page_and_data_are_told_and_the_data_stay() -> None:
    whole = read_document(facturx(INVOICE, incl="9999.99", number="ANOTHER-1"))
    assert {warning.code for warning in whole.warnings} >= {"PAGE_AMOUNT_DIFFERS", "PAGE_NUMBER_DIFFERS"}
    assert values(whole)["total_incl_tax"] == "9999.99"
    told = next(warning for warning in whole.warnings if warning.field == "invoice_number")
    assert (told.value, told.normalised) == ("ANOTHER-1", INVOICE.truth()["invoice_number"])


def test_the_text_alone_is_read_when_that_is_asked_for() -> None:
    document = facturx(INVOICE, number="ANOTHER-1")
    whole = read_document(document, text_only=True)
    assert (whole.source, whole.warnings) == ("text", ())
    assert values(whole)["invoice_number"] == INVOICE.truth()["invoice_number"]
    assert len(whole.embedded) == 1


def test_the_data_file_is_found_whatever_it_is_called_and_wherever_it_stands() -> None:
    document = attach(
        INVOICE.render(),
        ("notes.txt", b"bonjour"),
        ("commande.xml", b"<Order xmlns='urn:x'/>"),
        ("données-éé.bin", cii(FACTS)),
    )
    whole = read_document(document)
    assert (whole.source, whole.warnings) == ("facturx", ())
    assert [file.name for file in whole.embedded] == sorted(["notes.txt", "commande.xml", "données-éé.bin"])


def test_data_that_cannot_be_read_leave_the_page_to_be_read_with_a_warning() -> None:
    for broken in (cii(FACTS)[:-40], b"<!DOCTYPE x [<!ENTITY a 'b'>]><Invoice>&a;</Invoice>"):
        whole = read_document(attach(INVOICE.render(), ("factur-x.xml", broken)))
        assert whole.source == "text"
        assert values(whole)["invoice_number"] == INVOICE.truth()["invoice_number"]
        assert [warning.code for warning in whole.warnings] == ["DATA_FILE_REFUSED"]


def test_a_field_that_the_data_lack_is_taken_from_a_page_that_surely_shows_it() -> None:
    invoice = sample(3, layout="label_left", engagement="CMD-2026-77")
    whole = read_document(facturx(invoice, engagement=None))
    field = next(field for field in whole.fields if field.name == "engagement")
    assert (field.value, field.page, field.confidence) == ("CMD-2026-77", 1, "sure")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (encrypted(), "PDF_ENCRYPTED"),
        (damaged(), "PDF_DAMAGED"),
        (many_pages(1_001), "PDF_TOO_MANY_PAGES"),
        (b"PK\x03\x04", "NOT_A_PDF"),
        (b"", "NOT_A_PDF"),
        (b"<Invoice", "XML_MALFORMED"),
        (b"<html><body/></html>", "XML_UNKNOWN_ROOT"),
        (b"<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><r>&a;</r>", "XML_DOCTYPE"),
        (cpp(FACTS, FACTS), "SEVERAL_INVOICES"),
    ],
    ids=["password", "damaged", "pages", "zip", "empty", "malformed", "unknown", "entity", "several"],
)
def test_what_is_refused_says_why_and_what_to_do(document: bytes, code: str) -> None:
    whole = read_document(document)
    assert codes(whole) == [code]
    assert whole.fields == ()
    [reason] = whole.unreadable
    assert reason.level == "refuse"
    assert reason.message
    assert reason.action


def test_a_malformed_file_is_told_with_its_line_and_column() -> None:
    [reason] = read_document(b"<Invoice>\n  <ID>1</IDD>\n</Invoice>").unreadable
    assert "ligne 2, colonne" in reason.message


def test_a_scan_and_a_page_without_keywords_are_empty_with_the_reason() -> None:
    scan, plain = read_document(scanned()), read_document(without_keywords())
    assert scan.empty is not None
    assert (scan.empty.code, scan.fields) == ("SCAN_ONLY", ())
    assert "(page 1)" in scan.empty.message
    assert plain.empty is not None
    assert plain.empty.code == "NOTHING_RECOGNISED"
    assert "image" not in plain.empty.message


def test_a_file_that_unpacks_to_more_than_is_allowed_is_not_looked_into() -> None:
    carrier = pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(b.xml) 4 0 R] >> >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
            b"<< /Type /Filespec /F (b.xml) /UF (b.xml) /EF << /F 5 0 R >> >>",
            stream(bytes(40_000_000), b"/Type /EmbeddedFile"),
        ]
    )
    [file] = read_document(carrier).embedded
    assert (file.name, file.size) == ("b.xml", 40_000_000)


def test_of_very_many_files_the_first_are_looked_at_and_that_is_said() -> None:
    document = attach(INVOICE.render(), *((f"{number:04}.txt", b"x") for number in range(MAX_FILES + 3)))
    whole = read_document(document)
    assert len(whole.embedded) == MAX_FILES
    assert [warning.code for warning in whole.warnings] == ["TOO_MANY_FILES"]


def test_every_page_has_its_size() -> None:
    assert len(read_document(two_pages()).page_sizes) == 2
