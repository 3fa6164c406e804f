"""Tenants by command: opened, suspended, exported, deleted; replicas from the topic alone; who changed what."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from contracts.envelope import Event, decode
from contracts.events import EngagementPublished, ServicePublished, StructurePublished, TenantPublished
from deploy.database import ServiceDsns
from invoice.directory import Engagement, Tenant
from invoice.directory_file import DirectoryFile
from invoice.structure_identifiers import identifier
from services.common.deliver import Deliver
from services.common.record import unpack_headers
from services.routing import cli
from services.routing.domain import entry_key
from services.routing.handlers import Handlers
from services.routing.imports import import_directory
from services.routing.store import Directory
from tests.integration.routing_world import OPERATOR, World, bearer, routing_world
from tests.records import event, record
from tests.unit.routing.samples import FILE, SCHOOL, SERVICES, SUPPLIER, TOWN, submitted

OTHER_TENANT = Tenant(id="cd98", name="Département voisin")
NUMBER = Engagement(siret=TOWN, number="CP1", supplier=identifier("SIRET", SUPPLIER))
PUBLISHED = (TenantPublished, StructurePublished, ServicePublished, EngagementPublished)


@pytest.fixture
async def world(dsns: Mapping[str, ServiceDsns], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("CHORALE_DSN", dsns["routing"].worker)
    async with routing_world(dsns) as opened:
        await import_directory(opened.pool, FILE, by="benoît")
        whole = DirectoryFile(tenants=(OTHER_TENANT,), engagements=(NUMBER,))
        await import_directory(opened.pool, whole, by="benoît")
        yield opened


async def _run(*arguments: str) -> int:
    return await asyncio.to_thread(cli.run, arguments)


async def _told(world: World) -> list[Event]:
    rows = await world.pool.fetch("select headers, value from outbox where lane = 'directory' order by id")
    return [decode(unpack_headers(row["headers"]), row["value"]) for row in rows]


def _replica(events: list[Event]) -> dict[str, tuple[int, bool]]:
    """What a replica holds after these events: the highest version of each key, and whether it is gone."""
    held: dict[str, tuple[int, bool]] = {}
    for found in events:
        data = found.data
        assert isinstance(data, PUBLISHED)
        if data.version > held.get(found.subject, (0, False))[0]:
            held[found.subject] = (data.version, data.deleted)
    return held


async def test_one_command_opens_a_tenant_and_tells_it_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    opening = ["tenant", "create", "cd32", "--name", "Gers", "--by", "agnès", "--contact-email", "gers@example.org"]
    opening += ["--policies", '{"recycling_restarts_delay": false}']
    assert await _run(*opening) == 0
    assert "Tenant cd32 ouvert" in capsys.readouterr().out
    assert await _run(*opening) == 2
    assert "existe déjà" in capsys.readouterr().err
    told = [e for e in await _told(world) if e.subject == "tenant:cd32"]
    assert len(told) == 1
    assert isinstance(told[0].data, TenantPublished)
    assert told[0].data.tenant.contacts[0].email == "gers@example.org"
    assert told[0].data.tenant.policies.recycling_restarts_delay is False
    for wrong in ('{"recycling": false}', "{", '{"levels": [{"code": "DEST_STATE", "level": "warn"}]}'):
        assert await _run("tenant", "create", "cd33", "--name", "x", "--by", "agnès", "--policies", wrong) == 2
    assert await _run("tenant", "create", "CD 32!", "--name", "x", "--by", "agnès") == 2


async def test_a_suspended_tenant_receives_nothing_until_it_is_resumed(world: World) -> None:
    deliver = Deliver(world.pool, "routing", Handlers(Directory()))
    for action, outcome in (("suspend", "unroutable"), ("suspend", "unroutable"), ("resume", "routed")):
        assert await _run("tenant", action, "cd99", "--by", "agnès") == 0
        found = event(submitted(), str(uuid4()))
        await deliver.batch([record(found)])
        decided = await world.pool.fetchval("select outcome from decision where event_id = $1", found.id)
        assert decided == outcome
    versions = [e for e in await _told(world) if e.subject == "tenant:cd99"]
    assert len(versions) == 3  # opened, suspended once, resumed
    assert await _run("tenant", "suspend", "cd00", "--by", "agnès") == 2


async def test_a_deletion_reaches_every_entry_of_the_tenant_and_nobody_elses(world: World) -> None:
    assert await _run("tenant", "delete", "cd99", "--by", "agnès") == 2  # not confirmed
    deliver = Deliver(world.pool, "routing", Handlers(Directory()))
    found = event(submitted(), str(uuid4()))
    await deliver.batch([record(found)])
    before = len(await _told(world))
    assert await _run("tenant", "delete", "cd99", "--by", "agnès", "--yes") == 0
    gone = (await _told(world))[before:]
    assert [e.subject.partition(":")[0] for e in gone] == [
        *("engagement", "service", "service", "service", "structure", "structure", "tenant")
    ]
    for told in gone:
        assert isinstance(told.data, PUBLISHED)
        assert told.data.deleted
        assert told.tenant == "cd99"
    assert SUPPLIER not in str([msgspec.json.encode(e.data) for e in gone])
    for table in ("service", "structure", "engagement", "search_entry"):
        assert await world.pool.fetchval(f"select count(*) from {table}") == 0
    assert await world.pool.fetchval("select array_agg(id) from tenant") == ["cd98"]
    assert (await world.client.get("/api/v1/directory/structures", params={"q": "regie"})).json() == []
    # What was decided, and by which rules, stays for its legal term; the supplier's orders do not.
    version = await world.pool.fetchval("select directory_version from decision")
    then = await world.client.get(f"/api/v1/directory/structures/{TOWN}", params={"version": version})
    assert [s["code"] for s in then.json()["services"]] == ["DRH", "FERME", "Voirie 2"]
    left = await world.pool.fetchval("select string_agg(entry::text, ' ') from directory_history where key like 'eng%'")
    assert SUPPLIER not in left


async def test_an_entry_that_was_deleted_may_come_back(world: World) -> None:
    assert await _run("tenant", "delete", "cd99", "--by", "agnès", "--yes") == 0
    report = await import_directory(world.pool, FILE, by="benoît")
    assert report.added == len(FILE.entries())
    held = _replica(await _told(world))
    assert {key for key, (_, gone) in held.items() if not gone} == {
        "tenant:cd98",
        *(entry_key(entry) for entry in FILE.entries()),
    }


async def test_republishing_gives_a_new_replica_the_directory_and_an_old_one_nothing_new(world: World) -> None:
    await import_directory(
        world.pool, DirectoryFile(services=(msgspec.structs.replace(SERVICES[0], label="Paie"),)), by="benoît"
    )
    await import_directory(world.pool, DirectoryFile(tenants=(Tenant(id="cd97", name="Bref"),)), by="benoît")
    assert await _run("tenant", "delete", "cd97", "--by", "agnès", "--yes") == 0
    first = await _told(world)
    await world.pool.execute("delete from outbox")
    assert await _run("republish") == 0
    again = await _told(world)
    assert _replica(again) == _replica(first)
    assert {e.id for e in again} <= {e.id for e in first}  # who has seen them drops them
    kinds = [e.subject.partition(":")[0] for e in again]
    assert kinds.index("structure") > max(n for n, kind in enumerate(kinds) if kind == "tenant")
    assert kinds.index("service") > max(n for n, kind in enumerate(kinds) if kind == "structure")


async def test_an_export_holds_every_version_and_decision_of_one_tenant_only(world: World, tmp_path: Path) -> None:
    deliver = Deliver(world.pool, "routing", Handlers(Directory()))
    found = event(submitted(), str(uuid4()))
    await deliver.batch([record(found)])
    target = tmp_path / "cd99.jsonl"
    assert await _run("tenant", "export", "cd99", "--by", "agnès", "--to", str(target)) == 0
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["entree"] for line in lines].count("version") == len(FILE.entries()) + 2
    assert [line["invoice"] for line in lines if line["entree"] == "decision"] == [found.subject]
    assert "cd98" not in target.read_text()
    asked = (await _told(world))[-1].data
    assert isinstance(asked, TenantPublished)
    assert (asked.tenant.id, asked.deleted) == ("cd99", False)
    assert asked.export_request in [line["id"] for line in lines if line["entree"] == "commande"]
    assert await _run("tenant", "delete", "cd99", "--by", "agnès", "--yes") == 0
    assert await _run("tenant", "export", "cd99", "--by", "agnès", "--to", str(target)) == 0
    assert await _run("tenant", "export", "cd00", "--by", "agnès", "--to", str(target)) == 2


async def test_the_rules_of_the_day_of_deposit_are_answered_after_a_change(world: World) -> None:
    day = datetime.now(UTC)
    closed = msgspec.structs.replace(SERVICES[0], active=False)
    await import_directory(world.pool, DirectoryFile(services=(closed,)), by="benoît")
    path = f"/api/v1/directory/structures/{TOWN}"
    now = (await world.client.get(path)).json()
    then = (await world.client.get(path, params={"at": day.isoformat()})).json()
    assert {s["code"]: s["open_today"] for s in now["services"]}["DRH"] is False
    assert {s["code"]: s["open_today"] for s in then["services"]}["DRH"] is True
    assert then["version"] < now["version"]
    long_ago = await world.client.get(path, params={"at": "2001-01-01T00:00:00Z"})
    assert (long_ago.status_code, long_ago.json()["code"]) == (404, "STRUCTURE_UNKNOWN")
    for wrong in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"):
        assert (await world.client.get(path, params={"at": wrong})).status_code == 422


async def test_who_changed_what_is_told_to_the_operator_and_to_the_tenants_administrator(world: World) -> None:
    path = f"/api/v1/directory/structures/{TOWN}/history"
    mine = await world.client.get(path, headers=bearer("TENANT_ADMIN", tenants=("cd99",)))
    assert {line["changed_by"] for line in mine.json()} == {"benoît"}
    assert len(mine.json()) == 4
    assert len((await world.client.get(path, headers=OPERATOR)).json()) == 4
    other = await world.client.get(path, headers=bearer("TENANT_ADMIN", tenants=("cd98",)))
    assert other.json() == []
    assert (await world.client.get(path, headers=bearer("FOURNISSEUR", tenants=("cd99",)))).status_code == 403
    assert (await world.client.get(path)).status_code == 401
    assert "CP1" not in mine.text


async def test_a_decision_is_explained_to_those_whom_it_concerns(world: World) -> None:
    found = event(submitted(service_code="FERME"), str(uuid4()))
    await Deliver(world.pool, "routing", Handlers(Directory())).batch([record(found)])
    path = f"/api/v1/directory/decisions/{found.subject}"
    [decision] = (await world.client.get(path, headers=bearer("TENANT_ADMIN", tenants=("cd99",)))).json()
    assert (decision["outcome"], decision["attempt"]) == ("unroutable", 1)
    assert "SERVICE_INACTIVE" in {finding["code"] for finding in decision["findings"]}
    [closed] = [finding for finding in decision["findings"] if finding["code"] == "SERVICE_INACTIVE"]
    assert closed["operator_message"] not in ("", closed["message"])
    other = await world.client.get(path, headers=bearer("TENANT_ADMIN", tenants=("cd98",)))
    assert other.status_code == 404
    assert (await world.client.get(path, headers=bearer("FOURNISSEUR"))).status_code == 403


async def test_an_operator_who_asks_for_a_decision_gives_a_reason_that_the_tenant_reads(world: World) -> None:
    found = event(submitted(service_code="FERME"), str(uuid4()))
    await Deliver(world.pool, "routing", Handlers(Directory())).batch([record(found)])
    path, looks = f"/api/v1/directory/decisions/{found.subject}", "/api/v1/directory/looks"
    refused = await world.client.get(path, headers=OPERATOR)
    assert (refused.status_code, refused.json()["code"]) == (403, "REASON_REQUIRED")
    given = {**OPERATOR, "X-Chorale-Reason": "Pourquoi cette facture est perdue"}
    assert (await world.client.get(path, headers=given)).status_code == 200
    unknown = f"/api/v1/directory/decisions/{uuid4()}"
    assert (await world.client.get(unknown, headers=given)).status_code == 404
    [one] = (await world.client.get(looks, headers=bearer("TENANT_ADMIN", tenants=("cd99",)))).json()["looks"]
    assert (one["invoice"], one["reason"]) == (found.subject, "Pourquoi cette facture est perdue")
    assert (await world.client.get(looks, headers=bearer("TENANT_ADMIN", tenants=("cd98",)))).json()["looks"] == []
    assert (await world.client.get(looks, headers=bearer("FOURNISSEUR"))).status_code == 403


async def test_routing_decides_by_the_engagements_that_the_body_knows(world: World) -> None:
    theirs = msgspec.structs.replace(NUMBER, supplier=identifier("SIRET", SCHOOL))
    await import_directory(world.pool, DirectoryFile(engagements=(theirs,)), by="benoît")
    found = event(submitted(engagement="cp 1"), str(uuid4()))
    await Deliver(world.pool, "routing", Handlers(Directory())).batch([record(found)])
    findings = await world.pool.fetchval("select findings::text from decision")
    assert "ENGAGEMENT_OTHER_SUPPLIER" in findings
    assert SCHOOL not in findings
    latest = await world.pool.fetchval("select max(version) from directory_history")
    assert await world.pool.fetchval("select directory_version from decision") == latest
