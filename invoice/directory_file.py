"""Directory entries in a JSON file: tenants, structures, services, checked as a whole before anything is loaded."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from invoice.directory import NumberFormat, Parameters, Service, Structure, Tenant
from invoice.identifiers import InvalidIdentifier, normalise_code, parse_siret


class DirectoryFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The entries of one file: ``{"tenants": [...], "structures": [...], "services": [...]}``, each as its struct.

    Days are ISO dates. A file may hold services of structures that stand in another file: merge before asking
    for :func:`problems`.
    """

    tenants: tuple[Tenant, ...] = ()
    structures: tuple[Structure, ...] = ()
    services: tuple[Service, ...] = ()


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
    )


def problems(directory: DirectoryFile) -> tuple[str, ...]:
    """What is wrong with the entries taken together; empty when they can be loaded."""
    tenants = {tenant.id for tenant in directory.tenants}
    structures = {structure.siret for structure in directory.structures}
    return (
        *_twice("tenant", (tenant.id for tenant in directory.tenants)),
        *_twice("structure", (structure.siret for structure in directory.structures)),
        *_twice("service", (f"{s.siret}/{normalise_code(s.code)}" for s in directory.services)),
        *(problem for structure in directory.structures for problem in _structure(structure, tenants)),
        *(problem for service in directory.services for problem in _service(service, structures)),
    )


def _structure(structure: Structure, tenants: set[str]) -> Iterator[str]:
    where = f"structure {structure.siret}"
    try:
        canonical = parse_siret(structure.siret)
    except InvalidIdentifier as error:
        yield f"{where}: {error.code}"
    else:
        if canonical != structure.siret:
            yield f"{where}: write the SIRET as 14 digits without spaces"
    if structure.tenant not in tenants:
        yield f"{where}: its tenant {structure.tenant} is in no entry"
    for form in (*structure.engagement_formats, *structure.market_formats):
        yield from _format(where, form)


def _format(where: str, form: NumberFormat) -> Iterator[str]:
    try:
        regex = re.compile(form.regex, re.ASCII)
    except re.error as error:
        yield f"{where}: the expression {form.regex!r} is broken: {error}"
        return
    for example in form.examples:
        if regex.fullmatch(example) is None:
            yield f"{where}: the example {example!r} does not fit {form.regex!r}"


def _service(service: Service, structures: set[str]) -> Iterator[str]:
    where = f"service {service.siret}/{service.code}"
    if service.siret not in structures:
        yield f"{where}: its structure is in no entry"
    if not normalise_code(service.code):
        yield f"{where}: the code is empty"
    if service.valid_from is not None and service.valid_to is not None and service.valid_from > service.valid_to:
        yield f"{where}: it ends before it begins"


def _twice(kind: str, keys: Iterable[str]) -> Iterator[str]:
    for key, count in Counter(keys).items():
        if count > 1:
            yield f"{kind} {key} stands {count} times"


def _unknown_fields(raw: Any) -> Iterator[str]:
    """Fields that the events' structs would silently drop: in a file they are typing errors."""
    for tenant in raw.get("tenants", ()):
        yield from _unknown("tenant", tenant, Tenant)
    for structure in raw.get("structures", ()):
        yield from _unknown("structure", structure, Structure)
        for name in ("engagement_formats", "market_formats"):
            for form in structure.get(name, ()):
                yield from _unknown(f"structure.{name}", form, NumberFormat)
        yield from _unknown("structure.parameters", structure.get("parameters", {}), Parameters)
    for service in raw.get("services", ()):
        yield from _unknown("service", service, Service)


def _unknown(where: str, raw: dict[str, Any], kind: type[msgspec.Struct]) -> Iterator[str]:
    for name in raw.keys() - set(kind.__struct_fields__):
        yield f"{where}: there is no field {name!r}"
