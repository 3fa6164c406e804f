"""Lives, actions, the clock and who sees what, through the API of status on its real tables."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from contracts.events import (
    Attachment,
    AttachmentStored,
    ClaimCheck,
    InvoiceSubmitted,
    ServicePublished,
    StructurePublished,
    TenantPublished,
)
from deploy.local import Stack
from invoice.clock_shapes import PARIS
from invoice.directory import Parameters, Policies, Service, Structure, Tenant
from invoice.model import Party, Works
from services.common.auth import Principal
from services.common.db import scoped
from services.status.chain import Export, check
from tests.integration.status_service import OPERATOR, SUPPLIER, Instance, Tables, instances, tables
from tests.servers import fresh_database
from tests.unit.status.lives import deposit
from tests.unit.status.samples import BODY, SERVICE, TENANT, accepted, event, routed

pytestmark = pytest.mark.asyncio(loop_scope="module")
V1, V2, MOE, MOA = "99900001100018", "99900002900010", "55208131766522", "44306184100047"
CLERK = Principal(subject="clerk", services=(f"{BODY}/{SERVICE}",))
MANAGER = Principal(subject="manager", structures=(BODY,), tenants=(TENANT,), roles=("GESTIONNAIRE",))
COMPTABLE = Principal(subject="comptable", structures=(BODY,), tenants=(TENANT,), roles=("COMPTABLE",))
NO = {"action": "refuse", "motif": "ST_CT_NON_DECLAR", "comment": "Ce sous-traitant n'est pas déclaré."}


def company(siret: str) -> Principal:
    """Somebody who acts for a company."""
    return Principal(subject=f"of {siret}", structures=(siret,))


@dataclass
class World:
    """The tables, the API, and everybody's way in."""

    tables: Tables
    http: Instance

    async def act(self, who: Principal, invoice: UUID, action: str, **body: Any) -> httpx.Response:
        """Act on the version that is read just before."""
        read = await self.http.get(who, f"/{invoice}")
        return await self.post(who, invoice, {"action": action, **body}, {"If-Match": read.headers.get("ETag", '"0"')})

    async def post(self, who: Principal, invoice: UUID | str, body: Any, headers: dict[str, str]) -> httpx.Response:
        async with self.http.client(who) as client:
            path = f"/api/v1/invoices/{invoice}/actions" if invoice else "/api/v1/invoices/actions"
            return await client.post(path, json=body, headers=headers, timeout=120)

    async def done(self, who: Principal, invoice: UUID, action: str, **body: Any) -> dict[str, Any]:
        answer = await self.act(who, invoice, action, **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def submitted(self, data: InvoiceSubmitted) -> UUID:
        invoice = uuid4()
        await self.tables.take(event(data, invoice))
        return invoice

    async def available(self, *, at: datetime | None = None) -> UUID:
        """A simple invoice whose notice to the body was accepted."""
        invoice = await self.submitted(deposit())
        await self.tables.take(event(routed(), invoice))
        await self.tables.take(event(accepted(2, at=at or datetime.now(UTC)), invoice))
        return invoice

    async def story(self, invoice: UUID) -> list[str]:
        rows = await self.tables.history(invoice)
        return [status for _, kind, status in rows if kind == "status" and status is not None]

    async def told(self, invoice: UUID) -> list[asyncpg.Record]:
        return list(
            await self.tables.pool.fetch(
                "select convert_from(value, 'UTF8')::jsonb as told from outbox where key = $1 order by id", str(invoice)
            )
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with (
        fresh_database(stack, "status") as dsns,
        tables(dsns) as found,
        instances(found, dsns["status"], stack.kafka.bootstrap) as (http,),
    ):
        yield World(found, http)


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


async def test_who_erases_the_words_of_an_assignment_erases_the_name_on_the_invoice(world: World) -> None:
    invoice = await world.available()
    await world.done(CLERK, invoice, "assign", fields={"assignee": "Agnès B."})
    assert (await world.http.get(CLERK, f"/{invoice}")).json()["assigned_to"] == "Agnès B."
    assert "Agnès B." not in (await world.http.get(SUPPLIER, f"/{invoice}")).text
    entry = await world.tables.pool.fetchval("select max(entry) from history where invoice = $1", invoice)
    await world.tables.pool.execute("select erase_words($1, $2)", invoice, entry)
    assert "Agnès B." not in (await world.http.get(CLERK, f"/{invoice}")).text


async def test_erased_words_stand_nowhere_in_the_history_and_its_proof_holds(world: World) -> None:
    invoice = await world.available()
    await world.done(CLERK, invoice, "reject", motif="DOUBLON", comment="Voyez avec Agnès Brun.")
    assert any("Agnès Brun" in row["told"] for row in await world.told(invoice))
    entry = await world.tables.pool.fetchval("select max(entry) from history where invoice = $1", invoice)
    await world.tables.pool.execute("select erase_words($1, $2)", invoice, entry)
    left = await world.tables.pool.fetchval("select string_agg(h::text, '') from history h where invoice = $1", invoice)
    assert "Agnès" not in left
    found = await world.http.get(SUPPLIER, f"/{invoice}/history/export")
    assert check(msgspec.json.decode(found.content, type=Export)) == []


async def test_another_body_does_not_learn_to_whom_the_former_one_had_given_the_invoice(world: World) -> None:
    invoice = await world.available()
    await world.done(CLERK, invoice, "assign", fields={"assignee": "Agnès B."})
    entry = await world.tables.pool.fetchval("select max(entry) from history where invoice = $1", invoice)
    await world.done(CLERK, invoice, "return_for_recycling", motif="SE_ERR", comment="Ce n'est pas pour nous.")
    await world.done(SUPPLIER, invoice, "recycle", fields={"recipient_siret": MOE})
    there = msgspec.structs.replace(routed(2, tenant="cd31", service=None), structure_siret=MOE)
    await world.tables.take(event(there, invoice))
    other = Principal(subject="other", structures=(MOE,), tenants=("cd31",), roles=("GESTIONNAIRE",))
    shown = (await world.http.get(other, f"/{invoice}")).json()
    assert (shown["status"]["code"], shown["assigned_to"]) == ("MISE_A_DISPOSITION", None)
    assert (await world.http.get(CLERK, f"/{invoice}")).json()["assigned_to"] == "Agnès B."
    await world.tables.pool.execute("select erase_words($1, $2)", invoice, entry)
    assert "Agnès" not in (await world.http.get(CLERK, f"/{invoice}")).text


async def test_what_runs_as_the_owner_looks_for_temporary_tables_last(world: World) -> None:
    rows = await world.tables.pool.fetch("select proconfig::text as kept from pg_proc where prosecdef")
    assert rows
    assert all("status, pg_temp" in row["kept"] for row in rows)


async def test_a_comment_holds_lines_and_no_other_control_character(world: World) -> None:
    invoice = await world.available()
    version = {"If-Match": "*"}
    for words, status in (("deux\nlignes", 200), ("alerte\x07", 422), ("\x1b[2J", 422)):
        answer = await world.post(CLERK, invoice, {"action": "comment", "comment": words}, version)
        assert answer.status_code == status, words


async def test_the_clock_says_steps_articles_and_what_lateness_costs_and_draws_it(world: World) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=100)
    invoice = await world.available(at=long_ago)
    clock = (await world.http.get(SUPPLIER, f"/{invoice}/clock")).json()
    assert (clock["state"], clock["proof"], clock["days"]) == ("running", "notice", 30)
    late = (datetime.now(PARIS).date() - long_ago.astimezone(PARIS).date()).days - 30  # 69 in an hour of each night
    assert (clock["days_left"], clock["days_late"]) == (-late, late)
    assert Decimal(clock["interest"]["indemnity"]) == 40
    assert Decimal(clock["interest"]["interest"]) > 0
    assert any("R2192" in step["article"] for step in clock["steps"])
    drawn = await world.http.get(SUPPLIER, f"/{invoice}/clock/statement.pdf")
    assert (drawn.status_code, drawn.content[:5]) == (200, b"%PDF-")
    row = await world.tables.pool.fetchrow("select due_on, payment_delay_state from invoice where id = $1", invoice)
    assert row is not None
    assert (row["due_on"].isoformat(), row["payment_delay_state"]) == (clock["due_on"], "running")
    listed = (await world.http.get(SUPPLIER, "", late="true")).json()["invoices"]
    assert [item["payment_delay"]["due_on"] for item in listed if item["id"] == str(invoice)] == [clock["due_on"]]


async def test_what_the_directory_says_decides_the_delay_the_policy_and_what_is_reported(world: World) -> None:
    siret, tenant = "99900003700013", "cd77"
    body = Structure(
        siret=siret, name="Hôpital", tenant=tenant, kind="hopital", parameters=Parameters(payment_status_reported=True)
    )
    said: dict[str, Any] = {"changed_by": "op", "changed_at": datetime.now(UTC)}
    policies = Policies(hidden_motifs=("DOUBLON",), lifecycle="lenient")
    tenants = [Tenant(id=tenant, name="T", policies=policies), Tenant(id=tenant, name="T")]
    published = (
        (TenantPublished(version=9, tenant=tenants[0], **said), f"tenant:{tenant}"),
        (TenantPublished(version=8, tenant=tenants[1], **said), f"tenant:{tenant}"),
        (StructurePublished(version=3, structure=body, **said), f"structure:{siret}"),
        (
            ServicePublished(
                version=4,
                service=Service(siret=siret, code=SERVICE, label="Achats", payment_status_reported=False),
                **said,
            ),
            f"service:{siret}/{SERVICE}",
        ),
    )
    await world.tables.take(*(event(data, key) for data, key in published))
    there = msgspec.structs.replace(deposit().invoice, recipient_siret=siret)
    invoice = await world.submitted(msgspec.structs.replace(deposit(), invoice=there))
    found = msgspec.structs.replace(routed(tenant=tenant), structure_siret=siret)
    await world.tables.take(event(found, invoice), event(accepted(2, at=datetime.now(UTC)), invoice))
    clock = (await world.http.get(SUPPLIER, f"/{invoice}/clock")).json()
    assert (clock["days"], clock["payment_reported"]) == (50, False)
    assert "PAYMENT_NOT_REPORTED" in [remark["code"] for remark in clock["remarks"]]
    clerk = Principal(subject="there", services=(f"{siret}/{SERVICE}",))
    actions = (await world.http.get(clerk, f"/{invoice}/actions")).json()["actions"]
    [reject] = [action for action in actions if action["action"] == "reject"]
    assert "DOUBLON" not in [motif["code"] for motif in reject["motifs"]]
    await world.done(clerk, invoice, "mandate", fields={"mandate_number": "M-1"})
    warned = (await world.http.get(clerk, f"/{invoice}/actions")).json()["actions"]
    [suspend] = [action for action in warned if action["action"] == "suspend"]  # lenient: after the mandate too
    assert suspend["warning"]


async def test_two_clerks_race_and_one_of_them_reads_again(world: World) -> None:
    invoice = await world.available()
    tag = (await world.http.get(CLERK, f"/{invoice}")).headers["ETag"]
    bodies = [{"action": "take_in_charge"}, {"action": "service_done", "fields": {"done_on": "2026-03-02"}}] * 3
    answers = await asyncio.gather(
        *(
            world.post(who, invoice, body, {"If-Match": tag})
            for who, body in zip((CLERK, MANAGER) * 3, bodies, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    assert len(await world.story(invoice)) == 3
    light = await world.post(SUPPLIER, invoice, {"action": "comment", "comment": "Bonjour ?"}, {})
    assert light.status_code == 200
    assert (await world.http.get(CLERK, f"/{invoice}")).headers["ETag"] == light.headers["ETag"]


async def test_a_bulk_of_two_hundred_reports_each_invoice_and_is_done_once(world: World) -> None:
    invoices = [uuid4() for _ in range(200)]
    await world.tables.take(*(event(deposit(), one) for one in invoices))
    await world.tables.take(*(event(routed(), one) for one in invoices[:-2]))
    stranger = await world.submitted(deposit("A9", V1))
    chosen: list[dict[str, Any]] = [{"invoice": str(one)} for one in (*invoices, invoices[0], stranger)]
    chosen[1]["version"] = '"7"'
    body = {"action": "take_in_charge", "invoices": chosen}
    headers = {"Idempotency-Key": "bulk-1"}
    report = (await world.post(CLERK, "", body, headers)).json()
    assert (report["asked"], report["done"], report["refused"]) == (201, 197, 4)
    refused = {item["invoice"]: item["problem"]["code"] for item in report["invoices"] if item["outcome"] == "refused"}
    assert refused == {
        str(invoices[1]): "INVOICE_CHANGED",
        str(invoices[-1]): "INVOICE_NOT_FOUND",
        str(invoices[-2]): "INVOICE_NOT_FOUND",
        str(stranger): "INVOICE_NOT_FOUND",
    }
    again = await world.post(CLERK, "", body, headers)
    assert again.json() == report
    more = (await world.post(CLERK, "", {**body, "invoices": chosen[:3]}, {"Idempotency-Key": "bulk-2"})).json()
    assert [item["outcome"] for item in more["invoices"]] == ["already", "refused", "already"]
    taken = await world.tables.pool.fetchval(
        "select count(*) from history where invoice = any ($1::uuid[]) and status_to = 'PRISE_EN_COMPTE_DESTINATAIRE'",
        invoices,
    )
    assert taken == 197
    other = await world.post(CLERK, "", {**body, "comment": "x"}, headers)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_a_bulk_takes_the_conditions_of_a_list_and_nothing_without_key_or_choice(world: World) -> None:
    invoice = await world.submitted(msgspec.structs.replace(deposit()))
    numbered = msgspec.structs.replace(deposit().invoice, invoice_number="ALONE-1")
    invoice = await world.submitted(msgspec.structs.replace(deposit(), invoice=numbered))
    await world.tables.take(event(routed(), invoice))
    async with world.http.client(CLERK) as client:

        async def post(key: str | None, **body: Any) -> httpx.Response:
            headers = {} if key is None else {"Idempotency-Key": key}
            path = "/api/v1/invoices/actions?number=ALONE-1"
            return await client.post(path, json={"action": "take_in_charge", **body}, headers=headers)

        assert (await post(None, filter=True)).json()["code"] == "IDEMPOTENCY_KEY_REQUIRED"
        assert (await post("b-0")).json()["code"] == "SELECTION_EMPTY"
        named = [{"invoice": str(invoice)}]
        assert (await post("b-0", filter=True, invoices=named)).json()["code"] == "SELECTION_TWICE"
        everything = {"action": "take_in_charge", "filter": True}
        unlimited = await world.post(CLERK, "", everything, {"Idempotency-Key": "b-0"})
        assert unlimited.json()["code"] == "SELECTION_EMPTY"
        first = await post("b-1", filter=True)
        assert [item["invoice"] for item in first.json()["invoices"]] == [str(invoice)]
        assert (await post("b-1", filter=True)).json() == first.json()


async def test_an_operator_sees_every_clock_and_acts_for_nobody(world: World) -> None:
    invoice = await world.available()
    assert (await world.http.get(OPERATOR, f"/{invoice}/clock")).status_code == 200
    assert (await world.act(OPERATOR, invoice, "take_in_charge")).status_code == 403
