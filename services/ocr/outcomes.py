"""Why a document was not read, or not wholly, in words: one stable code each (decisions.md 20)."""

from string import Formatter
from typing import Final

from invoice.file_findings import READING
from invoice.findings import Finding

CODES: Final = tuple(READING)
#: Places that may stay without words: the sentence is whole without them.
OPTIONAL: Final = frozenset({"pages"})


def places(code: str) -> frozenset[str]:
    """The names of the words that the sentence of a code needs."""
    return frozenset(name for _, name, _, _ in Formatter().parse(READING[code].message) if name)


def outcome(
    code: str, *, field: str | None = None, value: str | None = None, normalised: str | None = None, **words: str
) -> Finding:
    """The finding of a code of :data:`CODES`, its sentence filled with ``words``. KeyError for another code or no word.

    Where page and data differ, ``value`` is that of the data and ``normalised`` that of the page, both canonical.
    """
    row = READING[code]
    filled = row.message.format_map(dict.fromkeys(OPTIONAL, "") | words)
    return Finding(
        code=code, level=row.level, message=filled, action=row.action, field=field, value=value, normalised=normalised
    )


def megabytes(size: int) -> str:
    """A size for people: ``30 Mo``, ``31,5 Mo``."""
    return f"{size / 1_000_000:.1f}".rstrip("0").rstrip(".").replace(".", ",") + " Mo"
