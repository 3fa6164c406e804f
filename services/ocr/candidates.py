"""For each keyword the value that it announces: after it, in the next cell, or below it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from invoice.money import TOLERANCE
from services.ocr import values
from services.ocr.layout import Box, Page, Segment
from services.ocr.scan import Hit, Scan
from services.ocr.values import Value
from services.ocr.vocabulary import SIRET, TITLE, Keyword, tokens_of

AMOUNTS = ("total_excl_tax", "tax", "total_incl_tax", "payable", "prepaid")
READERS: dict[str, Callable[[str], Value | None]] = {
    **dict.fromkeys(AMOUNTS, values.read_amount),
    "invoice_number": values.read_number,
    "issue_date": values.read_date,
    "engagement": values.read_reference,
    "contract": values.read_reference,
    "service_code": values.read_service,
    "recipient_siret": values.read_siret,
    "supplier_siret": values.read_siret,
    SIRET: values.read_siret,
}
SIRETS = ("recipient_siret", "supplier_siret", SIRET)

BELOW = 1.8  # of the label's height: how far under its label a value may stand
BESIDE = 230.0  # points: how far to the right of its label an identifier may stand
HALF = 0.75  # of the label's height

_RATE = re.compile(r"(\d{1,2}(?:[.,]\d{1,2})?)\s?%")


@dataclass(slots=True)
class Candidate:
    """A value with its evidence. ``value`` is empty where something stands but cannot be read for certain."""

    field: str
    value: str
    rank: int
    page: Page
    box: Box
    raw: str
    hit: Hit

    @property
    def keyword(self) -> str:
        return self.hit.words


def candidates(scanned: Scan) -> list[Candidate]:
    """The values announced on one page, each by its own hit."""
    found: list[Candidate] = []
    for hit in scanned.hits:
        field = hit.keyword.field
        if field == TITLE:
            found += _titled_number(scanned, hit)
        elif field in READERS and (field in SIRETS or hit.line not in scanned.table_heads):
            candidate = announced(scanned, hit, field, READERS[field])
            if candidate is not None:
                found.append(candidate)
    return found


def announced(scanned: Scan, hit: Hit, field: str, read: Callable[[str], Value | None]) -> Candidate | None:
    """The value of one hit. After the keyword first, then in the cell to the right, then under it."""
    inline = read(hit.tail)
    if inline is not None:
        found = _candidate(scanned, hit, field, hit.segment, hit.end, inline)
        return found if hit.keyword.rank > 1 or _set_apart(hit, inline) else None
    if not values.is_blank(hit.tail):
        return _row(scanned, hit, field) if field in AMOUNTS else None
    beside = _row(scanned, hit, field) if field in AMOUNTS else _beside(scanned, hit, field, read)
    return beside or _below(scanned, hit, field, read)


def _set_apart(hit: Hit, value: Value) -> bool:
    """A common word (*commande*, *date*) announces a value only by a colon or *n°*, or when nothing follows."""
    return any(sign in hit.tail[: value.start] for sign in ":°=") or not hit.tail[value.end :].strip(" .")


def _candidate(scanned: Scan, hit: Hit, field: str, segment: Segment, offset: int, value: Value) -> Candidate:
    start, end = offset + value.start, offset + value.end
    box = segment.box(start, end)
    return Candidate(field, value.text, hit.keyword.rank, scanned.page, box, segment.text[start:end], hit)


def _beside(scanned: Scan, hit: Hit, field: str, read: Callable[[str], Value | None]) -> Candidate | None:
    """The next cell on the line, where it starts with the value and is no label itself."""
    if hit.limit < len(hit.segment.text):
        return None
    for segment in scanned.lines[hit.line].segments[hit.place + 1 :]:
        if segment.x0 - hit.segment.x1 > BESIDE or _labelled(scanned, hit.line, segment):
            return None
        if values.is_blank(segment.text):
            continue
        value = read(segment.text)
        return None if value is None else _candidate(scanned, hit, field, segment, 0, value)
    return None


def _labelled(scanned: Scan, line: int, segment: Segment) -> bool:
    """Whether the segment starts with a keyword: it is a label of something else."""
    return any(hit.start < 3 for hit in scanned.hits_in(line, segment))


def _row(scanned: Scan, hit: Hit, field: str) -> Candidate | None:
    """The one amount between this keyword and the next on its line. Base, rate and tax on one row: the tax."""
    found = [(hit.segment, value) for value in _amounts(hit.segment.text, hit.end, hit.limit)]
    if hit.limit == len(hit.segment.text):
        found += _amounts_right(scanned, hit, hit.line, scanned.lines[hit.line].segments[hit.place + 1 :])
        if not found:
            found = _half_a_line_off(scanned, hit)
    if field == "tax" and len(found) == 2:
        found = _tax_of_base(found, " ".join(s.text for s in scanned.lines[hit.line].segments))
    if len(found) != 1:
        return None
    segment, value = found[0]
    if segment is hit.segment and not _only_filler(segment.text[hit.end : value.start]):
        return None
    return _candidate(scanned, hit, field, segment, 0, value)


def _tax_of_base(found: list[tuple[Segment, Value]], line: str) -> list[tuple[Segment, Value]]:
    """Of a base and a tax on one row, the tax: where the row's own rate makes one of the other."""
    rates = [Decimal(rate.replace(",", ".")) for rate in _RATE.findall(line)]
    (_, base), (_, tax) = found
    difference = [abs(Decimal(base.text) * rate / 100 - Decimal(tax.text)) for rate in rates]
    return found[1:] if len(rates) == 1 and difference[0] <= TOLERANCE else []


