"""Where things stand on a made invoice. Each layout draws the same content with reportlab; sizes are PDF points."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

if TYPE_CHECKING:
    from tests.documents import InvoicePdf, Party

WIDTH, HEIGHT = A4
LEFT, RIGHT, MIDDLE = 42.0, WIDTH - 42.0, 310.0


class Pen:
    """Draws text from the top down in the document's own font and words."""

    def __init__(self, canvas: Canvas, invoice: InvoicePdf) -> None:
        self.canvas, self.invoice, self.words = canvas, invoice, invoice.words
        self.step = self.words.size * 1.45

    def text(self, x: float, y: float, text: str, *, size: float = 0.0, right: bool = False) -> None:
        size = size or self.words.size
        self.canvas.setFont(self.words.font, size)
        (self.canvas.drawRightString if right else self.canvas.drawString)(x, y, text)

    def width(self, text: str) -> float:
        return float(stringWidth(text, self.words.font, self.words.size))

    def pair(self, x: float, y: float, label: str, value: str) -> None:
        """Label, the document's colon, value, as one piece of text."""
        self.text(x, y, f"{self.words.label(label)}{self.words.colon}{value}")

    def block(self, x: float, y: float, lines: list[str]) -> float:
        for line in lines:
            self.text(x, y, line)
            y -= self.step
        return y

    def references(self) -> list[tuple[str, str]]:
        """Number, date and references: the labels of this document with their values."""
        invoice, words = self.invoice, self.words
        number = words.number if invoice.type_code == "380" else words.credit_number
        pairs = [(number, invoice.number)]
        if not words.town_date:
            pairs.append((words.issue_date, words.day(invoice.issue_date)))
        for label, value in (
            (words.engagement, invoice.engagement),
            (words.service_code, invoice.service_code),
            (words.contract, invoice.contract),
        ):
            if value is not None:
                pairs.append((label, value))
        if words.due_date:
            pairs.append(("Date d'échéance", words.day(invoice.issue_date + timedelta(days=30))))
        if words.traps:
            pairs.append(("N° client", "C0012345"))
        return pairs

    def totals(self) -> list[tuple[str, str]]:
        invoice, words = self.invoice, self.words
        rows = [(words.total_excl_tax, words.amount(invoice.total_excl_tax))]
        if words.vat_rows:
            rows += [(f"TVA {_rate(rate)} %", words.amount(tax)) for rate, (_, tax) in invoice.rates.items()]
        if not words.vat_rows or len(invoice.rates) > 1:
            rows.append((words.tax, words.amount(invoice.tax)))
        rows.append((words.total_incl_tax, words.amount(invoice.total_incl_tax)))
        if invoice.prepaid is not None:
            rows.append((words.prepaid, words.amount(invoice.prepaid)))
        if words.payable or invoice.prepaid is not None:
            rows.append((words.payable or "Net à payer", words.amount(invoice.payable)))
        return rows


def _rate(rate: Decimal) -> str:
    return f"{rate.normalize():f}".replace(".", ",")


def _address(party: Party) -> list[str]:
    return [party.name, party.street, party.city]


def _title(pen: Pen) -> None:
    title = "FACTURE" if pen.invoice.type_code == "380" else "AVOIR"
    pen.text(RIGHT, 790, title, size=18, right=True)
    if pen.words.town_date:
        town = pen.invoice.supplier.city.split(" ", 1)[1]
        pen.text(RIGHT, 770, f"{town}, le {pen.words.day(pen.invoice.issue_date)}", right=True)


def _lines_table(pen: Pen, y: float) -> float:
    columns = (("Désignation", LEFT), ("Qté", 330.0), ("P.U. HT", 420.0), ("TVA", 470.0), ("Montant HT", RIGHT))
    for label, x in columns:
        pen.text(x, y, pen.words.label(label), right=x != LEFT)
    pen.canvas.line(LEFT, y - 3, RIGHT, y - 3)
    y -= pen.step + 2
    for line in pen.invoice.lines:
        pen.text(LEFT, y, line.label)
        pen.text(330, y, f"{line.quantity}", right=True)
        pen.text(420, y, pen.words.amount(line.unit_price), right=True)
        pen.text(470, y, f"{_rate(line.rate)} %", right=True)
        pen.text(RIGHT, y, pen.words.amount(line.amount), right=True)
        y -= pen.step
    return y - 10


