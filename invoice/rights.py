"""Who may do what, and where: the table ``data/rights.yaml``, and the one question it answers.

A right is a role at a place. What a subject may do at a place follows from the rights it holds there, and from nothing
that it holds elsewhere.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

import msgspec

from invoice.packaged import load

Reach = Literal["own", "structure", "body", "service", "tenant", "platform"]
Place = Literal["structure", "body", "service", "tenant", "platform"]
_READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))


class Held(Protocol):
    """A right that holds now. ``tenant`` beside ``structure``: it is held at a public body."""

    @property
    def role(self) -> str: ...
    @property
    def structure(self) -> str | None: ...
    @property
    def service(self) -> str | None: ...
    @property
    def tenant(self) -> str | None: ...


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role: its French name, who holds it, and at which places."""

    label: str
    who: str
    at: tuple[Place, ...]


class Action(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to do. ``by``: the roles that may, and how far. ``anybody``: every subject may, for its own."""

    label: str
    by: Mapping[str, Reach]
    reads: bool = False
    anybody: bool = False


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of request that software may make: the first parts of the paths under ``/api/v1``."""

    label: str
    paths: tuple[str, ...]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    roles: dict[str, Role]
    actions: dict[str, Action]
    scopes: dict[str, Scope]


def _read() -> _Table:
    found: Any = load("rights.yaml")
    table = msgspec.convert(found, _Table)
    unknown = {role for action in table.actions.values() for role in action.by} - set(table.roles)
    if unknown:
        raise ValueError(f"rights.yaml: roles that are not declared: {', '.join(sorted(unknown))}")
    return table


_table = _read()
ROLES: Final[Mapping[str, Role]] = MappingProxyType(_table.roles)
ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(_table.actions)
SCOPES: Final[Mapping[str, Scope]] = MappingProxyType(_table.scopes)


def allows(
    held: Iterable[Held],
    action: str,
    *,
    structure: str | None = None,
    service: str | None = None,
    tenant: str | None = None,
    own: bool = False,
) -> bool:
    """Whether these rights allow ``action`` at this place. Raises ``KeyError`` for an action that is not in the table.

    ``structure`` is the one concerned, ``service`` its code where one service of it is, ``tenant`` the public body's;
    ``own``: the subject made the thing itself. A role that reaches a structure reaches each of its services; one that
    is held for a service reaches that service alone. Where a tenant is given, a right held at a structure without a
    tenant (a supplier's) does not reach it.
    """
    row = ACTIONS[action]
    if row.anybody and own:
        return True
    return any(
        (reach := row.by.get(right.role)) is not None and _reaches(right, reach, structure, service, tenant, own)
        for right in held
    )


def _reaches(
    right: Held, reach: Reach, structure: str | None, service: str | None, tenant: str | None, own: bool
) -> bool:
    match reach:
        case "platform":
            return True
        case "own":
            return own
        case "tenant":
            return tenant is not None and right.tenant == tenant
        case "structure" | "body" | "service":
            return (
                structure is not None
                and right.structure == structure
                and (right.service is None or right.service == service)
                and (reach != "service" or right.service is not None)
                and (reach != "body" or right.tenant is not None)
                and (tenant is None or right.tenant == tenant)
            )


def somewhere(held: Iterable[Held], action: str) -> bool:
    """Whether ``action`` is allowed at any place at all: the first door, before it is known what is concerned."""
    row = ACTIONS[action]
    return row.anybody or any(right.role in row.by for right in held)


def roles_for(action: str) -> tuple[str, ...]:
    """The roles that may do it, somewhere."""
    return tuple(ACTIONS[action].by)


def opened_by(method: str, path: str) -> tuple[str, ...]:
    """The scopes of which a request needs one; empty where no software may come.

    ``path`` is the whole one (``/api/v1/invoices/…``). What reads is open to a scope that writes, too.
    """
    parts = path.split("/")
    if len(parts) < 4 or parts[1:3] != ["api", "v1"]:
        return ()
    kinds = (".read", ".write") if method in _READS else (".write",)
    return tuple(name for name, scope in SCOPES.items() if parts[3] in scope.paths and name.endswith(kinds))
