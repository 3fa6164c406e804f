"""The document made of what was typed: everything can be read in it, and it is the same for the same input."""

from typing import Any

import pypdfium2

from invoice.typed import Sheet, assemble
from invoice.typed_lines import Line
from services.ingest.typed_pdf import render

VALUES = {
    "invoice_number": "F-2026/42",
    "issue_date": "2026-03-02",
    "supplier_siret": "73282932000074",
    "supplier_name": "Menuiserie <b>du</b> Var & Fils",
    "recipient_siret": "20002983300015",
    "engagement": "CP2026-118",
    "payment_mode": "VIREMENT",
    "supplier_iban": "FR1420041010050500013M02606",
    "note": "Œuvre livrée à l'école d'Aÿ",
}


def made(**values: str) -> bytes:
    sheet = Sheet(values={**VALUES, **values}, lines=(Line(label="Pose", unit_price="1234,5", vat_rate="20"),) * 60)
    assembled = assemble(sheet, with_document=False)
    assert assembled.header is not None, assembled.findings
    assert assembled.computed is not None
    return render(assembled.header, assembled.computed, sheet)


def text(content: bytes) -> str:
    document: Any = pypdfium2.PdfDocument(content)
    return " ".join("".join(page.get_textpage().get_text_bounded().split("\r")) for page in document)


def test_everything_typed_is_readable_on_the_pages() -> None:
    content = made()
    found = " ".join(text(content).split())
    for value in (*VALUES.values(), "2 mars 2026", "74 070,00 €", "88 884,00 €", "Net à payer"):
        shown = {"2026-03-02": "2 mars 2026", "VIREMENT": "virement"}.get(value, value)
        assert " ".join(shown.split()) in found, shown
    assert b"/FontFile2" in content
    document: Any = pypdfium2.PdfDocument(content)
    assert len(document) > 1


def test_the_same_input_gives_the_same_bytes_and_another_one_does_not() -> None:
    assert made() == made()
    assert made() != made(note="autre")


def test_a_supplier_without_vat_has_the_mention_and_equal_totals() -> None:
    sheet = Sheet(values={**VALUES, "vat_regime": "FRANCHISE"}, lines=(Line(label="Atelier", unit_price="60"),))
    assembled = assemble(sheet, with_document=False)
    assert assembled.header is not None
    assert assembled.computed is not None
    found = text(render(assembled.header, assembled.computed, sheet))
    assert "TVA non applicable, article 293 B du CGI" in found
    assert found.count("60,00") >= 4
