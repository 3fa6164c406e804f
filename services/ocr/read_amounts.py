"""Which amount a label announces: the only one on its row up to the next label, or the one in its column below."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from invoice.money import TOLERANCE
from services.ocr import values
from services.ocr.layout import Box, Segment
from services.ocr.read_candidate import BEFORE_IT, BELOW_IT, BESIDE_IT, INLINE, Candidate, evidence
from services.ocr.read_columns import BELOW, PAIRED, above, below
from services.ocr.read_figures import amounts_in
from services.ocr.scan import Hit, Scan, scan_of
from services.ocr.values import Value
from services.ocr.vocabulary import VAT_BASE, VAT_RATE, Keyword, fold

_TOTALS = frozenset(("total_excl_tax", "tax", "total_incl_tax", VAT_BASE))
_RATES = frozenset((VAT_BASE, VAT_RATE, "vat_detail"))
NEAR_ROWS, ASIDE = 8, 10.0  # lines, and points: how far the amounts of one sum stand apart
FEW_WORDS = 2  # before an amount that stands before its label: more make a sentence about something else
HALF = 0.75  # of the label's height
# Words that make something else of a label (*TVA sur situations précédentes*), other than those about its rate.
_MORE_WORDS = re.compile(
    r"\b(?!(?:au|aux|taux|de|du|des|la|le|les|en|euros?|eur|sur|et|ou|normal|reduit|intermediaire|facture|avoir|net|dont)\b)"
    r"[a-z]{2,}"
)
# What a label may say besides: the paper or the day of an earlier payment.
_ASIDE = re.compile(
    r"\([^()]*\)"
    r"|(?:\b(?:du|le|au|en date du)\s)?(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d\d-\d\d|20\d{6}\b)"
    r"|\b(?:du|le)\s\d{1,2}(?:er)?\s[a-z]+\.?\s\d{4}"
    r"|\b(?:facture\s|avoir\s|cheque\s|virement\s)?(?:n\s?°|no\.?)\s?\S*\d\S*|\b(?:facture|avoir|ref\.?)\s\S*\d\S*"
)
_IN_SENTENCE = re.compile(r"\s*(?:[,;]|et\b)")
_FILLER = re.compile(r"[\s€:]|\bde\b|\bla\b|\bd'|\ben\b|\beuros?\b|\beur\b")
_RATE = re.compile(r"(\d{1,2}(?:[.,]\d{1,2})?)\s?%")


def announced_amount(scanned: Scan, hit: Hit, field: str) -> Candidate | None:
    """The amount of one hit: right behind it, elsewhere on its row, below it, or before it."""
    if _IN_SENTENCE.match(hit.tail) and (found := _before(scanned, hit, field)) is not None:
        return found
    inline = values.read_amount(hit.tail)
    if inline is not None:
        return evidence(scanned, hit, field, hit.segment, inline, offset=hit.end)
    if not values.is_blank(_ASIDE.sub("", fold(hit.tail))):
        return _row(scanned, hit, field)
    return (
        _row(scanned, hit, field)
        or below(scanned, hit, field)
        or _before(scanned, hit, field)
        or above(scanned, hit, field)
    )


def _row(scanned: Scan, hit: Hit, field: str) -> Candidate | None:
    """The one amount between this keyword and the next on its line. Base, rate and tax on one row: the tax."""
    found = [(hit.segment, value) for value in amounts_in(hit.segment.text, hit.end, hit.limit)]
    if hit.limit == len(hit.segment.text):
        found += _right_of(scanned, hit.line, scanned.lines[hit.line].segments[hit.place + 1 :])
        if not found:
            found = _half_a_line_off(scanned, hit)
    if field == "tax" and len(found) == 2:
        found = _tax_of_base(found, " ".join(s.text for s in scanned.lines[hit.line].segments[hit.place :]))
    if len(found) != 1:
        return None
    segment, value = found[0]
    if segment is hit.segment and not _only_filler(segment.text[hit.end : value.start]):
        return None
    candidate = evidence(scanned, hit, field, segment, value, how=INLINE if segment is hit.segment else BESIDE_IT)
    between = hit.tail if segment is not hit.segment else hit.segment.text[hit.end : value.start]
    if _MORE_WORDS.search(_ASIDE.sub(" ", fold(between))) or len(hit.segment.text[: hit.start].split()) > FEW_WORDS:
        candidate.rank = max(0, candidate.rank - 1)
    return candidate


def _tax_of_base(found: list[tuple[Segment, Value]], line: str) -> list[tuple[Segment, Value]]:
    """Of a base and a tax on one row, the tax: where the row's own rate makes one of the other."""
    rates = {Decimal(rate.replace(",", ".")) for rate in _RATE.findall(line)}
    (_, base), (_, tax) = found
    difference = [abs(Decimal(base.text) * rate / 100 - Decimal(tax.text)) for rate in rates]
    return found[1:] if len(rates) == 1 and difference[0] <= TOLERANCE else []


