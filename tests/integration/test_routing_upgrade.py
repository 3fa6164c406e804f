"""A directory that was stored before search, engagements and tenants' history came is taken over as it is."""

from collections.abc import Mapping

import msgspec
import pytest

from deploy.database import ServiceDsns
from services.common import db
from services.common.db import migrate, open_pool
from services.routing import reindex, search
from services.routing.domain import entry_key
from services.routing.imports import import_directory
from services.routing.store import in_force
from tests.unit.routing.samples import FILE, TOWN

MIGRATED = ()  # its tests do that themselves, in two steps


async def test_entries_of_the_first_version_are_found_and_known_after_the_update(
    dsns: Mapping[str, ServiceDsns], monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = dsns["routing"].worker
    files = db.migration_files
    with monkeypatch.context() as before:
        before.setattr(db, "migration_files", lambda package: [f for f in files(package) if f[0] < "routing/0002"])
        await migrate(dsn, "routing", "services.routing")
    pool = await open_pool(dsn, "routing")
    try:
        for version, entry in enumerate(FILE.entries(), 1):
            await pool.execute(
                "insert into directory_history (version, key, entry, changed_by, changed_at)"
                " values ($1, $2, $3::text::jsonb, 'agnès', now())",
                version,
                entry_key(entry),
                msgspec.json.encode(entry).decode(),
            )
        await pool.execute(
            "insert into tenant select entry->>'id', entry, version, changed_by, changed_at from directory_history"
            " where key like 'tenant:%'"
        )
        await pool.execute(
            "insert into structure select entry->>'siret', entry->>'tenant', '', entry, version, changed_by, changed_at"
            " from directory_history where key like 'structure:%'"
        )
        await pool.execute(
            "insert into service select entry->>'siret', split_part(key, '/', 2), entry, version, changed_by,"
            " changed_at from directory_history where key like 'service:%'"
        )
        await pool.execute("select setval('directory_version', 100)")
        applied = await migrate(dsn, "routing", "services.routing")
        assert len(applied) >= 3
        while await reindex.chunk(pool):
            pass
        async with pool.acquire() as connection:
            assert [hit.structure.siret for hit in await search.search(connection, "budget DRH", 20)] == [TOWN]
            assert (await in_force(connection, [TOWN])).bodies[TOWN] is not None
        assert await pool.fetchval("select bool_and(tenant = 'cd99') from directory_history")
        report = await import_directory(pool, FILE, by="benoît")
        assert (report.added, report.changed, report.unchanged) == (0, 0, len(FILE.entries()))
    finally:
        await pool.close()