def _footer(pen: Pen) -> None:
    supplier, words = pen.invoice.supplier, pen.words
    pen.canvas.line(LEFT, 78, RIGHT, 78)
    siren = (supplier.siret or "999000011")[:9]
    mentions = f"{supplier.name}, capital de 50 000,00 € - RCS Toulouse {siren[:3]} {siren[3:6]} {siren[6:]}"
    pen.text(LEFT, 66, f"{mentions} - SIRET {words.siret(supplier.siret)}", size=6.5)
    if words.traps:
        pen.text(
            LEFT, 56, f"Tél. 05 61 00 11 22 - IBAN FR76 3000 1007 9412 3456 7890 185 - N° TVA FR12{siren}", size=6.5
        )
    late = "En cas de retard, une pénalité de 3 fois le taux légal et une indemnité de 40 € pour frais de recouvrement."
    pen.text(LEFT, 46, late, size=6.5)
    for row, line in enumerate(pen.invoice.clutter):
        pen.text(LEFT, 90 + row * 1.3 * words.size, line)
    if pen.invoice.copy:
        pen.text(LEFT, 36, pen.invoice.copy, size=6.5)


def _totals_stacked(pen: Pen, y: float) -> float:
    for label, value in pen.totals():
        text = pen.words.label(label)
        pen.text(min(400.0, RIGHT - pen.width(f"{text}    {value}")), y, text)
        pen.text(RIGHT, y, value, right=True)
        y -= pen.step + 1
    return y


def label_left(canvas: Canvas, invoice: InvoicePdf, *, totals: bool = True) -> None:
    """Letterhead, recipient at the right, labels left of their values, totals stacked."""
    pen = Pen(canvas, invoice)
    _title(pen)
    pen.block(LEFT, 790, _address(invoice.supplier))
    pen.block(MIDDLE + 40, 720, [*_address(invoice.recipient)])
    pen.pair(MIDDLE + 40, 720 - 3.4 * pen.step, pen.words.recipient_siret, pen.words.siret(invoice.recipient.siret))
    y = 700.0
    for label, value in pen.references():
        pen.pair(LEFT, y, label, value)
        y -= pen.step
    y = _lines_table(pen, y - 20)
    if totals:
        _totals_stacked(pen, y)
    _footer(pen)


def label_above(canvas: Canvas, invoice: InvoicePdf) -> None:
    """References in boxes: a row of labels over a row of values."""
    pen = Pen(canvas, invoice)
    _title(pen)
    pen.block(LEFT, 790, _address(invoice.supplier))
    words = pen.words
    pen.block(
        MIDDLE,
        730,
        [words.label(words.recipient), *_address(invoice.recipient), f"SIRET {words.siret(invoice.recipient.siret)}"],
    )
    references = pen.references()
    y = 640.0
    for start in range(0, len(references), 3):
        x = LEFT
        for label, value in references[start : start + 3]:
            pen.text(x, y, words.label(label))
            pen.text(x, y - pen.step, value)
            x += max(110.0, pen.width(f"{words.label(label)}    "))
        y -= 3 * pen.step
    _totals_stacked(pen, _lines_table(pen, y - 10))
    _footer(pen)


def table_totals(canvas: Canvas, invoice: InvoicePdf) -> None:
    """Totals as one row under a head of labels."""
    pen = Pen(canvas, invoice)
    _title(pen)
    words = pen.words
    pen.block(LEFT, 790, [*_address(invoice.supplier), f"SIRET : {words.siret(invoice.supplier.siret)}"])
    pen.block(MIDDLE, 720, [f"{words.label(words.recipient)} :", *_address(invoice.recipient)])
    pen.pair(MIDDLE, 720 - 4.2 * pen.step, words.recipient_siret, words.siret(invoice.recipient.siret))
    y = 640.0
    for label, value in pen.references():
        pen.pair(LEFT, y, label, value)
        y -= pen.step
    y = _lines_table(pen, y - 20)
    rows = pen.totals()
    for place, (label, value) in enumerate(rows):
        x = RIGHT - (len(rows) - 1 - place) * 98
        pen.text(x, y, words.label(label), size=min(words.size, 8), right=True)
        pen.text(x, y - pen.step, value, size=min(words.size, 8), right=True)
    _footer(pen)


