"""Lives, from validators to the comptable, and who sees what, through the API of status on its real tables."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from contracts.events import Attachment, AttachmentStored, ClaimCheck
from deploy.local import Stack
from invoice.model import Party, Works
from services.common.auth import Principal
from services.common.db import scoped
from tests.integration.lives_world import CLERK, COMPTABLE, MANAGER, MOA, MOE, NO, V1, V2, World, company, opened
from tests.integration.status_service import SUPPLIER
from tests.unit.status.lives import deposit
from tests.unit.status.samples import BODY, TENANT, event, routed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with opened(stack) as found:
        yield found


async def test_a_validator_sees_what_he_was_asked_for_and_nothing_else(world: World) -> None:
    mine, theirs = await world.submitted(deposit("A9", V1)), await world.available()
    listed = (await world.http.get(company(V1), "")).json()["invoices"]
    assert {item["id"] for item in listed} == {str(mine)}
    for path in ("", "/actions", "/clock", "/history/export"):
        assert (await world.http.get(company(V1), f"/{theirs}{path}")).status_code == 404
        assert (await world.http.get(company(V2), f"/{mine}{path}")).status_code == 404
    assert (await world.act(company(V2), mine, "validate")).status_code == 404
    mixed = await world.act(SUPPLIER, mine, "validate")
    assert (mixed.status_code, mixed.json()["code"]) == (403, "ACTION_NOT_YOURS")
    async with scoped(world.tables.api_pool, company(V1).scope()) as api:
        assert await api.fetchval("select count(*) from invoice") == 1
        assert await api.fetchval("select count(*) from history where invoice <> $1", mine) == 0
        assert await api.fetchval("select count(distinct structure) from invoice_party") == 1
        assert await api.fetchval("select count(*) from invoice_document where invoice <> $1", mine) == 0
        for table in ("known_body", "known_tenant", "bulk_request", "bulk_answer", "action_request"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with api.transaction():
                    await api.fetch(f"select * from {table}")


async def test_the_second_validator_has_it_once_the_first_has_agreed_and_the_wrong_one_loses_it(world: World) -> None:
    invoice = await world.submitted(deposit("A9", V1, V2))
    assert (await world.http.get(company(V2), f"/{invoice}")).status_code == 404
    await world.done(company(V1), invoice, "validate")
    assert (await world.http.get(company(V2), f"/{invoice}")).json()["turn"]["actor"] == "V2"
    await world.done(company(V2), invoice, "wrong_validator", motif="ERR_VALIDEUR")
    await world.done(company(V1), invoice, "correct_validator", fields={"validator_siret": MOE})
    assert (await world.http.get(company(V2), f"/{invoice}")).status_code == 404
    assert (await world.http.get(company(MOE), f"/{invoice}")).status_code == 200
    assert (await world.http.get(company(V1), f"/{invoice}")).status_code == 200
    await world.done(company(MOE), invoice, "validate")
    assert (await world.story(invoice))[-2:] == ["VALIDEE_2", "DEPOSEE"]


async def test_a_refused_s3_reaches_the_buyer_with_the_refusal_and_nothing_else_of_before(world: World) -> None:
    invoice = await world.submitted(deposit("S3", V1))
    await world.done(company(V1), invoice, **NO)
    last = [row["told"] for row in await world.told(invoice)]
    assert [name in last[-1] for name in ("attempt", "purpose")] == [True, True]
    await world.tables.take(event(routed(2), invoice))
    shown = (await world.http.get(CLERK, f"/{invoice}")).json()
    assert shown["cadre"] == "S3"
    assert [entry["status_to"] for entry in shown["history"]] == ["A_VALIDER_1", "REFUSEE_1", "MISE_A_DISPOSITION"]
    assert shown["history"][1]["comment"] == NO["comment"]


async def test_a_file_links_its_pieces_and_each_sees_its_own(world: World) -> None:
    first = uuid4()
    parties: Any = {"moe": Party(siret=MOE), "moa": Party(siret=MOA)}
    await world.tables.take(event(deposit("A4", works=Works(file=str(first), **parties)), first))
    assert (await world.http.get(company(MOE), f"/{first}")).json()["status"]["code"] == "MISE_A_DISPOSITION_MOE"
    assert (await world.http.get(company(MOA), f"/{first}")).status_code == 404
    early = uuid4()
    await world.tables.take(event(deposit("A15", works=Works(file=str(first), previous=str(first), **parties)), early))
    shown = (await world.http.get(SUPPLIER, f"/{early}")).json()
    assert [reason["code"] for reason in shown["history"][0]["reasons"]] == ["PREVIOUS_NOT_TAKEN"]
    assert (await world.story(first))[-1] == "MISE_A_DISPOSITION_MOE"
    await world.done(company(MOE), first, "take_in_charge")
    await world.done(company(MOE), first, "accept_piece")
    second, third = uuid4(), uuid4()
    follows = event(deposit("A19", works=Works(file=str(first), previous=str(second), **parties)), third)
    await world.tables.take(follows)
    assert await world.tables.status(third) is None  # its predecessor has not come
    await world.tables.take(event(deposit("A15", works=Works(file=str(first), previous=str(first), **parties)), second))
    assert (await world.story(first))[-1] == "ASSOCIEE"
    assert (await world.http.get(company(MOA), f"/{first}")).status_code == 404
    await world.done(company(MOA), second, "take_in_charge")
    third = uuid4()
    await world.tables.take(event(deposit("A19", works=Works(file=str(first), previous=str(second), **parties)), third))
    assert (await world.story(second))[-1] == "ASSOCIEE"
    clock = (await world.http.get(SUPPLIER, f"/{third}/clock")).json()
    assert (clock["proof"], clock["started_on"]) == (
        "moe",
        (await world.http.get(SUPPLIER, f"/{first}/clock")).json()["started_on"],
    )


async def test_an_a22_replaces_what_was_not_answered_and_the_moe_has_a_copy(world: World) -> None:
    first, tacit = uuid4(), uuid4()
    parties: Any = {"moe": Party(siret=MOE), "moa": Party(siret=MOA)}
    await world.tables.take(event(deposit("A7", works=Works(file=str(first), **parties)), first))
    await world.tables.take(event(deposit("A22", works=Works(file=str(first), **parties)), tacit))
    assert (await world.story(first))[-1] == "REMPLACEE_PAR_A22"
    assert (await world.story(tacit))[-1] == "MISE_A_DISPOSITION_MOA"
    for who in (MOE, MOA, V1):
        assert (await world.http.get(company(who), f"/{tacit}")).status_code == (404 if who == V1 else 200)
    told = [row["told"] for row in await world.told(first)]
    assert "REMPLACEE_PAR_A22" in told[-1]
    again = event(deposit("A22", works=Works(file=str(first), **parties)), tacit)
    await world.tables.take(again)
    assert (await world.story(first)).count("REMPLACEE_PAR_A22") == 1


async def test_an_a22_leaves_a_monthly_piece_and_the_account_of_another_company_alone(world: World) -> None:
    monthly, general, tacit = uuid4(), uuid4(), uuid4()
    works: Any = {"file": str(monthly), "moe": Party(siret=MOE), "moa": Party(siret=MOA)}
    await world.tables.take(event(deposit("A4", works=Works(**works)), monthly))
    other = deposit("A17", works=Works(**works, previous=str(monthly)))
    other = msgspec.structs.replace(other, invoice=msgspec.structs.replace(other.invoice, supplier_siret=V2))
    await world.tables.take(event(other, general))
    await world.tables.take(event(deposit("A22", works=Works(**works)), tacit))
    assert (await world.story(monthly))[-1] == "MISE_A_DISPOSITION_MOE"
    assert (await world.story(general))[-1] == "MISE_A_DISPOSITION_MOA"
    assert (await world.story(tacit))[-1] == "MISE_A_DISPOSITION_MOA"


async def test_a_completion_names_files_that_are_stored_with_this_invoice(world: World) -> None:
    invoice, other = await world.available(), await world.available()
    claim = ClaimCheck(bucket="b", key="k", sha256="0" * 64, size=1, media_type="application/pdf")
    for identity in (invoice, other):
        stored = Attachment(id=f"piece of {identity}"[:30], document=claim, name="bon.pdf", type="02")
        await world.tables.take(
            event(AttachmentStored(attachment=stored, stored_by="sup", stored_at=datetime.now(UTC)), identity)
        )
    await world.done(CLERK, invoice, "suspend", motif="AUTRE", comment="Il manque le bon de livraison.")
    wrong = await world.act(SUPPLIER, invoice, "complete", attachments=[f"piece of {other}"[:30]])
    assert (wrong.status_code, wrong.json()["errors"][0]["rule"]) == (422, "ATTACHMENT_UNKNOWN")
    await world.done(SUPPLIER, invoice, "complete", attachments=[f"piece of {invoice}"[:30]])
    assert (await world.http.get(CLERK, f"/{invoice}")).json()["status"]["code"] == "COMPLETEE"


async def test_the_comptable_acts_for_himself_and_what_he_refuses_the_supplier_does_not_see(world: World) -> None:
    invoice = await world.available()
    await world.done(MANAGER, invoice, "mandate", fields={"mandate_number": "M-1"})
    await world.done(MANAGER, invoice, "hand_to_comptable")
    assert (await world.act(COMPTABLE, invoice, "mandate", fields={"mandate_number": "M-2"})).status_code == 403
    await world.done(COMPTABLE, invoice, "refuse_mandate", comment="La pièce justificative manque.")
    seen = (await world.http.get(SUPPLIER, f"/{invoice}")).text
    assert "pièce justificative manque" not in seen
    assert "refuse_mandate" not in seen
    body = (await world.http.get(CLERK, f"/{invoice}")).json()["history"][-1]
    assert (body["action"], body["actor"], body["label"]) == ("refuse_mandate", "C", "Refuser le mandat")
    [told] = [row["told"] for row in await world.told(invoice) if '"refuse_mandate"' in row["told"]]
    assert '"visibility": "body"' in told
    await world.done(COMPTABLE, invoice, "put_in_payment", fields={"paid_on": datetime.now(UTC).date().isoformat()})


@pytest.mark.parametrize(
    "claims",
    [
        {"structures": (BODY,), "roles": ("COMPTABLE",)},
        {"structures": (BODY,), "roles": ("COMPTABLE",), "tenants": ("cd32",)},
        {"structures": (V2,), "roles": ("COMPTABLE",), "tenants": (TENANT,)},
        {"structures": (BODY,), "roles": ("MOE", "MOA", "VALIDATEUR"), "tenants": (TENANT,)},
        {"services": (f"{MOA}/X",), "roles": ("MOA",)},
    ],
)
async def test_a_role_without_its_structure_or_tenant_sees_nothing(world: World, claims: Any) -> None:
    invoice = await world.available()
    stranger = Principal(subject="stranger", **claims)
    for path in ("", "/actions", "/clock", "/clock/statement.pdf"):
        assert (await world.http.get(stranger, f"/{invoice}{path}")).status_code == 404
    async with scoped(world.tables.api_pool, stranger.scope()) as api:
        assert await api.fetchval("select count(*) from invoice where id = $1", invoice) == 0


@pytest.mark.parametrize("role", ["COMPTABLE", "FINANCE"])
async def test_who_keeps_the_accounts_does_not_act_where_his_structure_is_the_supplier(world: World, role: str) -> None:
    invoice = await world.submitted(deposit())
    accounts = Principal(subject="accounts", structures=SUPPLIER.structures, tenants=(TENANT,), roles=(role,))
    refused = await world.act(accounts, invoice, "withdraw", comment="Envoyée deux fois.")
    assert (refused.status_code, refused.json()["code"]) == (403, "ACTION_NOT_YOURS")


async def test_a_validator_reads_the_clock_and_has_no_statement_of_what_is_owed_to_another(world: World) -> None:
    invoice = await world.submitted(deposit("A9", V1))
    assert (await world.http.get(company(V1), f"/{invoice}/clock")).status_code == 200
    refused = await world.http.get(company(V1), f"/{invoice}/clock/statement.pdf")
    assert (refused.status_code, refused.json()["code"]) == (403, "STATEMENT_NOT_YOURS")
