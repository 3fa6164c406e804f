"""Directory entries in a JSON file: tenants, structures, services, engagements.

They are checked as a whole before anything is loaded.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from invoice.directory import (
    Contact,
    Engagement,
    Entry,
    Identifier,
    NumberFormat,
    Parameters,
    Policies,
    RuleOverride,
    Service,
    Structure,
    Tenant,
)
from invoice.directory_checks import entry_problems, name_of
from invoice.identifiers import normalise_code


class DirectoryFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The entries of one file: ``{"tenants": [...], "structures": [...], "services": [...], "engagements": [...]}``,
    each as its struct.

    Days are ISO dates. A file may hold services of structures that stand in another file: merge before asking
    for :func:`problems`.
    """

    tenants: tuple[Tenant, ...] = ()
    structures: tuple[Structure, ...] = ()
    services: tuple[Service, ...] = ()
    engagements: tuple[Engagement, ...] = ()

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, those that others refer to first."""
        return (*self.tenants, *self.structures, *self.services, *self.engagements)


class InvalidDirectory(ValueError):
    """The entries cannot be loaded. ``problems`` holds one sentence each: which entry, what is wrong."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def parse(data: bytes) -> DirectoryFile:
    """The entries of a file. Raises InvalidDirectory for bad JSON, an unknown field or a wrong type."""
    try:
        raw = msgspec.json.decode(data)
        directory = msgspec.convert(raw, DirectoryFile)
    except msgspec.MsgspecError as error:
        raise InvalidDirectory((str(error),)) from error
    unknown = tuple(_unknown_fields(raw))
    if unknown:
        raise InvalidDirectory(unknown)
    return directory


def merge(files: Iterable[DirectoryFile]) -> DirectoryFile:
    """The entries of several files as one."""
    parts = tuple(files)
    return DirectoryFile(
        tenants=tuple(tenant for part in parts for tenant in part.tenants),
        structures=tuple(structure for part in parts for structure in part.structures),
        services=tuple(service for part in parts for service in part.services),
        engagements=tuple(engagement for part in parts for engagement in part.engagements),
    )


def problems(directory: DirectoryFile) -> tuple[str, ...]:
    """What is wrong with the entries taken together; empty when they can be loaded."""
    tenants = {tenant.id for tenant in directory.tenants}
    structures = {structure.siret for structure in directory.structures}
    return (
        *_twice("tenant", (tenant.id for tenant in directory.tenants)),
        *_twice("structure", (structure.siret for structure in directory.structures)),
        *_twice("service", (f"{s.siret}/{normalise_code(s.code)}" for s in directory.services)),
        *_twice("engagement", (f"{e.siret}/{normalise_code(e.number)}" for e in directory.engagements)),
        *(problem for entry in directory.entries() for problem in _entry(entry, tenants, structures)),
    )


def _entry(entry: Entry, tenants: set[str], structures: set[str]) -> Iterator[str]:
    """What is wrong with an entry by itself, and with what it refers to."""
    yield from entry_problems(entry)
    match entry:
        case Structure() if entry.tenant not in tenants:
            yield f"{name_of(entry)} : son tenant {entry.tenant} ne figure dans aucune entrée"
        case Service() | Engagement() if entry.siret not in structures:
            yield f"{name_of(entry)} : sa structure ne figure dans aucune entrée"
        case _:
            pass


def _twice(kind: str, keys: Iterable[str]) -> Iterator[str]:
    for key, count in Counter(keys).items():
        if count > 1:
            yield f"{kind} {key} figure {count} fois"


def _unknown_fields(raw: Any) -> Iterator[str]:
    """Fields that the events' structs would silently drop: in a file they are typing errors."""
    for group, kind in _GROUPS.items():
        for entry in raw.get(group, ()):
            yield from _unknown(group.removesuffix("s"), entry, kind)


def _unknown(where: str, raw: dict[str, Any], kind: type[msgspec.Struct]) -> Iterator[str]:
    for name in raw.keys() - set(kind.__struct_fields__):
        yield f"{where} : le champ « {name} » n'existe pas"
    for name in raw.keys() & _NESTED.keys():
        inner = raw[name]
        for part in inner if isinstance(inner, list) else [inner] if inner is not None else []:
            yield from _unknown(f"{where}.{name}", part, _NESTED[name])


_GROUPS: dict[str, type[msgspec.Struct]] = {
    "tenants": Tenant,
    "structures": Structure,
    "services": Service,
    "engagements": Engagement,
}
#: The fields that hold structs, wherever they stand.
_NESTED: dict[str, type[msgspec.Struct]] = {
    "parameters": Parameters,
    "engagement_formats": NumberFormat,
    "market_formats": NumberFormat,
    "identifiers": Identifier,
    "supplier": Identifier,
    "contact": Contact,
    "contacts": Contact,
    "policies": Policies,
    "levels": RuleOverride,
}