def _right_of(scanned: Scan, line: int, segments: Sequence[Segment]) -> list[tuple[Segment, Value]]:
    found = []
    for segment in segments:
        labels = scanned.hits_in(line, segment)
        stop = min((label.start for label in labels), default=len(segment.text))
        found += [(segment, value) for value in amounts_in(segment.text, 0, stop)]
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
                return _right_of(scanned, index, right)
    return []


def _only_filler(text: str) -> bool:
    """Whether the words between a keyword and its amount are few and hold no number but a rate."""
    text = _ASIDE.sub(" ", fold(text))
    return (len(text.split()) <= 6 and not any(c.isdigit() for c in text.replace("%", ""))) or "%" in text


def amounts_after(scanned: Scan, candidate: Candidate) -> Iterator[str]:
    """The amounts that go on after this one: to its right, or in its column on the lines close below it; anywhere on
    these where the totals stand in rows.

    Those that the word of a total announces are left out.
    """
    x0, y0, x1, y1 = candidate.box
    bottom = y0
    for index, line in enumerate(scanned.lines):
        if line.y0 > y1 or bottom - line.y1 > BELOW * (y1 - y0):
            continue
        if line.y1 < y1 and any(hit.keyword.field in _RATES for hit in scanned.by_line.get(index, ())):
            return  # the table of rates
        for segment in line.segments:
            beside = segment.x0 > x1 and line.y1 > y0
            aside = candidate.how != BELOW_IT and (segment.x1 < x0 or segment.x0 > x1)
            if not beside and (line.y1 > y0 + 1 or aside):
                continue
            found = amounts_in(segment.text)
            if not beside and (found or candidate.how == BELOW_IT):
                bottom = line.y0
            known = any(hit.keyword.field in _TOTALS and hit.start < 6 for hit in scanned.by_line.get(index, ()))
            if found and not known:
                yield from (value.text for value in found)


def printed_near(scans: Sequence[Scan], field: str, wanted: Decimal, known: Sequence[Candidate]) -> Candidate | None:
    """The amount ``wanted`` where the page prints it close to all those of ``known``, in their column or their row."""
    scanned = scan_of(scans, known[0].page)
    for index, line in enumerate(scanned.lines):
        for place, segment in enumerate(line.segments):
            for value in amounts_in(segment.text):
                box = segment.box(value.start, value.end)
                if Decimal(value.text) == wanted and all(_close(scanned, box, other) for other in known):
                    label = line.segments[place - 1] if place and value.start == 0 else segment
                    if any(h.keyword.field in PAIRED for h in scanned.hits_in(index, label)):
                        continue
                    hit = Hit(Keyword(field, 1, ""), index, place, label, 0, len(label.text), len(label.text))
                    return evidence(scanned, hit, field, segment, value, how=BEFORE_IT)
    return None


def printed_on(scanned: Scan, field: str, wanted: Decimal) -> Candidate | None:
    """Where the page prints this amount in a cell of its own: a weak candidate, for a sum to confirm."""
    for index, line in enumerate(scanned.lines):
        for place, segment in enumerate(line.segments):
            for value in amounts_in(segment.text):
                if Decimal(value.text) == wanted and not scanned.hits_in(index, segment):
                    label = line.segments[place - 1] if place else segment
                    hit = Hit(Keyword(field, 0, ""), index, place, label, 0, len(label.text), len(label.text))
                    return evidence(scanned, hit, field, segment, value, how=BEFORE_IT)
    return None


def _close(scanned: Scan, box: Box, other: Candidate) -> bool:
    in_column = box[0] < other.box[2] + ASIDE and box[2] > other.box[0] - ASIDE
    row, height = abs(box[1] - other.box[1]), box[3] - box[1]
    return other.page is scanned.page and (row < 0.5 * height or (in_column and row < NEAR_ROWS * height))


def _before(scanned: Scan, hit: Hit, field: str) -> Candidate | None:
    """``1 234,56 € TTC``, or an amount in the cell left of its label: where nothing follows the label at all."""
    lead = hit.segment.text[: hit.start]
    earlier = [other.end for other in scanned.hits_in(hit.line, hit.segment) if other.end <= hit.start]
    if hit.start:
        found = amounts_in(lead, earlier[-1] if earlier else 0)
        if not found or _FILLER.sub("", fold(lead[found[-1].end :])):
            return None
        if len(lead[earlier[-1] if earlier else 0 : found[-1].start].split()) > FEW_WORDS:
            return None
        segment, value = hit.segment, found[-1]
    else:
        if hit.place == 0:
            return None
        segment = scanned.lines[hit.line].segments[hit.place - 1]
        found = amounts_in(segment.text)
        if len(found) != 1 or scanned.hits_in(hit.line, segment) or _labelled_left(scanned, hit):
            return None
        value = found[0]
        if any(c.isalnum() for c in segment.text[: value.start] + segment.text[value.end :]):
            return None
    candidate = evidence(scanned, hit, field, segment, value, how=BEFORE_IT)
    candidate.rank = min(candidate.rank, 0 if earlier else 1)
    return candidate


def _labelled_left(scanned: Scan, hit: Hit) -> bool:
    """Whether a label stands left of the cell before this one: then the cell is that label's."""
    return any(other.place < hit.place - 1 for other in scanned.by_line[hit.line])
