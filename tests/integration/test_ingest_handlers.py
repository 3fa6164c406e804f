"""Readings and directory entries in: what is decided, told once, and waits for what has not come."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts.envelope import Event
from contracts.events import (
    DepositRefused,
    DocumentReceived,
    DocumentUnreadable,
    DraftSaved,
    InvoiceSubmitted,
)
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.findings import Finding
from services.common.replay import Sweeper
from services.common.timers import Timers
from services.ingest import handlers
from tests.integration.ingest_world import World, open_world, supplier
from tests.unit.ingest.samples import (
    OTHER_SUPPLIER,
    STRICT_RECIPIENT,
    SUPPLIER,
    directory_events,
    event,
    fields,
    pdf,
    read,
    service_published,
)


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns) as found:
        yield found


@pytest.fixture
async def ready(world: World) -> World:
    """A world whose directory is complete."""
    await world.take(*directory_events())
    await complete(world)
    return world


async def complete(world: World) -> None:
    await world.pool.execute("insert into directory_read_to_end default values")


async def told(world: World) -> list[Event]:
    """What was told after the documents were received."""
    return [sent for sent in await world.sent() if not isinstance(sent.data, DocumentReceived)]


async def waiting(world: World) -> int:
    count: int = await world.pool.fetchval("select count(*) from waiting_event")
    return count


async def test_a_sure_reading_submits_the_invoice_by_itself(ready: World) -> None:
    deposit = await ready.deposit(name="facture été.pdf")
    found = event(str(deposit), read(pdf()))
    await ready.take(found)
    [sent] = await told(ready)
    assert isinstance(sent.data, InvoiceSubmitted)
    assert (sent.subject, sent.tenant, sent.data.attempt) == (str(deposit), "cd06", 1)
    assert sent.data.invoice.invoice_number == "F2025-001"
    assert (sent.data.depositor, sent.data.contact) == ("supplier-1", "supplier-1@fournisseur.example")
    assert (sent.data.file_name, sent.data.validators) == ("facture été.pdf", ())
    assert await ready.blobs.get(sent.data.document) == pdf()
    seen = (await ready.get(f"/{deposit}")).json()
    assert (seen["state"], seen["label"], seen["invoice_number"]) == ("submitted", "Déposée", "F2025-001")
    assert seen["invoice"]["total_incl_tax"] == "120.00"
    assert seen["links"]["invoice"] == f"/api/v1/invoices/{deposit}"
    assert seen["fields"][0] == {
        "name": "invoice_number",
        "value": "F2025-001",
        "confidence": "sure",
        "page": 1,
        "box": [10.0, 20.0, 110.0, 32.0],
        "keyword": "invoice_number",
        "raw": "F2025-001",
        "candidates": [],
    }
    assert datetime.fromisoformat(seen["read_at"]) == found.time
    [taken] = await ready.pool.fetch("select issuer, year, number, deposit_id from number_taken")
    assert tuple(taken) == (SUPPLIER[:9], 2025, "F2025-001", deposit)


async def test_a_reading_delivered_again_and_again_changes_nothing_more(ready: World) -> None:
    deposit = await ready.deposit()
    found = event(str(deposit), read(pdf()))
    other = event(str(deposit), read(pdf(), fields(invoice_number="OTHER")))
    await ready.take(found, found)
    await ready.take(found)
    await ready.take(other)
    assert len(await told(ready)) == 1
    assert (await ready.row(deposit))["invoice_number"] == "F2025-001"
    assert await ready.parked() == []


async def test_an_unsure_reading_waits_for_a_person_with_its_reasons(ready: World) -> None:
    deposit = await ready.deposit()
    await ready.take(event(str(deposit), read(pdf(), fields(unsure=("invoice_number",)))))
    [sent] = await told(ready)
    assert isinstance(sent.data, DraftSaved)
    assert (sent.data.version, sent.data.contact) == (1, "supplier-1@fournisseur.example")
    assert [reason.field for reason in sent.data.reasons] == ["invoice_number"]
    seen = (await ready.get(f"/{deposit}")).json()
    assert (seen["state"], seen["invoice"], seen["links"]["invoice"]) == ("to_verify", None, None)
    assert [found["field"] for found in seen["findings"]] == ["invoice_number"]
    assert await ready.pool.fetchval("select count(*) from number_taken") == 0


async def test_a_scan_waits_for_a_person_with_the_reason(ready: World) -> None:
    deposit = await ready.deposit()
    why = Finding(code="SCAN_ONLY", level="info", message="Une image sans texte.", action="Saisissez les champs.")
    await ready.take(event(str(deposit), read(pdf(), (), empty=why)))
    [sent] = await told(ready)
    assert isinstance(sent.data, DraftSaved)
    assert sent.data.reasons == (why,)
    assert (await ready.get(f"/{deposit}")).json()["findings"][0]["action"] == "Saisissez les champs."


async def test_an_unreadable_document_is_refused_and_frees_its_content(ready: World) -> None:
    deposit = await ready.deposit()
    why = Finding(code="PDF_ENCRYPTED", level="refuse", message="Chiffré.", action="Enlevez le mot de passe.")
    sha256 = (await ready.row(deposit))["sha256"]
    await ready.take(event(str(deposit), DocumentUnreadable(sha256=sha256, reasons=(why,), reader="t")))
    [sent] = await told(ready)
    assert isinstance(sent.data, DepositRefused)
    assert (sent.data.reasons, sent.data.invoice_number) == ((why,), None)
    assert (await ready.get(f"/{deposit}")).json()["label"] == "Refusé"
    assert (await ready.post()).json()["duplicate_of"] is None


async def test_an_unknown_recipient_is_refused_and_burns_no_number(ready: World) -> None:
    deposit = await ready.deposit()
    await ready.take(event(str(deposit), read(pdf(), fields(recipient_siret=OTHER_SUPPLIER))))
    [sent] = await told(ready)
    assert isinstance(sent.data, DepositRefused)
    assert [reason.code for reason in sent.data.reasons] == ["DEST_INC"]
    assert sent.data.invoice_number == "F2025-001"
    assert await ready.pool.fetchval("select count(*) from number_taken") == 0
    again = await ready.deposit()
    await ready.take(event(str(again), read(pdf())))
    assert (await ready.row(again))["state"] == "submitted"


async def test_a_taken_number_refuses_the_second_invoice_whenever_it_comes(ready: World) -> None:
    contents = [pdf(str(n)) for n in range(3)]
    first, second, third = [await ready.deposit(content) for content in contents]
    readings = [event(str(of), read(content)) for of, content in zip((first, second, third), contents, strict=True)]
    await ready.take(readings[2], readings[1], readings[0])
    states = {of: (await ready.row(of))["state"] for of in (first, second, third)}
    assert states == {first: "submitted", second: "refused", third: "refused"}
    later = await ready.deposit(pdf("later"))
    await ready.take(event(str(later), read(pdf("later"))))
    assert (await ready.get(f"/{later}")).json()["findings"][0]["code"] == "DOUBLON"
    refused = [sent.data for sent in await told(ready) if isinstance(sent.data, DepositRefused)]
    assert {reason.code for data in refused for reason in data.reasons} == {"DOUBLON"}
    assert len(refused) == 3


async def test_one_number_is_taken_once_by_batches_that_run_at_the_same_time(ready: World) -> None:
    contents = [pdf(str(n)) for n in range(12)]
    deposits = [await ready.deposit(content) for content in contents]
    readings = [event(str(of), read(content)) for of, content in zip(deposits, contents, strict=True)]
    await asyncio.gather(*(ready.take(*readings[start : start + 3]) for start in range(0, 12, 3)))
    states = [row["state"] for row in await ready.pool.fetch("select state from deposit")]
    assert sorted(states) == ["refused"] * 11 + ["submitted"]
    assert len(await told(ready)) == 12


async def test_a_supplier_who_is_not_the_depositor_waits_for_a_person(ready: World) -> None:
    deposit = await ready.deposit(principal=supplier(structures=(OTHER_SUPPLIER, STRICT_RECIPIENT)))
    await ready.take(event(str(deposit), read(pdf())))
    [sent] = await told(ready)
    assert isinstance(sent.data, DraftSaved)
    assert "SUPPLIER_NOT_YOURS" in {reason.code for reason in sent.data.reasons}


async def test_the_rights_that_count_are_those_of_the_day_of_deposit(ready: World) -> None:
    deposit = await ready.deposit(principal=supplier(structures=(SUPPLIER, OTHER_SUPPLIER)))
    await ready.get("", principal=supplier(structures=()))
    await ready.take(event(str(deposit), read(pdf())))
    assert (await ready.row(deposit))["state"] == "submitted"


async def test_a_reading_that_is_of_no_deposit_here_is_parked_and_harms_no_other(ready: World) -> None:
    good, wrong = await ready.deposit(), await ready.deposit(pdf("wrong"))
    duplicate = await ready.deposit()
    await ready.take(
        event("00000000-0000-7000-8000-000000000000", read(pdf())),
        event("not-a-deposit", read(pdf())),
        event(str(wrong), read(pdf("of other bytes"))),
        event(str(duplicate), read(pdf())),
        event(str(good), read(pdf())),
    )
    assert sorted(await ready.parked()) == [
        "DEPOSIT_UNKNOWN",
        "DEPOSIT_UNKNOWN",
        "DEPOSIT_WITHOUT_DOCUMENT",
        "READING_OF_OTHER_BYTES",
    ]
    assert (await ready.row(good))["state"] == "submitted"
    assert (await ready.row(wrong))["state"] == "received"


async def test_nothing_is_refused_by_a_directory_that_is_empty_or_not_read_to_its_end(world: World) -> None:
    deposit = await world.deposit()
    unsure = await world.deposit(pdf("unsure"))
    await complete(world)
    await world.take(
        event(str(deposit), read(pdf())),
        event(str(unsure), read(pdf("unsure"), fields(unsure=("tax",)))),
    )
    assert (await world.row(deposit))["state"] == "received"
    assert (await world.row(unsure))["state"] == "to_verify"
    assert await waiting(world) == 1
    await world.pool.execute("delete from directory_read_to_end")
    await world.take(*directory_events())
    sweeper = Sweeper(world.pool, "ingest", handlers.handle, inbox_days=35, keep_sent=None, waiting_seconds=0)
    await sweeper.sweep()
    assert (await waiting(world), (await world.row(deposit))["state"]) == (1, "received")
    await complete(world)
    await sweeper.sweep()
    assert (await waiting(world), (await world.row(deposit))["state"]) == (0, "submitted")
    assert len(await told(world)) == 2


async def test_a_directory_in_the_same_batch_behind_the_reading_is_applied_first(world: World) -> None:
    deposit = await world.deposit()
    await complete(world)
    await world.take(event(str(deposit), read(pdf())), *directory_events())
    assert (await world.row(deposit))["state"] == "submitted"


async def test_a_deleted_service_is_no_service_any_more(ready: World) -> None:
    await ready.take(event(f"{STRICT_RECIPIENT}/DRH", service_published(2, deleted=True)))
    deposit = await ready.deposit()
    found = fields(recipient_siret=STRICT_RECIPIENT, service_code="DRH")
    await ready.take(event(str(deposit), read(pdf(), found)))
    assert (await ready.row(deposit))["state"] == "refused"


async def fire(world: World, at: datetime) -> int:
    return await Timers(world.pool, "ingest", handlers.reading_overdue, clock=lambda: at).fire()


async def test_a_reading_that_is_late_is_said_to_be_late_until_it_comes(ready: World) -> None:
    deposit = await ready.deposit()
    now = datetime.now(UTC)
    assert await fire(ready, now + timedelta(minutes=9)) == 0
    assert (await ready.get(f"/{deposit}")).json()["overdue"] is False
    assert await fire(ready, now + timedelta(minutes=11)) == 1
    late = (await ready.get(f"/{deposit}")).json()
    assert late["overdue"] is True
    assert "la lecture prend plus longtemps que prévu" in late["explanation"]
    assert await fire(ready, now + timedelta(minutes=12)) == 0
    await ready.take(event(str(deposit), read(pdf())))
    seen = (await ready.get(f"/{deposit}")).json()
    assert (seen["overdue"], seen["state"]) == (False, "submitted")


async def test_a_reading_in_time_cancels_its_timer(ready: World) -> None:
    deposit = await ready.deposit()
    await ready.take(event(str(deposit), read(pdf())))
    assert await fire(ready, datetime.now(UTC) + timedelta(hours=1)) == 0
    assert (await ready.row(deposit))["overdue_at"] is None


async def test_two_hundred_readings_in_one_batch_are_decided_each_by_itself(ready: World) -> None:
    contents = [pdf(str(n)) for n in range(200)]
    deposits: list[UUID] = []
    for start in range(0, 200, 20):
        deposits += await asyncio.gather(*(ready.deposit(content) for content in contents[start : start + 20]))
    readings = [
        event(str(of), read(content, fields(invoice_number=f"N-{n % 150}")))
        for n, (of, content) in enumerate(zip(deposits, contents, strict=True))
    ]
    await ready.take(*readings)
    rows = await ready.pool.fetch("select state, count(*) as n from deposit group by state")
    assert {row["state"]: row["n"] for row in rows} == {"submitted": 150, "refused": 50}
    assert len(await told(ready)) == 200
