"""Drafts made again of what was rejected or refused, or as the last one; and sent while their document changes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.events import InvoiceSubmitted, StatusChanged
from deploy.local import Stack
from services.ingest import sending
from services.ingest.sweep import Sweep
from tests.integration.drafts_world import (
    STRANGER,
    begun,
    call,
    codes,
    number,
    told,
    typed,
    values,
)
from tests.integration.ingest_world import World, open_world, supplier
from tests.servers import fresh_database
from tests.unit.ingest.samples import (
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with (
        fresh_database(stack, "ingest") as dsns,
        open_world(stack, dsns, s3_bucket="drafts-again-tests") as found,
    ):
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


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
