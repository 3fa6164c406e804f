"""Whose each structure is, and where a tenant reads answers: kept from the directory's topic."""

from collections.abc import Sequence

from contracts.events import StructurePublished, TenantPublished
from services.common.db import Connection
from services.common.versions import highest
from services.notify.domain import clean_address


async def keep(connection: Connection, published: Sequence[StructurePublished]) -> None:
    """Keep the highest version of each structure."""
    rows = highest(published, lambda event: event.structure.siret)
    if not rows:
        return
    await connection.execute(
        "insert into recipient as r (siret, tenant, version, deleted)"
        " select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bool[])"
        " on conflict (siret) do update set tenant = excluded.tenant, version = excluded.version,"
        "  deleted = excluded.deleted where r.version < excluded.version",
        [row.structure.siret for row in rows],
        [row.structure.tenant for row in rows],
        [row.version for row in rows],
        [row.deleted for row in rows],
    )


async def keep_senders(connection: Connection, published: Sequence[TenantPublished]) -> None:
    """Keep the address of the highest version of each tenant."""
    rows = highest(published, lambda event: event.tenant.id)
    if not rows:
        return
    await connection.execute(
        "insert into tenant_sender as s (tenant, sender, version, deleted)"
        " select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bool[])"
        " on conflict (tenant) do update set sender = excluded.sender, version = excluded.version,"
        "  deleted = excluded.deleted where s.version < excluded.version",
        [row.tenant.id for row in rows],
        [None if row.deleted else clean_address(row.tenant.sender or "") for row in rows],
        [row.version for row in rows],
        [row.deleted for row in rows],
    )
