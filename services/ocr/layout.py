"""Words with their boxes made into lines and segments, in the order a person reads them. Pure geometry.

Coordinates are PDF points from the bottom left of the page as a viewer shows it (``/Rotate`` applied), so a bigger
``y`` is higher on the page.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

Box = tuple[float, float, float, float]

SAME_LINE = 0.35  # of the smaller height: baselines closer than this share a line
NEW_SEGMENT = 1.0  # of the height: a wider gap starts another segment (a column, a cell)
SAME_WORD = 0.1  # of the height: runs of text closer than this make one word
BASELINE = 0.2  # of the height above the bottom of the font's box, for usual Latin fonts


class Word(NamedTuple):
    """Characters that touch. Heights are the font's, not the ink's, so that all words of a line agree."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(slots=True)
class Segment:
    """Words of one line without a wide gap: a sentence, a label, a cell. ``starts`` are offsets into ``text``."""

    words: list[Word]
    text: str
    starts: list[int]
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    def box(self, start: int, end: int) -> Box:
        """The box of ``text[start:end]``; inside a word, in proportion to its characters."""
        x0, x1 = self.x1, self.x0
        for word, at in zip(self.words, self.starts, strict=True):
            stop = at + len(word.text)
            if stop <= start or at >= end:
                continue
            width = (word.x1 - word.x0) / len(word.text)
            x0 = min(x0, word.x0 + max(0, start - at) * width)
            x1 = max(x1, word.x1 - max(0, stop - end) * width)
        return (x0, self.y0, max(x0, x1), self.y1)


@dataclass(slots=True)
class Line:
    """Segments that share a baseline, from left to right. ``page`` counts from 1."""

    page: int
    segments: list[Segment]
    y0: float
    y1: float


@dataclass(slots=True)
class Page:
    """One page: its number from 1, its size in points as shown, its words in the document's own order.

    ``turned`` counts the quarter turns, clockwise, that made the text upright for reading beyond ``/Rotate``.
    """

    number: int
    width: float
    height: float
    words: list[Word]
    turned: int = 0


def turn(box: Box, quarters: int, width: float, height: float) -> Box:
    """``box`` after turning a page of this size clockwise by so many quarters."""
    x0, y0, x1, y1 = box
    match quarters % 4:
        case 1:
            return (y0, width - x1, y1, width - x0)
        case 2:
            return (width - x1, height - y1, width - x0, height - y0)
        case 3:
            return (height - y1, x0, height - y0, x1)
    return box


def as_shown(box: Box, page: Page) -> Box:
    """A box in reading coordinates, in those of the page as a viewer shows it, to a hundredth of a point."""
    width, height = (page.height, page.width) if page.turned % 2 else (page.width, page.height)
    x0, y0, x1, y1 = turn(box, 4 - page.turned, width, height)
    return (round(x0, 2), round(y0, 2), round(x1, 2), round(y1, 2))


def lines_of(page: Page) -> list[Line]:
    """The page's lines from top to bottom, whatever the order in which the document draws them."""
    rows: list[list[Word]] = []
    base = height = 0.0
    for word in sorted(page.words, key=_baseline, reverse=True):
        tall = word.y1 - word.y0
        here = word.y0 + BASELINE * tall
        if rows and base - here < SAME_LINE * min(tall, height):
            rows[-1].append(word)
            continue
        rows.append([word])
        base, height = here, tall
    return [_line(page.number, row) for row in rows]


def _baseline(word: Word) -> float:
    return word.y0 + BASELINE * (word.y1 - word.y0)


def _line(page: int, row: list[Word]) -> Line:
    row.sort(key=lambda word: word.x0)
    segments: list[Segment] = []
    current: list[Word] = [row[0]]
    for word in row[1:]:
        last = current[-1]
        gap, tall = word.x0 - last.x1, min(word.y1 - word.y0, last.y1 - last.y0)
        if gap > NEW_SEGMENT * tall:
            segments.append(_segment(current))
            current = [word]
        elif gap > SAME_WORD * tall:
            current.append(word)
        elif word.text != last.text or word.x0 - last.x0 > SAME_WORD * tall:  # else drawn twice to look bold
            current[-1] = _merge((last, word))
    segments.append(_segment(current))
    return Line(page, segments, min(s.y0 for s in segments), max(s.y1 for s in segments))


def _segment(words: list[Word]) -> Segment:
    words = _join_spaced_letters(words)
    starts: list[int] = []
    at = 0
    for word in words:
        starts.append(at)
        at += len(word.text) + 1
    text = " ".join([word.text for word in words])
    return Segment(
        words,
        text,
        starts,
        words[0].x0,
        min([word.y0 for word in words]),
        max([word.x1 for word in words]),
        max([word.y1 for word in words]),
    )


def _join_spaced_letters(words: list[Word]) -> list[Word]:
    """``F A C T U R E`` as one word. A wider gap among single letters is the space between two words."""
    if len(words) < 4 or sum(len(word.text) == 1 for word in words) < 4:
        return words
    joined: list[Word] = []
    run: list[Word] = []
    for word in words:
        if len(word.text) == 1 and word.text.isalpha():
            run.append(word)
            continue
        joined += _spell(run)
        joined.append(word)
        run = []
    return joined + _spell(run)


def _spell(run: list[Word]) -> list[Word]:
    if len(run) < 4:
        return run
    gaps = [after.x0 - before.x1 for before, after in pairwise(run)]
    limit = 1.6 * max(median(gaps), 0.1)
    words, letters = [], [run[0]]
    for gap, letter in zip(gaps, run[1:], strict=True):
        if gap > limit:
            words.append(_merge(letters))
            letters = []
        letters.append(letter)
    words.append(_merge(letters))
    return words


def _merge(letters: Sequence[Word]) -> Word:
    text = "".join(letter.text for letter in letters)
    bottom, top = min(letter.y0 for letter in letters), max(letter.y1 for letter in letters)
    return Word(text, letters[0].x0, bottom, letters[-1].x1, top)


def clean(text: str) -> str:
    """Ligatures and full-width forms as plain characters, soft hyphens gone; accents and ``n°`` stay as they are."""
    if text.isascii():
        return text
    text = text.replace("\u00ad", "").replace("\u200b", "").replace("\ufeff", "")
    return "".join(
        unicodedata.normalize("NFKC", c) if c in _COMPATIBLE or "\ufb00" <= c <= "\uffee" else c for c in text
    )


_COMPATIBLE = frozenset("\u2126\u212a\u2160\u2161\u00b2\u00b3\u00b9") | {chr(c) for c in range(0x2460, 0x2474)}
