"""Who has signed in, as pages need to know it: rights that hold now, and the names of the places where they do."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Final, Literal

import msgspec

from contracts.events import Grant
from services.common.db import Pool
from services.common.principal import Principal, of_grants
from services.portal import session_store
from services.portal.session_store import Signed
from services.portal.settings import PortalSettings
from services.portal.structure import called

#: In one question, for every page asks it. Names are looked up one by one: the planner cannot know that somebody works
#: for a few structures of a hundred thousand.
_RIGHTS: Final = (
    "select r.version, r.content::text as content, coalesce((select jsonb_object_agg(k.key, jsonb_build_object("
    "'own', (select s.name from structure s where s.key = k.key),"
    " 'public', (select p.name from public_structure p where p.siret = k.key and not p.deleted),"
    " 'tenant', (select t.name from public_structure p join public_tenant t on t.id = p.tenant"
    "  where p.siret = k.key and not p.deleted)))"
    " from (select distinct g ->> 'structure' as key from jsonb_array_elements(r.content -> 'grants') g) k"
    " where k.key is not null), '{}')::text as names, coalesce((select jsonb_object_agg(t.id, t.name)"
    " from public_tenant t where not t.deleted and t.id in"
    " (select g ->> 'tenant' from jsonb_array_elements(r.content -> 'grants') g)), '{}')::text as tenants"
    " from published_right r where r.subject = $1"
)


class _Content(msgspec.Struct):
    grants: tuple[Grant, ...] = ()


class _Name(msgspec.Struct):
    """Of a structure: as it was entered here, as the directory has it, and its tenant's there."""

    own: str | None = None
    public: str | None = None
    tenant: str | None = None


_names = msgspec.json.Decoder(dict[str, _Name]).decode
_tenants = msgspec.json.Decoder(dict[str, str]).decode


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A structure at which something is held. ``key``: as rights name it, a SIRET mostly; ``services``: their codes."""

    key: str
    name: str
    public: bool
    roles: tuple[str, ...]
    services: tuple[str, ...] = ()


class Person(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Who looks at a page. ``version``: that of the rights; ``tenants``: names by id."""

    signed: Signed
    version: int
    principal: Principal
    places: tuple[Place, ...]
    tenants: dict[str, str]

    @property
    def subject(self) -> str:
        """Under which the services know him."""
        return self.signed.subject

    @property
    def name(self) -> str:
        """As he calls himself."""
        return self.signed.name

    @property
    def language(self) -> Literal["fr", "en"]:
        """In which he is written to."""
        return self.signed.language

    @cached_property
    def roles(self) -> frozenset[str]:
        """Held anywhere."""
        return frozenset(self.principal.roles)

    def has(self, *roles: str) -> bool:
        """Whether one of these is held anywhere: what decides is asked of the service that owns the thing."""
        return bool(self.roles & set(roles))

    @cached_property
    def supplies(self) -> bool:
        """Whether he deposits for somebody."""
        return self.has("FOURNISSEUR", "DEPOSANT", "MOE", "MOA")

    @cached_property
    def receives(self) -> bool:
        """Whether invoices come to him: in a public body, or a service of one."""
        return any(place.public for place in self.places) or self.has("TENANT_ADMIN", "COMPTABLE", "AGENT", "FINANCE")


async def find(pool: Pool, secret: str | None, now: datetime, settings: PortalSettings) -> Person | None:
    """Whose session this is, with his rights. ``pool``: that of the schema's owner."""
    if not secret:
        return None
    async with pool.acquire() as connection:
        signed = await session_store.find(connection, secret, now, settings)
        if signed is None:
            return None
        row = await connection.fetchrow(_RIGHTS, signed.subject)
    if row is None:
        return Person(signed=signed, version=0, principal=of_grants(signed.subject, ()), places=(), tenants={})
    grants = msgspec.json.decode(row["content"], type=_Content).grants
    held = [g for g in grants if (g.since is None or g.since <= now) and (g.until is None or now < g.until)]
    keys = sorted({g.structure for g in held if g.structure})
    asked = {g.tenant for g in held if g.tenant}
    names, tenants = _names(row["names"]), _tenants(row["tenants"])
    places = tuple(
        Place(
            key=key,
            name=_shown(key, names[key].public or names[key].own, names[key].tenant),
            public=names[key].public is not None,
            roles=_once(g.role for g in held if g.structure == key),
            services=_once(g.service for g in held if g.structure == key and g.service),
        )
        for key in keys
    )
    return Person(
        signed=signed,
        version=row["version"],
        principal=of_grants(signed.subject, held),
        places=tuple(sorted(places, key=lambda one: (one.name, one.key))),
        tenants={key: name for key, name in tenants.items() if key in asked},
    )


def _shown(key: str, name: str | None, tenant: str | None) -> str:
    return called(name, tenant) if name else key


def _once(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
