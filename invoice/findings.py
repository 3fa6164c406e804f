"""A finding: one rule looked at, what it saw and what to do. Shared by checks, routing and refusals."""

from typing import Literal

import msgspec

Level = Literal["ok", "info", "warn", "refuse"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule's answer, in a stable code and in words.

    ``code`` is stable and machine-readable (``SERVICE_INACTIVE``); ``message`` and ``action`` are French
    sentences for the supplier. ``field`` uses the names of :class:`invoice.model.InvoiceHeader`;
    ``value`` is what was written, ``normalised`` what was compared.
    """

    code: str
    level: Level
    message: str
    field: str | None = None
    value: str | None = None
    normalised: str | None = None
    action: str | None = None


def refusals(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that forbid going on."""
    return tuple(f for f in findings if f.level == "refuse")
