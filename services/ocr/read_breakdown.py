"""VAT by rate: rows of rate, base and tax in any order, columns of them, or the one rate of the whole invoice. Pure.

Nothing here trusts a column's head: base × rate must make the tax, and the rows must add up to the invoice's totals.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import permutations, product
from math import prod

from invoice.money import TOLERANCE, canonical
from services.ocr.layout import Box, Page, Segment
from services.ocr.read_candidate import Candidate, evidence
from services.ocr.read_figures import amounts_in
from services.ocr.scan import Hit, Scan, scan_of
from services.ocr.values import Value
from services.ocr.vocabulary import VAT_BASE, VAT_RATE, Keyword

ROUNDING = Decimal("0.05")  # a tax may be the sum of taxes that were rounded line by line
TABLE_GAP = 3.5  # of a line's height: rows of one small table are closer than this
TABLE_ROWS = 8
MAX_CELLS = 12  # amounts, or rates, of one row
MAX_COLUMNS = 12  # of rates, on one page
COLUMN = 60.0  # points between the middles of two cells of one column
MAX_CHOICES = 500  # ways to pick one row per rate that are tried
_PERCENT = re.compile(r"(?<![\d,.])(\d{1,2}(?:[.,]\d{1,2})?)\s?%")
_BARE_RATE = re.compile(r"(?<![\w,.])(20|10|5[.,]5|2[.,]1|8[.,]5)(?:[.,]?0{1,2})?(?![\w,.%]|\s?[€%])")
_KEYWORDS = frozenset((VAT_BASE, VAT_RATE, "tax", "vat_detail"))


@dataclass(frozen=True, slots=True)
class Row:
    """One rate with its base and tax; ``named`` says that the page calls it VAT. Boxes of all three."""

    rate: Decimal
    base: Decimal
    tax: Decimal
    named: bool
    page: Page
    segment: Segment
    value: Value
    boxes: tuple[Box, ...]
    hit: Hit

    @property
    def figures(self) -> tuple[Decimal, Decimal, Decimal]:
        return (self.rate, self.base, self.tax)


def rows(scans: Sequence[Scan]) -> list[Row]:
    """Every row or column of the pages whose base × rate makes its tax; those without any amount left out."""
    found = [row for scanned in scans for row in (*_across(scanned), *_down(scanned), *_in_heads(scanned))]
    return [row for row in found if row.base or row.tax]


def decide(scans: Sequence[Scan], found: Sequence[Row], total: Candidate, taxes: Candidate) -> Candidate | None:
    """The breakdown that adds up to the totals: of rows that the page calls VAT, then of any, then of one rate."""
    excl, tax = Decimal(total.value), Decimal(taxes.value)
    for named in (True, False):
        pool = _adding_up([row for row in found if row.named or not named], excl, tax)
        if pool:
            return _candidate(scans, pool)
    single = _single(scans, excl, tax)
    return None if single is None else replace(single, page=taxes.page, box=taxes.box, raw=taxes.raw)


def sums(found: Sequence[Row]) -> tuple[Row, Decimal, Decimal] | None:
    """What the rows that the page calls VAT add up to, with their first row: base and tax."""
    pool = _distinct([row for row in found if row.named])
    if not pool:
        return None
    return pool[0], sum((row.base for row in pool), Decimal(0)), sum((row.tax for row in pool), Decimal(0))


def _distinct(found: Sequence[Row]) -> list[Row]:
    """Each rate once, descending; nothing where one rate has two different bases."""
    by_rate: dict[Decimal, Row] = {}
    for row in found:
        if by_rate.setdefault(row.rate, row).figures != row.figures:
            return []
    return [by_rate[rate] for rate in sorted(by_rate, reverse=True)]


def _adding_up(found: Sequence[Row], excl: Decimal, tax: Decimal) -> list[Row]:
    """One row per rate, descending, so that bases and taxes make the totals; nothing unless one choice alone does."""
    by_rate: dict[Decimal, dict[tuple[Decimal, Decimal, Decimal], Row | None]] = {}
    for row in found:
        by_rate.setdefault(row.rate, {}).setdefault(row.figures, row)
    choices = [[*by_rate[rate].values(), None] for rate in sorted(by_rate, reverse=True)]
    if not choices or prod(len(choice) for choice in choices) > MAX_CHOICES:
        return []
    fitting = [pool for some in product(*choices) if _adds_up(pool := [row for row in some if row], excl, tax)]
    return fitting[0] if len(fitting) == 1 else []


def _adds_up(pool: Sequence[Row], excl: Decimal, tax: Decimal) -> bool:
    base = sum((row.base for row in pool), Decimal(0))
    taxes = sum((row.tax for row in pool), Decimal(0))
    return bool(pool) and abs(base - excl) <= TOLERANCE and abs(taxes - tax) <= TOLERANCE


def _candidate(scans: Sequence[Scan], pool: Sequence[Row]) -> Candidate:
    first = pool[0]
    scanned = scan_of(scans, first.page)
    text = "; ".join(" ".join(canonical(figure) for figure in row.figures) for row in pool)
    found = evidence(scanned, first.hit, "vat_breakdown", first.segment, first.value)  # boxed: its first row
    x0, y0, x1, y1 = zip(*first.boxes, strict=True)
    return replace(found, value=text, box=(min(x0), min(y0), max(x1), max(y1)), raw=first.segment.text)


def _across(scanned: Scan) -> Iterator[Row]:
    """Rows: a rate and at least two amounts on one line."""
    for index, line in enumerate(scanned.lines):
        cells = [(s, value) for s in line.segments for value in amounts_in(s.text)]
        if not 2 <= len(cells) <= MAX_CELLS:
            continue
        named = _is_vat(scanned, index)
        for segment, match in _rates(line.segments, named=named)[:MAX_CELLS]:
            row = _row(scanned, index, segment, match, cells, named=named)
            if row is not None:
                yield row


def _rates(segments: Sequence[Segment], *, named: bool) -> list[tuple[Segment, re.Match[str]]]:
    found = [(s, match) for s in segments for match in _PERCENT.finditer(s.text)]
    if not found and named:
        found = [(s, match) for s in segments for match in _BARE_RATE.finditer(s.text)]
    return found


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def _row(
    scanned: Scan,
    line: int,
    segment: Segment,
    match: re.Match[str],
    cells: Sequence[tuple[Segment, Value]],
    *,
    named: bool,
) -> Row | None:
    rate = _number(match.group(1))
    amounts = [(s, v, Decimal(v.text)) for s, v in cells if not (s is segment and v.start <= match.start(1) < v.end)]
    fitting = [
        (abs(base[2] * rate / 100 - tax[2]), -abs(base[2]), at, base, tax)
        for at, (base, tax) in enumerate(permutations(amounts, 2))
        if (tax[2] == 0) == (rate == 0 or base[2] == 0)
    ]
    if not fitting or min(fitting)[0] > ROUNDING:
        return None
    *_, (base_cell, base_value, base), (tax_cell, tax_value, tax) = min(fitting)
    boxes = (
        segment.box(*match.span(1)),
        base_cell.box(base_value.start, base_value.end),
        tax_cell.box(tax_value.start, tax_value.end),
    )
    return _made(scanned, line, segment, match, (rate, base, tax), boxes, named=named)


def _made(
    scanned: Scan,
    line: int,
    segment: Segment,
    match: re.Match[str],
    figures: tuple[Decimal, Decimal, Decimal],
    boxes: tuple[Box, ...],
    *,
    named: bool,
) -> Row:
    place = next(i for i, s in enumerate(scanned.lines[line].segments) if s is segment)
    value = Value(match.group(1), *match.span(1))
    label = next(iter(scanned.by_line.get(line, ())), None)
    hit = label or Hit(Keyword("vat_breakdown", 2, "%"), line, place, segment, *match.span(), match.end())
    return Row(*figures, named, scanned.page, segment, value, boxes, hit)


def _is_vat(scanned: Scan, index: int) -> bool:
    """Whether the line, or the head of the small table that it stands in, speaks of VAT and is not the lines' table."""
    if index not in scanned.table_heads and any(h.keyword.field == "tax" for h in scanned.by_line.get(index, ())):
        return True
    lines = scanned.lines
    for above in range(index - 1, max(-1, index - TABLE_ROWS), -1):
        if lines[above].y0 - lines[above + 1].y1 > TABLE_GAP * lines[above].segments[0].height:
            return False
        fields = {hit.keyword.field for hit in scanned.by_line.get(above, ())}
        if above in scanned.table_heads:
            return False
        if VAT_BASE in fields or (VAT_RATE in fields and "tax" in fields) or "vat_detail" in fields:
            return True
    return False