def two_columns(canvas: Canvas, invoice: InvoicePdf) -> None:
    """Supplier and recipient side by side, each with its SIRET; references in two columns with values apart."""
    pen = Pen(canvas, invoice)
    _title(pen)
    words = pen.words
    for x, label, party in ((LEFT, words.supplier, invoice.supplier), (MIDDLE, words.recipient, invoice.recipient)):
        pen.block(x, 740, [words.label(label), *_address(party), f"SIRET : {words.siret(party.siret)}"])
    for place, (label, value) in enumerate(pen.references()):
        x, y = (LEFT, MIDDLE)[place % 2], 640 - (place // 2) * pen.step
        pen.text(x, y, words.label(label) + words.colon.rstrip())
        pen.text(x + 150, y, value)
    _totals_stacked(pen, _lines_table(pen, 540))
    _footer(pen)


def split_runs(canvas: Canvas, invoice: InvoicePdf) -> None:
    """As ``label_left``, but drawn in pieces of a few characters, in an order that has nothing to do with reading."""
    pieces = _Pieces(canvas)
    label_left(pieces, invoice)  # type: ignore[arg-type]
    pieces.draw(Random(invoice.number))


class _Pieces:
    """Takes text like a canvas, and draws it later, shuffled."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.pieces: list[tuple[str, float, float, float, str]] = []
        self.font, self.size = "Helvetica", 9.0

    def setFont(self, font: str, size: float) -> None:  # noqa: N802 (reportlab's name)
        self.font, self.size = font, size

    def line(self, *box: float) -> None:
        self.canvas.line(*box)

    def drawString(self, x: float, y: float, text: str) -> None:  # noqa: N802 (reportlab's name)
        for start in range(0, len(text), 5):
            before = float(stringWidth(text[:start], self.font, self.size))
            self.pieces.append((self.font, self.size, x + before, y, text[start : start + 5]))

    def drawRightString(self, x: float, y: float, text: str) -> None:  # noqa: N802 (reportlab's name)
        self.drawString(x - float(stringWidth(text, self.font, self.size)), y, text)

    def draw(self, rng: Random) -> None:
        rng.shuffle(self.pieces)
        for font, size, x, y, text in self.pieces:
            self.canvas.setFont(font, size)
            self.canvas.drawString(x, y, text)


def turned_page(canvas: Canvas, invoice: InvoicePdf) -> None:
    """As ``label_left`` on a page that is stored sideways and shown upright (``/Rotate 90``)."""
    canvas.setPageRotation(90)  # reportlab stores the page with width and height exchanged
    canvas.translate(HEIGHT, 0)
    canvas.rotate(90)
    label_left(canvas, invoice)


def letter(canvas: Canvas, invoice: InvoicePdf) -> None:
    """A sentence as title: « Facture n° 12 du 3 mars 2026 »; both SIRETs explicit, recipient in the window."""
    pen = Pen(canvas, invoice)
    words = pen.words
    pen.block(LEFT, 790, [*_address(invoice.supplier), f"SIRET {words.siret(invoice.supplier.siret)} - APE 4322B"])
    pen.block(MIDDLE + 30, 700, [*_address(invoice.recipient)])
    kind = "Facture n°" if invoice.type_code == "380" else "Avoir n°"
    pen.text(LEFT, 620, f"{kind} {invoice.number} du {words.day(invoice.issue_date)}", size=13)
    y = 590.0
    pen.pair(LEFT, y, words.recipient_siret, words.siret(invoice.recipient.siret))
    for label, value in pen.references()[1:]:
        y -= pen.step
        if label != words.issue_date:
            pen.pair(LEFT, y, label, value)
    _totals_stacked(pen, _lines_table(pen, y - 40))
    _footer(pen)


DRAW: dict[str, Callable[..., None]] = {
    "label_left": label_left,
    "label_above": label_above,
    "table_totals": table_totals,
    "two_columns": two_columns,
    "split_runs": split_runs,
    "turned_page": turned_page,
    "letter": letter,
}
