"""Whose SIRET is it? The keyword says so, or the block that it stands in, or nothing does."""

from services.ocr.candidates import Candidate
from services.ocr.layout import Segment
from services.ocr.scan import Hit, Scan
from services.ocr.values import is_blank
from services.ocr.vocabulary import BLOCK_OTHER, BLOCK_RECIPIENT, BLOCK_SUPPLIER, SIRET, fold

ROLES = {BLOCK_RECIPIENT: "recipient_siret", BLOCK_SUPPLIER: "supplier_siret", BLOCK_OTHER: "other"}
BLOCK_GAP = 2.2  # of a line's height: a wider gap ends a block
BLOCK_LINES = 14
LEGAL_MENTIONS = (" rcs", "capital")  # a company's own mentions, at the foot of its paper


def owner(scanned: Scan, candidate: Candidate) -> str | None:
    """``recipient_siret``, ``supplier_siret``, ``other`` (delivery, factor…) or None when the page does not say."""
    if candidate.field != SIRET:
        return candidate.field
    label = block(scanned, candidate.hit)
    if label is not None:
        return ROLES[label]
    around = " ".join(fold(segment.text) for segment in scanned.lines[candidate.hit.line].segments)
    return "supplier_siret" if any(mention in around for mention in LEGAL_MENTIONS) else None


def block(scanned: Scan, hit: Hit) -> str | None:
    """The party label over the block of lines that the hit stands in, or to the left of its first line."""
    segment = hit.segment
    label = _label_in(scanned, hit.line, segment, before=hit.start) or _label_left(scanned, hit.line, segment)
    index = hit.line
    for _ in range(BLOCK_LINES):
        if label is not None:
            return label
        above = _above(scanned, index, segment)
        if above is None:
            return None
        index, segment = above
        label = _label_in(scanned, index, segment) or _label_left(scanned, index, segment)
    return label


def _above(scanned: Scan, index: int, segment: Segment) -> tuple[int, Segment] | None:
    """The segment of the same block on the line over this one."""
    for line in range(index - 1, -1, -1):
        gap = scanned.lines[line].y0 - segment.y1
        if gap > BLOCK_GAP * segment.height:
            return None
        over = [s for s in scanned.lines[line].segments if s.x0 < segment.x1 and s.x1 > segment.x0]
        if over:
            return line, min(over, key=lambda s: abs(s.x0 - segment.x0))
    return None


def _label_in(scanned: Scan, line: int, segment: Segment, before: int | None = None) -> str | None:
    """The party label that the segment starts with, unless a code follows it (*Client C0012*)."""
    for hit in scanned.hits_in(line, segment):
        if hit.start > 2 or (before is not None and hit.start >= before):
            return None
        if hit.keyword.field in ROLES and not any(c.isdigit() for c in hit.tail):
            return hit.keyword.field
    return None


def _label_left(scanned: Scan, line: int, segment: Segment) -> str | None:
    segments = scanned.lines[line].segments
    place = next(i for i, s in enumerate(segments) if s is segment)
    if place == 0:
        return None
    left = segments[place - 1]
    hits = scanned.hits_in(line, left)
    if len(hits) == 1 and hits[0].keyword.field in ROLES and hits[0].start < 3 and is_blank(hits[0].tail):
        return hits[0].keyword.field
    return None


def decide(found: list[tuple[Candidate, str | None]]) -> dict[str, tuple[Candidate, bool]]:
    """The supplier's and the recipient's SIRET, each with whether it is sure.

    A SIRET of which the page does not tell the owner is the supplier's if the recipient's is known and no other
    such SIRET stands on the pages; alone, it stays unsure.
    """
    chosen: dict[str, tuple[Candidate, bool]] = {}
    recipient = _only("recipient_siret", found)
    supplier = _only("supplier_siret", found)
    known = {c.value for c, role in found if role in ("recipient_siret", "other")}
    if recipient is not None:
        chosen["recipient_siret"] = (recipient, True)
    if supplier is not None:
        chosen["supplier_siret"] = (supplier, True)
    elif not any(role == "supplier_siret" for _, role in found):
        nobodys = [c for c, role in found if role is None and c.value not in known]
        if len({c.value for c in nobodys}) == 1:
            chosen["supplier_siret"] = (nobodys[0], recipient is not None)
    if recipient is not None and supplier is not None and recipient.value == supplier.value:
        return {name: (candidate, False) for name, (candidate, _) in chosen.items()}
    return chosen


def _only(role: str, found: list[tuple[Candidate, str | None]]) -> Candidate | None:
    """The candidate of a role when all of that role agree."""
    own = [candidate for candidate, is_role in found if is_role == role]
    return own[0] if own and len({c.value for c in own}) == 1 else None
