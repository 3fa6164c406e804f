"""Rights at places: what is held at one structure opens nothing at another one, however it is asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from contracts.events import Grant
from deploy.local import Stack
from services.common.db import scoped
from services.common.follow import Follower
from services.common.principal import of_grants
from tests.accounts import account, publish, revoked
from tests.integration.grants_world import BOTH, FIRM, A, B, C, World, arrive, deposit, grants_world
from tests.integration.status_service import until
from tests.unit.status.samples import SERVICE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with grants_world(stack) as made:
        yield made


async def test_a_supplier_at_one_structure_who_keeps_the_accounts_of_another_is_each_there_alone(world: World) -> None:
    token = await world.person(*BOTH)
    mine = world.of((A, C), (FIRM, B))
    assert await world.listed(token) == mine
    assert await world.listed(token, sort="due") <= mine
    for others in (set(world.invoices.values()) - mine,):
        for invoice in others:
            for path in ("", "/actions", "/clock", "/clock/statement.pdf", "/history/export", "/data"):
                assert (await world.get(token, f"/{invoice}{path}")).status_code == 404, path
    for what in ({"structure": A}, {"supplier": B}, {"q": A}, {"q": B}, {"service": f"{A}/{SERVICE}"}):
        assert await world.listed(token, **what) <= mine, what
    csv = (await world.get(token, "/export.csv")).text
    assert {str(invoice) for invoice in world.invoices.values() if str(invoice) in csv} == set(map(str, mine))
    changed = (await world.get(token, "/changes")).json()["changes"]
    assert {UUID(each["id"]) for each in changed} == world.of((FIRM, B))


async def test_he_acts_at_each_place_as_what_he_is_there(world: World) -> None:
    token = await world.person(*BOTH)

    async def actors(pair: tuple[str, str]) -> set[str]:
        found = (await world.get(token, f"/{world.invoices[pair]}/actions")).json()
        return {action["actor"] for action in found["actions"]}

    assert await actors((A, C)) <= {"F"}
    assert await actors((FIRM, B)) <= {"C"}
    async with world.http.bearing(token) as client:
        for pair, action in (((A, C), "take_in_charge"), ((FIRM, B), "take_in_charge"), ((FIRM, B), "withdraw")):
            path = f"/api/v1/invoices/{world.invoices[pair]}/actions"
            answer = await client.post(path, json={"action": action}, headers={"If-Match": '"2"'})
            assert answer.status_code in (403, 404, 409, 422), (pair, action, answer.text)
            assert answer.json()["code"] != "INVOICE_CHANGED"
        answer = await client.post(
            f"/api/v1/invoices/{world.invoices[FIRM, A]}/actions", json={"action": "internal_note", "comment": "vu"}
        )
        assert answer.status_code == 404
    assert [status for _, _, status in await world.tables.history(world.invoices[FIRM, B])] == [
        "DEPOSEE",
        "MISE_A_DISPOSITION",
    ]


async def test_no_statement_of_his_own_shows_him_more(world: World) -> None:
    """With SQL as the API's role, under the settings that his token gives."""
    who = of_grants("both", BOTH)
    async with scoped(world.tables.api_pool, who.scope()) as api:
        seen = {row["id"] for row in await api.fetch("select id from invoice")}
        assert seen == world.of((A, C), (FIRM, B))
        for table in ("history", "invoice_document", "inbox", "invoice_party"):
            assert {row["invoice"] for row in await api.fetch(f"select distinct invoice from {table}")} <= seen, table
        sums = await api.fetch("select kind, scope, structure from tally where count <> 0")
        assert {row["structure"] for row in sums if row["kind"] != "supplier"} == {B}
        assert {row["scope"] for row in sums if row["kind"] == "supplier"} == {A}