def _amounts_right(scanned: Scan, hit: Hit, line: int, segments: Sequence[Segment]) -> list[tuple[Segment, Value]]:
    found = []
    for segment in segments:
        labels = scanned.hits_in(line, segment)
        stop = min((label.start for label in labels), default=len(segment.text))
        found += [(segment, value) for value in _amounts(segment.text, 0, stop)]
        if labels:
            break
    return found


def _half_a_line_off(scanned: Scan, hit: Hit) -> list[tuple[Segment, Value]]:
    """The amount beside a label of two lines stands at half their height."""
    middle = hit.segment.y0 + hit.segment.y1
    for index in (hit.line - 1, hit.line + 1):
        if 0 <= index < len(scanned.lines):
            line = scanned.lines[index]
            right = [s for s in line.segments if s.x0 > hit.segment.x1]
            if right and abs(right[0].y0 + right[0].y1 - middle) < 2 * HALF * hit.segment.height:
                return _amounts_right(scanned, hit, index, right)
    return []


def _amounts(text: str, start: int, stop: int) -> list[Value]:
    return [
        value for match in values.AMOUNT.finditer(text, start, stop) if (value := values.amount_of(match)) is not None
    ]


def _only_filler(text: str) -> bool:
    """Whether the words between a keyword and its amount are few and hold no number but a rate."""
    return (len(text.split()) <= 6 and not any(c.isdigit() for c in text.replace("%", ""))) or "%" in text


def _below(scanned: Scan, hit: Hit, field: str, read: Callable[[str], Value | None]) -> Candidate | None:
    """The value under its label: the first cell that the label's width meets, within two lines."""
    x0, _, x1, _ = hit.segment.box(hit.start, hit.end)
    bottom, tall = hit.segment.y0, hit.segment.height
    for index in range(hit.line + 1, len(scanned.lines)):
        line = scanned.lines[index]
        if bottom - line.y1 > BELOW * tall:
            return None
        if field in AMOUNTS and (paired := _paired(scanned, hit, index)) is not None:
            return _candidate(scanned, hit, field, paired[0], 0, paired[1])
        for segment in line.segments:
            if segment.x1 <= x0 or segment.x0 >= x1:
                continue
            return _under(scanned, hit, field, read, index, segment, (x0, x1))
    return None


def _paired(scanned: Scan, hit: Hit, line: int) -> tuple[Segment, Value] | None:
    """Under a row of labels as many amounts: each belongs to the label of its rank, however the cells are aligned."""
    labels = [other for other in scanned.by_line[hit.line] if other.keyword.field in AMOUNTS]
    rank = next(index for index, other in enumerate(labels) if other is hit)
    left = labels[0].segment.x0
    cells = [s for s in scanned.lines[line].segments if s.x1 > left]
    row = [(s, value) for s in cells for value in _amounts(s.text, 0, len(s.text))]
    if len(labels) < 2 or len(row) != len(labels) or _column_goes_on(scanned, hit, line, (left, cells[-1].x1)):
        return None
    return row[rank]


