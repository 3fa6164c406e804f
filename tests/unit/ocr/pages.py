"""Pages made by hand for one fact at a time: texts at places, with the bytes of a PDF or the fields read on it."""

import io
from collections.abc import Iterable

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from contracts.events import ReadField
from services.ocr.fields import read_fields
from services.ocr.text import read_pages

Text = tuple[float, float, str]

SUPPLIER, RECIPIENT, OTHER = "99900001100018", "22060001900016", "22310001700423"


def pdf(*pages: Iterable[Text], size: float = 10.0, font: str = "Helvetica", rotate: int = 0) -> bytes:
    """A PDF whose pages hold these texts: x and y in points from the bottom left, then the text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    for texts in pages:
        canvas.setPageRotation(rotate)
        canvas.setFont(font, size)
        for x, y, text in texts:
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def column(*lines: str, x: float = 50.0, top: float = 780.0, step: float = 15.0) -> list[Text]:
    """Lines one under the other."""
    return [(x, top - step * row, line) for row, line in enumerate(lines) if line]


def read(*pages: Iterable[Text], size: float = 10.0) -> dict[str, ReadField]:
    """The fields of these pages by name."""
    return {field.name: field for field in read_fields(read_pages(pdf(*pages, size=size)).read)}


def sure(*pages: Iterable[Text], size: float = 10.0) -> dict[str, str]:
    """The values that are sure."""
    return {name: field.value for name, field in read(*pages, size=size).items() if field.confidence == "sure"}


def lines(*texts: str) -> dict[str, str]:
    """The sure values of a page of plain lines."""
    return sure(column(*texts))


def unsure(*texts: str) -> dict[str, str]:
    """The unsure values of a page of plain lines."""
    return {n: f.value for n, f in read(column(*texts)).items() if f.confidence == "unsure"}
