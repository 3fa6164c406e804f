"""The text layer of a PDF, word by word with boxes. Calls pdfium: see ``document.py``."""

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pypdfium2.raw as pdfium

from services.ocr.document import (
    READ_PAGES,
    Unreadable,
    is_pdf,
    opened,
    opened_page,
    page_count,
    shows_picture,
)
from services.ocr.layout import Page, Word, clean, turn

MAX_CHARACTERS = 200_000  # of one page; a dense printed page has 10,000

# A colon ends a word, so that a label and the value glued to it (``Date:12/03/2026``) have a box each.
_WORD = re.compile(r"[^\s:\x00-\x01\x03-\x1f\uffff]*:+|[^\s:\x00-\x01\x03-\x1f\uffff]+")
_LINE_END = re.compile("[\x02\ufffe]")  # pdfium writes these for a hyphen at the end of a line, and runs on


@dataclass(frozen=True, slots=True)
class DocumentText:
    """What the text layer holds. ``pages`` counts the whole document; ``read`` are its first three pages, and its last
    where the totals stand there.

    ``images`` says that a page read shows a picture: without words, it is a scan.
    """

    pages: int
    read: tuple[Page, ...]
    images: bool

    @property
    def words(self) -> int:
        return sum(len(page.words) for page in self.read)


def read_pages(data: bytes, *, last: Callable[[Sequence[Page]], bool] | None = None) -> DocumentText:
    """The words of the first three pages, and of the last where ``last`` asks for it on seeing them.

    Raises Unreadable.
    """
    if not is_pdf(data):
        raise Unreadable("NOT_A_PDF")
    with opened(data) as document:
        count = page_count(document)
        read = [_read_page(document, index) for index in range(min(count, READ_PAGES))]
        if count > READ_PAGES and last is not None and last([page for page, _ in read]):
            read.append(_read_page(document, count - 1))
    return DocumentText(count, tuple(page for page, _ in read), any(image for _, image in read))


def _read_page(document: Any, index: int) -> tuple[Page, bool]:
    with opened_page(document, index) as page:
        text = pdfium.FPDFText_LoadPage(page)
        if not text:
            raise Unreadable("PDF_DAMAGED")
        try:
            words = _words(text)
        finally:
            pdfium.FPDFText_ClosePage(text)
        return _upright(page, index + 1, words), len(words) < 20 and shows_picture(page)


SLANT = 0.25  # rise for run, or run for rise, beyond which a word is on no line
Quad = tuple[float, float, float, float]
# The same function, called with plain addresses: a page has thousands of characters.
_loose_box: Any = pdfium.FPDFText_GetLooseCharBox
_box_of = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(
    ctypes.cast(_loose_box, ctypes.c_void_p).value or 0
)


def _boxes(text: Any, indices: Sequence[int]) -> list[Quad]:
    """Character boxes, of the font and not of the ink: a comma is as high as a capital."""
    buffer = (ctypes.c_float * (4 * len(indices)))()
    handle, place = ctypes.cast(text, ctypes.c_void_p).value, ctypes.addressof(buffer)
    for index in indices:
        _box_of(handle, index, place)
        place += 16
    sides = iter(buffer[:])  # FS_RECTF: left, top, right, bottom
    return [(left, bottom, right, top) for left, top, right, bottom in zip(sides, sides, sides, sides, strict=True)]


def _words(text: Any) -> list[tuple[Word, int]]:
    """Words in the page's user space, each with its direction: quarter turns clockwise that make it upright."""
    count = pdfium.FPDFText_CountChars(text)
    if count <= 0:
        return []
    if count > MAX_CHARACTERS:
        raise Unreadable("PDF_TOO_COMPLEX")
    characters, one_to_one = _characters(text, count)
    spans = [match.span() for match in _WORD.finditer(characters)]
    ends = [end for start, stop in spans for end in (start, stop - 1)]
    if not one_to_one:
        ends = [max(0, pdfium.FPDFText_GetCharIndexFromTextIndex(text, end)) for end in ends]
    boxes = iter(_boxes(text, ends))
    found: list[tuple[Word, int]] = []
    for (start, stop), first, last in zip(spans, boxes, boxes, strict=True):
        word = characters[start:stop]
        plain = _plain(word, first, last)
        if plain is not None:
            found.append((plain, 0))
        else:
            indices = range(start, stop) if one_to_one else _indices(text, start, stop)
            found += _measure_each(word, _boxes(text, indices))
    return found


def _characters(text: Any, count: int) -> tuple[str, bool]:
    """The page's characters, and whether the n-th one is pdfium's n-th box (not so beyond the BMP)."""
    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium.FPDFText_GetText(text, 0, count, buffer) - 1
    characters = bytes(buffer)[: 2 * max(written, 0)].decode("utf-16-le", "replace")
    return characters, len(characters) == count


def _indices(text: Any, start: int, end: int) -> list[int]:
    return [max(0, pdfium.FPDFText_GetCharIndexFromTextIndex(text, at)) for at in range(start, end)]


def _plain(text: str, first: Quad, last: Quad) -> Word | None:
    """A word that runs from left to right on one line, as nearly all do; None for another."""
    x0, y0, _, y1 = first
    if len(text) == 1:
        return Word(_LINE_END.sub("-", clean(text)), *first)
    left, bottom, x1, top = last
    tall = max(y1 - y0, top - bottom, 0.1)
    run, rise = left - x0, bottom - y0
    if not (-0.1 * tall < rise < 0.1 * tall and 0 < run < 1.2 * tall * len(text)):
        return None
    if not text.isascii() or "\x02" in text:
        if _LINE_END.search(text):
            return None
        text = clean(text)
    return Word(text, x0, y0 if rise > 0 else bottom, x1, y1 if y1 > top else top)


def _measure_each(text: str, boxes: list[Quad]) -> list[tuple[Word, int]]:
    """A word that does not run plainly from left to right: turned, or several words that pdfium ran together."""
    direction = _direction(boxes)
    pieces: list[tuple[Word, int]] = []
    start = 0
    for at in range(1, len(boxes) + 1):
        if at < len(boxes) and not _breaks(boxes[at - 1], boxes[at], direction):
            continue
        part, begin = boxes[start:at], start
        start = at
        if _slanted(part):
            continue
        bounds = (min(b[0] for b in part), min(b[1] for b in part), max(b[2] for b in part), max(b[3] for b in part))
        pieces.append((Word(clean(_LINE_END.sub("-", text[begin:at])), *bounds), direction))
    return pieces


def _slanted(boxes: list[Quad]) -> bool:
    """Whether a word runs neither along the lines nor across them: a stamp or a watermark."""
    run, rise = abs(boxes[-1][0] - boxes[0][0]), abs(boxes[-1][1] - boxes[0][1])
    return len(boxes) > 2 and min(run, rise) > SLANT * max(run, rise)


def _direction(boxes: list[Quad]) -> int:
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