def _down(scanned: Scan) -> Iterator[Row]:
    """Columns: rates side by side, under them their bases and their taxes."""
    for index, line in enumerate(scanned.lines):
        rates = [(s, match) for s in line.segments for match in _PERCENT.finditer(s.text)]
        fields = {hit.keyword.field for hit in scanned.by_line.get(index, ())}
        if not rates or not (fields & _KEYWORDS) or index in scanned.table_heads:
            continue
        below = [_amount_cells(scanned, at, rates) for at in range(index + 1, min(index + 6, len(scanned.lines)))]
        for bases in below:
            for taxes in below:
                columns = list(zip(rates, bases, taxes, strict=False))
                if len(columns) == len(rates) and bases is not taxes and _columns_hold(columns):
                    yield from _columns(scanned, index, columns)
                    return


def _in_heads(scanned: Scan) -> Iterator[Row]:
    """``TVA 20 % sur 1 000,00`` as a label, with the tax in the cells below it."""
    for index, line in enumerate(scanned.lines[:-1]):
        if index in scanned.table_heads or not any(h.keyword.field == "tax" for h in scanned.by_line.get(index, ())):
            continue
        below = [(s, value) for s in scanned.lines[index + 1].segments for value in amounts_in(s.text)][:MAX_CELLS]
        for segment in line.segments:
            for match in _PERCENT.finditer(segment.text):
                bases = [value for value in amounts_in(segment.text) if value.start >= match.end()]
                cells = [(segment, bases[0]), *below] if bases else []
                row = _row(scanned, index, segment, match, cells, named=True)
                if row is not None and canonical(row.base) == bases[0].text:
                    yield row


