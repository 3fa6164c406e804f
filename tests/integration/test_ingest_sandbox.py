"""A tenant to try things with: the same rules, every answer marked, and no number of the real ones burnt."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pypdfium2
import pytest
import pytest_asyncio

from contracts.events import DepositRefused, DraftAged, DraftSaved, InvoiceSubmitted
from deploy.local import Stack
from invoice.directory import Structure, Tenant
from invoice.sandbox import MARK
from services.common.timers import Timers
from services.ingest import due
from tests.integration.ingest_world import World, open_world
from tests.servers import fresh_database
from tests.unit.ingest.samples import (
    RECIPIENT,
    SUPPLIER,
    directory_events,
    event,
    fields,
    pdf,
    read,
    structure_published,
    tenant_published,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRIAL = Tenant(id="essai-cd06", name="Bac à sable des Alpes-Maritimes")
BODY = "26060001000011"
HEADER = "chorale-sandbox"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, s3_bucket="sandbox-tests") as found:
        await found.take(*directory_events())
        structure = Structure(siret=BODY, name="TEST-Structure", tenant=TRIAL.id, kind="budget_principal")
        await found.take(event(TRIAL.id, tenant_published(tenant=TRIAL)))
        await found.take(event(BODY, structure_published(structure=structure)))
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


def number() -> str:
    return f"S{uuid4().hex[:12].upper()}"


def typed(recipient: str, wanted: str, **more: str) -> dict[str, Any]:
    values = {
        "invoice_number": wanted,
        "issue_date": "2025-11-03",
        "supplier_siret": SUPPLIER,
        "recipient_siret": recipient,
        "payment_mode": "CHEQUE",
        **more,
    }
    return {"fields": values, "lines": [{"label": "Essai", "unit_price": "10", "vat_rate": "20"}]}


async def post(world: World, body: dict[str, Any], path: str = "/api/v1/deposits", version: int = 0) -> httpx.Response:
    headers = world.headers() | ({"If-Match": f'"{version}"'} if version else {})
    return await world.client.post(path, json=body, headers=headers)


async def ask(world: World, path: str) -> httpx.Response:
    return await world.client.get(path, headers=world.headers())


def text(content: bytes) -> str:
    document: Any = pypdfium2.PdfDocument(content)
    return str(document[0].get_textpage().get_text_bounded())


async def test_a_number_that_was_tried_is_free_for_a_real_invoice_and_taken_for_another_trial(world: World) -> None:
    wanted = number()
    trial = await post(world, typed(BODY, wanted))
    assert (trial.status_code, trial.json()["sandbox"], trial.headers[HEADER]) == (201, MARK, "essai, sans valeur")
    again = await post(world, typed(BODY, wanted, note="autre"))
    assert [each["rule"] for each in again.json()["errors"]] == ["DOUBLON"]
    assert "essai" not in again.json()["errors"][0]["message"]
    real = await post(world, typed(RECIPIENT, wanted))
    assert (real.status_code, real.json()["sandbox"], HEADER in real.headers) == (201, None, False)
    tenants = {UUID(sent.subject): sent.tenant for sent in await world.sent()}
    assert tenants[UUID(trial.json()["id"])] == TRIAL.id
    # And the same of what is read from a page.
    for recipient, expected in ((BODY, DepositRefused), (RECIPIENT, DepositRefused)):
        content = pdf(str(uuid4()))
        deposit = await world.deposit(content)
        found = fields(invoice_number=wanted, recipient_siret=recipient)
        await world.take(event(str(deposit), read(content, found)))
        assert isinstance((await world.sent())[-1].data, expected)


async def test_every_answer_about_a_trial_bears_its_mark_and_no_other_does(world: World) -> None:
    draft = await post(world, typed(BODY, number()), "/api/v1/drafts")
    id_ = draft.json()["id"]
    assert (draft.json()["sandbox"], HEADER in draft.headers) == (MARK, True)
    listed = await ask(world, "/api/v1/drafts")
    assert {each["id"]: each["sandbox"] for each in listed.json()["drafts"]}[id_] == MARK
    assert HEADER in listed.headers
    sent = await post(world, {}, f"/api/v1/drafts/{id_}/submit", 1)
    assert sent.json()["sandbox"] == MARK
    for path in (f"/api/v1/deposits/{id_}", "/api/v1/deposits", f"/api/v1/certificates/{id_}"):
        answer = await ask(world, path)
        assert MARK in answer.text, path
        assert HEADER in answer.headers, path
    real = (await post(world, typed(RECIPIENT, number()))).json()["id"]
    for path in (f"/api/v1/deposits/{real}", f"/api/v1/certificates/{real}", f"/api/v1/certificates/{real}/pdf"):
        answer = await ask(world, path)
        assert answer.status_code == 200
        assert MARK.encode() not in answer.content
        assert HEADER not in answer.headers


async def test_what_the_platform_draws_of_a_trial_says_so_on_its_face(world: World) -> None:
    id_ = (await post(world, typed(BODY, number()))).json()["id"]
    for path in (f"/api/v1/deposits/{id_}/document", f"/api/v1/certificates/{id_}/pdf"):
        assert MARK in text((await ask(world, path)).content)
    signed = (await ask(world, f"/api/v1/certificates/{id_}")).json()
    verified = await world.client.post("/api/v1/certificates/verify", json=signed)
    assert (verified.json()["valid"], signed["certificate"]["sandbox"]) == (True, MARK)
    del signed["certificate"]["sandbox"]
    assert not (await world.client.post("/api/v1/certificates/verify", json=signed)).json()["valid"]


async def test_the_events_of_a_trial_s_drafts_and_refusals_name_its_tenant(world: World) -> None:
    content = pdf(str(uuid4()))
    deposit = await world.deposit(content)
    found = fields(unsure=("tax",), invoice_number=number(), recipient_siret=BODY)
    await world.take(event(str(deposit), read(content, found)))
    spaced = {"fields": {"recipient_siret": f" {BODY[:9]} {BODY[9:]}"}}  # as people write it
    headers = {**world.headers(), "If-Match": '"1"'}
    assert (await world.client.patch(f"/api/v1/drafts/{deposit}", json=spaced, headers=headers)).json()[
        "sandbox"
    ] == MARK
    listed = await ask(world, "/api/v1/drafts")
    assert {each["id"]: each["sandbox"] for each in listed.json()["drafts"]}[str(deposit)] == MARK
    at = datetime.now(UTC) + timedelta(days=2, minutes=1)
    while await Timers(world.pool, "ingest", due.fire, clock=lambda: at).fire():
        pass
    told = [(type(sent.data), sent.tenant) for sent in await world.sent() if sent.subject == str(deposit)]
    assert told[1:] == [(DraftSaved, TRIAL.id), (DraftAged, TRIAL.id)]
    assert (await ask(world, f"/api/v1/deposits/{deposit}")).json()["sandbox"] == MARK
    submitted = [sent for sent in await world.sent() if isinstance(sent.data, InvoiceSubmitted)]
    assert {sent.tenant == TRIAL.id for sent in submitted} == {
        sent.data.invoice.recipient_siret == BODY for sent in submitted if isinstance(sent.data, InvoiceSubmitted)
    }
