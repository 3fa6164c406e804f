"""Whose each structure is: kept from the directory's topic."""

from collections.abc import Sequence

from contracts.events import StructurePublished
from services.common.db import Connection


async def keep(connection: Connection, published: Sequence[StructurePublished]) -> None:
    """Keep the highest version of each structure."""
    latest: dict[str, StructurePublished] = {}
    for event in published:
        before = latest.get(event.structure.siret)
        if before is None or before.version < event.version:
            latest[event.structure.siret] = event
    if not latest:
        return
    rows = [latest[siret] for siret in sorted(latest)]
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
