"""Depositing by place: who is a supplier, MOE or reader at one structure is none of it at another."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from contracts.events import DraftSaved, Grant, InvoiceSubmitted, Payload
from deploy.local import Stack
from services.common.auth import Principal
from services.common.principal import of_grants
from tests.integration.ingest_world import World, open_world
from tests.servers import fresh_database
from tests.unit.ingest.samples import SUPPLIER, directory_events, event, fields, pdf, read

pytestmark = pytest.mark.asyncio(loop_scope="module")
ELSEWHERE = "35600000000048"
NEW = Grant(role="DEPOSANT", structure=SUPPLIER)
SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns) as found:
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


def person(*grants: Grant, **fields_: Any) -> Principal:
    return of_grants(f"p-{uuid4().hex[:8]}", grants, kid="k", session="s", **fields_)


async def deposited(world: World, who: Principal) -> tuple[UUID, Payload]:
    """A deposit of the supplier's invoice once it is read, and what is told of it."""
    number = f"F-{uuid4().hex[:10]}"
    content = pdf(number)
    deposit = await world.deposit(content, principal=who)
    await world.take(event(str(deposit), read(content, fields(invoice_number=number))))
    return deposit, [sent.data for sent in await world.sent() if sent.subject == str(deposit)][-1]


async def test_who_is_not_verified_deposits_for_the_supplier_and_sees_his_own_deposits_alone(world: World) -> None:
    new, colleague, verified = person(NEW), person(NEW), person(SUPPLIES)
    mine, told = await deposited(world, new)
    assert isinstance(told, InvoiceSubmitted), told
    assert (told.depositor, told.contact) == (new.subject, "")  # notify finds the address by the subject
    theirs, _ = await deposited(world, verified)
    for deposit, who, status in ((mine, new, 200), (theirs, new, 404), (mine, colleague, 404)):
        for path in ("", "/document", "/attachments"):
            answer = await world.get(f"/{deposit}{path}", who)
            assert (answer.status_code == 404) == (status == 404), (path, answer.status_code)
    listed = (await world.get("", new)).json()["deposits"]
    assert [each["id"] for each in listed] == [str(mine)]
    row = await world.row(mine)
    assert (row["structures"], row["roles"]) == ([SUPPLIER], [f"FOURNISSEUR/{SUPPLIER}", f"DEPOSANT/{SUPPLIER}"])


@pytest.mark.parametrize(
    "grants",
    [
        (Grant(role="FOURNISSEUR", structure=ELSEWHERE), Grant(role="COMPTABLE", structure=SUPPLIER, tenant="cd06")),
        (Grant(role="FOURNISSEUR", structure=ELSEWHERE), Grant(role="LECTURE", structure=SUPPLIER)),
        (Grant(role="DEPOSANT", structure=ELSEWHERE), Grant(role="VALIDATEUR", structure=SUPPLIER)),
        (Grant(role="FOURNISSEUR", structure=ELSEWHERE), Grant(role="MOE", structure=SUPPLIER)),
        (Grant(role="FOURNISSEUR", structure=ELSEWHERE), Grant(role="FOURNISSEUR", structure=SUPPLIER, service="X")),
    ],
    ids=["comptable", "reader", "validator", "moe", "one service"],
)
async def test_nobody_deposits_for_a_structure_by_a_right_of_another_kind(
    world: World, grants: tuple[Grant, ...]
) -> None:
    who = person(*grants)
    deposit, told = await deposited(world, who)
    assert isinstance(told, DraftSaved), told
    assert "SUPPLIER_NOT_YOURS" in {reason.code for reason in told.reasons}
    assert (await world.row(deposit))["state"] == "to_verify"


async def test_files_are_added_to_an_invoice_by_who_issued_it_in_that_role(world: World) -> None:
    theirs, _ = await deposited(world, person(SUPPLIES))
    files = {"file": ("a.pdf", b"%PDF-1.4 joint\n", "application/pdf")}

    async def attach(who: Principal) -> int:
        path, data = f"/api/v1/deposits/{theirs}/attachments", {"type": "PJA", "label": "Pièce"}
        answer = await world.client.post(path, files=files, data=data, headers=world.headers(who))
        return answer.status_code

    for grant in (NEW, Grant(role="MOE", structure=SUPPLIER), Grant(role="MOA", structure=SUPPLIER)):
        who = person(grant, Grant(role="FOURNISSEUR", structure=ELSEWHERE))
        assert await attach(who) == 404, grant
        assert (await world.get(f"/{theirs}/attachments", who)).status_code == 404
    reader = person(Grant(role="LECTURE", structure=SUPPLIER), Grant(role="FOURNISSEUR", structure=ELSEWHERE))
    assert await attach(reader) == 404
    assert (await world.get(f"/{theirs}/attachments", reader)).json()["attachments"] == []
    assert await attach(person(SUPPLIES)) == 201


