"""A finding: one rule looked at, what it saw and what to do. Shared by checks, routing and refusals."""

from typing import Literal

import msgspec

Level = Literal["ok", "info", "warn", "refuse"]


class Suggestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that the directory would take in place of what was written. Never applied in silence.

    ``confidence`` is from 0 to 1; ``label`` what the value designates; ``why`` a stable code
    (:mod:`invoice.suggestions`) and ``sentence`` the same in French for the supplier. ``field`` uses the names of
    :class:`invoice.model.InvoiceHeader`.
    """

    field: str
    value: str
    confidence: float
    why: str
    sentence: str
    label: str | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule's answer, in a stable code and in words.

    ``code`` is stable and machine-readable (``SERVICE_INACTIVE``); ``message`` and ``action`` are French
    sentences for the supplier. ``field`` uses the names of :class:`invoice.model.InvoiceHeader`;
    ``value`` is what was written, ``normalised`` what was compared; ``suggestions`` what may have been meant, likeliest
    first.
    """

    code: str
    level: Level
    message: str
    field: str | None = None
    value: str | None = None
    normalised: str | None = None
    action: str | None = None
    suggestions: tuple[Suggestion, ...] = ()


def refusals(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that forbid going on."""
    return tuple(f for f in findings if f.level == "refuse")
