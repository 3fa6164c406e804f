"""From memberships, roles, offices and delegations to the grants of one subject. Pure: the same facts, the same grants.

A grant carries its dates; each service sees for itself whether it holds. What has ended before ``now`` is left out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from contracts.events import Grant

#: Roles of a supplier's side: at a public body too, they do not let see what the body receives.
_SUPPLIER_ROLES: Final = frozenset({"FOURNISSEUR", "DEPOSANT", "VALIDATEUR"})
#: The rule that a code breaks which is not :func:`carried`; what is said of it, and what to do.
CODE_COMMA: Final = "SERVICE_CODE_COMMA"
NOT_CARRIED: Final = (
    "Le code de ce service contient une virgule, qui sépare les services dans les droits : aucun droit ne peut s'y "
    "limiter.",
    "Donnez un rôle sur toute la structure, ou faites changer ce code dans l'annuaire par son administrateur.",
)


def carried(code: str) -> bool:
    """Whether a right at the service of this code reaches the services: in what row-level security reads, a comma
    separates places. A slash is no trouble: a SIRET, which has none, stands before the code."""
    return "," not in code


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A structure: its key, its tenant where it is a public body, the keys that it had before."""

    key: str
    tenant: str | None = None
    earlier: tuple[str, ...] = ()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A membership. ``side``: ``supplier`` or ``body``."""

    place: Place
    side: str
    verified: bool
    manager: str | None


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role given at a place by the managers of one side."""

    place: Place
    side: str
    role: str
    service: str | None
    since: datetime | None
    until: datetime | None


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """A right outside any structure."""

    role: str
    tenant: str | None


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """What one subject holds by himself."""

    members: Sequence[Member] = ()
    roles: Sequence[Role] = ()
    offices: Sequence[Office] = ()


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """A delegation that the subject receives: the giver's own rights at one place, from one instant to another."""

    giver: Holder
    key: str
    since: datetime
    until: datetime


def grants(holder: Holder, stands: Iterable[Stand], now: datetime) -> tuple[Grant, ...]:
    """All grants of a subject, in a fixed order, each once."""
    found = [*_own(holder), *(Grant(role=office.role, tenant=office.tenant) for office in holder.offices)]
    for stand in stands:
        found += _lent(stand)
    return normal(found, now)


def normal(found: Iterable[Grant], now: datetime) -> tuple[Grant, ...]:
    """Without what has ended, without doubles, sorted."""
    left = {grant for grant in found if grant.until is None or grant.until > now}
    plain = {msgspec.structs.replace(g, since=None, until=None) for g in left if g.since is None and g.until is None}
    kept = {g for g in left if g in plain or msgspec.structs.replace(g, since=None, until=None) not in plain}
    return tuple(sorted(kept, key=order))


def order(grant: Grant) -> tuple[str, ...]:
    """The fixed order of grants."""
    dates = (each.isoformat() if each else "" for each in (grant.since, grant.until))
    return (grant.structure or "", grant.service or "", grant.tenant or "", grant.role, *dates)


def _own(holder: Holder) -> list[Grant]:
    found = [grant for member in holder.members for grant in _member(member)]
    for role in holder.roles:
        # What a supplier gave lets see nothing that a public body receives, should it have become one.
        place = role.place if role.side == "body" else msgspec.structs.replace(role.place, tenant=None)
        found += _at(place, role.role, service=role.service, since=role.since, until=role.until)
    return found


def _member(member: Member) -> list[Grant]:
    """A body's own people hold what they were given; a supplier's people deposit, and see it all once verified."""
    manages = _at(member.place, "GESTIONNAIRE") if member.manager and effective(member) else []
    if member.side == "body":
        return manages
    if not member.verified:
        return _at(member.place, "DEPOSANT")
    return [*_at(member.place, "FOURNISSEUR"), *manages]


def effective(member: Member) -> bool:
    """Whether his membership is of the side that manages the structure: at a public body, that of the body."""
    return (member.side == "body") == (member.place.tenant is not None)


def _at(
    place: Place,
    role: str,
    *,
    service: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Grant]:
    """The role at the structure and under the keys that it had before, where its old invoices are."""
    tenant = None if role in _SUPPLIER_ROLES else place.tenant
    first = Grant(role=role, structure=place.key, service=service, tenant=tenant, since=since, until=until)
    return with_earlier([first], place.earlier)


def with_earlier(found: Iterable[Grant], earlier: Sequence[str]) -> list[Grant]:
    """These grants, and the same under the keys that their structure had before."""
    given = list(found)
    return [*given, *(msgspec.structs.replace(each, structure=key, tenant=None) for key in earlier for each in given)]


def _lent(stand: Stand) -> list[Grant]:
    """The giver's own rights there, no longer than he has them. What he was lent himself he does not lend on."""
    giver = Holder(
        members=[m for m in stand.giver.members if m.place.key == stand.key and m.verified],
        roles=[r for r in stand.giver.roles if r.place.key == stand.key],
    )
    found: list[Grant] = []
    for grant in _own(giver):
        since = max(filter(None, (grant.since, stand.since)))
        until = min(filter(None, (grant.until, stand.until)))
        if since < until:
            found.append(msgspec.structs.replace(grant, since=since, until=until))
    return found
