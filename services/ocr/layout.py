"""Words with their boxes made into lines and segments, in the order a person reads them. Pure geometry.

Coordinates are PDF points from the bottom left of the page as a viewer shows it (``/Rotate`` applied), so a bigger
``y`` is higher on the page.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter, itemgetter
from statistics import median
from typing import NamedTuple

Box = tuple[float, float, float, float]

SAME_LINE = 0.35  # of the smaller height: baselines closer than this share a line
NEW_SEGMENT = 1.0  # of the height: a wider gap starts another segment (a column, a cell)
SAME_WORD = 0.1  # of the height: runs of text closer than this make one word
MANY = 200  # words: beyond so many on a line, or raised on a page, no finer look is worth its time
SPELL_GAP = 0.4  # of the height: figures farther apart are no number written with spaced digits
OVERLAID = 0.15  # of the height: words that overlap by more are drawn over each other
STAMP = 1.4  # times the height: a text that much larger, over another, is a stamp and no part of it
BASELINE = 0.2  # of the height above the bottom of the font's box, for usual Latin fonts


class Word(NamedTuple):
    """Characters that touch. Heights are the font's, not the ink's, so that all words of a line agree."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float


# Helvetica's widths, in thousandths of its size; other fonts differ, their proportions less.
_LETTERS = {
    222: "ijl'", 278: "I.,:;!/ft ", 333: "()-r", 389: "*", 500: "ckvxyzsJ", 584: "+=<>", 611: "FTZ",
    667: "ABEKPSVXY&ÉÈÊÀ", 722: "CDHNRUwÇ", 778: "GOQ", 833: "Mm", 889: "%", 944: "W",
}  # fmt: skip
_WIDTHS = {letter: width for width, letters in _LETTERS.items() for letter in letters}


def _share(text: str, count: int) -> float:
    """How much of a word's width its first ``count`` characters take."""
    widths = [_WIDTHS.get(c, 556) for c in text]
    return sum(widths[:count]) / sum(widths)


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
        """The box of ``text[start:end]``; inside a word, by the usual widths of its characters."""
        x0, x1 = self.x1, self.x0
        for word, at in zip(self.words, self.starts, strict=True):
            stop = at + len(word.text)
            if stop <= start or at >= end:
                continue
            whole = word.x1 - word.x0
            x0 = min(x0, word.x0 + (whole * _share(word.text, start - at) if start > at else 0.0))
            x1 = max(x1, word.x0 + (whole * _share(word.text, end - at) if end < stop else whole))
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
    for word in sorted(_lowered(page.words), key=_baseline, reverse=True):
        tall = word.y1 - word.y0
        here = word.y0 + BASELINE * tall
        if rows and base - here < SAME_LINE * min(tall, height):
            rows[-1].append(word)
            continue
        rows.append([word])
        base, height = here, tall
    return [_line(page.number, row) for row in rows]


def _lowered(words: list[Word]) -> list[Word]:
    """Raised letters joined to the word before them: ``N`` and a small ``o``, ``1`` and ``er``."""
    raised = {id(word): word for word in words if word.text in _RAISED}
    if not raised or len(raised) > MANY:
        return words
    joined: dict[int, Word] = {}
    for small in raised.values():
        tall = small.y1 - small.y0
        for word in words:
            whole = word.y1 - word.y0
            if (
                abs(small.x0 - word.x1) < 0.25 * whole
                and tall < 0.9 * whole
                and 0.1 < (small.y0 - word.y0) / whole < 0.9
            ):
                joined[id(small)] = word
                break
    suffix = {id(word): raised[small] for small, word in joined.items()}
    return [
        _merge((word, suffix[id(word)]))._replace(y0=word.y0, y1=word.y1) if id(word) in suffix else word
        for word in words
        if id(word) not in joined
    ]


_RAISED = frozenset(("o", "os", "°", "er", "e", "ème", "re", "nd"))


def _baseline(word: Word) -> float:
    return word.y0 + BASELINE * (word.y1 - word.y0)


