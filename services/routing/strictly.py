"""Entries of a file of the directory, in which no field may stand that the structs would drop."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

Kind = TypeVar("Kind", bound=msgspec.Struct)


def strict(raw: bytes, kind: type[Kind]) -> Kind:
    """An entry, or a part of one, where a field that the structs would drop is a typing error."""
    built = msgspec.json.decode(raw)
    if not isinstance(built, dict):
        raise msgspec.ValidationError("un objet est attendu")
    built.pop("entree", None)
    return known(built, kind)


def known(built: dict[str, Any], kind: type[Kind], *, strict: bool = True) -> Kind:
    unknown = sorted(_unknown(built, kind))
    if unknown:
        raise msgspec.ValidationError(f"le champ {unknown[0]!r} n'existe pas")
    return msgspec.convert(built, kind, strict=strict)


def _unknown(built: Any, kind: type[msgspec.Struct]) -> Iterable[str]:
    if isinstance(built, list):
        for item in built:
            yield from _unknown(item, kind)
    elif isinstance(built, dict):
        fields = _fields(kind)
        for name, value in built.items():
            if name not in fields:
                yield name
            elif (part := fields[name]) is not None:
                yield from _unknown(value, part)


@cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, type[msgspec.Struct] | None]:
    """The fields of a struct, each with the struct that it holds or lists."""
    return {name: next(_structs(hint), None) for name, hint in get_type_hints(kind).items()}


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in get_args(hint):
        yield from _structs(part)
