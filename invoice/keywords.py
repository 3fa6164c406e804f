"""The words that announce a datum in a PDF invoice, from ``data/keywords.yaml``."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from invoice import packaged


class FieldKeywords(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one field: given by official guidance, ours, or seen on samples.

    ``value`` is a regular expression of the value as it stands on a page; ``check`` says what a value must be.
    """

    sourced: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    value: str | None = None
    check: str | None = None
    note: str | None = None
    api: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """Every word, sourced first, each once."""
        return tuple(dict.fromkeys((*self.sourced, *self.proposed, *self.seen)))


FIELDS: Mapping[str, FieldKeywords] = MappingProxyType(
    msgspec.convert(packaged.load("keywords.yaml")["fields"], dict[str, FieldKeywords])
)


def words(field: str) -> tuple[str, ...]:
    """Every word that announces ``field``; empty for a field that no keyword announces."""
    keywords = FIELDS.get(field)
    return () if keywords is None else keywords.all
