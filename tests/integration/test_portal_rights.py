"""Publishing of rights: one truth whoever changes what at once; nothing lost or doubled when a process is killed."""

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest

from contracts.envelope import Event
from contracts.events import AccountPublished, StructurePublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.directory import Structure
from services.common.deliver import transaction
from services.common.trace import RequestCause
from services.portal import rights, structure_handlers
from services.portal.structure_parts import republish
from tests.integration.portal_member_world import BODY, SUPPLIER, TENANT, World, at, open_world, person

_ROOT = Path(__file__).parents[2]


@pytest.fixture
async def world(stack: Stack, portal_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    """An empty portal with a public body and an operator."""
    async with open_world(stack, portal_dsns) as found:
        yield found


async def consistent(world: World) -> None:
    """The last entry of each subject says what stands, versions rise, no event is there twice."""
    versions: dict[str, list[int]] = defaultdict(list)
    last: dict[str, AccountPublished] = {}
    events = await world.sent()
    assert len({event.id for event in events}) == len(events)
    for event in events:
        assert isinstance(event.data, AccountPublished)
        versions[event.data.subject].append(event.data.version)
        last[event.data.subject] = event.data
    assert all(found == sorted(set(found)) for found in versions.values())
    async with transaction(world.pool, "portal") as tx:
        truth = await rights.current(tx, await rights.everybody(tx.conn))
        rows = await tx.conn.fetch("select subject, version from account_right")
    # Of whom nothing was ever published, there is nothing to say.
    found = {subject: content.grants for subject, content in truth.items() if content.grants or subject in last}
    assert found == {subject: entry.grants for subject, entry in last.items()}
    assert {row["subject"]: row["version"] for row in rows} == {s: e.version for s, e in last.items()}


async def statuses(*asked: Awaitable[httpx.Response]) -> list[int]:
    """Status codes of requests made at once."""
    answers = await asyncio.gather(*asked)
    return sorted(answer.status_code for answer in answers)


async def test_one_of_two_approvals_at_once_wins(world: World) -> None:
    await world.verified("claire", "denis")
    level = f"/structures/{SUPPLIER}/members/{person('denis')}/manager"
    await world.good("claire", "PUT", level, json={"level": "principal"})
    for name in ("a", "b", "c", "d"):
        made = await world.good(name, "POST", f"/structures/{SUPPLIER}/requests", json={})
        path = f"/requests/{made['id']}"
        reason = {"reason": "Nous ne vous connaissons pas."}
        found = await statuses(
            world.ask("claire", "POST", f"{path}/approve", json={}),
            world.ask("denis", "POST", f"{path}/refuse", json=reason),
            world.ask("denis", "POST", f"{path}/approve", json={}),
        )
        assert found == [200, 409, 409]
    await consistent(world)


async def test_two_principals_who_leave_at_once_leave_one(world: World) -> None:
    await world.verified("claire", "denis", "emma")
    for _ in range(4):
        for name in ("claire", "denis"):
            await world.arrives(name)
        managers = (await world.good("operator", "GET", f"/structures/{SUPPLIER}/members"))["members"]
        (stays,) = [m["subject"] for m in managers if m["manager"] == "principal"]
        asks = "claire" if stays == person("claire") else "denis"
        other = "denis" if asks == "claire" else "claire"
        path = f"/structures/{SUPPLIER}"
        await world.ask(asks, "POST", f"{path}/members/{person(other)}/vouch")
        await world.good(asks, "PUT", f"{path}/members/{person(other)}/manager", json={"level": "principal"})
        found = await statuses(
            world.ask("claire", "POST", f"{path}/leave"), world.ask("denis", "POST", f"{path}/leave")
        )
        assert found == [204, 409]
    await consistent(world)


async def test_rights_copied_while_they_are_withdrawn_end_as_one_of_both_orders(world: World) -> None:
    await world.verified("claire", "denis", "emma")
    path = f"/structures/{SUPPLIER}/members"
    for _ in range(4):
        roles = {"roles": [{"role": "VALIDATEUR"}]}
        await world.good("claire", "PUT", f"{path}/{person('denis')}/roles", json=roles)
        await world.good("claire", "PUT", f"{path}/{person('emma')}/roles", json={"roles": []})
        found = await statuses(
            world.ask("claire", "POST", f"{path}/{person('emma')}/copy", json={"source": person("denis")}),
            world.ask("claire", "PUT", f"{path}/{person('denis')}/roles", json={"roles": []}),
        )
        assert found == [200, 200]
        assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER)]
        assert await world.grants("emma") in (
            [("FOURNISSEUR", SUPPLIER)],
            [("FOURNISSEUR", SUPPLIER), ("VALIDATEUR", SUPPLIER)],
        )
    await consistent(world)


async def test_changes_at_many_structures_at_once_end_in_one_truth(world: World) -> None:
    sirets = [
        "73282932000017",
        "73282932000025",
        "73282932000033",
        "73282932000041",
        "73282932000058",
        "73282932000066",
    ]
    for siret in sirets:
        await world.verified("claire", siret=siret)
    found = await statuses(
        *(world.ask("denis", "POST", "/structures", json={"identifier": siret}) for siret in sirets),
    )
    assert found == [201] * 6
    found = await statuses(
        *(world.ask("claire", "POST", f"/structures/{siret}/members/{person('denis')}/vouch") for siret in sirets),
        *(world.ask("denis", "POST", "/structures", json={"identifier": siret}) for siret in sirets),
    )
    assert found == [201] * 6 + [204] * 6
    assert await world.grants("denis") == [("FOURNISSEUR", siret) for siret in sirets]
    await consistent(world)


