"""The portal's replica of the directory: which structures are public, of which tenant, with which services."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.envelope import Event
from contracts.events import EngagementPublished, Payload, ServicePublished, StructurePublished, TenantPublished
from services.common.db import Connection

_TENANT = (
    "insert into public_tenant as held (id, name, version, deleted)"
    " select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bool[])"
    " on conflict (id) do update set name = excluded.name, version = excluded.version, deleted = excluded.deleted"
    " where held.version < excluded.version"
)
_STRUCTURE = (
    "insert into public_structure as held (siret, tenant, name, town, postal_code, active, version, deleted)"
    " select * from"
    " unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::bigint[], $8::bool[])"
    " on conflict (siret) do update set tenant = excluded.tenant, name = excluded.name, town = excluded.town,"
    " postal_code = excluded.postal_code, active = excluded.active, version = excluded.version,"
    " deleted = excluded.deleted where held.version < excluded.version returning siret"
)
_SERVICE = (
    "insert into public_service as held (siret, code, label, active, version, deleted)"
    " select * from unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bigint[], $6::bool[])"
    " on conflict (siret, code) do update set label = excluded.label, active = excluded.active,"
    " version = excluded.version, deleted = excluded.deleted where held.version < excluded.version"
)


def not_kept(data: Payload) -> bool:
    """Events of the directory of which the portal keeps nothing: the consumer skips them."""
    return isinstance(data, EngagementPublished)


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A public structure as the directory has it."""

    siret: str
    tenant: str
    name: str
    town: str | None
    postal_code: str | None
    active: bool


async def keep(connection: Connection, events: Sequence[Event]) -> list[str]:
    """Keep the latest version of what these events say; returns the SIRETs of the structures that changed."""
    tenants: dict[str, tuple[Any, ...]] = {}
    structures: dict[str, tuple[Any, ...]] = {}
    services: dict[tuple[str, str], tuple[Any, ...]] = {}
    for event in events:
        match event.data:
            case TenantPublished(tenant=tenant) as data:
                _latest(tenants, tenant.id, (tenant.id, tenant.name, data.version, data.deleted), 2)
            case StructurePublished(structure=body) as data:
                place = (body.town, body.postal_code, body.active, data.version, data.deleted)
                _latest(structures, body.siret, (body.siret, body.tenant, body.name, *place), 6)
            case ServicePublished(service=service) as data:
                row = (service.siret, service.code, service.label, service.active, data.version, data.deleted)
                _latest(services, (service.siret, service.code), row, 4)
            case _:
                pass
    await _write(connection, _TENANT, tenants)
    await _write(connection, _SERVICE, services)
    return await _write(connection, _STRUCTURE, structures)


def _latest(found: dict[Any, tuple[Any, ...]], key: Any, row: tuple[Any, ...], version: int) -> None:
    if key not in found or found[key][version] < row[version]:
        found[key] = row


async def _write(connection: Connection, statement: str, rows: dict[Any, tuple[Any, ...]]) -> list[str]:
    if not rows:
        return []
    columns = [list(column) for column in zip(*(rows[key] for key in sorted(rows)), strict=True)]
    return [row[0] for row in await connection.fetch(statement, *columns)]


async def body(connection: Connection, siret: str) -> Body | None:
    """The public structure of this SIRET, or None where the directory has none."""
    row = await connection.fetchrow(
        "select siret, tenant, name, town, postal_code, active from public_structure where siret = $1 and not deleted",
        siret,
    )
    return None if row is None else Body(**dict(row))


async def unknown_services(connection: Connection, siret: str, codes: Sequence[str]) -> list[str]:
    """Those of these codes that are no open service of this structure."""
    rows = await connection.fetch(
        "select code from unnest($2::text[]) asked(code) where not exists (select from public_service s"
        " where s.siret = $1 and s.code = asked.code and s.active and not s.deleted)",
        siret,
        list(codes),
    )
    return [row["code"] for row in rows]
