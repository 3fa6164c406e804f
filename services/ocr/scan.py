"""Keyword hits on a page: where each stands, how far its value may reach, which lines head the table of lines."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.ocr import values
from services.ocr.layout import Line, Page, Segment
from services.ocr.vocabulary import LINE_TABLE, Keyword, Token, find, tokens_of

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


def scan(page: Page, lines: list[Line]) -> Scan:
    """Every keyword of the page, in reading order."""
    hits: list[Hit] = []
    by_line: dict[int, list[Hit]] = {}
    for index, line in enumerate(lines):
        for place, segment in enumerate(line.segments):
            for hit in _hits(index, place, segment):
                hits.append(hit)
                by_line.setdefault(index, []).append(hit)
    return Scan(page, lines, hits, by_line, frozenset(_table_heads(lines, by_line)))


def _hits(line: int, place: int, segment: Segment) -> list[Hit]:
    tokens = [
        Token(token.text, at + token.start, at + token.end)
        for word, at in zip(segment.words, segment.starts, strict=True)
        for token in tokens_of(word.text)
    ]
    found = find(tokens)
    hits = []
    for index, match in enumerate(found):
        after = found[index + 1].first if index + 1 < len(found) else None
        limit = len(segment.text) if after is None else tokens[after].start
        hits.append(
            Hit(match.keyword, line, place, segment, tokens[match.first].start, tokens[match.last - 1].end, limit)
        )
    return hits


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
