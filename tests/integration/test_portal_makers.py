"""Whoever made a secret of a structure's software and manages no more: those who manage are told; the secret stays."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal
from services.common.db import migration_files
from services.common.deliver import transaction
from services.common.trace import RequestCause
from services.portal import delegation, member_arrival, rights, software, software_store
from tests.integration.portal_member_world import BODY, SUPPLIER, TENANT, World, at, open_world, person


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """An empty portal with an operator; claire is principal manager, denis belongs to the structure."""
    async with open_world(stack, portal_dsns) as found:
        await found.verified("claire", "denis")
        yield found


async def secret_by(world: World, who: str, structure: str = SUPPLIER) -> tuple[UUID, str]:
    """A program of the structure with a secret that he has seen: its id, and how the secret ends."""
    async with transaction(world.pool, "portal") as tx:
        made = software.fresh(
            structure=structure,
            tenant=TENANT if structure == BODY else None,
            name="ERP",
            roles=["LECTURE"],
            services=[],
            scopes=["invoices.read"],
            limits=(None, None),
            by=person(who),
            now=tx.now,
        )
        await software.make(tx, made, by=person(who), traceparent=None)
        shown = await software.add_secret(tx, made, by=person(who), days=90, traceparent=None)
    return made.id, shown.secret.hint


async def notices(world: World, who: str) -> list[str]:
    """What the notices written to him say."""
    rows = await world.pool.fetch("select data from errand where kind = 'letter' order by made_at, id")
    found = [msgspec.json.decode(row["data"]) for row in rows]
    mine = [data for data in found if data["address"] == f"{who}@example.fr" and data["kind"] == "ACCOUNT_NOTICE"]
    return [f"{data['values']['heading']} {data['values']['words']}" for data in mine]


async def level(world: World, who: str, wanted: str | None) -> None:
    path = f"/structures/{SUPPLIER}/members/{person(who)}/manager"
    await world.good("claire", "PUT", path, json={"level": wanted})


async def closes(world: World, who: str) -> None:
    """His account is closed."""
    async with transaction(world.pool, "portal") as tx:
        cause = RequestCause(uuid4())
        touched = await member_arrival.close(tx, Principal(subject=person(who)), cause, world.parts.mailing)
        await rights.publish(tx, touched, cause)


@pytest.mark.parametrize("how", ["demoted", "withdrawn", "leaves", "closes"])
async def test_the_principals_are_told_once_of_the_secrets_of_who_manages_no_more(world: World, how: str) -> None:
    await level(world, "denis", "secondaire")
    program, hint = await secret_by(world, "denis")
    assert await notices(world, "claire") == []
    member = f"/structures/{SUPPLIER}/members/{person('denis')}"
    if how == "demoted":
        await level(world, "denis", None)
    elif how == "withdrawn":
        await world.good("claire", "DELETE", member)
    elif how == "leaves":
        await world.good("denis", "POST", f"/structures/{SUPPLIER}/leave")
    else:
        await closes(world, "denis")
    [told] = await notices(world, "claire")
    assert f"ERP (…{hint})" in told
    assert "Denis ne gère plus" in told
    assert await notices(world, "denis") == []
    async with world.pool.acquire() as connection:
        assert len(await software_store.digests(connection, program, await connection.fetchval("select now()"))) == 1


async def test_nobody_is_told_of_who_made_none_or_manages_still_or_of_secrets_that_are_over(world: World) -> None:
    await level(world, "denis", "principal")
    await secret_by(world, "claire")
    await level(world, "denis", "secondaire")
    await level(world, "denis", None)
    assert await notices(world, "claire") == []
    await level(world, "denis", "secondaire")
    await secret_by(world, "denis")
    await world.pool.execute("update software_secret set expires_at = now() where made_by = $1", person("denis"))
    await level(world, "denis", None)
    assert await notices(world, "claire") == []


async def stands_in(world: World) -> str:
    """denis stands in for claire; the delegation."""
    path = f"/structures/{SUPPLIER}/delegations"
    made = await world.good("claire", "POST", path, json={"receiver": person("denis"), "since": at(-1), "until": at(7)})
    return str(made["id"])


async def test_the_end_of_a_delegation_is_told_when_its_time_comes_and_once(world: World) -> None:
    await stands_in(world)
    _, hint = await secret_by(world, "denis")
    await world.fire(delegation.OVER, timedelta(days=6))
    assert await notices(world, "claire") == []
    await world.fire(delegation.OVER, timedelta(days=8))
    [told] = await notices(world, "claire")
    assert hint in told
    await world.fire(delegation.OVER, timedelta(days=9))
    assert len(await notices(world, "claire")) == 1


async def test_delegations_of_before_are_over_by_their_date_too(world: World) -> None:
    await stands_in(world)
    await world.pool.execute("truncate timer")
    [text] = [text for name, text in migration_files("services.portal") if "delegations_over" in name]
    await world.pool.execute(text)
    await secret_by(world, "denis")
    await world.fire(delegation.OVER, timedelta(days=8))
    assert len(await notices(world, "claire")) == 1


async def test_a_delegation_that_is_ended_early_is_told_then_and_not_again(world: World) -> None:
    made = await stands_in(world)
    await secret_by(world, "denis")
    await world.good("claire", "DELETE", f"/structures/{SUPPLIER}/delegations/{made}")
    assert len(await notices(world, "claire")) == 1
    await world.fire(delegation.OVER, timedelta(days=8))
    assert len(await notices(world, "claire")) == 1


async def test_who_stood_in_for_a_manager_that_is_no_more_manages_no_more_either(world: World) -> None:
    await world.arrives("emma")
    await world.good("claire", "POST", f"/structures/{SUPPLIER}/members/{person('emma')}/vouch")
    await level(world, "emma", "secondaire")
    path = f"/structures/{SUPPLIER}/delegations"
    await world.good("emma", "POST", path, json={"receiver": person("denis"), "since": at(-1), "until": at(7)})
    await secret_by(world, "denis")
    await level(world, "emma", None)
    [told] = await notices(world, "claire")
    assert "Denis ne gère plus" in told


@pytest.mark.parametrize("how", ["dismissed", "closes"])
async def test_administrators_who_stay_are_told_of_the_secrets_of_one_who_is_none_any_more(
    world: World, how: str
) -> None:
    for name in ("emma", "fanny"):
        await world.office(name, "TENANT_ADMIN", TENANT)
    _, hint = await secret_by(world, "emma", BODY)
    if how == "dismissed":
        await world.good("operator", "DELETE", f"/tenants/{TENANT}/administrators/{person('emma')}")
    else:
        await closes(world, "emma")
    [told] = await notices(world, "fanny")
    assert hint in told
    assert "Emma ne gère plus" in told
    assert await notices(world, "emma") == []


async def test_who_came_only_to_stand_in_leaves_that_with_his_account(world: World) -> None:
    path = f"/structures/{SUPPLIER}/delegations"
    lent = {"email": "gilles@example.fr", "since": at(-1), "until": at(7)}
    await world.good("claire", "POST", path, json=lent)
    await world.good("gilles", "POST", "/invitations/accept", json={"token": await world.link("gilles@example.fr")})
    assert ("GESTIONNAIRE", SUPPLIER) in await world.grants("gilles")
    await secret_by(world, "gilles")
    await closes(world, "gilles")
    assert len(await notices(world, "claire")) == 1
    [over] = (await world.good("claire", "GET", path))["delegations"]
    assert over["ended_at"] is not None
    await world.fire(delegation.OVER, timedelta(days=8))
    assert len(await notices(world, "claire")) == 1
