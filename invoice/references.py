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
MAX_EXPRESSION = 200
MAX_LOOSE = 3
MAX_FORMATS = 10
_CLASS = r"\[\^?(?:\\.|[^\\\]])+\]"
_ATOM = rf"(?:\\[dwDWsS]|\\[^A-Za-z0-9]|{_CLASS}|[^\\()\[\]{{}}*+?|^$])(?:\{{\d+(?:,\d*)?\}}|[*+?])?"
_GROUP = rf"\((?:\?:)?(?:{_ATOM})*(?:\|(?:{_ATOM})*)*\)\??"
_SIMPLE = re.compile(rf"\^?(?:{_ATOM}|{_GROUP})*\$?")
_LITERAL = re.compile(rf"{_CLASS}|\\.|\(\?:")
_LOOSE = re.compile(r"[*+?]|\{\d+,\d*\}")
_CHOICE = re.compile(r"\([^()|]*\|")


def engagement_shape(structure: Structure, value: str) -> Iterator[Finding]:
    """One finding on the engagement's shape; none where the body has published no mask (decisions.md 21)."""
    return _shape("ENGAGEMENT", structure, structure.engagement_formats, value)


def market_shape(structure: Structure, value: str) -> Iterator[Finding]:
    """The same for the market number."""
    return _shape("MARKET", structure, structure.market_formats, value)


def fits(formats: Sequence[NumberFormat], text: str) -> bool:
    """Whether ``text`` has one of the shapes. Longer than any number may be: no.

    An expression that is broken, or not :func:`simple`, fits nothing.
    """
    return len(text) <= MAX_REFERENCE and any(_matches(form.regex, text) for form in formats)


def simple(regex: str) -> bool:
    """Whether an expression is plain enough to be tried on anything that is written.

    One sign after another, each with its own repetition, and groups that hold no group and are not repeated. Few of
    the repetitions may vary and few of the groups may have alternatives, since each multiplies the ways to try:
    nothing that could take long on a number made to that end.
    """
    if len(regex) > MAX_EXPRESSION or _SIMPLE.fullmatch(regex) is None:
        return False
    signs = _LITERAL.sub(lambda found: "(" if found[0] == "(?:" else "x", regex)
    return len(_LOOSE.findall(signs)) + len(_CHOICE.findall(signs)) <= MAX_LOOSE


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
    if not simple(regex):
        return None
    try:
        return re.compile(regex, re.ASCII)
    except re.error:
        return None
