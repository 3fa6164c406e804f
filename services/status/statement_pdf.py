"""Draws the statement of interest and indemnity as a PDF: fonts inside, searchable text, the same bytes twice."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from invoice.interest_statement import Statement

_TEXT: Final = "Vera"
_BOLD: Final = "VeraBd"
_RULE: Final = HexColor("#999999")
_BODY: Final = ParagraphStyle("body", fontName=_TEXT, fontSize=8.5, leading=11.5)
_STRONG: Final = ParagraphStyle("strong", parent=_BODY, fontName=_BOLD)
_RIGHT: Final = ParagraphStyle("right", parent=_BODY, alignment=TA_RIGHT)
_TITLE: Final = ParagraphStyle("title", parent=_BODY, fontName=_BOLD, fontSize=14, leading=18, spaceAfter=4 * mm)
_HEAD: Final = ParagraphStyle("head", parent=_STRONG, fontSize=10, leading=13, spaceBefore=5 * mm, spaceAfter=1.5 * mm)
_WIDTH: Final = 174 * mm


def render(statement: Statement) -> bytes:
    """The statement on as many A4 pages as it needs. The same statement gives the same bytes."""
    _fonts()
    target = BytesIO()
    document = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=_drawable(statement.title),
        author="Chorale",
        subject=_drawable(f"{statement.subject[0][0]} {statement.subject[0][1]}"),
        lang="fr-FR",
        invariant=1,
    )
    footer = _drawable(f"Établi le {statement.made_on}")

    def number(canvas: Canvas, laid_out: BaseDocTemplate) -> None:
        canvas.setFont(_TEXT, 7.5)
        canvas.drawString(18 * mm, 12 * mm, footer)
        canvas.drawRightString(A4[0] - 18 * mm, 12 * mm, f"page {laid_out.page}")

    document.build(_story(statement), onFirstPage=number, onLaterPages=number)
    return target.getvalue()


def _story(statement: Statement) -> list[Flowable]:
    return [
        _said(statement.title, _TITLE),
        _pairs(statement.subject),
        _said("Le délai de paiement", _HEAD),
        _pairs(statement.delay),
        *_steps(statement.story),
        *_lines(statement),
        _said("Sommes dues", _HEAD),
        _sums(statement.sums),
        _said("Textes et calcul", _HEAD),
        *_items(statement.articles),
        _said("À savoir", _HEAD),
        *_items(statement.caveats),
    ]


def _pairs(pairs: Iterable[tuple[str, str]]) -> Table:
    return _table([(_said(name, _STRONG), _said(value, _BODY)) for name, value in pairs], (50 * mm, _WIDTH - 50 * mm))


def _steps(story: Sequence[tuple[str, str, str]]) -> list[Flowable]:
    if not story:
        return []
    rows = [(_said(day, _BODY), _said(label, _STRONG), _said(text, _BODY)) for day, label, text in story]
    return [_said("Étapes du délai", _HEAD), _table(rows, (28 * mm, 52 * mm, _WIDTH - 80 * mm))]


def _lines(statement: Statement) -> list[Flowable]:
    if not statement.rows:
        return []
    head = [_said(name, _STRONG) for name in ("Période", "Jours", "Assiette", "Taux annuel", "Intérêts")]
    rows = [
        [_said(row.period, _BODY), *(_said(each, _RIGHT) for each in (row.days, row.base, row.rate, row.amount))]
        for row in statement.rows
    ]
    widths = (66 * mm, 16 * mm, 34 * mm, 26 * mm, _WIDTH - 142 * mm)
    return [_said("Intérêts moratoires", _HEAD), _table([head, *rows], widths, repeat=1)]


def _sums(sums: Sequence[tuple[str, str]]) -> Table:
    last = len(sums) - 1
    rows = [
        (_said(name, _STRONG if index == last else _BODY), _said(value, _RIGHT))
        for index, (name, value) in enumerate(sums)
    ]
    return _table(rows, (_WIDTH - 40 * mm, 40 * mm))


def _items(texts: Iterable[str]) -> list[Flowable]:
    found: list[Flowable] = []
    for text in texts:
        found += [_said(f"– {text}", _BODY), Spacer(0, 1 * mm)]
    return found


def _table(rows: Sequence[Sequence[Flowable]], widths: Sequence[float], repeat: int = 0) -> Table:
    table = Table([list(row) for row in rows], colWidths=list(widths), repeatRows=repeat, hAlign="LEFT")
    padding = [(name, (0, 0), (-1, -1), 2) for name in ("TOPPADDING", "BOTTOMPADDING", "LEFTPADDING", "RIGHTPADDING")]
    table.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.3, _RULE), *padding])
    )
    return table


def _said(text: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph of plain text: what a supplier wrote must never be read as markup."""
    return Paragraph(escape(_drawable(text)), style)


@cache
def _fonts() -> frozenset[int]:
    """Load the two fonts once; the characters that both can draw."""
    known = []
    for name in (_TEXT, _BOLD):
        font = TTFont(name, f"{name}.ttf")
        pdfmetrics.registerFont(font)
        known.append(frozenset(font.face.charToGlyph))
    return known[0] & known[1]


def _drawable(text: str) -> str:
    """The text in characters that the fonts hold: a letter without its rarer accent, else a question mark."""
    known = _fonts()
    return "".join(char if ord(char) in known else _nearest(char, known) for char in text)


def _nearest(char: str, known: frozenset[int]) -> str:
    if char.isspace():
        return "\u00a0"
    plain = "".join(part for part in unicodedata.normalize("NFKD", char) if ord(part) in known)
    return plain or "?"
