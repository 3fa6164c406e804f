"""How documents are drawn on paper: fonts inside, searchable text, plain tables, the same bytes for the same input."""

import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
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
from reportlab.platypus import BaseDocTemplate, Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

_TEXT: Final = "Vera"
_BOLD: Final = "VeraBd"
_RULE: Final = HexColor("#999999")
_SHADE: Final = HexColor("#eceff4")
_ALERT: Final = HexColor("#b00020")
BODY: Final = ParagraphStyle("body", fontName=_TEXT, fontSize=8.5, leading=11.5)
STRONG: Final = ParagraphStyle("strong", parent=BODY, fontName=_BOLD)
RIGHT: Final = ParagraphStyle("right", parent=BODY, alignment=TA_RIGHT)
STRONG_RIGHT: Final = ParagraphStyle("strong-right", parent=STRONG, alignment=TA_RIGHT)
TITLE: Final = ParagraphStyle("title", parent=BODY, fontName=_BOLD, fontSize=17, leading=21, spaceAfter=4 * mm)
HEAD: Final = ParagraphStyle("head", parent=STRONG, fontSize=10, leading=13, spaceBefore=5 * mm, spaceAfter=1.5 * mm)
WIDTH: Final = 174 * mm
#: The fonts keep which characters a document uses: two documents at once would not get the same bytes twice.
_one_at_a_time: Final = threading.Lock()


def drawn(
    title: str,
    footer: str,
    story: Callable[[], list[Flowable]],
    keywords: str = "",
    mark: str | None = None,
    subject: str | None = None,
) -> bytes:
    """What the story tells, on as many A4 pages as it needs. ``mark`` stands at the top of every one, and across it.

    ``keywords`` and ``subject`` are not printed: they stand in what the file says of itself.
    """
    with _one_at_a_time:
        _fonts()
        target = BytesIO()
        document = SimpleDocTemplate(
            target,
            pagesize=A4,
            leftMargin=18 * mm,
            rightMargin=18 * mm,
            topMargin=18 * mm,
            bottomMargin=20 * mm,
            title=_drawable(title),
            author="Chorale",
            subject=subject and _drawable(subject),
            keywords=[keywords] if keywords else [],
            lang="fr-FR",
            invariant=1,
        )
        foot = _drawable(footer)

        def number(canvas: Canvas, laid_out: BaseDocTemplate) -> None:
            canvas.setFont(_TEXT, 7.5)
            canvas.drawString(18 * mm, 12 * mm, foot)
            canvas.drawRightString(A4[0] - 18 * mm, 12 * mm, f"page {laid_out.page}")
            if mark is not None:
                _marked(canvas, _drawable(mark))

        document.build(story(), onFirstPage=number, onLaterPages=number)
        return target.getvalue()


def _marked(canvas: Canvas, mark: str) -> None:
    """In plain words at the top, and large and pale across the page."""
    canvas.saveState()
    canvas.setFillColor(_ALERT)
    canvas.setFont(_BOLD, 10)
    canvas.drawCentredString(A4[0] / 2, A4[1] - 12 * mm, mark)
    canvas.translate(A4[0] / 2, A4[1] / 2)
    canvas.rotate(55)
    canvas.setFillAlpha(0.12)
    canvas.setFont(_BOLD, 60)
    canvas.drawCentredString(0, 0, _drawable(mark.partition(" — ")[0]))
    canvas.restoreState()


def pairs(given: Iterable[tuple[str, str]]) -> Table:
    """Names and values, a row each."""
    return table([(said(name, STRONG), said(value, BODY)) for name, value in given], (50 * mm, WIDTH - 50 * mm))


def beside(left: Sequence[Flowable], right: Sequence[Flowable]) -> Table:
    """Two halves of the page side by side."""
    made = Table([[list(left), list(right)]], colWidths=[WIDTH / 2, WIDTH / 2], hAlign="LEFT")
    padding = [(name, (0, 0), (-1, -1), 0) for name in ("TOPPADDING", "BOTTOMPADDING", "RIGHTPADDING", "LEFTPADDING")]
    made.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *padding]))
    return made


def table(rows: Sequence[Sequence[Flowable]], widths: Sequence[float], repeat: int = 0) -> Table:
    """Rows between thin lines; the first ``repeat`` stand on every page."""
    made = Table([list(row) for row in rows], colWidths=list(widths), repeatRows=repeat, hAlign="LEFT")
    padding = [(name, (0, 0), (-1, -1), 2) for name in ("TOPPADDING", "BOTTOMPADDING", "LEFTPADDING", "RIGHTPADDING")]
    made.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.3, _RULE), *padding])
    )
    if repeat:
        made.setStyle(TableStyle([("BACKGROUND", (0, 0), (-1, repeat - 1), _SHADE)]))
    return made


def said(text: str, style: ParagraphStyle) -> Paragraph:
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
