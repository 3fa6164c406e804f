"""The statement as a PDF, read back by another library."""

import ctypes
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Any

import msgspec

from invoice.clock import Terms, clock
from invoice.interest_statement import Statement, Subject, statement
from services.status.statement_pdf import render
from tests.unit.invoice.clock_stories import story

#: The stubs hold what the services call; a test looks further into the file.
pypdfium2: Any = import_module("pypdfium2")
pdfium: Any = import_module("pypdfium2.raw")

SUBJECT = Subject(
    invoice_number="F-2026-001",
    issue_date=date(2026, 3, 1),
    supplier_siret="73282932000074",
    recipient_siret="22060001900016",
    supplier_name="Œuvres d'été & Fils <b>Noël</b>",
    recipient_name="Département des Alpes-Maritimes",
    engagement="CP2026/X123456/1",
)


def made(*more: str, subject: Subject = SUBJECT) -> Statement:
    lines = ("2026-03-02 DEPOSEE", "2026-03-02 available", "2026-03-02 notice", *more)
    return statement(subject, clock(story(*lines), Terms(payable=Decimal("10000.00"))), date(2026, 6, 1))


def read(content: bytes) -> tuple[int, str]:
    """Pages and text. Spaces of every kind and ends of lines are one space."""
    with pypdfium2.PdfDocument(content) as document:
        text = " ".join(page.get_textpage().get_text_bounded() for page in document)
        return len(document), " ".join(text.split())


def fonts(content: bytes) -> dict[str, bool]:
    """Each font of the first page: whether it is inside the file."""
    found: dict[str, bool] = {}
    with pypdfium2.PdfDocument(content) as document:
        for drawn in document[0].get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT]):
            font: Any = pdfium.FPDFTextObj_GetFont(drawn)
            size = pdfium.FPDFFont_GetBaseFontName(font, None, 0)
            name = ctypes.create_string_buffer(size)
            pdfium.FPDFFont_GetBaseFontName(font, name, size)
            found[name.value.decode()] = bool(pdfium.FPDFFont_GetIsEmbedded(font))
    return found


def test_everything_that_the_statement_says_can_be_read_in_the_pdf_with_its_accents() -> None:
    told = made("2026-05-01 MISE_EN_PAIEMENT")
    _, text = read(render(told))
    said = [told.title, *(part for pair in (*told.subject, *told.delay, *told.sums) for part in pair)]
    said += [part for step in told.story for part in step]
    said += [part for row in told.rows for part in msgspec.structs.astuple(row)]
    said += [*told.articles, *told.caveats, f"Établi le {told.made_on}"]
    missing = [part for part in said if " ".join(part.replace("\u202f", " ").split()) not in text]
    assert missing == []


def test_what_a_supplier_is_called_is_text_and_never_markup() -> None:
    _, text = read(render(made()))
    assert "Œuvres d'été & Fils <b>Noël</b>" in text


def test_every_font_is_inside_the_file() -> None:
    found = fonts(render(made("2026-05-01 MISE_EN_PAIEMENT")))
    assert len(found) >= 2
    assert all(found.values()), found


def test_a_letter_that_the_font_lacks_loses_its_accent_rather_than_the_reader() -> None:
    name = msgspec.structs.replace(SUBJECT, supplier_name="Győr 東京")
    _, text = read(render(made(subject=name)))
    assert "Gyor ??" in text


def test_the_same_statement_gives_the_same_bytes() -> None:
    assert render(made()) == render(made())


def test_a_long_story_goes_on_over_several_pages_that_are_numbered() -> None:
    parts = [f"2026-04-{day:02d} partial 2026-04-{day:02d} 10" for day in range(2, 30)]
    told = made(*parts, *(f"2026-05-{day:02d} partial 2026-05-{day:02d} 10" for day in range(1, 30)))
    pages, text = read(render(told))
    assert pages > 2
    assert f"page {pages}" in text
    assert len(told.rows) > 50
