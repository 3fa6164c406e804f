"""The one table of finding codes, ``data/findings.yaml``, and how a finding is made from it."""

from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import Literal

import msgspec

from invoice import packaged
from invoice.findings import Finding, Level


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: what a code means. ``message`` and ``action`` are French, with ``{places}`` for words.

    ``source`` names where the rule comes from; ``field`` the field of the invoice it is about; ``operator`` is the
    sentence for the body; ``may`` the other level that a body may choose for it (decisions.md 21).
    """

    level: Level
    message: str
    source: str
    action: str | None = None
    field: str | None = None
    operator: str | None = None
    may: Literal["warn", "refuse"] | None = None

    def places(self) -> frozenset[str]:
        """The names of the words that the sentences need."""
        parsed = (*Formatter().parse(self.message), *Formatter().parse(self.action or ""))
        return frozenset(name for _, name, _, _ in parsed if name)


def _load() -> Mapping[str, Template]:
    table = msgspec.convert(packaged.load("findings.yaml"), dict[str, Template])
    return MappingProxyType(table)


CODES = _load()
_PLACES = {code: row.places() for code, row in CODES.items()}


def needs(code: str, word: str) -> bool:
    """Whether the sentences of ``code`` have a place for ``word``: some words are dear to make."""
    return word in _PLACES[code]


def finding(
    code: str,
    *,
    value: str | None = None,
    normalised: str | None = None,
    field: str | None = None,
    **words: str,
) -> Finding:
    """A finding by its code. ``words`` fill the sentences; ``{value}`` is the value as written.

    ``normalised`` is kept only where it differs from ``value``. Raises KeyError for a code or a word that the
    table does not know: both are programming errors that a test walks over.
    """
    row = CODES[code]
    words["value"] = "" if value is None else value
    return Finding(
        code=code,
        level=row.level,
        message=row.message.format_map(words),
        field=field or row.field,
        value=value,
        normalised=None if normalised == value else normalised,
        action=None if row.action is None else row.action.format_map(words).rstrip(),
    )
