"""An operator looks into a tenant's invoice only with a reason; the tenant reads who looked, when, at what and why."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import pytest_asyncio

from contracts.events import Grant
from deploy.local import Stack
from services.common.db import Pool, scoped, set_scope
from services.common.principal import of_grants
from services.status import explain, verify
from tests.integration.grants_world import FIRM, A, B, World, arrive, deposit, grants_world

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHY = "Réclamation 4711 : facture introuvable"
OPERATOR = Grant(role="OPERATEUR")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with grants_world(stack) as made:
        yield made


async def looks(world: World, token: str, **query: Any) -> list[dict[str, Any]]:
    answer = await world.get(token, "/looks", **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["looks"]
    return found


async def test_nothing_is_shown_to_an_operator_who_gives_no_reason(world: World) -> None:
    token, invoice = await world.person(OPERATOR), world.invoices[FIRM, A]
    paths = ["", "/export.csv", "/events"]
    paths += [f"/{invoice}{each}" for each in ("", "/data", "/clock", "/clock/statement.pdf", "/history/export")]
    for reason in (
        {"X-Nothing": "x"},
        {"X-Chorale-Reason": "trop bref"},
        {"X-Chorale-Reason": ".          ."},
    ):
        async with world.http.bearing(token, **reason) as client:
            for path in paths:
                answer = await client.get(f"/api/v1/invoices{path}")
                assert (answer.status_code, answer.json()["code"]) == (403, "REASON_REQUIRED"), path
                assert str(invoice) not in answer.text.replace(answer.json()["instance"], "")
            assert (await client.get("/api/v1/invoices/figures")).status_code == 200
    assert await world.tables.count("operator_look") == 0


async def test_each_look_stands_in_the_trail_of_the_tenant_and_of_no_other(world: World) -> None:
    who = f"op-{uuid4().hex[:6]}"
    token = await world.person(OPERATOR, subject=who)
    invoice = world.invoices[FIRM, A]
    ours, theirs = [await world.person(Grant(role="TENANT_ADMIN", tenant=tenant)) for tenant in ("cd06", "cd31")]
    async with world.http.bearing(token, **{"X-Chorale-Reason": WHY}) as client:
        for path in ("", "/data", "/clock", "/history/export", "/actions"):
            assert (await client.get(f"/api/v1/invoices/{invoice}{path}")).status_code == 200
        assert (await client.get(f"/api/v1/invoices/{uuid4()}")).status_code == 404
    found = await looks(world, ours, subject=who)
    assert [each["what"].removeprefix("GET /api/v1/invoices/{invoice}") for each in found] == [
        "/actions", "/history/export", "/clock", "/data", ""
    ]  # fmt: skip
    assert {(each["invoice"], each["reason"], each["tenant"]) for each in found} == {(str(invoice), WHY, "cd06")}
    assert await looks(world, theirs, subject=who) == []
    assert await looks(world, ours, invoice=str(world.invoices[FIRM, B])) == []
    several = {"invoice": [str(world.invoices[FIRM, B]), str(invoice)], "subject": [who, "somebody else"]}
    assert await looks(world, ours, **several) == found
    async with scoped(
        world.tables.api_pool, of_grants("x", [Grant(role="TENANT_ADMIN", tenant="cd31")]).scope()
    ) as api:
        assert await api.fetchval("select count(*) from operator_look where subject = $1", who) == 0


async def test_a_list_is_told_to_each_tenant_that_stands_in_it_with_what_was_asked(world: World) -> None:
    who = f"op-{uuid4().hex[:6]}"
    token = await world.person(OPERATOR, subject=who)
    admins = {
        tenant: await world.person(Grant(role="TENANT_ADMIN", tenant=tenant)) for tenant in ("cd06", "cd31", "cd83")
    }
    async with world.http.bearing(token, **{"X-Chorale-Reason": WHY}) as client:
        await client.get("/api/v1/invoices", params={"structure": A, "limit": 5})
        await client.get("/api/v1/invoices/export.csv", params={"supplier": FIRM})
    [one] = await looks(world, admins["cd83"], subject=who)
    assert (one["criteria"], one["what"], one["invoice"]) == (
        {"supplier": FIRM},
        "GET /api/v1/invoices/export.csv",
        None,
    )
    assert [each["criteria"] for each in await looks(world, admins["cd06"], subject=who)] == [
        {"supplier": FIRM},
        {"structure": A, "limit": "5"},
    ]
    assert [each["invoices"] for each in await looks(world, admins["cd31"], subject=who)] == [1]


async def test_an_open_feed_of_an_operator_is_told_to_every_tenant(world: World) -> None:
    who = f"op-{uuid4().hex[:6]}"
    token = await world.person(OPERATOR, subject=who)
    async with world.http.listening(token) as feed:
        kept = await arrive(world.tables, deposit(FIRM, A))
        assert (await feed.next())["invoice"] == str(kept)
    for tenant in ("cd06", "cd31"):
        admin = await world.person(Grant(role="TENANT_ADMIN", tenant=tenant))
        [one] = await looks(world, admin, subject=who)
        assert (one["everywhere"], one["tenant"], one["criteria"]) == (True, None, {})


async def test_a_trail_is_read_by_its_administrators_alone_page_by_page_and_by_day(world: World) -> None:
    who = f"op-{uuid4().hex[:6]}"
    token = await world.person(OPERATOR, subject=who)
    invoice = world.invoices[FIRM, A]
    async with world.http.bearing(token, **{"X-Chorale-Reason": "contrôle après un incident"}) as client:
        for _ in range(5):
            await client.get(f"/api/v1/invoices/{invoice}/data")
    admin = await world.person(Grant(role="TENANT_ADMIN", tenant="cd06"))
    seen: list[int] = []
    cursor: int | None = None
    while True:
        query = {} if cursor is None else {"cursor": cursor}
        page = (await world.get(admin, "/looks", subject=who, limit=2, **query)).json()
        seen += [each["id"] for each in page["looks"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    today = datetime.now(ZoneInfo("Europe/Paris")).date()
    assert len(await looks(world, admin, subject=who, day=today.isoformat())) == 5
    assert await looks(world, admin, subject=who, day="2026-01-05") == []
    for grants in ([Grant(role="FOURNISSEUR", structure=FIRM)], [Grant(role="AGENT", structure=A, service="X")], []):
        answer = await world.get(await world.person(*grants), "/looks", invoice=str(invoice))
        assert (answer.status_code, answer.json()["code"]) == (403, "RIGHT_MISSING")
    assert await looks(world, await world.person(Grant(role="GESTIONNAIRE", structure=A, tenant="cd06"))) == []


@pytest.mark.parametrize("command", [explain.run, verify.run])
async def test_a_command_that_reads_the_database_wants_a_name_and_a_reason_and_leaves_the_same_trace(
    world: World,
    command: Callable[[Sequence[str]], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHORALE_DSN", world.dsn)
    invoice, before = str(world.invoices[FIRM, A]), await world.tables.count("operator_look")
    for given in ([], ["--by", "Camille Martin"], ["--reason", WHY], ["--by", " ", "--reason", "x" * 501]):
        assert await asyncio.to_thread(command, [invoice, *given]) == 2
        said = capsys.readouterr()
        assert (said.out, "--reason" in said.err) == ("", True)
    given = ["--by", "Camille\nMartin", "--reason", WHY]
    assert await asyncio.to_thread(command, [str(uuid4()), *given]) == 2
    assert await world.tables.count("operator_look") == before, "nothing was shown"
    assert await asyncio.to_thread(command, [invoice, *given]) == 0
    assert capsys.readouterr().out
    admin = await world.person(Grant(role="TENANT_ADMIN", tenant="cd06"))
    [one] = await looks(world, admin, subject="commande:Camille Martin", limit=1)
    assert (one["invoice"], one["reason"], one["tenant"]) == (invoice, WHY, "cd06")
    assert one["what"] == f"python -m services.status {command.__module__.rpartition('.')[2]}"


async def test_what_cannot_be_written_into_the_trail_is_not_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHORALE_DSN", f"{world.dsn}?options=-c%20default_transaction_read_only%3Don")
    given = [str(world.invoices[FIRM, A]), "--by", "Camille Martin", "--reason", WHY]
    for command in (explain.run, verify.run):
        assert await asyncio.to_thread(command, given) == 2
        said = capsys.readouterr()
        assert (said.out, "ReadOnly" in said.err) == ("", True)


async def test_nobody_changes_or_removes_a_look(world: World) -> None:
    token = await world.person(OPERATOR)
    async with world.http.bearing(token, **{"X-Chorale-Reason": WHY}) as client:
        await client.get(f"/api/v1/invoices/{world.invoices[FIRM, A]}")
    before = await world.tables.count("operator_look")
    refused = (asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)
    changes = ("delete from operator_look", "update operator_look set reason = 'nothing at all'")
    for pool in (world.tables.pool, world.tables.api_pool):
        for statement in (*changes, "truncate operator_look"):
            with pytest.raises(refused):
                await _as_operator(pool, statement)
    for statement in changes:  # the owner may give itself the right again; the triggers stay
        with pytest.raises(asyncpg.RestrictViolationError):
            await _as_operator(
                world.tables.pool, f"grant update, delete on operator_look to chorale_status; {statement}"
            )
    forged = (
        "insert into operator_look (subject, reason, what, criteria) values ('another', 'a good reason', 'x', '{}')"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _as_operator(world.tables.api_pool, forged)
    assert await world.tables.count("operator_look") == before


async def _as_operator(pool: Pool, statement: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await set_scope(connection, of_grants("op", [OPERATOR]).scope())
        await connection.execute(statement)
