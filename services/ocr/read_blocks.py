"""Where on a page a thing stands: under which party's label, in a company's own mentions, in its letterhead. Pure."""

import re

from services.ocr.layout import Segment
from services.ocr.scan import Hit, Scan
from services.ocr.values import is_blank
from services.ocr.vocabulary import (
    AMOUNTS,
    BLOCK_OTHER,
    BLOCK_RECIPIENT,
    BLOCK_SUPPLIER,
    IBAN,
    LINE_TABLE,
    PAYMENT_MODE,
    REGIMES,
    fold,
)

PARTIES = frozenset((BLOCK_RECIPIENT, BLOCK_SUPPLIER, BLOCK_OTHER))
# What stands in no address: a line that announces it ends the block below it.
_NO_BLOCK = frozenset((*AMOUNTS, *REGIMES, LINE_TABLE, PAYMENT_MODE, IBAN))
BLOCK_GAP = 2.2  # of a line's height: a wider gap ends a block
BLOCK_LINES = 14
ALIGNED = 8.0  # points: lines of an address begin at the same place
NEAR_LINES = 2  # a company's mentions at the foot of its paper run over so many lines
LEGAL_MENTIONS = re.compile(r"\brcs\b|\bcapital\b|\bape\b|\bnaf\b|r\.c\.s|\brm\b|code ape|repertoire des metiers")
_CAPITAL = re.compile(r"\bcapital\b[^0-9]{0,30}\d")
_SALUTATION = re.compile(r"(?:a )?(?:monsieur|madame|mme|m\.|mr|a l'attention)\b")
PUBLIC_BODY = re.compile(
    r"^(?:la |le |l')?(?:mairie|commune|ville de|departement|conseil (?:departemental|regional|general)|communaute"
    r"|metropole|eurometropole|agglomeration|region|collectivite|universite|chu\b|centre hospitalier|hopital|ehpad"
    r"|lycee|college|rectorat|syndicat|sdis|ccas|prefecture|ministere|office public|caisse des ecoles"
    r"|etablissement public|service departemental|hotel du departement|sivom|sivu|smictom|sictom|epci|oph\b|opac\b"
    r"|crous|academie|ecole|groupement hospitalier|chru\b|ght\b|maison (?:departementale|de retraite)"
    r"|office de tourisme|service d'incendie|parc naturel|pole metropolitain"
    r"|direction (?:departementale|regionale|interdepartementale)"
    r"|tribunal|agence (?:de l'eau|regionale)|chambre (?:de commerce|d'agriculture|de metiers))"
)


def block(scanned: Scan, hit: Hit) -> str | None:
    """The party label over the block of lines that the hit stands in, or to the left of its first line."""
    return block_of(scanned, hit.line, hit.segment, before=hit.start)


def block_of(scanned: Scan, index: int, segment: Segment, before: int | None = None) -> str | None:
    """As :func:`block`, for a segment of line ``index``; labels from offset ``before`` on do not count."""
    label = _label_in(scanned, index, segment, before=before)
    for _ in range(BLOCK_LINES):
        if label is not None:
            return label
        above = _above(scanned, index, segment)
        if above is None:
            break
        index, segment = above
        if any(hit.keyword.field in _NO_BLOCK for hit in scanned.hits_in(index, segment)):
            return None
        label = _label_in(scanned, index, segment)
    return label or _label_left(scanned, index, segment)


def lines_above(scanned: Scan, index: int, segment: Segment) -> list[str]:
    """The folded texts of the block from its first line down to this segment, as far as they share its left edge."""
    texts, left = [fold(segment.text)], segment.x0
    for _ in range(BLOCK_LINES):
        above = _above(scanned, index, segment)
        if above is None:
            break
        index, segment = above
        if abs(segment.x0 - left) > ALIGNED:
            break
        texts.append(fold(segment.text))
    texts.reverse()
    return texts[1:] if len(texts) > 1 and _SALUTATION.match(texts[0]) else texts


def own_mentions(segment: Segment) -> bool:
    """Whether the text itself is a company's own mention: its capital beside its numbers."""
    return "capital" in fold(segment.text) and _CAPITAL.search(fold(segment.text)) is not None


def legal_mentions(scanned: Scan, index: int) -> bool:
    """Whether this line, or one that touches it, is a company's own mention (*RCS*, *capital*, *APE*)."""
    lines = scanned.lines
    for step in (0, *range(-1, -NEAR_LINES - 1, -1), *range(1, NEAR_LINES + 1)):
        other = index + step
        if not 0 <= other < len(lines):
            continue
        apart = abs(lines[other].y0 - lines[index].y0) > BLOCK_GAP * (abs(step) or 1) * lines[index].segments[0].height
        if not apart and any(LEGAL_MENTIONS.search(fold(s.text)) for s in lines[other].segments):
            return True
    return False


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
        if hit.keyword.field in PARTIES and not any(c.isdigit() for c in hit.tail):
            apart = is_blank(hit.tail) or hit.tail.lstrip().startswith(":")
            return hit.keyword.field if apart or hit.keyword.rank > 1 else None
    return None


def _label_left(scanned: Scan, line: int, segment: Segment) -> str | None:
    segments = scanned.lines[line].segments
    place = next(i for i, s in enumerate(segments) if s is segment)
    if place == 0:
        return None
    left = segments[place - 1]
    hits = scanned.hits_in(line, left)
    if _heads_a_column(scanned, line, left):
        return None
    if len(hits) == 1 and hits[0].keyword.field in PARTIES and hits[0].start < 3 and is_blank(hits[0].tail):
        return hits[0].keyword.field
    return None


def _heads_a_column(scanned: Scan, line: int, label: Segment) -> bool:
    """Whether lines of its own stand right below the label: then it says nothing of what stands beside it."""
    for below in scanned.lines[line + 1 :]:
        if label.y0 - below.y1 > label.height:
            return False
        if any(abs(segment.x0 - label.x0) < ALIGNED for segment in below.segments):
            return True
    return False
