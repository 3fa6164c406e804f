"""What tenants and public bodies are called, for the figures of supervision: as the directory has published them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.portal.pages.page import Page
from services.portal.structure import called

_TENANTS: Final = "select id, name from public_tenant where not deleted order by name, id limit 500"
_NAMED: Final = "select id, name from public_tenant where id = any($1::text[]) and not deleted"
_BODIES: Final = (
    "select p.siret, p.name, t.name as tenant from public_structure p left join public_tenant t on t.id = p.tenant"
    " where p.siret = any($1::text[]) and not p.deleted"
)


class Names(msgspec.Struct, frozen=True):
    """What tenants and public bodies are called, by id and by SIRET."""

    tenants: Mapping[str, str] = {}
    bodies: Mapping[str, str] = {}


async def known_tenants(page: Page) -> list[tuple[str, str]]:
    """The tenants that who looks may choose from: an operator all of them, an administrator his own."""
    if page.me.has("OPERATEUR"):
        return [(row["id"], row["name"]) for row in await page.house.parts.pool.fetch(_TENANTS)]
    own = page.me.principal.tenants_as("TENANT_ADMIN")
    return [(tenant, page.me.tenants.get(tenant, tenant)) for tenant in own]


async def named(page: Page, seen: Mapping[str, Any]) -> Names:
    """The names of what the figures speak of, as the directory has published them."""
    stocks = seen.get("stocks") or {}
    tenants = [*seen["tenants"], *(one["tenant"] for one in stocks.get("by_tenant", ()) if one["tenant"])]
    bodies = [one["structure"] for one in stocks.get("by_service", ())]
    pool = page.house.parts.pool
    found = await pool.fetch(_NAMED, tenants) if tenants else []
    public = await pool.fetch(_BODIES, bodies) if bodies else []
    bodies_named = {row["siret"]: called(row["name"], row["tenant"]) for row in public}
    return Names({row["id"]: row["name"] for row in found}, bodies_named)
