"""Pages that note what is drawn on them, then come out as a PDF cut, ordered and turned as the layout says.

Coordinates are PDF points from the bottom left of an upright A4 page.
"""

import functools
import io
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final, Literal

import reportlab
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from tests.corpus.variety_style import Style

WIDTH, HEIGHT = A4
Align = Literal["left", "right", "centre"]
_BOLD: Final = {
    "Helvetica": "Helvetica-Bold", "Times-Roman": "Times-Bold", "Courier": "Courier-Bold", "Vera": "VeraBd",
}  # fmt: skip


@functools.cache
def _embedded_fonts() -> None:
    """Bitstream Vera comes with reportlab: embedded, cut down to the glyphs used, with ligatures."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in ("Vera", "VeraBd"):
        registerFont(TTFont(name, str(folder / f"{name}.ttf")))


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text at its left end."""

    x: float
    y: float
    text: str
    font: str
    size: float
    spacing: float = 0.0
    angle: int = 0


class Sheet:
    """The pages of one document. ``shown`` and ``printed`` gather what they say of each field."""

    def __init__(self, style: Style, rng: Random) -> None:
        _embedded_fonts()
        self.style, self.rng = style, rng
        self.pages: list[list[Run]] = [[]]
        self.frames: list[list[tuple[float, float, float, float, bool]]] = [[]]
        self.shown: dict[str, str] = {}
        self.printed: dict[str, list[str]] = {}
        self.scale = 0.86 if "narrow" in style.flags else 1.0  # of the letters' width

    @property
    def step(self) -> float:
        """From one line of text to the next."""
        return self.style.size * 1.42

    def font(self, *, bold: bool = False) -> str:
        name = self.style.is_["font"]
        return _BOLD[name] if bold else name

    def width(self, text: str, *, bold: bool = False, size: float = 0.0) -> float:
        """How wide a text comes out."""
        return self._wide(self._spelled(text), self.font(bold=bold), size or self.style.size)

    def _wide(self, text: str, font: str, size: float) -> float:
        return float(stringWidth(text, font, size)) * self.scale

    def _spelled(self, text: str) -> str:
        """The text as this layout spells it: without accents, or with ligatures."""
        if self.style.plain_letters:
            kept = unicodedata.normalize("NFD", text.replace("œ", "oe").replace("Œ", "OE"))
            text = "".join(mark for mark in kept if not unicodedata.combining(mark))
        if "ligatures" in self.style.flags and self.style.is_["font"] == "Vera":
            text = text.replace("fi", "ﬁ").replace("fl", "ﬂ")
        return text

    def label(self, text: str) -> str:
        """A label in this layout's case."""
        return text.upper() if self.style.upper else text

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        align: Align = "left",
        bold: bool = False,
        size: float = 0.0,
        most: float = 0.0,
        spacing: float = 0.0,
    ) -> float:
        """Write ``text``, smaller where it would be wider than ``most``; its right end."""
        text, font, size = self._spelled(text), self.font(bold=bold), size or self.style.size
        if bold and self.style.is_["track"] == "labels":
            spacing = spacing or size * 0.12
        wide = self._wide(text, font, size) + spacing * max(len(text) - 1, 0)
        if most and wide > most:
            size, spacing, wide = size * most / wide, spacing * most / wide, most
        left = {"left": x, "right": x - wide, "centre": x - wide / 2}[align]
        if "superscript" in self.style.flags and not spacing and re.search(r"\b[nN]°", text):
            self._raised(left, y, text, font, size)
        else:
            self.pages[-1].append(Run(left, y, text, font, size, spacing))
            if bold and "twice" in self.style.flags:  # bold by printing twice
                self.pages[-1].append(Run(left + 0.25, y, text, font, size, spacing))
        return left + wide

    def _raised(self, left: float, y: float, text: str, font: str, size: float) -> None:
        """The sign of « n° » as a small raised o."""
        for part in re.split(r"(?<=\b[nN])(°)", text):
            wide = self._wide(part, font, size)
            if part == "°":
                self.pages[-1].append(Run(left, y + size * 0.35, "o", font, size * 0.6))
            elif part.strip():
                self.pages[-1].append(Run(left, y, part, font, size))
            left += wide

    def upright(self, x: float, y: float, text: str) -> None:
        """Small text that runs from the bottom of the page to its top."""
        self.pages[-1].append(Run(x, y, self._spelled(text), self.font(), self.style.size * 0.75, angle=90))

    def show(self, name: str, value: str, printed: str) -> None:
        """Note that the page says ``value`` of a field, printed so."""
        if self.shown.setdefault(name, value) != value:
            raise ValueError(f"{name} is printed as {self.shown[name]} and as {value}")
        self.printed.setdefault(name, []).append(printed)

    def frame(self, x: float, y: float, width: float, height: float, *, filled: bool = False) -> None:
        """A box, or a line where the height is 0."""
        self.frames[-1].append((x, y, width, height, filled))

    def new_page(self) -> None:
        self.pages.append([])
        self.frames.append([])

    def says(self, pattern: str) -> str | None:
        """The first piece of text that matches ``pattern``, as far as it matches."""
        found = (re.search(pattern, run.text) for page in self.pages for run in page)
        return next((match.group() for match in found if match), None)

    def pdf(self) -> bytes:
        """The finished document: equal content gives equal bytes."""
        buffer = io.BytesIO()
        canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=1)
        for runs, frames in zip(self.pages, self.frames, strict=True):
            self._turn(canvas)
            form = "form" in self.style.flags
            if form:
                canvas.beginForm(f"page{canvas.getPageNumber()}", 0, 0, WIDTH, HEIGHT)
            for x, y, width, height, filled in frames:
                self._draw_frame(canvas, x, y, width, height, filled=filled)
            for run in self._ordered(runs):
                for piece in self._cut(run):
                    self._draw(canvas, piece)
            if "stamp" in self.style.flags:
                self._stamp(canvas)
            if form:
                canvas.endForm()
                canvas.doForm(f"page{canvas.getPageNumber()}")
            canvas.showPage()
        canvas.save()
        return buffer.getvalue()

    def _stamp(self, canvas: Canvas) -> None:
        canvas.saveState()
        canvas.translate(WIDTH / 2, HEIGHT / 2)
        canvas.rotate(40)
        canvas.setFillGray(0.85)
        canvas.setFont(self.font(bold=True), 60)
        canvas.drawCentredString(0, 0, "DUPLICATA" if len(self.pages) % 2 else "ORIGINAL")
        canvas.restoreState()

    def _turn(self, canvas: Canvas) -> None:
        match self.style.is_["turn"]:
            case "no" if "cropped" in self.style.flags:  # the page shown is part of a larger sheet
                canvas.setPageSize((WIDTH + 50, HEIGHT + 70))
                canvas.setCropBox((20, 30, WIDTH + 20, HEIGHT + 30))
                canvas.translate(20, 30)
            case "rotated":  # lies in the file, shown upright
                canvas.setPageSize((HEIGHT, WIDTH))
                canvas.setPageRotation(90)
                canvas.translate(HEIGHT, 0)
                canvas.rotate(90)
            case "sideways":  # shown lying
                canvas.setPageSize((HEIGHT, WIDTH))
                canvas.translate(0, WIDTH)
                canvas.rotate(-90)
            case "upside":
                canvas.setPageSize(A4)
                canvas.setPageRotation(180)
                canvas.translate(WIDTH, HEIGHT)
                canvas.rotate(180)

    @staticmethod
    def _draw_frame(canvas: Canvas, x: float, y: float, width: float, height: float, *, filled: bool) -> None:
        if not height:
            canvas.line(x, y, x + width, y)
            return
        canvas.setFillGray(0.88)
        canvas.rect(x, y, width, height, stroke=int(not filled), fill=int(filled))
        canvas.setFillGray(0)

    def _ordered(self, runs: list[Run]) -> list[Run]:
        match self.style.is_["order"]:
            case "reading":
                return sorted(runs, key=lambda run: (-round(run.y), run.x))
            case "columns":
                return sorted(runs, key=lambda run: (run.x > WIDTH / 2, -round(run.y), run.x))
            case "reverse":
                return runs[::-1]
            case "shuffled":
                return self.rng.sample(runs, len(runs))
        return runs

    def _cut(self, run: Run) -> list[Run]:
        cut = self.style.is_["cut"]
        if cut == "whole" or run.spacing or run.angle:
            return [run]
        starts = {0}
        for at in range(1, len(run.text)):
            if cut == "letters" or (run.text[at - 1] == " " if cut == "words" else self.rng.random() < 0.2):
                starts.add(at)
        edges = [*sorted(starts), len(run.text)]
        pieces = []
        for start, end in pairwise(edges):
            text = run.text[start:end]
            if text.strip(" "):
                left = run.x + self._wide(run.text[:start], run.font, run.size)
                pieces.append(Run(left, run.y, text.rstrip(" ") if cut == "words" else text, run.font, run.size))
        return pieces

    def _draw(self, canvas: Canvas, run: Run) -> None:
        text = canvas.beginText(run.x, run.y)
        if run.angle:
            text.setTextTransform(0, 1, -1, 0, run.x, run.y)
        text.setHorizScale(100 * self.scale)
        text.setFont(run.font, run.size)
        text.setCharSpace(run.spacing)  # stays as it was set, beyond this piece
        text.textOut(run.text)
        canvas.drawText(text)
