"""The text layer of a PDF, word by word with boxes. The only module that calls pdfium.

pdfium is not thread-safe and parses hostile input in native code: only a worker process of ``pool.py`` may call
:func:`read_pages` in a service.
"""

import ctypes
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import pypdfium2.raw as pdfium

from services.ocr.layout import Page, Word, clean, turn

READ_PAGES = 3  # chorus-pro.md 7: the first three pages are read
MAX_PAGES = 1_000
MAX_OBJECTS = 200_000  # drawing operations of one page
MAX_CHARACTERS = 200_000  # of one page; a dense printed page has 10,000

UnreadableCode = Literal["NOT_A_PDF", "PDF_ENCRYPTED", "PDF_DAMAGED", "PDF_TOO_MANY_PAGES", "PDF_TOO_COMPLEX"]

_WORD = re.compile(r"[^\s\x00-\x01\x03-\x1f\uffff]+")
_LINE_END = re.compile("[\x02\ufffe]")  # pdfium writes these for a hyphen at the end of a line, and runs on


class Unreadable(Exception):
    """The bytes cannot be read as a PDF invoice. ``code`` names the reason."""

    def __init__(self, code: UnreadableCode) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class DocumentText:
    """What the text layer holds. ``pages`` counts the whole document; ``read`` are its first three pages.

    ``images`` says that a page read shows a picture: without words, it is a scan.
    """

    pages: int
    read: tuple[Page, ...]
    images: bool

    @property
    def words(self) -> int:
        return sum(len(page.words) for page in self.read)


def read_pages(data: bytes) -> DocumentText:
    """The words of the first three pages. Raises Unreadable."""
    if b"%PDF-" not in data[:1024]:
        raise Unreadable("NOT_A_PDF")
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        code = pdfium.FPDF_GetLastError()
        locked = code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise Unreadable("PDF_ENCRYPTED" if locked else "PDF_DAMAGED")
    try:
        count = int(pdfium.FPDF_GetPageCount(document))
        if count < 1:
            raise Unreadable("PDF_DAMAGED")
        if count > MAX_PAGES:
            raise Unreadable("PDF_TOO_MANY_PAGES")
        read = [_read_page(document, index) for index in range(min(count, READ_PAGES))]
    finally:
        pdfium.FPDF_CloseDocument(document)
    return DocumentText(count, tuple(page for page, _ in read), any(image for _, image in read))


def _read_page(document: Any, index: int) -> tuple[Page, bool]:
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        raise Unreadable("PDF_DAMAGED")
    try:
        if pdfium.FPDFPage_CountObjects(page) > MAX_OBJECTS:
            raise Unreadable("PDF_TOO_COMPLEX")
        text = pdfium.FPDFText_LoadPage(page)
        if not text:
            raise Unreadable("PDF_DAMAGED")
        try:
            words = _words(text)
        finally:
            pdfium.FPDFText_ClosePage(text)
        return _upright(page, index + 1, words), len(words) < 20 and _shows_image(page)
    finally:
        pdfium.FPDF_ClosePage(page)


class _Characters:
    """Character boxes of one text page. The font's box, not the ink's: a comma is as high as a capital."""

    def __init__(self, text: Any) -> None:
        self.text = text
        self.rect = pdfium.FS_RECTF()
        self.pointer = ctypes.byref(self.rect)

    def __call__(self, index: int) -> tuple[float, float, float, float]:
        rect = self.rect
        pdfium.FPDFText_GetLooseCharBox(self.text, index, self.pointer)
        return rect.left, rect.bottom, rect.right, rect.top


def _words(text: Any) -> list[tuple[Word, int]]:
    """Words in the page's user space, each with its direction: quarter turns clockwise that make it upright."""
    count = pdfium.FPDFText_CountChars(text)
    if count <= 0:
        return []
    if count > MAX_CHARACTERS:
        raise Unreadable("PDF_TOO_COMPLEX")
    characters, one_to_one = _characters(text, count)
    box = _Characters(text)
    found: list[tuple[Word, int]] = []
    for match in _WORD.finditer(characters):
        start, end = match.span()
        indices = range(start, end) if one_to_one else _indices(text, start, end)
        found += _measure(match.group(), indices, box)
    return found


