"""Lists of sollicitations among very many: right, and found by indexes."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.db import scoped
from services.portal import solicitation_lists as lists
from services.portal.solicitation_lists import Box, Wanted
from tests.integration.portal_member_world import BODY, SUPPLIER, TENANT, World, open_world, person

MANY = 20_000
#: Of every ten: five from a supplier to a body (of its service), four to support, one from a body to a supplier.
_FILL = """
insert into solicitation (id, category, subcategory, title, asker, asker_structure, addressee, addressee_structure,
    addressee_service, tenant, author, state, days, asked_at, due_at, changed_at)
select gen_random_uuid(), 'FACTURES_EMISES', 'ADRESSAGE', 'Question ' || n,
    case when n % 10 = 9 then 'body' when n % 10 < 5 then 'supplier' else 'person' end,
    case when n % 10 = 9 then body when n % 10 < 5 then supplier end,
    case when n % 10 = 9 then 'supplier' when n % 10 < 5 then 'body' else 'support' end,
    case when n % 10 = 9 then supplier when n % 10 < 5 then body end,
    case when n % 10 < 5 then 'S' || n % 7 end,
    case when n % 10 = 9 or n % 10 < 5 then 'cd' || n % 40 end,
    'person:' || n % 3000, 'waiting', 5, at, at + interval '5 days', at
from (select n, lpad((n % 400)::text, 14, '9') as supplier, lpad((n % 40)::text, 14, '1') as body,
    now() - n * interval '1 minute' as at from generate_series(1, $1::int) n) made
"""
_OWN = """
insert into solicitation (id, category, subcategory, title, asker, asker_structure, addressee, addressee_structure,
    addressee_service, tenant, author, state, days, asked_at, due_at, changed_at)
values ($1, 'FACTURES_EMISES', 'ADRESSAGE', $2, 'supplier', $3, 'body', $4, 'DRH', $5, $6, 'waiting', 5, $7, $7, $7)
"""
Scope = dict[str, str]
SCOPES: dict[str, Scope] = {
    "supplier": {"subject": "person:a", "supplier_structures": SUPPLIER},
    "several": {"subject": "person:a", "supplier_structures": f"{SUPPLIER},nothing,nowhere"},
    "author": {"subject": person("claire"), "deposit_structures": SUPPLIER},
    "service": {"subject": "person:b", "recipient_services": f"{BODY}/DRH"},
    "body": {"subject": "person:b", "recipient_structures": BODY},
    "tenant": {"subject": "person:c", "admin_tenants": TENANT},
}


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, portal_dsns) as found:
        await found.pool.execute(_FILL, MANY)
        for n, title in enumerate(("Ancienne", "Récente")):
            at = await found.pool.fetchval("select now() - $1::int * interval '1 day'", 12 - 2 * n)
            place = (SUPPLIER, BODY, TENANT, person("claire"))
            await found.pool.execute(_OWN, uuid4(), title, *place, at)
        await found.pool.execute("analyze solicitation")
        yield found


async def titles(world: World, scope: Scope, limit: int = 31, **wanted: Any) -> list[str]:
    async with scoped(world.parts.api_pool, scope) as connection:
        return [each.title for each in await lists.listed(connection, Wanted(**wanted), limit)]


async def test_who_has_two_of_twenty_thousand_reads_two(world: World) -> None:
    for name, scope in SCOPES.items():
        boxes: tuple[Box | None, ...] = (None, "sent" if name in ("supplier", "several", "author") else "received")
        for box in boxes:
            assert await titles(world, scope, box=box) == ["Récente", "Ancienne"], (name, box)
            assert await titles(world, scope, box=box, words="anci") == ["Ancienne"], (name, box)
            touched = await rows_touched(world, scope, Wanted(box=box))
            assert touched < 50, f"{name}, {box}: {touched} rows were looked at"
    assert await titles(world, {"subject": "person:nobody"}) == []
    assert await titles(world, SCOPES["supplier"], box="received") == []
    assert await titles(world, {"subject": "person:b", "recipient_services": f"{BODY}/DSI"}) == []


async def test_an_operator_reads_what_is_for_support_page_by_page(world: World) -> None:
    scope = {"subject": person("operator"), "roles": "OPERATEUR"}
    async with scoped(world.parts.api_pool, scope) as connection:
        first = await lists.listed(connection, Wanted(), 30)
        after = (first[-1].changed_at, first[-1].id)
        second = await lists.listed(connection, Wanted(after=after), 30)
    assert {each.addressee for each in (*first, *second)} == {"support"}
    assert len({each.id for each in (*first, *second)}) == 60
    assert [each.changed_at for each in (*first, *second)] == sorted(
        (each.changed_at for each in (*first, *second)), reverse=True
    )
    assert await rows_touched(world, scope, Wanted(after=after)) < 200


async def rows_touched(world: World, scope: Scope, wanted: Wanted) -> int:
    """How many rows of sollicitations the question looked at, those left out as well; no walk of the whole table."""
    question, values = lists.statement(wanted, 31)
    async with scoped(world.parts.api_pool, scope) as connection:
        found = await connection.fetchval(f"explain (analyze, format json) {question}", *values)
    plan = msgspec.json.decode(found)[0]["Plan"]
    nodes = list(_nodes(plan))
    walks = [node for node in nodes if node.get("Relation Name") == "solicitation"]
    assert walks
    assert [node["Node Type"] for node in walks if node["Node Type"] == "Seq Scan"] == []
    counted = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(round(node.get(name, 0) * node["Actual Loops"]) for node in walks for name in counted)


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for under in plan.get("Plans", ()) for node in _nodes(under))]
