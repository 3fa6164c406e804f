"""What acts leave: words and their erasure, the clock, races, bulks, through the API of status on its real tables."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from contracts.events import ServicePublished, StructurePublished, TenantPublished
from deploy.local import Stack
from invoice.clock_shapes import PARIS
from invoice.directory import Parameters, Policies, Service, Structure, Tenant
from services.common.auth import Principal
from services.status.chain import Export, check
from tests.integration.lives_world import CLERK, MANAGER, MOE, V1, World, opened
from tests.integration.status_service import OPERATOR, SUPPLIER
from tests.unit.status.lives import deposit
from tests.unit.status.samples import SERVICE, accepted, event, routed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with opened(stack) as found:
        yield found


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