@pytest.mark.parametrize(
    ("grants", "sees"),
    [
        ([Grant(role="GESTIONNAIRE", structure=A, tenant="cd06")], [(FIRM, A)]),
        ([Grant(role="GESTIONNAIRE", structure=A)], []),
        ([Grant(role="LECTURE", structure=A)], [(A, C)]),
        ([Grant(role="LECTURE", structure=A, tenant="cd06")], [(FIRM, A)]),
        ([Grant(role="AGENT", structure=A, service=SERVICE, tenant="cd06")], [(FIRM, A)]),
        ([Grant(role="AGENT", structure=A, service="AUTRE", tenant="cd06")], []),
        ([Grant(role="VALIDATEUR", structure=A, service=SERVICE, tenant="cd06")], []),
        ([Grant(role="VALIDATEUR", structure=A), Grant(role="MOE", structure=B)], []),
        ([Grant(role="TENANT_ADMIN", tenant="cd31"), Grant(role="LECTURE", structure=A)], [(FIRM, B), (A, C)]),
        (
            [Grant(role="TENANT_ADMIN", tenant="cd06"), Grant(role="COMPTABLE", structure=B, tenant="cd31")],
            [(FIRM, A), (FIRM, B)],
        ),
        ([Grant(role="FINANCE", structure=B, tenant="cd06")], []),
        ([Grant(role="DEPOSANT", structure=FIRM)], []),
    ],
)
async def test_each_right_shows_its_own_side_of_its_own_place(
    world: World, grants: Sequence[Grant], sees: Sequence[tuple[str, str]]
) -> None:
    assert await world.listed(await world.person(*grants)) == world.of(*sees)


async def test_who_is_not_verified_sees_and_acts_on_what_he_deposited_himself(world: World) -> None:
    subject = f"new-{uuid4().hex[:8]}"
    mine = await arrive(world.tables, deposit(FIRM, C, subject))
    token = await world.person(Grant(role="DEPOSANT", structure=FIRM), subject=subject)
    assert await world.listed(token) == {mine}
    assert await world.listed(token, q="F-") == {mine}
    theirs = world.invoices[FIRM, C]
    assert (await world.get(token, f"/{mine}")).status_code == 200
    for path in ("", "/actions", "/data", "/history/export"):
        assert (await world.get(token, f"/{theirs}{path}")).status_code == 404
    figures = (await world.get(token, "/figures")).json()
    assert (figures["standing"], [each["count"] for each in figures["by_status"]]) == ("supplier", [1])
    assert sum(each["count"] for each in figures["by_age"]) == 1
    async with world.http.bearing(token) as client:
        path = f"/api/v1/invoices/{mine}/actions"
        done = await client.post(path, json={"action": "comment", "comment": "Bonjour, merci."})
        assert done.status_code in (200, 403, 422), done.text
        assert {each["actor"] for each in (await client.get(path)).json()["actions"]} <= {"F"}
    # Another's rights at the same structure open nothing of his, and a right elsewhere nothing here.
    other = await world.person(Grant(role="DEPOSANT", structure=FIRM), Grant(role="FOURNISSEUR", structure=A))
    assert await world.listed(other) == world.of((A, C))
    moved = await world.person(Grant(role="DEPOSANT", structure=B), subject=f"{subject}-moved")
    assert await world.listed(moved) == set()


@pytest.mark.parametrize("role", ["FOURNISSEUR", "DEPOSANT"])
async def test_who_has_left_a_structure_sees_nothing_of_what_he_deposited_for_it(world: World, role: str) -> None:
    subject = f"left-{uuid4().hex[:8]}"
    mine = await arrive(world.tables, deposit(FIRM, C, subject))
    before = await world.person(Grant(role=role, structure=FIRM), subject=subject)
    assert mine in await world.listed(before)
    await world.knows(account(subject, 2, Grant(role="FOURNISSEUR", structure=A)))
    token = world.signer.token(subject, ver=2)  # waits for the change, as a new token does
    assert await world.listed(token) == world.of((A, C))
    for path in ("", "/actions", "/data", "/history/export"):
        said = [await world.get(token, f"/{invoice}{path}") for invoice in (mine, uuid4())]
        assert {(answer.status_code, answer.json()["code"]) for answer in said} == {(404, "INVOICE_NOT_FOUND")}, path


async def test_who_only_reads_changes_nothing_anywhere(world: World) -> None:
    token = await world.person(Grant(role="LECTURE", structure=FIRM))
    invoice = world.invoices[FIRM, A]
    assert (await world.get(token, f"/{invoice}")).status_code == 200
    assert (await world.get(token, f"/{invoice}/actions")).json()["actions"] == []
    async with world.http.bearing(token) as client:
        for path, body in (
            (f"/{invoice}/actions", {"action": "comment", "comment": "Je ne devrais pas."}),
            ("/actions", {"action": "comment", "invoices": [{"invoice": str(invoice)}]}),
            (f"/{invoice}/receipt", {"reference": "X"}),
            ("/receipts", {"invoices": [str(invoice)]}),
        ):
            answer = await client.post(f"/api/v1/invoices{path}", json=body, headers={"Idempotency-Key": uuid4().hex})
            assert (answer.status_code, answer.json()["code"]) == (403, "RIGHT_MISSING"), path
    # Beside a right elsewhere, reading stays reading.
    mixed = await world.person(Grant(role="LECTURE", structure=FIRM), Grant(role="FOURNISSEUR", structure=A))
    async with world.http.bearing(mixed) as client:
        answer = await client.post(
            f"/api/v1/invoices/{invoice}/actions", json={"action": "comment", "comment": "Je ne devrais pas."}
        )
        assert answer.status_code in (403, 404), answer.text


