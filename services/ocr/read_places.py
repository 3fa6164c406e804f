"""Where a label's value stands: after it, in the next cell, below it, or before it where nothing else claims it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from services.ocr import values
from services.ocr.layout import Segment
from services.ocr.read_candidate import BEFORE_IT, BELOW_IT, BESIDE_IT, Candidate, evidence
from services.ocr.scan import Hit, Scan
from services.ocr.values import Value

Reader = Callable[[str], Value | None]
BELOW = 2.3  # of the label's height: how far under its label a value may stand
BELOW_ROW = 4.0  # as much under a row of labels
LEFT_OF = 60.0  # points: how far to the left of its label a value may stand
SAME_EDGE = 3.0  # points between the left edges of a label and of its value in one column
NEAR, BESIDE = 150.0, 320.0  # points: how far right of its label a value may stand; beyond the first only alone
_OTHER_LANGUAGE = re.compile(r"\s*/\s*(?:[^\W\d]+[.°']?\s*){1,4}?(?=\s*:|\s\S*\d|\s*$)")


def announced(scanned: Scan, hit: Hit, field: str, read: Reader) -> Candidate | None:
    """The value of one hit. After the keyword first, then in the cell to the right, then under it."""
    other = _OTHER_LANGUAGE.match(hit.tail)  # « N° facture / Rechnung Nr »
    skipped = other.end() if other else 0
    tail = hit.tail[skipped:]
    inline = read(tail)
    if inline is not None and field == "service_code" and _may_be_label(hit, inline):
        under = _below(scanned, hit, field, read)
        if (under is not None and under.value) or _heads_values(scanned, hit.line):
            return under
    if inline is not None:
        found = evidence(scanned, hit, field, hit.segment, inline, offset=hit.end + skipped)
        return found if hit.keyword.rank > 1 or _set_apart(hit, inline) else None
    if not values.is_blank(tail):
        return _below(scanned, hit, field, read) if _heads_run_together(scanned, hit) else None
    places = (_below, _beside, _before) if _heads_values(scanned, hit.line) else (_beside, _below, _before)
    unread: Candidate | None = None
    for place in places:
        candidate = place(scanned, hit, field, read)
        if candidate is not None and candidate.value:
            return candidate
        unread = unread or candidate
    return unread


def _heads_run_together(scanned: Scan, hit: Hit) -> bool:
    """Whether two heads of columns stand so close that they look like one: more values than heads."""
    if hit.line + 1 >= len(scanned.lines) or any(c.isdigit() or c == ":" for c in hit.segment.text):
        return False
    heads, cells = scanned.lines[hit.line].segments, scanned.lines[hit.line + 1].segments
    return len(cells) > len(heads) > 1 and _heads_values(scanned, hit.line)


def _heads_values(scanned: Scan, line: int) -> bool:
    """Whether the line is a row of labels over a row of values: then a cell beside a label is no value."""
    if line + 1 >= len(scanned.lines):
        return False
    hits = scanned.by_line.get(line, ())
    labels = [hit.segment for hit in hits if hit.start < 3 and hit.limit == len(hit.segment.text) and not hit.tail]
    values_below = [
        segment
        for segment in scanned.lines[line + 1].segments
        if any(c.isdigit() for c in segment.text) and not scanned.hits_in(line + 1, segment)
    ]
    pairs = sum(any(v.x0 < label.x1 and v.x1 > label.x0 for v in values_below) for label in labels)
    return pairs > 1


def _may_be_label(hit: Hit, value: Value) -> bool:
    """``CODE SERVICE CHORUS PRO``: a word in capitals behind a label in capitals, without a colon, may belong to it."""
    return hit.words.isupper() and value.text.isalpha() and not any(sign in hit.tail[: value.start] for sign in ":°=")


def _set_apart(hit: Hit, value: Value) -> bool:
    """A common word (*commande*, *date*) announces a value only by a colon or *n°*, or when nothing follows."""
    return any(sign in hit.tail[: value.start] for sign in ":°=") or not hit.tail[value.end :].strip(" .")


def _beside(scanned: Scan, hit: Hit, field: str, read: Reader) -> Candidate | None:
    """The next cell on the line, where it starts with the value and is no label itself."""
    if hit.limit < len(hit.segment.text):
        return None
    for segment in scanned.lines[hit.line].segments[hit.place + 1 :]:
        if segment.x0 - hit.segment.x1 > BESIDE or _labelled(scanned, hit.line, segment):
            return None
        if values.is_blank(segment.text):
            continue
        value = read(segment.text)
        if value is None or (value.text == "" and value.start > 0):
            return None
        if segment.x0 - hit.segment.x1 > NEAR and not alone(segment.text, value):
            return None
        return evidence(scanned, hit, field, segment, value, how=BESIDE_IT)
    return None


def _labelled(scanned: Scan, line: int, segment: Segment) -> bool:
    """Whether the segment starts with a keyword: it is a label of something else."""
    return any(hit.start < 3 for hit in scanned.hits_in(line, segment))


def _below(scanned: Scan, hit: Hit, field: str, read: Reader) -> Candidate | None:
    """The value under its label: the first cell that the label's width meets, within two lines."""
    x0, _, x1, _ = hit.segment.box(hit.start, hit.end)
    bottom, tall = hit.segment.y0, hit.segment.height
    reach = BELOW_ROW if _heads_values(scanned, hit.line) else BELOW
    for index in range(hit.line + 1, len(scanned.lines)):
        line = scanned.lines[index]
        if bottom - line.y1 > reach * tall:
            return None
        for segment in line.segments:
            if segment.x1 > x0 and segment.x0 < x1:
                return _under(scanned, hit, field, read, index, segment)
        if not any(c.isdigit() for segment in line.segments for c in segment.text):
            bottom = line.y0  # other labels of the row run over two lines
    return None


