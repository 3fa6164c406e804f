"""Who is asking, and what that subject may see: rights at places, never a role here and a place there."""

import base64
import hashlib
from collections.abc import Iterable
from functools import cached_property, lru_cache

import msgspec

from contracts.events import Grant

FOURNISSEUR, DEPOSANT, LECTURE = "FOURNISSEUR", "DEPOSANT", "LECTURE"
VALIDATEUR, MOE, MOA = "VALIDATEUR", "MOE", "MOA"
AGENT, GESTIONNAIRE, COMPTABLE, FINANCE = "AGENT", "GESTIONNAIRE", "COMPTABLE", "FINANCE"
TENANT_ADMIN, OPERATEUR, SERVICE = "TENANT_ADMIN", "OPERATEUR", "SERVICE"
#: Held at a public body, these see all that the structure has received.
WHOLE_BODY = (GESTIONNAIRE, COMPTABLE, FINANCE, LECTURE)


class Holder(msgspec.Struct, frozen=True, array_like=True):
    """To whom a link was given: it opens while he may do what he might then, in the same session.

    ``rights`` stands for what he might (:func:`rights_of`); empty: he bore a development token, which says it itself.
    ``ver`` is the version of his account that his token named.
    """

    subject: str
    session: str | None = None
    ver: int = 0
    rights: str = ""
    scopes: tuple[str, ...] = ()


class Principal(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A person or a program. ``structures`` are SIRETs, ``services`` are ``siret/code``, ``tenants`` ids.

    What decides are the ``grants``, each a role at a place; ``structures``, ``services``, ``roles`` and ``tenants`` are
    unions over those that hold now, and say nothing of which role is held where. A development token gives only the
    unions: every role is then held at every place of it (:func:`crossed`).

    ``expires`` is the token's end in seconds since the epoch, None where there was no token: what goes on for long
    ends with it. ``issued``, ``session``, ``kid`` and ``ver`` are the token's too. ``scopes``: of software, what it was
    registered for, ``writes_each_…`` its own limits; ``contact`` is given by development tokens only.
    """

    subject: str
    structures: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    contact: str = ""
    expires: int | None = None
    session: str | None = None
    kind: str = "person"
    scopes: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    issued: float | None = None
    kid: str | None = None
    ver: int = 0
    writes_each_minute: int | None = None
    writes_each_day: int | None = None

    @cached_property
    def held(self) -> tuple[Grant, ...]:
        """The rights that decide: the grants, or what a development token stands for."""
        return self.grants or crossed(self.structures, self.services, self.roles, self.tenants)

    @cached_property
    def holder(self) -> Holder:
        """As a link names to whom it was given."""
        if self.issued is None:
            return Holder(self.subject)
        return Holder(self.subject, self.session, self.ver, rights_of(self.grants), self.scopes)

    def structures_as(self, *roles: str) -> tuple[str, ...]:
        """Structures at which one of these roles is held, for the whole structure and not for one service of it."""
        return _once(g.structure for g in self.held if g.role in roles and g.service is None)

    def services_as(self, *roles: str) -> tuple[str, ...]:
        """Services (``siret/code``) for which one of these roles is held."""
        return _once(f"{g.structure}/{g.service}" for g in self.held if g.role in roles and g.structure and g.service)

    def tenants_as(self, *roles: str) -> tuple[str, ...]:
        """Tenants in which one of these roles is held, be it at one structure of theirs."""
        return _once(g.tenant for g in self.held if g.role in roles)

    def bodies_as(self, *roles: str) -> tuple[str, ...]:
        """Structures at which one of these roles is held as at a public body, which is what a tenant beside it says."""
        return _once(g.structure for g in self.held if g.role in roles and g.service is None and g.tenant)

    def scope(self) -> dict[str, str]:
        """The settings that row-level security reads. Lists are joined by a comma, which no identifier holds."""
        return dict(self._scope)

    @cached_property
    def _scope(self) -> dict[str, str]:
        lists = {
            "structures": self.structures,
            "services": self.services,
            "roles": self.roles,
            "tenants": self.tenants,
            **self._places(),
            "recipient_structures": self.bodies_as(*WHOLE_BODY),
            "manager_structures": self.bodies_as(GESTIONNAIRE),
            "recipient_services": self.services_as(AGENT, *WHOLE_BODY),
            "guest_services": self.services_as(AGENT, VALIDATEUR, MOE, MOA),
            "admin_tenants": self.tenants_as(TENANT_ADMIN),
        }
        return {"subject": self.subject, **{name: ",".join(values) for name, values in lists.items()}}

    def _places(self) -> dict[str, tuple[str, ...]]:
        """Where one stands on each side of an invoice but the recipient's."""
        sides = ("supplier_structures", "deposit_structures", "validator_structures", "moe_structures")
        if not self.grants:
            # A development token reads as supplier and guest at each of its structures, whatever its roles.
            return dict.fromkeys((*sides, "moa_structures", "issuer_structures"), self.structures)
        reads = tuple(g.structure for g in self.grants if g.role == LECTURE and not g.service and not g.tenant)
        supplies = self.structures_as(FOURNISSEUR)
        return {
            "supplier_structures": _once((*supplies, *reads)),
            "issuer_structures": supplies,
            "deposit_structures": _once((*supplies, *self.structures_as(DEPOSANT))),
            "validator_structures": self.structures_as(VALIDATEUR),
            "moe_structures": self.structures_as(MOE),
            "moa_structures": self.structures_as(MOA),
        }


def of_grants(subject: str, grants: Iterable[Grant], **others: object) -> Principal:
    """The principal with these rights, all of which hold now."""
    held = tuple(grants)
    return msgspec.convert(
        {
            **others,
            "subject": subject,
            "grants": held,
            "structures": _once(g.structure for g in held if g.service is None),
            "services": _once(f"{g.structure}/{g.service}" for g in held if g.structure and g.service),
            "roles": _once(g.role for g in held),
            "tenants": _once(g.tenant for g in held),
        },
        Principal,
    )


def rights_of(grants: Iterable[Grant]) -> str:
    """A short word for these rights: other rights, another word."""
    told = hashlib.sha256(b"\n".join(sorted(map(msgspec.json.encode, grants)))).digest()
    return base64.urlsafe_b64encode(told[:15]).decode()


@lru_cache(maxsize=1024)
def crossed(
    structures: tuple[str, ...], services: tuple[str, ...], roles: tuple[str, ...], tenants: tuple[str, ...]
) -> tuple[Grant, ...]:
    """Every role at every place. Structures without a role are a supplier's; a service always has its agent."""
    within: tuple[str | None, ...] = tenants or (None,)
    at_services = [address.partition("/") for address in services]
    return (
        *(Grant(role=r, structure=s, tenant=t) for r in roles or (FOURNISSEUR,) for s in structures for t in within),
        *(
            Grant(role=r, structure=siret, service=code, tenant=t)
            for r in _once((AGENT, *roles))
            for siret, _, code in at_services
            for t in within
        ),
        *(Grant(role=r, tenant=t) for r in roles for t in within),
    )


def _once(values: Iterable[str | None]) -> tuple[str, ...]:
    """Each value that is there once, in order."""
    return tuple(dict.fromkeys(value for value in values if value))
