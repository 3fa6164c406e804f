"""Keyword hits on a page: where each stands, how far its value may reach, which lines head the table of lines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from services.ocr import values
from services.ocr.layout import Line, Page, Segment
from services.ocr.vocabulary import LINE_TABLE, TITLE, Found, Keyword, Token, find, tokens_of

MAX_CELLS = 60  # of a line whose labels may be wrapped
LONG = 300  # characters: a longer text is no label that comes again
MAX_WRAPPED = 3  # lines of one label
WRAPPED_GAP = 0.5  # of a line's height
TABLE_HEAD = 1.2  # of a line's height: lines of one head are closer than this


@dataclass(slots=True)
class Hit:
    """One keyword on a page. ``start`` to ``end`` of the segment's text; ``limit`` is where its value must end."""

    keyword: Keyword
    line: int
    place: int
    segment: Segment
    start: int
    end: int
    limit: int

    @property
    def tail(self) -> str:
        return self.segment.text[self.end : self.limit]

    @property
    def words(self) -> str:
        return self.segment.text[self.start : self.end]


@dataclass(slots=True)
class Scan:
    """A page with its lines and hits, as the rules walk over it."""

    page: Page
    lines: list[Line]
    hits: list[Hit]
    by_line: dict[int, list[Hit]]
    table_heads: frozenset[int]

    def hits_in(self, line: int, segment: Segment) -> list[Hit]:
        return [hit for hit in self.by_line.get(line, ()) if hit.segment is segment]


def scan_of(scans: Iterable[Scan], page: Page) -> Scan:
    """The scan of this page."""
    return next(scanned for scanned in scans if scanned.page is page)


def scan(page: Page, lines: list[Line]) -> Scan:
    """Every keyword of the page, in reading order."""
    by_line: dict[int, list[Hit]] = {}
    for index, line in enumerate(lines):
        row = [hit for place, segment in enumerate(line.segments) for hit in _hits(index, place, segment)]
        if row:
            by_line[index] = row
    for hit, parts in _wrapped(lines):
        for index in {hit.line - step for step in range(len(parts))}:
            by_line[index] = [other for other in by_line.get(index, ()) if not any(other.segment is p for p in parts)]
        by_line[hit.line] = sorted([*by_line[hit.line], hit], key=_reading_order)
    hits = [hit for index in sorted(by_line) for hit in by_line[index]]
    by_line = {index: row for index, row in by_line.items() if row}
    return Scan(page, lines, hits, by_line, frozenset(_table_heads(lines, by_line)))


def _hits(line: int, place: int, segment: Segment) -> list[Hit]:
    found = _matches(segment.text) if len(segment.text) <= LONG else _matches.__wrapped__(segment.text)
    return [Hit(keyword, line, place, segment, *span) for keyword, *span in found]


@lru_cache(maxsize=8_192)
def _matches(text: str) -> tuple[tuple[Keyword, int, int, int], ...]:
    """Keyword, start, end and limit of each hit in a text. Labels are the same on many pages."""
    tokens: list[Token] = []
    at = 0
    for word in text.split(" "):
        for token in tokens_of(word):
            tokens.append(Token(token.text, at + token.start, at + token.end) if at else token)
        at += len(word) + 1
    found = [match for match in find(tokens) if not _in_brackets(text, match, tokens)]
    found = _in_two_languages(text, found, tokens)
    limits = [*(tokens[match.first].start for match in found[1:]), len(text)][: len(found)]
    return tuple(
        (match.keyword, tokens[match.first].start, tokens[match.last - 1].end, limit)
        for match, limit in zip(found, limits, strict=True)
    )


def _in_two_languages(text: str, found: list[Found], tokens: list[Token]) -> list[Found]:
    """``Facture n° / Invoice no.`` is one label."""
    joined: list[Found] = []
    for match in found:
        last = joined[-1] if joined else None
        if last is not None and last.keyword.field == match.keyword.field:
            between = text[tokens[last.last - 1].end : tokens[match.first].start]
            if between.strip(" .:") in _BETWEEN:
                joined[-1] = Found(max(last.keyword, match.keyword, key=_rank), last.first, match.last)
                continue
        joined.append(match)
    return joined