def _under(scanned: Scan, hit: Hit, field: str, read: Reader, line: int, segment: Segment) -> Candidate | None:
    if scanned.hits_in(line, segment):
        return None
    left = hit.segment.box(hit.start, hit.end)[0]
    starts = [at for word, at in zip(segment.words, segment.starts, strict=True) if abs(word.x0 - left) < SAME_EDGE]
    for at in dict.fromkeys((0, *starts)):  # the cell before may run up to this one
        value = read(segment.text[at:])
        if value is not None and value.text and alone(segment.text[at:], value):
            return evidence(scanned, hit, field, segment, value, offset=at, how=BELOW_IT)
    return None


def alone(text: str, value: Value) -> bool:
    return not any(c.isalnum() for c in text[: value.start] + text[value.end :])


def _before(scanned: Scan, hit: Hit, field: str, read: Reader) -> Candidate | None:
    """The value in the cell left of its label, or right over it: where no other label claims that cell."""
    if hit.start > 2 or hit.limit < len(hit.segment.text):
        return None
    for line, place in _places_before(scanned, hit):
        segment = scanned.lines[line].segments[place]
        value = read(segment.text)
        claimed = scanned.hits_in(line, segment) or _claimed(scanned, line, place)
        if value is not None and value.text and alone(segment.text, value) and not claimed:
            found = evidence(scanned, hit, field, segment, value, how=BEFORE_IT)
            return replace(found, rank=min(found.rank, 1))
    return None


def _places_before(scanned: Scan, hit: Hit) -> Iterator[tuple[int, int]]:
    segments = scanned.lines[hit.line].segments
    if hit.place and hit.segment.x0 - segments[hit.place - 1].x1 < LEFT_OF:
        yield hit.line, hit.place - 1
    if hit.line and scanned.lines[hit.line - 1].y0 - hit.segment.y1 < BELOW * hit.segment.height / 2:
        for place, segment in enumerate(scanned.lines[hit.line - 1].segments):
            if segment.x0 < hit.segment.x1 and segment.x1 > hit.segment.x0:
                yield hit.line - 1, place


def _claimed(scanned: Scan, line: int, place: int) -> bool:
    """Whether a label stands left of this cell or over it: then the cell is that label's."""
    segment = scanned.lines[line].segments[place]
    if any(hit.place == place - 1 for hit in scanned.by_line.get(line, ())):
        return True
    for above in range(line - 1, max(-1, line - 3), -1):
        if scanned.lines[above].y0 - segment.y1 > 2 * BELOW * segment.height:
            return False
        over = [s for s in scanned.lines[above].segments if s.x0 < segment.x1 and s.x1 > segment.x0]
        if over:
            return any(scanned.hits_in(above, s) for s in over) or any(s.text.rstrip().endswith(":") for s in over)
    return False
