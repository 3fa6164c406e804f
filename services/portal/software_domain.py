"""What a structure's software may hold, and when the end of a secret is announced. Pure.

A piece of software is bound three times: by the roles that its structure may give, by its scopes, which say what kind
of request it may make at all, and by its limits.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from services.portal import member_grants

#: Two at a time: the next one is put into use before the last one is taken away.
LIVE_SECRETS: Final = 2
SECRET_DAYS: Final = 365
NOTICE_DAYS: Final = (30, 7, 1)
TOKEN_SECONDS: Final = 600
PREFIX: Final = "chorale_"
#: Roles that software may hold at a supplier, and at a public body. Nobody's software administers anything.
AT_SUPPLIER: Final = ("FOURNISSEUR", "VALIDATEUR", "MOE", "LECTURE")
#: Held on the supplier's side, also by a public body: they carry no tenant.
SUPPLIERS: Final = frozenset({"FOURNISSEUR", "VALIDATEUR"})
#: Held at a public body or nowhere.
BODY_ONLY: Final = frozenset({"AGENT", "FINANCE", "COMPTABLE", "MOA"})
AT_BODY: Final = ("AGENT", "FINANCE", "COMPTABLE", "VALIDATEUR", "MOE", "MOA", "LECTURE")


Side = Literal["supplier", "body"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the structure is: ``tenant`` of a public body, else None; whether it may deposit as a supplier."""

    structure: str
    tenant: str | None
    supplier: bool

    @property
    def side(self) -> Side:
        """The side that manages it."""
        return "supplier" if self.tenant is None else "body"


class Refused(ValueError):
    """What was asked cannot be held there. ``field`` and ``value`` say what, the text is French."""

    def __init__(self, field: str, value: str, rule: str, message: str, action: str) -> None:
        super().__init__(message)
        self.field, self.value, self.rule, self.message, self.action = field, value, rule, message, action


def roles_at(place: Place) -> tuple[str, ...]:
    """The roles that this structure's software may hold."""
    body = AT_BODY if place.tenant is not None else ()
    supplier = AT_SUPPLIER if place.supplier or place.tenant is None else ()
    return tuple(dict.fromkeys((*supplier, *body)))


def check(place: Place, roles: Sequence[str], services: Sequence[str]) -> None:
    """Raises :class:`Refused` unless the structure's rights allow these roles."""
    possible = roles_at(place)
    for role in roles:
        if role not in possible:
            raise Refused(
                "roles",
                role,
                "ROLE_BEYOND_STRUCTURE",
                "Cette structure ne peut pas confier ce rôle à un logiciel.",
                f"Choisissez parmi : {', '.join(possible)}.",
            )
    if ("AGENT" in roles) != bool(services):
        raise Refused(
            "services",
            ", ".join(services),
            "SERVICES_WITH_AGENT",
            "Le rôle AGENT s'exerce dans des services, et lui seul.",
            "Donnez au moins un code service avec AGENT, aucun sans lui.",
        )
    for code in services:
        if not member_grants.carried(code):
            raise Refused("services", code, member_grants.CODE_COMMA, *member_grants.NOT_CARRIED)


def digest(secret: str) -> bytes:
    """What is kept of a secret. It has 256 random bits: one round of SHA-256 leaves nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def notices(expires_at: datetime, now: datetime) -> tuple[tuple[int, datetime], ...]:
    """Days before the end and the instants of the letters that are still to come."""
    planned = ((days, expires_at - timedelta(days=days)) for days in NOTICE_DAYS)
    return tuple((days, at) for days, at in planned if at > now)


def limits(asked: int | None, platform: int, *, operator: bool, field: str) -> int | None:
    """A client's own limit. Its manager may only lower the platform's; raising it is the operator's. None: the
    platform's. Raises :class:`Refused`."""
    if asked is not None and asked > platform and not operator:
        raise Refused(
            field,
            str(asked),
            "LIMIT_BEYOND_PLATFORM",
            f"La plateforme permet {platform} : seul l'exploitant donne davantage.",
            "Donnez une limite plus basse, ou demandez à l'exploitant.",
        )
    return asked


def granted(asked: str | None, held: Collection[str]) -> tuple[str, ...] | None:
    """The scopes of a token: those asked for, or all that are held; None when one is not held or badly written.

    RFC 6749 3.3: space-delimited, in any order, each of printable ASCII.
    """
    if asked is None:
        return tuple(sorted(held))
    names = asked.split(" ")
    if not all(name and name in held for name in names):
        return None
    return tuple(dict.fromkeys(names))
