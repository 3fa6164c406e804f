"""Pages as French invoicing software lays them out, typed as plain text: a cell is what three spaces set apart."""

import io

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

STEP, WIDTH, TOP, LEFT = 13.0, 5.1, 800.0, 36.0
SIZE = WIDTH / 0.6  # Courier: every character is 0.6 of the size wide


def paper(*pages: str) -> bytes:
    """A PDF of these pages, each character where it stands in the text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    for page in pages:
        canvas.setFont("Courier", SIZE)
        for row, line in enumerate(page.strip("\n").splitlines()):
            for column, cell in _cells(line):
                canvas.drawString(LEFT + WIDTH * column, TOP - STEP * row, cell)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _cells(line: str) -> list[tuple[int, str]]:
    cells, at = [], 0
    for cell in line.split("   "):
        if cell.strip():
            cells.append((at + len(cell) - len(cell.lstrip()), cell.strip()))
        at += len(cell) + 3
    return cells
