"""Drafts and typed invoices: prefilled, written by one window at a time, checked as one types, sent once or dropped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pypdfium2
import pytest
import pytest_asyncio

from contracts.events import DraftAged, DraftSaved, InvoiceSubmitted, StatusChanged
from deploy.local import Stack
from services.common.auth import Principal
from services.common.db import set_scope
from services.common.deliver import transaction
from services.common.timers import Timers
from services.ingest import due, sending, typed_deposits
from services.ingest.sweep import Sweep
from tests.integration.ingest_world import World, open_world, supplier
from tests.servers import fresh_database
from tests.unit.ingest.samples import (
    OTHER_SUPPLIER,
    RECIPIENT,
    STRICT_RECIPIENT,
    SUPPLIER,
    directory_events,
    event,
    fields,
    pdf,
    read,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
STRANGER = supplier("stranger", structures=(OTHER_SUPPLIER,))
LINE = {"label": "Pose de fenêtres", "quantity": "2", "unit": "jour", "unit_price": "480", "vat_rate": "20"}
ABOUT = {"type": "DOCUMENT_ANNEXE", "label": "Pièce"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack) as dsns, open_world(stack, dsns, s3_bucket="drafts-tests") as found:
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


def number() -> str:
    return f"D{uuid4().hex[:12].upper()}"


def typed(**more: str) -> dict[str, Any]:
    values = {
        "invoice_number": number(),
        "issue_date": "2025-11-03",
        "supplier_siret": SUPPLIER,
        "recipient_siret": RECIPIENT,
        "payment_mode": "CHEQUE",
    }
    return {"fields": {**values, **more}, "lines": [LINE]}


async def call(
    world: World, method: str, path: str, who: Principal | None = None, version: int | None = None, **more: Any
) -> httpx.Response:
    headers = {**world.headers(who), **({} if version is None else {"If-Match": f'"{version}"'})}
    return await world.client.request(method, f"/api/v1/drafts{path}", headers=headers, **more)


async def begun(world: World, body: dict[str, Any] | None = None, who: Principal | None = None) -> dict[str, Any]:
    answer = await call(world, "POST", "", who, json=body or {})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["etag"] == '"1"'
    return found


async def uploaded(world: World, **reading: Any) -> UUID:
    """A document whose reading makes a draft of it."""
    content = pdf(str(uuid4()))
    deposit = await world.deposit(content)
    found = fields(**{"unsure": ("total_incl_tax",), "invoice_number": number(), **reading})
    await world.take(event(str(deposit), read(content, found)))
    return deposit


def values(draft: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in draft["fields"] if each["value"] is not None}


def codes(draft: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["field"], each["code"]) for each in draft["checks"]}


async def told(world: World, deposit: object) -> list[Any]:
    return [sent.data for sent in await world.sent() if sent.subject == str(deposit)]


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


# ---------------------------------------------------------------- again, and as last time
COLLEAGUE = supplier("colleague")


async def rejected(world: World, invoice: str) -> None:
    """Its recipient has rejected it."""
    change = StatusChanged(
        entry=3,
        status_from="MISE_A_DISPOSITION",
        status_to="REJETEE",
        actor="agent:a",
        visibility="all",
        changed_at=datetime.now(UTC),
        invoice_number="of no matter",
        issue_date=date(2025, 11, 3),
        supplier_siret=SUPPLIER,
        recipient_siret=RECIPIENT,
        payable=Decimal("1152.00"),
        currency="EUR",
    )
    await world.take(event(invoice, change))


async def test_a_rejected_invoice_is_made_again_with_everything_but_its_number(world: World) -> None:
    body = typed(engagement="EJ-1")
    first = (await world.client.post("/api/v1/deposits", json=body, headers=world.headers())).json()["id"]
    standing = await call(world, "POST", "", json={"from_invoice": first})
    assert (standing.status_code, standing.json()["code"]) == (409, "NOT_REJECTED")
    assert (await world.get(f"/{first}")).json()["links"]["again"] is None
    await rejected(world, first)
    assert (await world.get(f"/{first}")).json()["links"]["again"] == "/api/v1/drafts"
    for who in (None, COLLEAGUE):  # of the same structure
        draft = await begun(world, {"from_invoice": first}, who)
        kept = values(draft)
        assert "invoice_number" not in kept
        assert (kept["engagement"], kept["issue_date"], draft["lines"][0]["label"]) == (
            "EJ-1", "2025-11-03", "Pose de fenêtres",
        )  # fmt: skip
        assert draft["copied_from"] == first
        assert {each["source"] for each in draft["fields"] if each["value"]} == {"kept"}
        missing = {("invoice_number", "FORM_MISSING")}
        assert {each for each in codes(draft) if each[1] == "FORM_MISSING"} == missing
    for who, asked in ((STRANGER, {"from_invoice": first}), (STRANGER, {"same_as_last": RECIPIENT})):
        assert (await call(world, "POST", "", who, json=asked)).json()["code"] == "NOTHING_TO_COPY"


async def refused(world: World, content: bytes, wanted: str, **more: Any) -> UUID:
    """A document that was read and names no service where one is demanded."""
    deposit = await world.deposit(content)
    found = fields(invoice_number=wanted, recipient_siret=STRICT_RECIPIENT)
    await world.take(event(str(deposit), read(content, found, page_sizes=((595.0, 842.0),), **more)))
    shown = (await world.get(f"/{deposit}")).json()
    assert (shown["state"], shown["links"]["again"]) == ("refused", "/api/v1/drafts")
    return deposit


async def test_a_refused_deposit_is_made_again_with_its_page_and_all_that_was_read_its_number_too(world: World) -> None:
    content, wanted = pdf(str(uuid4())), number()
    deposit = await refused(world, content, wanted)
    draft = await begun(world, {"from_invoice": str(deposit)})
    by_name = {each["name"]: each for each in draft["fields"]}
    assert (values(draft)["invoice_number"], values(draft)["total_incl_tax"]) == (wanted, "120.00")
    assert (by_name["invoice_number"]["source"], by_name["invoice_number"]["evidence"]["page"]) == ("kept", 1)
    assert f"/{deposit}/" in draft["pages"]["template"], "the pages are those of what was refused"
    assert ("lines", "FORM_LINES_MISSING") not in codes(draft)
    written = {"fields": {"service_code": "DRH"}}
    assert (await call(world, "PATCH", f"/{draft['id']}", version=1, json=written)).json()["ready"] is True
    second = await begun(world, {"from_invoice": str(deposit)})
    assert (second["pages"], second["links"]["document"]) == (None, None), "no two drafts stand on one document"
    sent = await call(world, "POST", f"/{draft['id']}/submit", version=2)
    assert sent.json()["state"] == "submitted", sent.text
    [told_] = [each for each in await told(world, draft["id"]) if isinstance(each, InvoiceSubmitted)]
    assert (await world.blobs.get(told_.document), told_.invoice.service_code) == (content, "DRH")
    assert told_.read_as == str(deposit), "its pages are those drawn for the deposit that was refused"
    await Sweep(world.pool, world.blobs, age=timedelta(seconds=-60), every_seconds=1).once()
    assert await world.blobs.get(told_.document) == content
    assert (await world.get(f"/{deposit}")).json()["state"] == "refused"


async def test_a_refused_data_file_is_made_again_without_the_data_that_still_say_otherwise(world: World) -> None:
    deposit = await refused(world, pdf(str(uuid4())), number(), source="facturx")
    draft = await begun(world, {"from_invoice": str(deposit)})
    assert (draft["links"]["document"], draft["pages"]) == (None, None)


async def test_the_next_invoice_begins_as_the_last_one_of_the_structure_without_its_dates(world: World) -> None:
    body = typed(engagement="EJ-2")
    last = (await world.client.post("/api/v1/deposits", json=body, headers=world.headers())).json()["id"]
    for who in (None, COLLEAGUE):
        draft = await begun(world, {"same_as_last": RECIPIENT, "fields": {"invoice_number": number()}}, who)
        kept = values(draft)
        assert (draft["copied_from"], kept["engagement"], kept["recipient_siret"]) == (last, "EJ-2", RECIPIENT)
        assert "issue_date" not in kept
    unknown = await call(world, "POST", "", json={"same_as_last": STRICT_RECIPIENT + "9"})
    assert unknown.json()["code"] == "NOTHING_TO_COPY"


async def test_a_draft_made_again_may_be_given_the_new_pdf_and_then_needs_no_lines(world: World) -> None:
    totals = {"total_excl_tax": "100", "tax": "20", "total_incl_tax": "120", "payable": "120"}
    draft = await begun(world, {**typed(**totals), "lines": []})
    content, path = pdf(str(uuid4())), f"/{draft['id']}/document"
    assert ("lines", "FORM_LINES_MISSING") in codes(draft)
    file = {"file": ("nouvelle facture.pdf", content, "application/pdf")}
    answers = [await call(world, "PUT", path, who, files=file) for who in (STRANGER, None, None)]
    assert [answer.status_code for answer in answers] == [404, 200, 200]
    other = {"file": ("autre.pdf", pdf("other"), "application/pdf")}
    assert (await call(world, "PUT", path, files=other)).json()["code"] == "DOCUMENT_GIVEN"
    second = await begun(world)
    assert (await call(world, "PUT", f"/{second['id']}/document", files=file)).json()["code"] == "DOCUMENT_KNOWN"
    late = await call(world, "PATCH", f"/{draft['id']}", version=1, json={"fields": {"note": "lu avant"}})
    assert (late.status_code, late.json()["code"]) == (412, "VERSION_CHANGED"), (
        "a tab that read it without the document"
    )
    assert (await call(world, "GET", f"/{draft['id']}")).headers["ETag"] == '"2"', "once, though it was given twice"
    sent = await call(world, "POST", f"/{draft['id']}/submit", version=2)
    assert sent.json()["state"] == "submitted", sent.text
    [told_] = await told(world, draft["id"])
    assert (await world.blobs.get(told_.document), told_.file_name) == (content, "nouvelle facture.pdf")


async def test_two_versions_sent_at_once_leave_one_invoice_with_its_own_document_that_no_sweep_takes(
    world: World,
) -> None:
    for _ in range(3):
        draft = await begun(world, typed())
        path = f"/{draft['id']}"

        async def change_and_send(path: str = path) -> httpx.Response:
            await call(world, "PATCH", path, version=1, json={"fields": {"note": "changé"}})
            return await call(world, "POST", f"{path}/submit", version=2)

        answers = await asyncio.gather(call(world, "POST", f"{path}/submit", version=1), change_and_send())
        assert {answer.status_code for answer in answers} <= {200, 412}
        [told_] = await told(world, draft["id"])
        await Sweep(world.pool, world.blobs, age=timedelta(seconds=-60), every_seconds=1).once()
        assert await world.blobs.get(told_.document)


async def test_a_document_given_while_a_draft_is_sent_is_not_the_invoice_of_what_was_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, content = await begun(world, typed()), pdf(str(uuid4()))
    keep = sending.keep

    async def late(*given: Any) -> Any:
        file = {"file": ("autre.pdf", content, "application/pdf")}
        assert (await call(world, "PUT", f"/{draft['id']}/document", files=file)).status_code == 200
        return await keep(*given)

    monkeypatch.setattr(sending, "keep", late)
    answer = await call(world, "POST", f"/{draft['id']}/submit", version=1)
    assert (answer.status_code, answer.json()["code"]) == (412, "VERSION_CHANGED")
    assert not [one for one in await told(world, draft["id"]) if isinstance(one, InvoiceSubmitted)]


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