def _under(
    scanned: Scan,
    hit: Hit,
    field: str,
    read: Callable[[str], Value | None],
    line: int,
    segment: Segment,
    span: tuple[float, float],
) -> Candidate | None:
    if scanned.hits_in(line, segment):
        return None
    if field in AMOUNTS:
        matching = [v for v in _amounts(segment.text, 0, len(segment.text)) if _meets(segment, v, span)]
        if len(matching) != 1 or _column_goes_on(scanned, hit, line, span):
            return None
        return _candidate(scanned, hit, field, segment, 0, matching[0])
    value = read(segment.text)
    if value is None or value.text == "" or not _alone(segment.text, value):
        return None
    return _candidate(scanned, hit, field, segment, 0, value)


def _alone(text: str, value: Value) -> bool:
    return not any(c.isalnum() for c in text[: value.start] + text[value.end :])


def _meets(segment: Segment, value: Value, span: tuple[float, float]) -> bool:
    x0, _, x1, _ = segment.box(value.start, value.end)
    return x0 < span[1] and x1 > span[0]


def _column_goes_on(scanned: Scan, hit: Hit, line: int, span: tuple[float, float]) -> bool:
    """Whether another row of the same table stands under this amount: then it is no total.

    Under a head of several amounts, a row with one amount only (*déjà payé*) is another matter.
    """
    bottom = scanned.lines[line].y0
    heads = sum(other.keyword.field in AMOUNTS for other in scanned.by_line[hit.line])
    for index, following in enumerate(scanned.lines[line + 1 :], line + 1):
        if bottom - following.y1 > BELOW * hit.segment.height:
            return False
        rows = [(s, v) for s in following.segments for v in _amounts(s.text, 0, len(s.text))]
        if any(_meets(segment, value, span) for segment, value in rows):
            return len(rows) > 1 or (heads < 2 and not scanned.by_line.get(index))
    return False


def _titled_number(scanned: Scan, hit: Hit) -> list[Candidate]:
    """``FACTURE`` as a title, with its number beside or below (``N° 12``), or right behind it (``Facture F-12``)."""
    if hit.start > 2:
        return []
    if values.is_blank(hit.tail) and hit.limit == len(hit.segment.text):
        for line, segment in _next_to(scanned, hit):
            number = _numbered(scanned, hit, line, segment)
            if number is not None:
                return [number]
        return []
    value = values.read_number(hit.tail)
    if value is None or not value.text or values.is_year(value.text) or hit.tail.lstrip()[:1].islower():
        return []
    found = _candidate(scanned, hit, "invoice_number", hit.segment, hit.end, value)
    found.rank = 1
    return [found]


def _next_to(scanned: Scan, hit: Hit) -> Iterator[tuple[int, Segment]]:
    for segment in scanned.lines[hit.line].segments[hit.place + 1 : hit.place + 2]:
        yield hit.line, segment
    for index, line in enumerate(scanned.lines[hit.line + 1 :], hit.line + 1):
        if hit.segment.y0 - line.y1 > BELOW * hit.segment.height:
            return
        for segment in line.segments:
            if segment.x0 < hit.segment.x1 and segment.x1 > hit.segment.x0:
                yield index, segment
                return


def _numbered(scanned: Scan, hit: Hit, line: int, segment: Segment) -> Candidate | None:
    """``N° 12``, or ``Numéro`` with 12 beside or below it, next to the title."""
    first = tokens_of(segment.words[0].text)
    others = scanned.hits_in(line, segment)
    if not first or first[0].text != "n°" or any(found.start < 3 for found in others):
        return None
    limit = min((found.start for found in others), default=len(segment.text))
    place = next(i for i, s in enumerate(scanned.lines[line].segments) if s is segment)
    label = Hit(Keyword("invoice_number", 2, "N°"), line, place, segment, 0, first[0].end, limit)
    found = announced(scanned, label, "invoice_number", values.read_number)
    if found is None or not found.value:
        return None
    found.hit = hit
    return found