def _line(page: int, row: list[Word]) -> Line:
    row.sort(key=_left)
    segments: list[Segment] = []
    if 1 < len(row) <= MANY and max([w.y1 - w.y0 for w in row]) > STAMP * min([w.y1 - w.y0 for w in row]):
        row, stamps = _without_stamps(row)
        segments = [_segment([stamp]) for stamp in stamps]
    last = row[0]
    current: list[Word] = [last]
    for word in row[1:]:
        gap, tall = word.x0 - last.x1, min(word.y1 - word.y0, last.y1 - last.y0)
        if gap > NEW_SEGMENT * tall:
            segments.append(_segment(current))
            current = [word]
        elif gap > SAME_WORD * tall or (last.text[-1] == ":" and gap > -OVERLAID * tall):
            current.append(word)
        else:
            current[-1] = _overlaid(last, word) if gap < -OVERLAID * tall else _merge((last, word))
        last = current[-1]
    segments.append(_segment(current))
    segments.sort(key=attrgetter("x0"))
    return Line(page, segments, min([s.y0 for s in segments]), max([s.y1 for s in segments]))


def _without_stamps(row: list[Word]) -> tuple[list[Word], list[Word]]:
    """The words of a line, and those much larger ones that are drawn over other words (*DUPLICATA*)."""
    stamps = [
        word
        for word in row
        if any(
            other.x0 < word.x1 and other.x1 > word.x0 and word.y1 - word.y0 > STAMP * (other.y1 - other.y0)
            for other in row
        )
    ]
    return [word for word in row if not any(word is stamp for stamp in stamps)], stamps


def _overlaid(last: Word, word: Word) -> Word:
    """Two words drawn over each other, to look bold or in pieces: what the second adds to the first."""
    shared = next((n for n in range(len(word.text), 0, -1) if last.text.endswith(word.text[:n])), 0)
    if not shared and word.text in last.text and word.x1 <= last.x1 + OVERLAID:
        return last
    text = last.text + word.text[shared:]
    return Word(text, last.x0, min(last.y0, word.y0), max(last.x1, word.x1), max(last.y1, word.y1))


_left = itemgetter(1)


def _segment(words: list[Word]) -> Segment:
    if len(words) == 1:
        [word] = words
        return Segment(words, word.text, [0], word.x0, word.y0, word.x1, word.y1)
    words = _join_spaced_letters(words)
    starts: list[int] = []
    at = 0
    for word in words:
        starts.append(at)
        at += len(word.text) + 1
    text = " ".join([word.text for word in words])
    bottom, top = min([word.y0 for word in words]), max([word.y1 for word in words])
    return Segment(words, text, starts, words[0].x0, bottom, words[-1].x1, top)


def _join_spaced_letters(words: list[Word]) -> list[Word]:
    """``F A C T U R E`` as one word. A wider gap among single letters is the space between two words."""
    if len(words) < 4 or sum(len(word.text) == 1 for word in words) < 4:
        return words
    joined: list[Word] = []
    run: list[Word] = []
    for word in words:
        if len(word.text) == 1 and (word.text.isalnum() or word.text in _SPELLED):
            run.append(word)
            continue
        joined += _spell(run)
        joined.append(word)
        run = []
    return joined + _spell(run)


_SPELLED = frozenset("-/.,°'_+")


def _spell(run: list[Word]) -> list[Word]:
    if len(run) < 4:
        return run
    gaps = [after.x0 - before.x1 for before, after in pairwise(run)]
    usual = median(gaps)
    if usual > SPELL_GAP * (run[0].y1 - run[0].y0) and any(letter.text.isdigit() for letter in run):
        return run  # figures in columns
    limit = 1.6 * max(usual, 0.1)
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
    if text.isascii() or _UNCLEAN.search(text) is None:
        return text
    return _UNCLEAN.sub(lambda match: unicodedata.normalize("NFKC", match.group()), _INVISIBLE.sub("", text))


_INVISIBLE = re.compile("[\u00ad\u200b\ufeff]")
_UNCLEAN = re.compile("[\u00ad\u200b\ufeff\u2126\u212a\u2160\u2161\u00b2\u00b3\u00b9\u2460-\u2473\ufb00-\uffee]")