_BETWEEN = frozenset(("/", "|", "-", "–", "("))
_rank = attrgetter("rank")


def _reading_order(hit: Hit) -> tuple[int, int]:
    return hit.place, hit.start


def _wrapped(lines: list[Line]) -> Iterator[tuple[Hit, list[Segment]]]:
    """Labels that run over two or three lines of their cell (*Numéro* over *de facture*)."""
    for index in range(len(lines) - 1):
        if max(len(lines[index].segments), len(lines[index + 1].segments)) > MAX_CELLS:
            continue
        for segment in lines[index].segments:
            if not _may_go_on(segment, lines[index]):
                continue
            parts, at = [segment], index
            while len(parts) < MAX_WRAPPED and (under := _under(lines, at, parts[-1])) is not None:
                at, place, part = under
                parts.append(part)
                text = " ".join(p.text for p in parts)
                found = _matches(text)
                if len(found) == 1 and found[0][1] < 3 and values.is_blank(text[found[0][2] :]):
                    end = found[0][2] - (len(text) - len(part.text))
                    if end > 0 and _may_go_on(part, lines[at]):
                        yield Hit(found[0][0], at, place, part, 0, end, len(part.text)), parts
                        break


def _may_go_on(segment: Segment, line: Line) -> bool:
    """Whether a text may be the first line of a label: short, no figure in it nor in the next cell, no colon."""
    if len(segment.words) > 3 or segment.text.endswith(":") or any(c.isdigit() for c in segment.text):
        return False
    place = next(i for i, s in enumerate(line.segments) if s is segment)
    return not any(c.isdigit() for s in line.segments[place + 1 : place + 2] for c in s.text)


def _under(lines: list[Line], index: int, segment: Segment) -> tuple[int, int, Segment] | None:
    """The text that touches ``segment`` from below in the same cell, if it may be a part of a label."""
    below = lines[index + 1] if index + 1 < len(lines) else None
    if below is None or segment.y0 - below.y1 > WRAPPED_GAP * segment.height:
        return None
    for place, other in enumerate(below.segments):
        aligned = abs(other.x0 - segment.x0) < 3 or abs(other.x0 + other.x1 - segment.x0 - segment.x1) < 6
        if (aligned or abs(other.x1 - segment.x1) < 3) and len(other.words) <= 4:
            return None if any(c.isdigit() for c in other.text) else (index + 1, place, other)
    return None


def _in_brackets(text: str, match: Found, tokens: list[Token]) -> bool:
    """``Acompte versé (facture AC-12)``: a document named in passing is no title."""
    start = tokens[match.first].start
    return match.keyword.field == TITLE and start > 1 and text[:start].rstrip().endswith("(")


def _table_heads(lines: list[Line], by_line: dict[int, list[Hit]]) -> Iterator[int]:
    """Lines that head the table of the invoice's lines, and those that touch them: a head may take several lines."""
    for index, hits in by_line.items():
        heads = [hit for hit in hits if hit.keyword.field == LINE_TABLE and values.is_blank(hit.tail)]
        if not heads or (len(heads) == 1 and len(lines[index].segments) < 2):
            continue
        yield index
        for step in (-1, 1):
            other = index + step
            while (
                0 <= other < len(lines)
                and _touches(lines[other], lines[other - step])
                and not _has_amount(lines[other])
            ):
                yield other
                other += step


def _touches(line: Line, neighbour: Line) -> bool:
    return abs(line.y0 - neighbour.y0) < TABLE_HEAD * line.segments[0].height


def _has_amount(line: Line) -> bool:
    return any(values.amount_of(match) for s in line.segments for match in values.AMOUNT.finditer(s.text))
