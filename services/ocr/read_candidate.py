"""A value with its evidence, as the rules pass it on."""

from dataclasses import dataclass

from services.ocr.layout import Box, Page, Segment
from services.ocr.scan import Hit, Scan
from services.ocr.values import Value

INLINE, BESIDE_IT, BELOW_IT, BEFORE_IT = 1.0, 0.97, 0.93, 0.7  # how well a place ties a value to its label


@dataclass(slots=True)
class Candidate:
    """``value`` is empty where something stands but cannot be read for certain. ``raw`` starts at ``start`` of the
    segment's text; ``rank`` is the keyword's; ``how`` tells by which place the value belongs to it.
    """

    field: str
    value: str
    rank: int
    page: Page
    box: Box
    raw: str
    hit: Hit
    segment: Segment
    start: int
    how: float = INLINE
    misprinted: bool = False  # it fails its own check, and stands as printed

    @property
    def keyword(self) -> str:
        return self.hit.words

    @property
    def score(self) -> float:
        """From 0 to 1: how much the keyword and the place say for this value, before anything else agrees."""
        return round(self.how * (0.5, 0.65, 0.9, 0.95)[self.rank], 3) if self.value else 0.0


def evidence(
    scanned: Scan, hit: Hit, field: str, segment: Segment, value: Value, *, offset: int = 0, how: float = INLINE
) -> Candidate:
    """``value``, read from ``offset`` of the segment's text on, as a candidate of the hit's rank."""
    start, end = offset + value.start, offset + value.end
    box, raw = segment.box(start, end), segment.text[start:end]
    return Candidate(field, value.text, hit.keyword.rank, scanned.page, box, raw, hit, segment, start, how)