def _characters(text: Any, count: int) -> tuple[str, bool]:
    """The page's characters, and whether the n-th one is pdfium's n-th box (not so beyond the BMP)."""
    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium.FPDFText_GetText(text, 0, count, buffer) - 1
    characters = bytes(buffer)[: 2 * max(written, 0)].decode("utf-16-le", "replace")
    return characters, len(characters) == count


def _indices(text: Any, start: int, end: int) -> list[int]:
    return [max(0, pdfium.FPDFText_GetCharIndexFromTextIndex(text, at)) for at in range(start, end)]


def _measure(text: str, indices: "range | list[int]", box: _Characters) -> list[tuple[Word, int]]:
    first = box(indices[0])
    last = box(indices[-1]) if len(indices) > 1 else first
    tall = max(first[3] - first[1], last[3] - last[1], 0.1)
    rise, run = last[1] - first[1], last[0] - first[0]
    if len(text) == 1:
        return [(Word(_LINE_END.sub("-", clean(text)), *first), 0)]
    if abs(rise) < 0.1 * tall and 0 < run < 1.2 * tall * len(text) and not _LINE_END.search(text):
        return [(Word(clean(text), first[0], min(first[1], last[1]), last[2], max(first[3], last[3])), 0)]
    return _measure_each(text, [box(index) for index in indices])


def _measure_each(text: str, boxes: list[tuple[float, float, float, float]]) -> list[tuple[Word, int]]:
    """A word that does not run plainly from left to right: turned, or several words that pdfium ran together."""
    direction = _direction(boxes)
    pieces: list[tuple[Word, int]] = []
    start = 0
    for at in range(1, len(boxes) + 1):
        if at < len(boxes) and not _breaks(boxes[at - 1], boxes[at], direction):
            continue
        part = boxes[start:at]
        bounds = (min(b[0] for b in part), min(b[1] for b in part), max(b[2] for b in part), max(b[3] for b in part))
        pieces.append((Word(clean(_LINE_END.sub("-", text[start:at])), *bounds), direction))
        start = at
    return pieces


def _direction(boxes: list[tuple[float, float, float, float]]) -> int:
    steps = Counter(_step(before, after) for before, after in pairwise(boxes))
    return steps.most_common(1)[0][0] if steps else 0


def _step(before: tuple[float, float, float, float], after: tuple[float, float, float, float]) -> int:
    right, up = after[0] + after[2] - before[0] - before[2], after[1] + after[3] - before[1] - before[3]
    if abs(right) >= abs(up):
        return 0 if right >= 0 else 2
    return 1 if up > 0 else 3


def _breaks(
    before: tuple[float, float, float, float], after: tuple[float, float, float, float], direction: int
) -> bool:
    """Whether two neighbours in the text are apart on the page: another line, or a gap as wide as a character."""
    a, b = turn(before, direction, 0, 0), turn(after, direction, 0, 0)
    tall = max(a[3] - a[1], b[3] - b[1], 0.1)
    return abs(b[1] - a[1]) > 0.5 * tall or b[0] - a[2] > 0.6 * tall or b[0] < a[0] - 0.5 * tall


def _upright(page: Any, number: int, words: list[tuple[Word, int]]) -> Page:
    """The page as most of its text is read: the crop box's corner is the origin, text runs to the right."""
    rect = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, ctypes.byref(rect))
    left, bottom, width, height = rect.left, rect.bottom, rect.right - rect.left, rect.top - rect.bottom
    votes = Counter[int]()
    for word, direction in words:
        votes[direction] += len(word.text)
    reading = votes.most_common(1)[0][0] if votes else 0
    shown = pdfium.FPDFPage_GetRotation(page) % 4
    turned = (reading - shown) % 4
    if reading == 0 and left == 0 and bottom == 0:
        kept = [word for word, direction in words if direction == 0]
    else:
        kept = [
            Word(w.text, *turn((w.x0 - left, w.y0 - bottom, w.x1 - left, w.y1 - bottom), reading, width, height))
            for w, direction in words
            if direction == reading or len(w.text) == 1
        ]
    if shown % 2:
        width, height = height, width
    return Page(number, width, height, kept, turned)


def _shows_image(page: Any) -> bool:
    for index in range(min(pdfium.FPDFPage_CountObjects(page), 50)):
        kind = pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page, index))
        if kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM):
            return True
    return False
