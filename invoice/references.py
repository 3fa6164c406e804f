"""The shape of engagement and market numbers, compared with the masks of a body. It never refuses."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from invoice import hints
from invoice.directory import NumberFormat, Structure
from invoice.findings import Finding
from invoice.identifiers import normalise_code
from invoice.messages import finding

MAX_REFERENCE = 50  # chorus-pro.md 5


def engagement_shape(structure: Structure, value: str) -> Iterator[Finding]:
    """One finding on the engagement's shape; none where the body has published no mask (decisions.md 21)."""
    return _shape("ENGAGEMENT", structure, structure.engagement_formats, value)


def market_shape(structure: Structure, value: str) -> Iterator[Finding]:
    """The same for the market number."""
    return _shape("MARKET", structure, structure.market_formats, value)


def fits(formats: Sequence[NumberFormat], text: str) -> bool:
    """Whether ``text`` has one of the shapes. Longer than any number may be: no. A broken expression fits nothing."""
    return len(text) <= MAX_REFERENCE and any(_matches(form.regex, text) for form in formats)


def _shape(kind: str, structure: Structure, formats: Sequence[NumberFormat], value: str) -> Iterator[Finding]:
    if not formats:
        return
    name = hints.display_name(structure)
    expected = normalise_code(value)
    if fits(formats, value):
        yield finding(f"{kind}_FORMAT_MATCHES", value=value, name=name)
    elif fits(formats, expected):
        yield finding(f"{kind}_SPELLING", value=value, normalised=expected, name=name, expected=expected)
    else:
        forms = hints.number_forms(formats)
        yield finding(f"{kind}_FORMAT", value=value, normalised=expected, name=name, forms=forms)


def _matches(regex: str, text: str) -> bool:
    compiled = _compiled(regex)
    return compiled is not None and compiled.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(regex: str) -> re.Pattern[str] | None:
    try:
        return re.compile(regex, re.ASCII)
    except re.error:
        return None
