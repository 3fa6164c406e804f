"""A decision as a field: its value, how likely it is, and what else was considered. Pure."""

from collections.abc import Sequence

from contracts.events import ReadCandidate, ReadField
from services.ocr.layout import as_shown
from services.ocr.read_candidate import Candidate

OTHERS = 4  # candidates kept beside the value
SURE, UNSURE, PASSED_OVER = 0.95, 0.6, 0.5  # a sure value's least score, an unsure one's and another's greatest
_OWNERLESS = {"siret": "siret", "siren": "siren", "vat": "vat"}


def scored(name: str, chosen: Candidate, sure: bool, found: Sequence[Candidate]) -> ReadField:
    """The field ``name``; its other candidates are those of the same field, or of the same kind without an owner."""
    return ReadField(
        name=name,
        value=chosen.value,
        confidence="sure" if sure else "unsure",
        page=chosen.page.number,
        box=as_shown(chosen.box, chosen.page),
        keyword=chosen.keyword,
        raw=chosen.raw,
        score=max(SURE, chosen.score) if sure else min(UNSURE, chosen.score or UNSURE),
        candidates=_others(name, chosen, found),
    )


def _others(name: str, chosen: Candidate, found: Sequence[Candidate]) -> tuple[ReadCandidate, ...]:
    names = {name, _OWNERLESS.get(name.partition("_")[2], name)}
    best: dict[str, Candidate] = {}
    for candidate in found:
        if candidate.field in names and candidate.value and candidate.value != chosen.value:
            kept = best.get(candidate.value)
            if kept is None or kept.score < candidate.score:
                best[candidate.value] = candidate
    ranked = sorted(best.values(), key=lambda candidate: -candidate.score)[:OTHERS]
    return tuple(
        ReadCandidate(
            value=candidate.value,
            page=candidate.page.number,
            box=as_shown(candidate.box, candidate.page),
            keyword=candidate.keyword,
            raw=candidate.raw,
            score=round(PASSED_OVER * candidate.score, 3),
        )
        for candidate in ranked
    )
