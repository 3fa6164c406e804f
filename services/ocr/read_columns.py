"""Amounts in the column of their label: under it, on the row of totals of a small table, or over it. Pure."""

import re
from dataclasses import replace

from services.ocr import values
from services.ocr.layout import Segment
from services.ocr.read_candidate import BEFORE_IT, BELOW_IT, Candidate, evidence
from services.ocr.read_figures import amounts_in
from services.ocr.scan import Hit, Scan
from services.ocr.values import Value
from services.ocr.vocabulary import AMOUNTS, DEDUCTION, VAT_BASE, fold

PAIRED = frozenset((*AMOUNTS, DEDUCTION, VAT_BASE))
BELOW = 2.2  # of the label's height: how far under its label a value may stand
COLUMN = 75.0  # points between the middles of a label and of its amount in one column
MAX_ROWS = 14  # of a small table
_TOTAL = re.compile(r"tota(?:l|ux)\b|ensemble\b|cumul\b|somme\b|montants? totaux")


def below(scanned: Scan, hit: Hit, field: str) -> Candidate | None:
    """The amount under its label: in the first cell that the label's width meets, within two lines."""
    x0, _, x1, _ = hit.segment.box(hit.start, hit.end)
    bottom, tall = hit.segment.y0, hit.segment.height
    for index in range(hit.line + 1, len(scanned.lines)):
        line = scanned.lines[index]
        if bottom - line.y1 > BELOW * tall:
            return None
        if (paired := _paired(scanned, hit, index)) is not None:
            return evidence(scanned, hit, field, *paired, how=BELOW_IT)
        under = next((segment for segment in line.segments if segment.x1 > x0 and segment.x0 < x1), None)
        if under is not None and not values.is_blank(under.text):
            return _under(scanned, hit, field, index, under, (x0, x1))
        if under is not None:
            bottom = line.y0  # the unit of the column
    return None


def _paired(scanned: Scan, hit: Hit, line: int) -> tuple[Segment, Value] | None:
    """Under a row of labels as many amounts: each belongs to the label of its rank, however the cells are aligned."""
    labels = [other for other in scanned.by_line[hit.line] if other is hit or other.keyword.field in PAIRED]
    rank = next(index for index, other in enumerate(labels) if other is hit)
    left = labels[0].segment.x0
    cells = [s for s in scanned.lines[line].segments if s.x1 > left]
    row = [(s, value) for s in cells for value in amounts_in(s.text)]
    if len(labels) < 2 or len(row) != len(labels) or _column_goes_on(scanned, hit, line, (left, cells[-1].x1)):
        return None
    middles = [sum(label.segment.box(label.start, label.end)[::2]) / 2 for label in labels]
    if any(abs(sum(s.box(v.start, v.end)[::2]) / 2 - at) > COLUMN for at, (s, v) in zip(middles, row, strict=True)):
        return None
    return row[rank]


def _under(
    scanned: Scan, hit: Hit, field: str, line: int, segment: Segment, span: tuple[float, float]
) -> Candidate | None:
    if scanned.hits_in(line, segment):
        return None
    matching = [value for value in amounts_in(segment.text) if _meets(segment, value, span)]
    if len(matching) != 1:
        return None
    if _column_goes_on(scanned, hit, line, span):
        return _total_row(scanned, hit, field, line, span)
    return evidence(scanned, hit, field, segment, matching[0], how=BELOW_IT)


def _meets(segment: Segment, value: Value, span: tuple[float, float]) -> bool:
    x0, _, x1, _ = segment.box(value.start, value.end)
    return x0 < span[1] and x1 > span[0]


def _column_goes_on(scanned: Scan, hit: Hit, line: int, span: tuple[float, float]) -> bool:
    """Whether another row of the same table stands under this amount: then it is no total.

    Under a head of several amounts, a row with one amount only (*déjà payé*) is another matter.
    """
    bottom = scanned.lines[line].y0
    heads = sum(other.keyword.field in PAIRED for other in scanned.by_line[hit.line])
    for index, following in enumerate(scanned.lines[line + 1 :], line + 1):
        if bottom - following.y1 > BELOW * hit.segment.height:
            return False
        if any(_heads(other, span) for other in scanned.by_line.get(index, ())):
            return False  # the label of another amount
        rows = [(s, v) for s in following.segments for v in amounts_in(s.text)]
        if any(_meets(segment, value, span) for segment, value in rows):
            return len(rows) > 1 or (heads < 2 and not scanned.by_line.get(index))
    return False


def _heads(hit: Hit, span: tuple[float, float]) -> bool:
    """Whether a label of an amount stands in a column, with nothing behind it."""
    in_column = hit.segment.x0 < span[1] and hit.segment.x1 > span[0]
    return in_column and hit.keyword.field in PAIRED and values.is_blank(hit.tail)


def _total_row(scanned: Scan, hit: Hit, field: str, line: int, span: tuple[float, float]) -> Candidate | None:
    """In a column of several amounts, the one on the row that begins with *Total*: the sum must confirm it."""
    bottom = scanned.lines[line].y0
    for row in scanned.lines[line + 1 : line + MAX_ROWS]:
        if bottom - row.y1 > BELOW * hit.segment.height:
            return None
        bottom = row.y0
        if _TOTAL.match(fold(row.segments[0].text)):
            found = [(s, v) for s in row.segments for v in amounts_in(s.text) if _meets(s, v, span)]
            if len(found) == 1:
                candidate = evidence(scanned, hit, field, *found[0], how=BELOW_IT)
                return replace(candidate, rank=min(candidate.rank, 1))
    return None


def above(scanned: Scan, hit: Hit, field: str) -> Candidate | None:
    """A row of amounts over a row of their labels."""
    line = hit.line - 1
    if line < 0 or scanned.by_line.get(line) or scanned.lines[line].y0 - hit.segment.y1 > BELOW * hit.segment.height:
        return None
    paired = _paired(scanned, hit, line)
    if paired is None:
        return None
    candidate = evidence(scanned, hit, field, *paired, how=BEFORE_IT)
    return replace(candidate, rank=min(candidate.rank, 1))
