"""Software of a structure: who may keep it, and what it may hold."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from contracts.events import AccountPublished, StructurePublished
from deploy.local import Stack
from invoice.directory import Structure
from services.common.auth import Principal
from services.common.deliver import transaction
from services.portal import structure_handlers
from tests.integration.portal_software_world import (
    BODY,
    OPERATOR,
    SOFTWARE,
    SUPPLIER,
    TENANT,
    World,
    manager,
    open_world,
    renewed,
)
from tests.records import event
from tests.servers import fresh_database

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "portal") as dsns, open_world(stack, dsns) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(one: World) -> World:
    return await renewed(one)


async def test_a_structure_bounds_what_its_software_may_hold(world: World) -> None:
    async def code(who: Principal, **more: object) -> tuple[int, str]:
        given = {"structure": SUPPLIER, "name": "X", "roles": ["FOURNISSEUR"], "scopes": ["deposits.write"], **more}
        answer = await world.ask("POST", SOFTWARE, who, json=given)
        errors = answer.json().get("errors") or [{"rule": answer.json().get("code")}]
        return answer.status_code, errors[0]["rule"]

    assert await code(manager(), roles=["COMPTABLE"]) == (422, "ROLE_BEYOND_STRUCTURE")
    assert await code(manager(), roles=["OPERATEUR"]) == (422, "ROLE_BEYOND_STRUCTURE")
    assert await code(manager(), roles=["TENANT_ADMIN"]) == (422, "ROLE_BEYOND_STRUCTURE")
    assert await code(manager(), scopes=["everything"]) == (422, "value_error")
    assert await code(manager(), writes_each_minute=601) == (422, "LIMIT_BEYOND_PLATFORM")
    assert (await code(OPERATOR, writes_each_minute=6000))[0] == 201
    body = manager(BODY, TENANT)
    assert await code(body, structure=BODY) == (422, "ROLE_BEYOND_STRUCTURE")
    assert await code(body, structure=BODY, roles=["AGENT"]) == (422, "SERVICES_WITH_AGENT")
    made = await world.made(body, structure=BODY, roles=["AGENT", "FINANCE"], services=["DRH", "DRH", "DSI"])
    assert (made["tenant"], made["services"]) == (TENANT, ["DRH", "DSI"])
    last = [e.data for e in await world.sent() if isinstance(e.data, AccountPublished)][-1]
    assert {(g.role, g.service, g.tenant) for g in last.grants} == {
        ("AGENT", "DRH", TENANT),
        ("AGENT", "DSI", TENANT),
        ("FINANCE", None, TENANT),
    }


async def test_a_body_that_leaves_the_directory_takes_its_programs_rights_with_it(world: World) -> None:
    made = await world.made(manager(BODY, TENANT), structure=BODY, roles=["FINANCE", "LECTURE"])
    body = Structure(siret=BODY, name="Budget principal", tenant=TENANT, kind="budget_principal")
    now = datetime.now(UTC)
    for version, deleted in ((2, True), (3, False)):
        said = StructurePublished(version=version, structure=body, changed_by="a", changed_at=now, deleted=deleted)
        async with transaction(world.pool, "portal") as tx:
            await structure_handlers.handle(tx, [event(said, f"structure:{BODY}")])
    published = [e.data for e in await world.sent() if isinstance(e.data, AccountPublished)]
    mine = [one for one in published if one.subject == made["subject"]]
    assert [{(g.role, g.tenant) for g in one.grants} for one in mine] == [
        {("FINANCE", TENANT), ("LECTURE", TENANT)},
        {("LECTURE", None)},
        {("FINANCE", TENANT), ("LECTURE", TENANT)},
    ]


async def test_a_program_of_a_supplier_reads_nothing_that_a_body_receives_should_it_become_one(world: World) -> None:
    made = await world.made(roles=["FOURNISSEUR", "LECTURE"])
    body = Structure(siret=SUPPLIER, name="Régie", tenant=TENANT, kind="budget_principal")
    said = StructurePublished(version=1, structure=body, changed_by="a", changed_at=datetime.now(UTC))
    async with transaction(world.pool, "portal") as tx:
        await structure_handlers.handle(tx, [event(said, f"structure:{SUPPLIER}")])

    async def held() -> set[tuple[str, str | None]]:
        published = [e.data for e in await world.sent() if isinstance(e.data, AccountPublished)]
        return {(g.role, g.tenant) for g in [one for one in published if one.subject == made["subject"]][-1].grants}

    assert await held() == {("FOURNISSEUR", None), ("LECTURE", None)}
    path = f"{SOFTWARE}/{made['client_id']}"
    answer = await world.ask("PATCH", path, manager(SUPPLIER, TENANT), json={"roles": ["LECTURE"]})
    assert answer.status_code == 200, answer.text
    assert await held() == {("LECTURE", TENANT)}
    await world.pool.execute("delete from public_structure where siret = $1", SUPPLIER)


async def test_programs_of_a_successor_see_what_was_sent_under_the_old_number(world: World) -> None:
    old = UUID(int=2)
    await world.pool.execute(
        "insert into structure (id, kind, identifier, written, key, name, created_at, created_by, changed_at)"
        " values ($1, 'SIRET', '44306184100039', '', '44306184100039', 'Avant', now(), 'person:x', now())",
        old,
    )
    await world.pool.execute(
        "insert into succession (id, old, new, state, asked_by, asked_at, decided_by, decided_at)"
        " values ($1, $1, $2, 'done', 'x', now(), 'x', now())",
        old,
        UUID(int=1),
    )
    await world.made()
    last = [e.data for e in await world.sent() if isinstance(e.data, AccountPublished)][-1]
    assert {g.structure for g in last.grants} == {SUPPLIER, "44306184100039"}


async def test_nobody_but_the_managers_of_a_structure_learns_of_its_software(world: World) -> None:
    made = await world.made()
    stranger = manager("55203253400646", subject="person:stranger")
    supplier = Principal(subject="person:clerk", structures=(SUPPLIER,), roles=("FOURNISSEUR",))
    nowhere = str(UUID(int=7))
    for who in (stranger, supplier, manager(BODY, TENANT, "person:body")):
        for method, tail in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/secrets"), ("GET", "/usage")):
            more: dict[str, Any] = {"json": {}} if method in ("PATCH", "POST") else {}
            answers = [
                await world.ask(method, f"{SOFTWARE}/{client}{tail}", who, **more)
                for client in (made["client_id"], nowhere)
            ]
            assert [answer.status_code for answer in answers] == [404, 404], (who, method, tail)
            assert answers[0].json()["detail"] == answers[1].json()["detail"]
        page = await world.ask("GET", SOFTWARE, who)
        assert page.json() == {"software": [], "next": None}
        given = {"structure": SUPPLIER, "name": "X", "roles": ["FOURNISSEUR"], "scopes": ["deposits.write"]}
        unknown = await world.ask("POST", SOFTWARE, who, json={**given, "structure": "99999999900000"})
        known = await world.ask("POST", SOFTWARE, who, json=given)
        assert (known.status_code, known.json()["detail"]) == (403, unknown.json()["detail"])
    listed = (await world.ask("GET", SOFTWARE, manager())).json()["software"]
    assert [one["client_id"] for one in listed] == [made["client_id"]]


async def test_a_changed_right_is_published_and_stands_in_the_audit_trail(world: World) -> None:
    made = await world.made()
    path = f"{SOFTWARE}/{made['client_id']}"
    answer = await world.ask("PATCH", path, manager(), json={"roles": ["LECTURE"], "writes_each_minute": 5})
    assert (answer.json()["roles"], answer.json()["writes_each_minute"]) == (["LECTURE"], 5)
    versions = [e.data for e in await world.sent() if isinstance(e.data, AccountPublished)]
    first, second = (one.version for one in versions)
    assert first < second
    assert (versions[1].grants[0].role, versions[1].writes_each_minute) == ("LECTURE", 5)
    back = await world.ask("PATCH", path, manager(), json={"writes_each_minute": None})
    assert back.json()["writes_each_minute"] == 600
    trail = (await world.ask("GET", "/api/v1/accounts/audit", manager(), params={"about": made["subject"]})).json()
    assert [entry["action"] for entry in trail["entries"]] == ["software.changed", "software.changed", "software.made"]
    assert trail["entries"][0]["actor"] == "person:manager"
    for who in (manager("55203253400646", subject="person:stranger"), Principal(subject="person:nobody")):
        seen = await world.ask("GET", "/api/v1/accounts/audit", who, params={"about": made["subject"]})
        assert seen.json() == {"entries": [], "next": None}
    first = (await world.ask("GET", "/api/v1/accounts/audit", OPERATOR, params={"limit": 2})).json()
    rest = await world.ask("GET", "/api/v1/accounts/audit", OPERATOR, params={"cursor": first["next"], "limit": 200})
    assert max(entry["id"] for entry in rest.json()["entries"]) < first["entries"][-1]["id"]


async def test_a_service_is_one_of_the_directory_whatever_its_code_is_made_of(world: World) -> None:
    body = manager(BODY, TENANT)
    given = {"structure": BODY, "name": "ERP", "roles": ["AGENT"], "scopes": ["invoices.read"]}
    for code, rule in (("DRH2", "SERVICE_UNKNOWN"), ("DRH,DSI", "SERVICE_CODE_COMMA")):
        answer = await world.ask("POST", SOFTWARE, body, json={**given, "services": [code]})
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["value"], error["rule"]) == (422, code, rule)
    made = await world.made(body, structure=BODY, roles=["AGENT"], services=["RH@SIEGE", "A/B"])
    [entry] = (await world.ask("GET", "/api/v1/accounts/audit", OPERATOR, params={"about": made["subject"]})).json()[
        "entries"
    ]
    assert entry["details"]["services"] == ["RH@SIEGE", "A/B"]
    # What the directory has closed since stands in nobody's way who changes something else.
    await world.pool.execute("update public_service set active = false where code = 'A/B'")
    changed = await world.ask("PATCH", f"{SOFTWARE}/{made['client_id']}", body, json={"name": "ERP 2"})
    await world.pool.execute("update public_service set active = true where code = 'A/B'")
    assert changed.status_code == 200, changed.text
