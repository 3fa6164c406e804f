"""Delays at risk, to each in his own standing: whole tenants from sums, everybody else from the invoices he sees."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from contracts.events import Grant
from deploy.local import Stack
from services.common import clock
from services.status.payment_delay import paris_day
from tests.integration.grants_world import FIRM, A, C, World, arrive, deposit, grants_world
from tests.unit.status.samples import SERVICE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with grants_world(stack) as made:
        await made.tables.pool.execute("update invoice set due_on = $1", paris_day(clock.now()) - timedelta(days=10))
        yield made


async def _late(world: World, token: str, **query: str) -> tuple[str, int]:
    answer = await world.get(token, "/risks", **query)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found["standing"], next(one["count"] for one in found["risks"] if one["range"] == "late")


async def test_who_is_not_verified_sees_the_risks_of_his_own_deposits(world: World) -> None:
    subject = f"new-{uuid4().hex[:8]}"
    mine = await arrive(world.tables, deposit(FIRM, C, subject))
    due = paris_day(clock.now()) - timedelta(days=3)
    await world.tables.pool.execute("update invoice set due_on = $2 where id = $1", mine, due)
    token = await world.person(Grant(role="DEPOSANT", structure=FIRM), subject=subject)
    assert await _late(world, token) == ("supplier", 1)
    assert await _late(world, token, side="issued") == ("supplier", 1)
    assert await _late(world, token, side="received") == ("none", 0)


@pytest.mark.parametrize(
    ("grant", "side", "standing", "count"),
    [
        (Grant(role="FOURNISSEUR", structure=A), "issued", "supplier", 1),
        (Grant(role="AGENT", structure=A, service=SERVICE, tenant="cd06"), "received", "service", 1),
        (Grant(role="VALIDATEUR", structure=A), "to_validate", "guest", 0),
        (Grant(role="MOE", structure=A), "works", "guest", 0),
    ],
)
async def test_each_from_his_side(world: World, grant: Grant, side: str, standing: str, count: int) -> None:
    assert await _late(world, await world.person(grant), side=side) == (standing, count)
