"""What the API's role and strangers may see of structures and their people, and what closing an account leaves."""

from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import asyncpg
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.db import scoped
from services.common.deliver import transaction
from services.common.principal import Principal
from services.common.trace import RequestCause
from services.common.web import Problem
from services.portal import member_arrival, rights
from services.portal.member_invitations import A_DAY
from tests.integration.portal_member_world import (
    BODY,
    OTHER,
    SAME_COMPANY,
    SUPPLIER,
    TENANT,
    World,
    at,
    open_world,
    person,
)

IBAN = "FR7630006000011234567890189"
_TABLES = (
    "structure",
    "membership",
    "held_role",
    "held_office",
    "attachment_request",
    "invitation",
    "delegation",
    "proof",
    "succession",
    "published_right",
)


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """An empty portal with a public body and an operator."""
    async with open_world(stack, portal_dsns) as found:
        yield found


async def full(world: World) -> None:
    """One row of everything at a supplier and at a body."""
    await world.verified("claire", "denis")
    await world.office("admin", "TENANT_ADMIN", TENANT)
    await world.good(
        "admin", "POST", f"/structures/{BODY}/invitations", json={"email": "x@y.fr", "manager": "principal"}
    )
    await world.good("boss", "POST", "/invitations/accept", json={"token": await world.link("x@y.fr")})
    roles = {"roles": [{"role": "AGENT", "service": "DRH"}]}
    await world.good("boss", "PUT", f"/structures/{BODY}/members/{person('boss')}/roles", json=roles)
    await world.good("asker", "POST", f"/structures/{SUPPLIER}/requests", json={})
    dates = {"since": at(-1), "until": at(5), "receiver": person("denis")}
    await world.good("claire", "POST", f"/structures/{SUPPLIER}/delegations", json=dates)
    await world.good("claire", "POST", f"/structures/{SUPPLIER}/successor", json={"identifier": OTHER})
    await world.arrives("stranger", "73282932000017")


async def counts(world: World, principal: Principal, **more: str) -> dict[str, int]:
    """How many rows of each table the API's role sees for this caller."""
    async with scoped(world.parts.api_pool, {**principal.scope(), **more}) as connection:
        return {table: await connection.fetchval(f"select count(*) from {table}") for table in _TABLES}


async def test_the_apis_role_sees_ones_own_rows_and_nobody_elses(world: World) -> None:
    await full(world)
    nobody = await counts(world, Principal(subject="person:nobody"))
    assert nobody == dict.fromkeys(_TABLES, 0)
    own = await counts(world, Principal(subject=person("stranger")))
    assert own == {**dict.fromkeys(_TABLES, 0), "structure": 1, "membership": 1, "published_right": 1}
    asker = await counts(world, Principal(subject=person("asker")))
    assert asker == {**dict.fromkeys(_TABLES, 0), "attachment_request": 1}
    elsewhere = await counts(world, Principal(subject="person:x"), managed_structures=BODY, tenants="elsewhere")
    assert elsewhere == dict.fromkeys(_TABLES, 0)
    manager = await counts(world, Principal(subject="person:x"), managed_structures=BODY, tenants=TENANT)
    assert (manager["membership"], manager["held_role"], manager["invitation"], manager["proof"]) == (1, 1, 1, 0)
    admin = await counts(world, Principal(subject="person:x"), admin_tenants=TENANT)
    assert (admin["membership"], admin["held_office"], admin["delegation"]) == (1, 1, 0)
    everything = await counts(world, Principal(subject="person:x"), roles="OPERATEUR")
    assert min(everything.values()) > 0


async def test_the_apis_role_reads_no_bank_reference_and_writes_no_right(world: World) -> None:
    for statement in (
        "select iban from structure",
        "select * from structure",
        "insert into membership (id, structure, subject, side, since)"
        " select gen_random_uuid(), id, 'x', 'supplier', now() from structure",
        "update membership set manager = 'principal'",
        "insert into held_office (id, subject, role, given_by, given_at)"
        " values (gen_random_uuid(), 'x', 'OPERATEUR', 'x', now())",
        "update published_right set content = '{}'",
        "delete from proof",
    ):
        async with world.parts.api_pool.acquire() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_a_stranger_finds_the_same_answer_whether_it_is_there_or_not(world: World) -> None:
    await full(world)
    requests = (await world.good("claire", "GET", "/requests"))["requests"]
    successions = (await world.good("operator", "GET", "/successions"))["successions"]
    proofs = (await world.good("operator", "GET", "/proofs"))["proofs"]
    reason = {"reason": "Nous ne vous connaissons pas."}
    for there, not_there, method, body in (
        (f"/structures/{SUPPLIER}", f"/structures/{SAME_COMPANY}", "GET", None),
        (f"/structures/{SUPPLIER}/members", f"/structures/{SAME_COMPANY}/members", "GET", None),
        (f"/structures/{SUPPLIER}/invitations", f"/structures/{SAME_COMPANY}/invitations", "GET", None),
        (f"/structures/{SUPPLIER}/bank", f"/structures/{SAME_COMPANY}/bank", "PUT", {"iban": IBAN}),
        (f"/requests/{requests[0]['id']}/approve", f"/requests/{uuid4()}/approve", "POST", {}),
        (f"/requests/{requests[0]['id']}/refuse", f"/requests/{uuid4()}/refuse", "POST", reason),
        (f"/successions/{successions[0]['id']}/accept", f"/successions/{uuid4()}/accept", "POST", None),
        (f"/proofs/{proofs[0]['id']}/approve", f"/proofs/{uuid4()}/approve", "POST", None),
        (f"/proofs/{proofs[0]['id']}/document", f"/proofs/{uuid4()}/document", "GET", None),
    ):
        seen = [await world.ask("stranger", method, path, json=body) for path in (there, not_there)]
        told = [(a.status_code, a.json()["code"], a.json()["title"]) for a in seen]
        assert told[0] == told[1], there
        assert told[0][0] == 404, there


async def test_whoever_closes_his_account_leaves_everything_unless_others_would_be_left_alone(world: World) -> None:
    await full(world)

    async def close(name: str) -> None:
        async with transaction(world.pool, "portal") as tx:
            cause = RequestCause(uuid4())
            touched = await member_arrival.close(tx, Principal(subject=person(name)), cause, world.parts.mailing)
            await rights.publish(tx, touched, cause)

    with pytest.raises(Problem) as caught:
        await close("claire")
    assert caught.value.code == "LAST_PRINCIPAL"
    for name in ("asker", "admin", "boss", "stranger"):
        await close(name)
        assert await world.grants(name) == []
    await world.good("claire", "DELETE", f"/structures/{SUPPLIER}/members/{person('denis')}")
    await close("claire")
    assert await world.grants("claire") == []
    assert (await counts(world, Principal(subject="person:x"), roles="OPERATEUR"))["proof"] == 1


async def test_mails_to_people_who_did_not_ask_for_them_are_bounded(world: World) -> None:
    await world.verified("claire")
    path = f"/structures/{SUPPLIER}/invitations"
    for number in range(A_DAY):
        await world.good("claire", "POST", path, json={"email": f"p{number}@x.fr"})
    assert await world.refused("claire", "POST", path, json={"email": "one@more.fr"}) == (429, "TOO_MANY")
