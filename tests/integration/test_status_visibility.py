"""Who sees what, tried by attack: over HTTP, and with SQL of one's own as the API's role."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from deploy.local import Stack
from services.common.auth import Principal
from services.common.db import scoped
from tests.integration.status_service import OPERATOR, SUPPLIER, Instance, Tables, instances, tables
from tests.servers import fresh_database
from tests.unit.status import samples
from tests.unit.status.samples import BODY, SERVICE, TENANT, accepted, event, failed, routed, submitted, unroutable

pytestmark = pytest.mark.asyncio(loop_scope="module")
OTHER_SUPPLIER = "44306184100047"
CLERK = Principal(subject="clerk", services=(f"{BODY}/{SERVICE}",))
MANAGER = Principal(subject="manager", structures=(BODY,), tenants=(TENANT,), roles=("GESTIONNAIRE",))
ADMIN = Principal(subject="admin", tenants=(TENANT,), roles=("TENANT_ADMIN",))


@dataclass
class World:
    """Two suppliers' invoices: available, only deposited, sent back, and available in another tenant."""

    tables: Tables
    http: Instance
    available: UUID
    deposited: UUID
    back: UUID
    elsewhere: UUID


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with (
        fresh_database(stack, "status") as dsns,
        tables(dsns) as found,
        instances(found, dsns["status"], stack.kafka.bootstrap) as (http,),
    ):
        made = World(found, http, *(uuid4() for _ in range(4)))
        await found.take(event(submitted("F-1"), made.available), event(routed(), made.available))
        await found.take(event(accepted(2, "body"), made.available), event(failed(2, "body"), made.available))
        await found.take(event(submitted("F-2"), made.deposited))
        await found.take(event(submitted("F-3"), made.back), event(unroutable(), made.back))
        await found.take(
            event(submitted("G-1", OTHER_SUPPLIER), made.elsewhere),
            event(routed(tenant="cd31", service="ELSEWHERE"), made.elsewhere),
        )
        yield made


async def seen(world: World, principal: Principal) -> set[UUID]:
    """The invoices of the list, each also readable by its id; the others answer 404."""
    answer = await world.http.get(principal, "")
    assert answer.status_code == 200
    ids = {UUID(item["id"]) for item in answer.json()["invoices"]}
    for invoice in (world.available, world.deposited, world.back, world.elsewhere):
        found = await world.http.get(principal, f"/{invoice}")
        assert found.status_code == (200 if invoice in ids else 404)
    return ids


async def test_a_supplier_sees_the_invoices_of_its_own_structures_only(world: World) -> None:
    assert await seen(world, SUPPLIER) == {world.available, world.deposited, world.back}
    assert await seen(world, Principal(subject="x", structures=(OTHER_SUPPLIER,))) == {world.elsewhere}


async def test_a_body_sees_what_was_made_available_to_it_and_nothing_before(world: World) -> None:
    for principal in (CLERK, MANAGER, ADMIN):
        assert await seen(world, principal) == {world.available}


async def test_the_operator_sees_everything(world: World) -> None:
    assert len(await seen(world, OPERATOR)) == 4


@pytest.mark.parametrize(
    "principal",
    [
        Principal(subject="nobody"),
        Principal(subject="wrong service", services=(f"{BODY}/OTHER",)),
        Principal(subject="other body's service", services=(f"22310001700423/{SERVICE}",)),
        Principal(subject="clerk without role", structures=(BODY,), tenants=(TENANT,)),
        Principal(subject="manager elsewhere", structures=(BODY,), tenants=("cd32",), roles=("GESTIONNAIRE",)),
        Principal(subject="admin elsewhere", tenants=("cd32",), roles=("TENANT_ADMIN",)),
        Principal(subject="tenant without role", tenants=(TENANT,)),
        Principal(subject="role without tenant", roles=("TENANT_ADMIN", "GESTIONNAIRE")),
        Principal(subject="injected", structures=("' or true --",), roles=("operateur",)),
        Principal(subject="pattern", structures=("%",), services=("%/%",), tenants=("%",), roles=("TENANT_ADMIN",)),
        Principal(subject="empty claims", structures=("",), services=("/",), tenants=("",), roles=("TENANT_ADMIN",)),
    ],
)
async def test_whoever_is_no_party_sees_nothing(world: World, principal: Principal) -> None:
    assert await seen(world, principal) == set()


async def test_without_a_token_there_is_no_answer(world: World) -> None:
    async with world.http.client(SUPPLIER) as client:
        for path in ("", f"/{world.available}", "/events"):
            answer = await client.get(f"/api/v1/invoices{path}", headers={"Authorization": "Bearer forged"})
            assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")


async def test_an_entry_for_the_body_only_is_hidden_from_the_supplier(world: World) -> None:
    def entries(answer: object) -> list[int]:
        return [entry["entry"] for entry in answer.json()["history"]]  # type: ignore[attr-defined]

    path = f"/{world.available}"
    assert entries(await world.http.get(SUPPLIER, path)) == [1, 2, 3]
    for principal in (CLERK, MANAGER, ADMIN, OPERATOR):
        assert entries(await world.http.get(principal, path)) == [1, 2, 3, 4]


async def test_crafted_sql_under_the_supplier_s_scope_sees_nothing_of_others(world: World) -> None:
    async with scoped(world.tables.api_pool, SUPPLIER.scope()) as api:
        assert (
            await api.fetchval("select count(*) from invoice where header ->> 'supplier_siret' <> $1", samples.SUPPLIER)
            == 0
        )
        assert await api.fetchval("select count(*) from invoice where id = $1", world.elsewhere) == 0
        assert await api.fetchval("select count(*) from history where invoice = $1", world.elsewhere) == 0
        assert await api.fetchval("select count(*) from history where visibility = 'body'") == 0
        assert await api.fetchval("select count(*) from invoice_party where role = 'DESTINATAIRE'") == 0
        # A function that would show each row it meets must not meet a hidden one.
        leaked = "select count(*) from invoice where 1 / (case when id = $1 then 0 else 1 end) > 0"
        assert await api.fetchval(leaked, world.elsewhere) == 3


async def test_the_api_s_role_sees_nothing_without_a_scope(world: World) -> None:
    for table in ("invoice", "history", "invoice_party", "outbox"):
        assert await world.tables.api_pool.fetchval(f"select count(*) from {table}") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set status = 'MISE_EN_PAIEMENT'",
        "delete from invoice_party",
        "insert into invoice_party (invoice, structure, role) values (gen_random_uuid(), '1', 'FOURNISSEUR')",
        "insert into outbox (lane, topic, headers) values ('main', 'chorale.lifecycle.v1', '')",
        "select depositor from invoice",
        "select cause from history",
        "select * from dead_letter",
        "select * from waiting_event",
        "select * from processed_event",
        "alter table history disable trigger all",
        "alter table invoice disable row level security",
        "drop policy party on invoice",
        "set role chorale_status",
        "create table escape (x int)",
    ],
)
async def test_the_api_s_role_can_neither_write_nor_read_the_worker_s_tables(world: World, statement: str) -> None:
    async with world.tables.api_pool.acquire() as api:
        await api.execute("select set_config('chorale.roles', 'OPERATEUR', false)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(statement)


async def test_one_request_s_scope_does_not_reach_the_next_one_on_the_same_connection(world: World) -> None:
    for _ in range(20):
        assert len(await seen(world, OPERATOR)) == 4
        assert await seen(world, Principal(subject="nobody")) == set()