async def test_publishing_again_says_nothing_new(world: World) -> None:
    await world.verified("claire", "denis")
    before = len(await world.sent())
    assert await republish(world.pool) == 0
    assert len(await world.sent()) == before
    await world.pool.execute("delete from published_right where subject = $1", person("denis"))
    assert await republish(world.pool) == 1


async def test_an_account_that_is_not_active_yet_is_not_published(world: World) -> None:
    await world.pool.execute(
        "insert into account (subject, email, email_key, state, created_at)"
        " values ($1, 'p@x.fr', 'p@x.fr', 'pending', now())",
        person("pending"),
    )
    async with transaction(world.pool, "portal") as tx:
        assert await rights.publish(tx, [person("pending")], RequestCause(uuid4())) == []
    await world.pool.execute("update account set state = 'active' where subject = $1", person("pending"))
    async with transaction(world.pool, "portal") as tx:
        assert await rights.publish(tx, [person("pending")], RequestCause(uuid4())) == [person("pending")]


async def test_a_body_that_leaves_the_directory_takes_its_tenant_out_of_the_rights(world: World) -> None:
    await world.office("admin", "TENANT_ADMIN", TENANT)
    invited = {"email": "a@b.fr", "manager": "principal"}
    await world.good("admin", "POST", f"/structures/{BODY}/invitations", json=invited)
    await world.good("boss", "POST", "/invitations/accept", json={"token": await world.link("a@b.fr")})
    assert [g.tenant for g in (await world.published("boss"))[-1].grants] == [TENANT]
    gone = StructurePublished(
        version=2,
        structure=Structure(siret=BODY, name="Département", tenant=TENANT, kind="departement"),
        changed_by="op",
        changed_at=datetime.now(UTC),
        deleted=True,
    )
    event = Event(
        id=uuid4(),
        type=gone.TYPE,
        source="/chorale/routing",
        subject=f"structure/{BODY}",
        time=gone.changed_at,
        data=gone,
    )
    async with transaction(world.pool, "portal") as tx:
        await structure_handlers.handle(tx, [event])
    assert await world.grants("boss") == []
    back = msgspec.structs.replace(event, id=uuid4(), data=msgspec.structs.replace(gone, version=1, deleted=False))
    async with transaction(world.pool, "portal") as tx:
        await structure_handlers.handle(tx, [back])
    assert await world.grants("boss") == []


async def test_dates_of_a_right_are_published_once_and_for_all(world: World) -> None:
    await world.verified("claire", "denis")
    dates = {"since": at(2), "until": at(9)}
    path = f"/structures/{SUPPLIER}/delegations"
    await world.good("claire", "POST", path, json={"receiver": person("denis"), **dates})
    (lent,) = [g for g in (await world.published("denis"))[-1].grants if g.until is not None]
    assert (lent.role, lent.since is not None) == ("GESTIONNAIRE", True)
    assert await world.grants("denis") == [("FOURNISSEUR", SUPPLIER)]
    assert await world.refused("denis", "POST", f"/structures/{SUPPLIER}/members/{person('claire')}/vouch") == (
        403,
        "MANAGER_REQUIRED",
    )


_CHANGER = """
import asyncio, sys
from uuid import UUID, uuid4
from services.common.db import open_pool
from services.common.deliver import transaction
from services.common.trace import RequestCause
from services.portal import member_store, rights
from services.portal.member_store import Given

async def main(dsn, subject, structure):
    pool = await open_pool(dsn, "portal")
    for n in range(1_000_000):
        async with transaction(pool, "portal", keys=["structure/x"]) as tx:
            roles = [Given(role="VALIDATEUR")] if n % 2 else [Given(role="MOE")]
            await member_store.withdraw_roles(tx.conn, UUID(structure), subject, tx.now, but=roles)
            await member_store.give(tx.conn, UUID(structure), subject, "supplier", roles, "platform", tx.now)
            await rights.publish(tx, [subject], RequestCause(uuid4()))
        if n == 3:
            print("running", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_process_leaves_no_change_without_its_entry_and_no_entry_without_its_change(
    world: World,
) -> None:
    await world.verified("claire", "denis")
    structure = await world.pool.fetchval("select id from structure where key = $1", SUPPLIER)
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _CHANGER,
            world.own.worker,
            person("denis"),
            str(structure),
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"running\n"
            process.send_signal(signal.SIGKILL)
            await process.wait()
        # Until the server has noticed, the killed transaction may still hold its locks.
        async with transaction(world.pool, "portal", keys=["structure/x"]):
            pass
        await consistent(world)
    assert len(await world.published("denis")) > 12


async def test_a_portal_brought_back_from_a_backup_is_listened_to_at_once(world: World) -> None:
    await world.verified("claire", "denis")
    row = await world.pool.fetchrow("select * from published_right where subject = $1", person("denis"))
    assert row is not None
    path = f"/structures/{SUPPLIER}/members/{person('denis')}/roles"
    for role in ("VALIDATEUR", "MOE", "VALIDATEUR"):
        await world.good("claire", "PUT", path, json={"roles": [{"role": role}]})
    lost = (await world.published("denis"))[-1].version
    await world.pool.execute(
        "update published_right set version = $2, content = $3 where subject = $1",
        person("denis"),
        row["version"],
        row["content"],
    )
    await world.good("claire", "DELETE", f"/structures/{SUPPLIER}/members/{person('denis')}")
    assert (await world.published("denis"))[-1].version > lost
    kept = await world.pool.fetchval("select grants::text from account_right where subject = $1", person("denis"))
    assert SUPPLIER not in kept
