"""The directory: imported as a whole, versioned, published."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from contracts.envelope import decode
from contracts.events import ServicePublished, StructurePublished, TenantPublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.directory import Service
from invoice.directory_file import DirectoryFile, InvalidDirectory
from services.common.consumer import tail
from services.common.db import Pool, migrate, open_pool
from services.common.outbox import Relay, RelaySettings
from services.common.record import unpack_headers
from services.routing import load
from services.routing.entries import DIRECTORY_LANE
from services.routing.imports import InvalidImport, import_directory
from services.routing.store import in_force
from tests.records import eventually
from tests.unit.routing.samples import FILE, OTHER, SCHOOL, SERVICES, STRUCTURE, TENANT, TOWN

RENAMED = msgspec.structs.replace(OTHER, name="Régie scolaire")


@pytest.fixture
async def pool(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Pool]:
    dsn = dsns["routing"].worker
    await migrate(dsn, "routing", "services.routing")
    opened = await open_pool(dsn, "routing")
    yield opened
    await opened.close()


async def _sent(pool: Pool) -> bool:
    return bool(await pool.fetchval("select count(*) = 0 from outbox"))


async def _everything(pool: Pool) -> list[Any]:
    """Every row of the directory, its history and the outbox, in order."""
    return [
        [tuple(row) for row in await pool.fetch(f"select * from {table} order by {order}")]
        for table, order in (
            ("tenant", "id"),
            ("structure", "siret"),
            ("service", "siret, code"),
            ("directory_history", "version"),
            ("outbox", "id"),
        )
    ]


async def test_loading_the_same_files_again_gives_no_new_version(pool: Pool) -> None:
    first = await import_directory(pool, FILE, by="agnès")
    before = await _everything(pool)
    second = await import_directory(pool, FILE, by="benoît")
    assert (first.added, first.changed, first.unchanged) == (6, 0, 0)
    assert (second.added, second.changed, second.unchanged) == (0, 0, 6)
    assert second.version == first.version
    assert await _everything(pool) == before
    assert await pool.fetchval("select count(*) from outbox") == 6


async def test_a_change_gets_a_greater_version_and_the_old_one_is_answered_as_of_then(pool: Pool) -> None:
    first = await import_directory(pool, FILE, by="agnès")
    between = datetime.now(UTC)
    second = await import_directory(pool, DirectoryFile(structures=(RENAMED,)), by="benoît")
    assert (second.added, second.changed, second.unchanged) == (0, 1, 0)
    assert second.version > first.version
    history = await pool.fetch(
        "select version, replaces, changed_by, entry ->> 'name' as name from directory_history"
        " where key = $1 order by version",
        f"structure:{SCHOOL}",
    )
    assert [(row["changed_by"], row["name"]) for row in history] == [
        ("agnès", "Régie des écoles"),
        ("benoît", "Régie scolaire"),
    ]
    assert history[1]["replaces"] == history[0]["version"]
    then = await pool.fetchval("select directory_version_at($1)", between)
    assert then == first.version
    name = "select entry ->> 'name' from directory_as_of($1) where key = $2"
    assert await pool.fetchval(name, then, f"structure:{SCHOOL}") == "Régie des écoles"
    assert await pool.fetchval(name, second.version, f"structure:{SCHOOL}") == "Régie scolaire"
    assert await pool.fetchval("select count(*) from directory_as_of($1)", then) == 6


async def test_an_import_with_one_wrong_entry_changes_nothing(pool: Pool) -> None:
    await import_directory(pool, FILE, by="agnès")
    before = await _everything(pool)
    lonely = Service(siret="99900002900010", code="X", label="Sans structure")
    wrong = DirectoryFile(structures=(RENAMED,), services=(lonely,))
    with pytest.raises(InvalidDirectory) as refused:
        await import_directory(pool, wrong, by="benoît")
    assert isinstance(refused.value, InvalidImport)
    [error] = refused.value.errors
    assert (error.rule, error.line, error.value) == ("STRUCTURE_UNKNOWN", 2, "99900002900010")
    assert await _everything(pool) == before


async def test_a_file_may_refer_to_what_the_directory_already_holds(pool: Pool) -> None:
    await import_directory(pool, FILE, by="agnès")
    more = DirectoryFile(services=(Service(siret=SCHOOL, code="CANTINE", label="Cantine"),))
    assert (await import_directory(pool, more, by="agnès")).added == 1
    async with pool.acquire() as connection:
        body = (await in_force(connection, [SCHOOL])).bodies[SCHOOL]
    assert body is not None
    assert list(body.services) == ["CANTINE"]


async def test_a_dry_run_counts_and_checks_but_writes_nothing(pool: Pool) -> None:
    before = await _everything(pool)
    report = await import_directory(pool, FILE, by="agnès", dry_run=True)
    assert (report.added, report.dry_run) == (6, True)
    assert await _everything(pool) == before
    with pytest.raises(InvalidDirectory):
        await import_directory(pool, DirectoryFile(structures=(STRUCTURE,)), by="agnès", dry_run=True)


async def test_imports_at_the_same_time_are_published_in_the_order_of_their_versions(pool: Pool) -> None:
    await import_directory(pool, FILE, by="agnès")
    names = [msgspec.structs.replace(OTHER, name=f"Régie {number}") for number in range(12)]
    await asyncio.gather(*[import_directory(pool, DirectoryFile(structures=(s,)), by="x") for s in names])
    rows = await pool.fetch("select headers, value from outbox where key = $1 order by id", f"structure:{SCHOOL}")
    events = [decode(unpack_headers(row["headers"]), row["value"]).data for row in rows]
    versions = [event.version for event in events if isinstance(event, StructurePublished)]
    assert len(versions) == 13
    assert versions == sorted(set(versions))
    last = events[-1]
    assert isinstance(last, StructurePublished)
    assert await pool.fetchval("select entry ->> 'name' from structure where siret = $1", SCHOOL) == last.structure.name


async def test_the_compacted_topic_carries_every_entry_and_keeps_a_structure_together(
    stack: Stack, dsns: Mapping[str, ServiceDsns], pool: Pool
) -> None:
    await import_directory(pool, FILE, by="agnès")
    wanted = {row["key"] for row in await pool.fetch("select key from outbox")}
    ids = {dict(unpack_headers(row["headers"]))["ce_id"] for row in await pool.fetch("select headers from outbox")}
    relay = Relay(
        RelaySettings(
            schema="routing",
            dsn=dsns["routing"].worker,
            kafka=stack.kafka.bootstrap,
            lane=DIRECTORY_LANE,
            transactional_id="chorale-routing-directory",
        )
    )
    running = asyncio.create_task(relay.run())
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(60):
            async for record in tail(stack.kafka.bootstrap, ["chorale.directory.v1"], from_start=True):
                if dict(record.headers)["ce_id"] in ids:
                    event = decode(record.headers, record.value)
                    found[event.subject] = (record.partition, event)
                if len(found) == len(wanted):
                    break
            await eventually(lambda: _sent(pool))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert set(found) == wanted
    assert found["tenant:cd99"][1].data.tenant == TENANT
    assert {type(event.data) for _, event in found.values()} == {TenantPublished, StructurePublished, ServicePublished}
    town = {partition for key, (partition, _) in found.items() if TOWN in key}
    assert len(town) == 1
    assert {event.tenant for _, event in found.values()} == {"cd99"}


def _write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


async def test_the_command_loads_a_folder_once(
    dsns: Mapping[str, ServiceDsns],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHORALE_DSN", dsns["routing"].worker)
    built = msgspec.to_builtins(FILE)
    _write(tmp_path, "a.json", {"services": built["services"]})
    _write(tmp_path, "b.json", {"tenants": built["tenants"], "structures": built["structures"]})
    run = [str(tmp_path), "--by", "agnès"]
    assert await asyncio.to_thread(load.main, [*run, "--dry-run"]) == 0
    assert "Essai, rien n'est écrit : 6 ajoutées, 0 modifiées, 0 inchangées" in capsys.readouterr().out
    assert await asyncio.to_thread(load.main, run) == 0
    assert capsys.readouterr().out.startswith("6 ajoutées, 0 modifiées, 0 inchangées")
    assert await asyncio.to_thread(load.main, run) == 0
    assert capsys.readouterr().out.startswith("0 ajoutées, 0 modifiées, 6 inchangées")


async def test_the_command_names_the_file_and_changes_nothing(
    dsns: Mapping[str, ServiceDsns],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHORALE_DSN", dsns["routing"].worker)
    await migrate(dsns["routing"].worker, "routing", "services.routing")
    _write(tmp_path, "good.json", msgspec.to_builtins(FILE))
    _write(tmp_path, "wrong.json", {"tenants": [{"id": "cd1", "name": "x", "color": "blue"}]})
    (tmp_path / "worse.json").write_text("{", encoding="utf-8")
    assert await asyncio.to_thread(load.main, [str(tmp_path), "--by", "agnès"]) == 2
    errors = capsys.readouterr().err
    assert "wrong.json, ligne 1 : Entrée illisible : le champ 'color' n'existe pas" in errors
    assert "worse.json : " in errors
    connection = await asyncpg.connect(dsns["routing"].worker)
    try:
        assert await connection.fetchval("select count(*) from routing.tenant") == 0
    finally:
        await connection.close()


def test_the_samples_hold_an_ended_and_a_closed_service() -> None:
    assert [service.active for service in SERVICES] == [True, True, False]
