"""Several versions of one thing may come in one batch, in any order: the highest is the one that counts."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar


class Versioned(Protocol):
    """Anything with a version."""

    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


def highest(items: Iterable[V], key: Callable[[V], Any]) -> list[V]:
    """Of each key its highest version, in the order of the keys, so that two batches lock rows in one order."""
    found: dict[Any, V] = {}
    for item in items:
        known = found.setdefault(key(item), item)
        if known.version < item.version:
            found[key(item)] = item
    return [found[each] for each in sorted(found)]