@pytest.mark.parametrize(
    "grant",
    [
        NEW,
        Grant(role="LECTURE", structure=SUPPLIER),
        Grant(role="VALIDATEUR", structure=SUPPLIER),
        Grant(role="MOE", structure=SUPPLIER),
        Grant(role="COMPTABLE", structure=SUPPLIER, tenant="cd06"),
    ],
    ids=["unverified", "reader", "validator", "moe", "comptable"],
)
async def test_nobody_copies_an_invoice_of_a_structure_by_being_a_supplier_elsewhere(
    world: World, grant: Grant
) -> None:
    theirs, told = await deposited(world, person(SUPPLIES))
    assert isinstance(told, InvoiceSubmitted), told
    who = person(grant, Grant(role="FOURNISSEUR", structure=ELSEWHERE))

    async def copied(asked: Principal, **begin: str) -> int:
        answer = await world.client.post("/api/v1/drafts", json=begin, headers=world.headers(asked))
        return answer.status_code

    assert await copied(who, from_invoice=str(theirs)) == 404
    assert await copied(who, same_as_last=told.invoice.recipient_siret) == 404
    assert await copied(person(SUPPLIES), from_invoice=str(theirs)) == 409  # it stands: nothing to make again
    assert await copied(person(SUPPLIES), same_as_last=told.invoice.recipient_siret) == 201


async def test_who_is_not_verified_begins_as_his_own_last_invoice_and_as_no_other(world: World) -> None:
    new, colleague = person(NEW), person(NEW)
    mine, told = await deposited(world, new)
    assert isinstance(told, InvoiceSubmitted), told
    await deposited(world, person(SUPPLIES))  # a later one of the same structure
    left = of_grants(new.subject, [Grant(role="DEPOSANT", structure=ELSEWHERE)], kid="k", session="s")
    begin = {"same_as_last": told.invoice.recipient_siret}
    for who, status in ((new, 201), (colleague, 404), (left, 404)):
        answer = await world.client.post("/api/v1/drafts", json=begin, headers=world.headers(who))
        assert answer.status_code == status, answer.text
        assert answer.json().get("copied_from") == (str(mine) if status == 201 else None)


async def test_who_no_longer_deposits_for_a_structure_adds_nothing_to_what_he_deposited(world: World) -> None:
    gone = person(SUPPLIES)
    mine, _ = await deposited(world, gone)
    left = of_grants(gone.subject, [Grant(role="FOURNISSEUR", structure=ELSEWHERE)], kid="k", session="s")
    files, data = {"file": ("a.pdf", b"%PDF-1.4 joint\n", "application/pdf")}, {"type": "PJA", "label": "Pièce"}
    for who, status in ((left, 404), (gone, 201)):
        path = f"/api/v1/deposits/{mine}/attachments"
        answer = await world.client.post(path, files=files, data=data, headers=world.headers(who))
        assert answer.status_code == status, answer.text


async def test_who_only_reads_deposits_nothing_in_any_way(world: World) -> None:
    headers = world.headers(person(Grant(role="LECTURE", structure=SUPPLIER)))
    for path in (
        "deposits",
        "drafts",
        "flows",
        "flows/uploads",
        f"deposits/{uuid4()}/attachments",
        f"drafts/{uuid4()}/submit",
    ):
        answer = await world.client.post(f"/api/v1/{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "RIGHT_MISSING"), path


async def test_software_deposits_with_the_scope_for_it_and_reads_with_either(world: World) -> None:
    for scopes, post, get in (
        (("invoices.read", "invoices.write"), 403, 403),
        (("deposits.read",), 403, 200),
        (("deposits.write",), 201, 200),
    ):
        who = person(SUPPLIES, kind="software", scopes=scopes)
        answer = await world.post(pdf(str(uuid4())), principal=who)
        assert answer.status_code == post, (scopes, answer.text)
        assert (await world.get("", who)).status_code == get
