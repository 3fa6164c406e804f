"""An answer that fits an event, whatever the document holds: long texts are cut, long lists end. Pure."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from contracts.events import EmbeddedFile, ReadCandidate, ReadField
from invoice.findings import Finding
from invoice.reading import ACCOMPANYING
from services.ocr.answers import Whole

MAX_VALUE: Final = 1_000  # of a field; no canonical value is as long
MAX_RAW: Final = 120
MAX_SENTENCE: Final = 600
MAX_CANDIDATES: Final = 4
MAX_FILES: Final = 100
MAX_FINDINGS: Final = 20
T = TypeVar("T", ReadField, ReadCandidate)


def bounded(whole: Whole) -> Whole:
    """The same answer, cut where it is beyond reason. A value that had to be cut is no sure one."""
    return msgspec.structs.replace(
        whole,
        fields=tuple(_field(field) for field in whole.fields),
        warnings=_findings(whole.warnings),
        unreadable=_findings(whole.unreadable),
        embedded=tuple(_file(file) for file in whole.embedded[:MAX_FILES]),
    )


def _field(field: ReadField) -> ReadField:
    kept = _text(field)
    if len(field.value) > MAX_VALUE:
        kept = msgspec.structs.replace(kept, confidence="unsure")
    if not field.candidates:
        return kept
    candidates = tuple(_text(candidate) for candidate in field.candidates[:MAX_CANDIDATES])
    return msgspec.structs.replace(kept, candidates=candidates)


def _text(place: T) -> T:
    if len(place.value) <= MAX_VALUE and len(place.raw) <= MAX_RAW and len(place.keyword) <= MAX_RAW:
        return place
    return msgspec.structs.replace(
        place, value=place.value[:MAX_VALUE], raw=place.raw[:MAX_RAW], keyword=place.keyword[:MAX_RAW]
    )


def _file(file: EmbeddedFile) -> EmbeddedFile:
    return msgspec.structs.replace(
        file,
        name=file.name[:MAX_RAW],
        media_type=file.media_type[:MAX_RAW],
        description=None if file.description is None else file.description[:MAX_RAW],
    )


def _findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What holds an invoice up comes first: the first of each kind about a field, warnings, what is not beside it."""
    seen: set[tuple[str, str | None]] = set()
    ranked = []
    for found in findings:
        kind = (found.code, found.field)
        ranked.append(((kind in seen, found.level == "info", found.field in ACCOMPANYING), found))
        seen.add(kind)
    if len(ranked) > MAX_FINDINGS:
        ranked.sort(key=lambda pair: pair[0])
    return tuple(_finding(found) for _, found in ranked[:MAX_FINDINGS])


def _finding(found: Finding) -> Finding:
    return msgspec.structs.replace(
        found,
        message=found.message[:MAX_SENTENCE],
        value=None if found.value is None else found.value[:MAX_VALUE],
        normalised=None if found.normalised is None else found.normalised[:MAX_VALUE],
        action=None if found.action is None else found.action[:MAX_SENTENCE],
    )
