"""Drafts and typed invoices: prefilled, written by one window at a time, checked as one types, sent once or dropped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pypdfium2
import pytest
import pytest_asyncio

from contracts.events import DraftAged, DraftSaved, InvoiceSubmitted
from deploy.local import Stack
from services.common.db import set_scope
from services.common.deliver import transaction
from services.common.timers import Timers
from services.ingest import due, typed_deposits
from tests.integration.drafts_world import (
    ABOUT,
    STRANGER,
    begun,
    call,
    codes,
    number,
    told,
    typed,
    uploaded,
    values,
)
from tests.integration.ingest_world import World, open_world, supplier
from tests.servers import fresh_database
from tests.unit.ingest.samples import (
    OTHER_SUPPLIER,
    STRICT_RECIPIENT,
    SUPPLIER,
    directory_events,
    event,
    fields,
    pdf,
    read,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, s3_bucket="drafts-tests") as found:
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


# ---------------------------------------------------------------- from a document
async def test_a_draft_shows_where_each_value_was_read_and_leaves_empty_what_is_unsure(world: World) -> None:
    deposit = await uploaded(world)
    draft = (await call(world, "GET", f"/{deposit}")).json()
    by_name = {each["name"]: each for each in draft["fields"]}
    read_number = by_name["invoice_number"]
    assert (read_number["source"], read_number["evidence"]["page"]) == ("read", 1)
    total = by_name["total_incl_tax"]
    assert (total["value"], total["proposals"][0]["value"]) == (None, "120.00")
    assert ("total_incl_tax", "FORM_MISSING") in codes(draft)
    assert (draft["ready"], draft["sent"], draft["label"]) == (False, False, "Brouillon, non envoyé")


async def test_what_is_written_is_checked_kept_and_sent_once_with_its_document(world: World) -> None:
    deposit = await uploaded(world)
    path = f"/{deposit}"
    wrong = {"fields": {"total_incl_tax": "999", "recipient_siret": STRICT_RECIPIENT}}
    after = await call(world, "PATCH", path, version=1, json=wrong)
    assert after.headers["etag"] == '"2"'
    assert {("total_incl_tax", "SUMS_DISAGREE"), ("service_code", "SERVICE_REQUIRED")} <= codes(after.json())
    refused = await call(world, "POST", f"{path}/submit", version=2)
    assert (refused.status_code, refused.json()["code"]) == (422, "INVOICE_TO_CORRECT")
    right = {"fields": {"total_incl_tax": "120,00", "service_code": "DRH"}}
    draft = (await call(world, "PATCH", path, version=2, json=right)).json()
    assert (draft["ready"], draft["version"]) == (True, 3)
    sources = {each["name"]: each["source"] for each in draft["fields"] if each["value"]}
    assert (sources["total_incl_tax"], sources["tax"]) == ("typed", "read")
    answers = await asyncio.gather(*(call(world, "POST", f"{path}/submit", version=3) for _ in range(4)))
    assert {(answer.status_code, answer.json()["state"]) for answer in answers} == {(200, "submitted")}
    _, saved, sent = await told(world, deposit)
    assert isinstance(saved, DraftSaved)
    assert isinstance(sent, InvoiceSubmitted)
    assert (sent.invoice.service_code, str(sent.invoice.total_incl_tax)) == ("DRH", "120.00")
    assert sent.document.sha256 == (await world.row(deposit))["sha256"]
    assert (await call(world, "PATCH", path, version=3, json=right)).status_code == 409
    assert (await call(world, "DELETE", path, version=3)).status_code == 409


async def test_the_null_character_is_no_text_and_no_error_of_ours(world: World) -> None:
    draft = await begun(world)
    line = {"label": "\0", "unit_price": "1", "vat_rate": "20"}
    for body in ({"fields": {"note": "a\0"}}, {"lines": [line]}):
        answer = await call(world, "PATCH", f"/{draft['id']}", version=1, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID"), answer.text
    for begin in ({"same_as_last": "\0"}, {"fields": {"note": "\0"}}):
        assert (await call(world, "POST", "", json=begin)).status_code == 422


async def test_two_windows_cannot_overwrite_each_other(world: World) -> None:
    path = f"/{await uploaded(world)}"
    writes = [call(world, "PATCH", path, version=1, json={"fields": {"note": str(n)}}) for n in range(4)]
    answers = await asyncio.gather(*writes)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert values((await call(world, "GET", path)).json())["note"] == values(winner)["note"]
    assert (await call(world, "PATCH", path, json={"fields": {}})).status_code == 428
    assert (await call(world, "POST", f"{path}/submit", version=1)).status_code == 412


async def test_a_reader_who_asks_for_it_gets_a_draft_though_everything_was_sure(world: World) -> None:
    content = pdf(str(uuid4()))
    deposit = await world.deposit(content, given={"as_draft": "oui"})
    await world.take(event(str(deposit), read(content, fields(invoice_number=number()))))
    draft = (await call(world, "GET", f"/{deposit}")).json()
    assert (draft["ready"], draft["reading"][0]["code"]) == (True, "DRAFT_ASKED")
    assert (await call(world, "POST", f"/{deposit}/submit", version=1)).json()["state"] == "submitted"


# ---------------------------------------------------------------- without a document
async def test_a_draft_begun_twice_under_one_key_is_one_draft(world: World) -> None:
    key = str(uuid4())
    begins = (world.client.post("/api/v1/drafts", json=typed(), headers=world.headers(key=key)) for _ in range(4))
    answers = await asyncio.gather(*begins)
    [id_] = {answer.json()["id"] for answer in answers}
    other = await world.client.post("/api/v1/drafts", json={}, headers=world.headers(supplier("other"), key))
    assert other.json()["id"] != id_
    document = await world.post(pdf(str(uuid4())), key=key)
    assert document.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    await call(world, "POST", f"/{id_}/submit", version=1)
    again = await world.client.post("/api/v1/drafts", json={}, headers=world.headers(key=key))
    assert again.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_an_empty_draft_becomes_an_invoice_whose_document_the_platform_makes(world: World) -> None:
    draft = await begun(world)
    assert values(draft) == {"supplier_siret": SUPPLIER}
    deposit = draft["id"]
    assert (await world.get(f"/{deposit}/document")).json()["code"] == "DOCUMENT_NOT_MADE"
    after = (await call(world, "PATCH", f"/{deposit}", version=1, json=typed())).json()
    assert (after["ready"], after["computed"]["total_incl_tax"]) == (True, "1152.00"), after["checks"]
    sent = await call(world, "POST", f"/{deposit}/submit", version=2)
    assert sent.status_code == 200, sent.text
    document = (await world.get(f"/{deposit}/document")).content
    made: Any = pypdfium2.PdfDocument(document)
    text = made[0].get_textpage().get_text_bounded()
    assert "Pose de fenêtres" in text
    [event_] = await told(world, deposit)
    assert (event_.invoice.payable, await world.blobs.get(event_.document)) == (1152, document)


async def test_a_typed_deposit_is_checked_and_sent_at_once_and_repeats_are_recognised(world: World) -> None:
    body, key = typed(vat_regime="TVA_SUR_DEBIT"), str(uuid4())

    async def post(given: dict[str, Any], key: str | None) -> httpx.Response:
        return await world.client.post("/api/v1/deposits", json=given, headers=world.headers(key=key))

    answers = await asyncio.gather(*(post(body, key) for _ in range(4)))
    assert {(answer.status_code, answer.json()["state"]) for answer in answers} == {(201, "submitted")}
    [id_] = {answer.json()["id"] for answer in answers}
    assert [type(data) for data in await told(world, id_)] == [InvoiceSubmitted]
    assert (await post(typed(), key)).json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    again = (await post(body, None)).json()
    assert (again["state"], again["duplicate_of"]) == ("duplicate", id_)
    other = {**body, "fields": {**body["fields"], "note": "une autre"}}
    taken = (await post(other, None)).json()
    assert [(each["field"], each["rule"]) for each in taken["errors"]] == [("invoice_number", "DOUBLON")]


async def test_a_typed_deposit_that_fails_names_every_field_and_keeps_nothing(world: World) -> None:
    body = {"fields": {"invoice_number": "É 1", "issue_date": "demain", "supplier_siret": OTHER_SUPPLIER}, "lines": []}
    before = await world.pool.fetchval("select count(*) from deposit")
    answer = await world.client.post("/api/v1/deposits", json=body, headers=world.headers())
    assert answer.status_code == 422
    found = {(each["field"], each["rule"]) for each in answer.json()["errors"]}
    assert {
        ("issue_date", "FORM_MALFORMED"),
        ("recipient_siret", "FORM_MISSING"),
        ("lines", "FORM_LINES_MISSING"),
    } <= found
    assert await world.pool.fetchval("select count(*) from deposit") == before
    strange: list[Any] = [{"fields": {"x": "1"}}, {"fields": {"tax": 12.5}}, {"lines": {}}, [], "a", {"extra": 1}]
    for each in strange:
        answer = await world.client.post("/api/v1/deposits", json=each, headers=world.headers())
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), each


async def test_an_invoice_whose_commit_was_done_but_not_heard_keeps_its_document(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = typed()

    @asynccontextmanager
    async def unheard(*given: Any, **more: Any) -> AsyncIterator[Any]:
        async with transaction(*given, **more) as tx:
            yield tx
        raise ConnectionResetError

    monkeypatch.setattr(typed_deposits, "transaction", unheard)
    assert (await world.client.post("/api/v1/deposits", json=body, headers=world.headers())).status_code == 503
    wanted = body["fields"]["invoice_number"]
    deposit = await world.pool.fetchval("select id from deposit where invoice_number = $1", wanted)
    assert (await world.get(f"/{deposit}/document")).status_code == 200


async def test_a_supplier_without_vat_passes(world: World) -> None:
    body = {**typed(vat_regime="FRANCHISE"), "lines": [{"label": "Atelier", "quantity": "3", "unit_price": "60"}]}
    answer = await world.client.post("/api/v1/deposits", json=body, headers=world.headers())
    assert answer.json()["state"] == "submitted", answer.text
    [sent] = await told(world, answer.json()["id"])
    assert (sent.invoice.total_excl_tax, sent.invoice.tax, sent.invoice.total_incl_tax) == (180, 0, 180)


# ---------------------------------------------------------------- dropped, aged
async def test_a_dropped_draft_is_gone_with_what_hung_on_it_and_its_document_may_come_again(world: World) -> None:
    content = pdf(str(uuid4()))
    deposit = await world.deposit(content)
    await world.take(event(str(deposit), read(content, fields(without=("payable",), invoice_number=number()))))
    duplicate = await world.deposit(content)
    file = {"file": ("bon.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "image/png")}
    await world.client.post(f"/api/v1/deposits/{deposit}/attachments", files=file, data=ABOUT, headers=world.headers())
    assert (await call(world, "DELETE", f"/{deposit}", version=2)).status_code == 412
    assert (await call(world, "DELETE", f"/{deposit}", STRANGER, version=1)).status_code == 404
    assert (await call(world, "DELETE", f"/{deposit}", version=1)).status_code == 204
    for gone in (deposit, duplicate):
        assert (await world.get(f"/{gone}")).status_code == 404
    assert (await call(world, "GET", f"/{deposit}")).status_code == 404
    assert (await world.post(content)).json()["state"] == "received"


async def test_a_draft_says_after_two_seven_and_thirty_days_that_it_is_not_sent_unless_it_is(world: World) -> None:
    waiting, sent = await uploaded(world), UUID((await begun(world, typed()))["id"])
    assert (await call(world, "POST", f"/{sent}/submit", version=1)).status_code == 200
    for days, expected in ((1, []), (2, [2]), (8, [2, 7]), (31, [2, 7, 30]), (90, [2, 7, 30])):
        at = datetime.now(UTC) + timedelta(days=days, minutes=1)
        timers = Timers(world.pool, "ingest", due.fire, clock=lambda at=at: at)  # type: ignore[misc]
        while await timers.fire():
            pass
        assert [data.days for data in await told(world, waiting) if isinstance(data, DraftAged)] == expected
    assert not [data for data in await told(world, sent) if isinstance(data, DraftAged)]


# ---------------------------------------------------------------- walls
async def test_nobody_else_sees_writes_sends_or_drops_a_draft(world: World) -> None:
    draft = await begun(world, typed())
    path = f"/{draft['id']}"
    for method, below, body in (
        ("GET", "", None), ("PATCH", "", {"fields": {"note": "x"}}), ("POST", "/submit", None), ("DELETE", "", None),
    ):  # fmt: skip
        answer = await call(world, method, path + below, STRANGER, 1, json=body)
        never = await call(world, method, f"/{uuid4()}{below}", STRANGER, 1, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "DRAFT_UNKNOWN") == (
            never.status_code, never.json()["code"],
        )  # fmt: skip
    listed = (await call(world, "GET", "", STRANGER)).json()["drafts"]
    assert draft["id"] not in {each["id"] for each in listed}
    assert draft["id"] in {each["id"] for each in (await call(world, "GET", "")).json()["drafts"]}
    assert (await call(world, "GET", path)).json()["version"] == 1

    async def as_api(statement: str, **scope: str) -> Any:
        async with world.api_pool.acquire() as connection, connection.transaction():
            await set_scope(connection, scope)
            return await connection.fetch(statement)

    assert await as_api("select from draft", subject="stranger") == []
    assert await as_api(f"select drop_draft('{draft['id']}') as done", subject="stranger") == [(False,)]
    [became] = await as_api(f"select submit_draft('{draft['id']}', '{{}}', null, null) as done", subject="stranger")
    assert became["done"] == "gone"
    own = {"subject": "supplier-1", "structures": SUPPLIER, "roles": "FOURNISSEUR"}
    [foreign] = await as_api(f"select submit_draft('{draft['id']}', '{{}}', '552081317', 2025) as done", **own)
    assert foreign["done"] == "gone"
    for statement in (
        "update draft set depositor = 'x'",
        "delete from draft",
        "update deposit set state = 'submitted'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_api(statement, **own)


async def test_the_questions_lead_to_cadres_that_say_what_they_ask_for(world: World) -> None:
    found = (await call(world, "GET", "/questions")).json()
    a9 = next(each for each in found["cadres"] if each["code"] == "A9")
    assert (a9["validators_min"], a9["validators_max"], found["first"]) == (1, 2, "situation")
    draft = await begun(world, typed(cadre="A9"))
    assert ("validator_1_siret", "VALIDATOR_MISSING") in codes(draft)
    body = {"fields": {"validator_1_siret": OTHER_SUPPLIER}}
    after = (await call(world, "PATCH", f"/{draft['id']}", version=1, json=body)).json()
    assert after["ready"], after["checks"]
    await call(world, "POST", f"/{draft['id']}/submit", version=2)
    [sent] = await told(world, draft["id"])
    assert (sent.invoice.cadre_code, sent.validators) == ("A9", (OTHER_SUPPLIER,))
