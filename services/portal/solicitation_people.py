"""Which accounts are told of a sollicitation. Addresses of bodies and suppliers are notify's to know."""

from datetime import datetime
from typing import Final

from services.common.db import Connection
from services.portal.solicitation import Place
from services.portal.structure import called

#: A service with more people than that reads its list.
_MOST: Final = 50
_OPERATORS: Final = (
    "select distinct subject from held_office where role = 'OPERATEUR' and withdrawn_at is null order by 1 limit $1"
)
_AGENTS: Final = (
    "select distinct h.subject from held_role h join structure s on s.id = h.structure where s.key = $1"
    " and h.role = 'AGENT' and h.service = $2 and h.withdrawn_at is null and (h.since is null or h.since <= $3)"
    " and (h.until is null or h.until > $3) order by 1 limit $4"
)
_MANAGERS: Final = (
    "select distinct m.subject from membership m join structure s on s.id = m.structure where s.key = $1"
    " and m.manager is not null and m.side = 'body' and m.left_at is null order by 1 limit $2"
)


async def at(connection: Connection, place: Place, now: datetime) -> tuple[str, ...]:
    """The accounts of those who answer for a side: operators; people of the service, else the body's managers."""
    if place.kind == "support":
        rows = await connection.fetch(_OPERATORS, _MOST)
    elif place.kind == "body":
        rows = await connection.fetch(_AGENTS, place.structure, place.service, now, _MOST) if place.service else []
        rows = rows or await connection.fetch(_MANAGERS, place.structure, _MOST)
    else:
        rows = []
    return tuple(row["subject"] for row in rows)


async def tenant_of(connection: Connection, siret: str) -> tuple[str, str] | None:
    """The tenant and the name of a public body, None where the directory has no such structure."""
    row = await connection.fetchrow(
        "select p.tenant, p.name, t.name as tenant_name from public_structure p"
        " left join public_tenant t on t.id = p.tenant where p.siret = $1 and not p.deleted",
        siret,
    )
    if row is None:
        return None
    name, tenant = row["name"], row["tenant_name"]
    return row["tenant"], called(name, tenant)


async def service_there(connection: Connection, siret: str, code: str) -> bool:
    """Whether the body has this service, open."""
    return bool(
        await connection.fetchval(
            "select true from public_service where siret = $1 and code = $2 and active and not deleted", siret, code
        )
    )