_Cell = tuple[Segment, Value]


def _amount_cells(scanned: Scan, line: int, rates: Sequence[tuple[Segment, re.Match[str]]]) -> list[_Cell]:
    """The amounts of a line under the rates: as many as there are rates, or one more for their sum."""
    segments = scanned.lines[line].segments
    cells = [(s, value) for s in segments for value in amounts_in(s.text)]
    if len(cells) - len(rates) not in (0, 1) or any(_PERCENT.search(s.text) for s in segments):
        return []
    under = all(abs(s.x0 + s.x1 - r.x0 - r.x1) < 2 * COLUMN for (r, _), (s, _) in zip(rates, cells, strict=False))
    return cells[: len(rates)] if under else []


def _columns_hold(columns: Sequence[tuple[tuple[Segment, re.Match[str]], _Cell, _Cell]]) -> bool:
    return all(
        Decimal(base.text) != 0
        and abs(Decimal(base.text) * _number(match.group(1)) / 100 - Decimal(tax.text)) <= ROUNDING
        for (_, match), (_, base), (_, tax) in columns
    )


def _columns(
    scanned: Scan, line: int, columns: Sequence[tuple[tuple[Segment, re.Match[str]], _Cell, _Cell]]
) -> Iterator[Row]:
    for (segment, match), (base_cell, base), (tax_cell, tax) in columns:
        boxes = (
            segment.box(*match.span(1)),
            base_cell.box(base.start, base.end),
            tax_cell.box(tax.start, tax.end),
        )
        figures = (_number(match.group(1)), Decimal(base.text), Decimal(tax.text))
        yield _made(scanned, line, segment, match, figures, boxes, named=True)


def _single(scans: Sequence[Scan], excl: Decimal, tax: Decimal) -> Candidate | None:
    """The one printed rate that makes the total tax of the total excl. tax."""
    found: dict[Decimal, Candidate] = {}
    for scanned in scans:
        for index, segment, match in _printed_rates(scanned):
            rate = _number(match.group(1))
            if rate == 0 or abs(excl * rate / 100 - tax) > ROUNDING or rate in found:
                continue
            place = next(i for i, s in enumerate(scanned.lines[index].segments) if s is segment)
            hit = Hit(Keyword("vat_breakdown", 2, "%"), index, place, segment, *match.span(), match.end())
            value = Value(" ".join(canonical(figure) for figure in (rate, excl, tax)), *match.span(1))
            found[rate] = evidence(scanned, hit, "vat_breakdown", segment, value)
    return next(iter(found.values())) if len(found) == 1 else None


def _printed_rates(scanned: Scan) -> Iterator[tuple[int, Segment, re.Match[str]]]:
    """Percentages on lines that speak of VAT or stand under a column of rates, and bare figures in such a column."""
    columns: list[tuple[float, float]] = []
    for index, line in enumerate(scanned.lines):
        hits = scanned.by_line.get(index, ())
        heads = [hit for hit in hits if hit.keyword.field in ("tax", VAT_RATE)]
        if heads and index in scanned.table_heads and len(columns) < MAX_COLUMNS:
            columns += [(box[0], box[2]) for hit in heads for box in [hit.segment.box(hit.start, hit.end)]]
        for segment in line.segments:
            in_column = any(segment.x0 < x1 + 6 and segment.x1 > x0 - 6 for x0, x1 in columns)
            if heads or in_column:
                for match in _PERCENT.finditer(segment.text):
                    yield index, segment, match
            if in_column and index not in scanned.table_heads:
                for match in _BARE_RATE.finditer(segment.text):
                    yield index, segment, match