async def test_software_does_what_it_was_registered_for(world: World) -> None:
    token = await world.person(BOTH[0], kind="software", scopes=("invoices.read",))
    invoice = world.invoices[A, C]
    assert (await world.get(token, f"/{invoice}")).status_code == 200
    async with world.http.bearing(token) as client:
        answer = await client.post(f"/api/v1/invoices/{invoice}/actions", json={"action": "comment"})
        assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_REQUIRED")
    none = await world.person(BOTH[0], kind="software", scopes=("deposits.write",))
    assert (await world.get(none, f"/{invoice}")).status_code == 403


async def test_a_feed_gives_what_its_rights_show_and_no_colleagues_page_gives_more(world: World) -> None:
    subject = f"fed-{uuid4().hex[:8]}"
    new = await world.person(Grant(role="DEPOSANT", structure=FIRM), subject=subject)
    colleague = await world.person(Grant(role="DEPOSANT", structure=FIRM))
    both = await world.person(*BOTH)
    async with (
        world.http.listening(new) as mine,
        world.http.listening(colleague) as theirs,
        world.http.listening(both) as mixed,
    ):
        await arrive(world.tables, deposit(FIRM, A, "somebody"))  # received by A
        await arrive(world.tables, deposit(B, C, "somebody"))  # issued by B
        own = await arrive(world.tables, deposit(FIRM, C, subject))
        kept = await arrive(world.tables, deposit(FIRM, B, "somebody"))  # received by B
        assert {UUID((await mine.next())["invoice"]) for _ in range(2)} == {own}
        assert UUID((await mixed.next())["invoice"]) == kept
        assert await theirs.silent(0.5)
        assert await mixed.silent(0.2)


async def test_a_feed_ends_with_the_right_it_stands_on(world: World, stack: Stack) -> None:
    """By real entries on Kafka, as the portal publishes them."""
    follower = Follower(world.tables.pool, "status", world.kafka)
    following = asyncio.create_task(follower.run())
    names = [f"f-{uuid4().hex[:8]}" for _ in range(4)]
    left, gone, closed, stays = names
    supplies = Grant(role="FOURNISSEUR", structure=FIRM)
    try:
        await publish(world.kafka, [account(name, 1, supplies, BOTH[1]) for name in names])
        await until(lambda: _known(world, names))
        async with (
            world.http.listening(world.signer.token(left)) as first,
            world.http.listening(world.signer.token(gone)) as second,
            world.http.listening(world.signer.token(closed)) as third,
            world.http.listening(world.signer.token(stays)) as fourth,
        ):
            await publish(world.kafka, [account(left, 2, BOTH[1]), revoked(gone), account(closed, 2, state="closed")])
            for feed in (first, second, third):
                with pytest.raises(EOFError):
                    await feed.next(5.0)
            kept = await arrive(world.tables, deposit(FIRM, B, "somebody"))
            assert UUID((await fourth.next())["invoice"]) == kept
        # What is left opens a feed again, without what was withdrawn; what is over opens none.
        before = await world.listed(world.signer.token(stays))
        received = {invoice for invoice in before if await _received_by(world, invoice, B)}
        assert received < before
        assert await world.listed(world.signer.token(left, ver=2)) == received
        for name in (gone, closed):
            assert (await world.get(world.signer.token(name), "/events")).status_code == 401
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _known(world: World, names: Sequence[str]) -> bool:
    rows = await world.tables.pool.fetchval("select count(*) from account_right where subject = any($1)", list(names))
    return bool(rows == len(names))


async def _received_by(world: World, invoice: UUID, body: str) -> bool:
    return bool(await world.tables.pool.fetchval("select recipient = $2 from invoice where id = $1", invoice, body))
