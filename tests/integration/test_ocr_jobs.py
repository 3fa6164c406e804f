"""The job table: every document has one result, whatever goes wrong with it or with its neighbours."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import msgspec
import pytest

from contracts.envelope import event_id
from contracts.events import DocumentRead, DocumentUnreadable, ReadField
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.ocr.answers import Whole
from services.ocr.outcomes import outcome
from services.ocr.pool import ReaderPool, ReaderUnavailable
from tests import documents
from tests.carriers import facts_of, facturx
from tests.integration.ocr_world import OcrWorld, StubReader, data_of, open_world, received
from tests.records import eventually, record
from tests.unit.invoice.syntax.samples import ubl


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[OcrWorld]:
    async with open_world(stack, dsns) as opened:
        yield opened


@pytest.fixture
async def readers() -> AsyncIterator[ReaderPool]:
    pool = ReaderPool(workers=2)
    await pool.start()
    yield pool
    await pool.stop()


async def test_each_document_gets_the_result_it_deserves(world: OcrWorld, readers: ReaderPool) -> None:
    invoice = documents.sample(1)
    contents = [invoice.render(), documents.scanned(), documents.encrypted(), documents.damaged()]
    events = await world.receive(*[await world.store(content) for content in contents])
    async with world.dispatcher(readers):
        results = await world.until_done(events)
    good, scan, encrypted, damaged = (results[found.subject] for found in events)
    read = data_of(good)
    assert isinstance(read, DocumentRead)
    assert {field.name: field.value for field in read.fields}["invoice_number"] == invoice.truth()["invoice_number"]
    scanned = data_of(scan)
    assert isinstance(scanned, DocumentRead)
    assert (scanned.empty and scanned.empty.code, scanned.fields) == ("SCAN_ONLY", ())
    reasons = []
    for refused in (encrypted, damaged):
        data = data_of(refused)
        assert isinstance(data, DocumentUnreadable)
        reasons.append([reason.code for reason in data.reasons])
    assert reasons == [["PDF_ENCRYPTED"], ["PDF_DAMAGED"]]
    rows = await world.pool.fetch("select invoice_id, outcome from reading")
    assert {str(row["invoice_id"]): row["outcome"] for row in rows} == dict(
        zip([found.subject for found in events], ["read", "empty", "unreadable", "unreadable"], strict=True)
    )


async def test_a_result_tells_what_the_document_is_and_carries(world: OcrWorld, readers: ReaderPool) -> None:
    invoice = documents.sample(1)
    contents = [facturx(invoice, incl="9999.99"), ubl(facts_of(invoice))]
    events = await world.receive(*[await world.store(content) for content in contents])
    async with world.dispatcher(readers):
        results = await world.until_done(events)
    carried, alone = (data_of(results[found.subject]) for found in events)
    assert isinstance(carried, DocumentRead)
    assert isinstance(alone, DocumentRead)
    assert (carried.source, carried.pages, len(carried.page_sizes)) == ("facturx", 1, 1)
    assert [file.name for file in carried.embedded] == ["factur-x.xml"]
    assert "PAGE_AMOUNT_DIFFERS" in {warning.code for warning in carried.warnings}
    assert carried.lines == alone.lines > 0
    assert (alone.source, alone.pages, alone.page_sizes) == ("ubl", 0, ())


async def test_a_result_has_the_id_and_the_trace_of_the_document_that_caused_it(world: OcrWorld) -> None:
    [found] = await world.receive(await world.store(b"one"))
    async with world.dispatcher(StubReader()):
        result = (await world.until_done([found]))[found.subject]
    assert result.id == event_id(found.id, DocumentRead.TYPE)
    assert result.traceparent is not None
    assert found.traceparent is not None
    assert result.traceparent[:36] == found.traceparent[:36]
    assert result.traceparent != found.traceparent


async def test_a_document_received_again_is_read_once(world: OcrWorld) -> None:
    claim = await world.store(b"one")
    first = received(claim)
    again = received(claim, first.subject)
    await world.deliver.batch([record(first), record(first), record(again)])
    reader = StubReader()
    async with world.dispatcher(reader):
        await world.until_done([first])
        await world.deliver.batch([record(first), record(again)])
        await world.until_done(await world.receive(await world.store(b"two")))
    assert reader.seen == [b"one", b"two"]
    assert await world.pool.fetchval("select count(*) from job") == 2


async def test_a_subject_that_is_no_invoice_is_parked(world: OcrWorld) -> None:
    await world.deliver.batch([record(received(await world.store(b"x"), "NOT-AN-ID"))])
    assert await world.pool.fetchval("select reason from dead_letter") == "SUBJECT_NOT_AN_INVOICE"
    assert await world.pool.fetchval("select count(*) from job") == 0


async def test_one_hard_document_delays_nobody(world: OcrWorld) -> None:
    reader = StubReader()
    gate = reader.gates[b"hard"] = asyncio.Event()
    [hard] = await world.receive(await world.store(b"hard"))
    async with world.dispatcher(reader, lease_seconds=0.6):
        easy = await world.receive(*[await world.store(b"%d" % number) for number in range(30)])
        await world.until_done(easy)
        await asyncio.sleep(1.5)
        assert (await world.job(hard))["state"] == "queued"
        gate.set()
        await world.until_done([hard])
    assert (await world.job(hard))["attempts"] == 1, "a lease is renewed while its holder lives"


async def test_documents_are_read_in_the_order_they_came(world: OcrWorld) -> None:
    contents = [b"%d" % number for number in range(40)]
    claims = [await world.store(content) for content in contents]
    events = [(await world.receive(claim))[0] for claim in claims]
    reader = StubReader()
    async with world.dispatcher(reader, readers=1, prefetch=0):
        await world.until_done(events)
    assert reader.seen == contents


async def test_the_memory_for_documents_is_bounded_and_all_of_them_pass(world: OcrWorld) -> None:
    claims = [await world.store(bytes([number]) * 700_000) for number in range(12)]
    events = await world.receive(*claims)
    async with world.dispatcher(StubReader(), prefetch_mb=1):
        await world.until_done(events)


async def test_a_missing_document_is_kept_visible_and_read_once_it_is_back(world: OcrWorld) -> None:
    content = documents.sample(3).render()
    good = await world.store(b"good")
    lost = msgspec.structs.replace(await world.store(content), key=f"test/{uuid4()}")
    events = await world.receive(lost, good)
    reader = StubReader()
    async with world.dispatcher(reader):
        await world.until_done([events[1]])

        async def failed() -> bool:
            return bool((await world.job(events[0]))["state"] == "failed")

        await eventually(failed)
        assert (await world.job(events[0]))["trouble"] == "BlobMissing"
        await world.blobs.put(
            lost.key, io.BytesIO(content), size=lost.size, sha256=lost.sha256, media_type=lost.media_type
        )
        await world.until_done(events)
    assert (await world.job(events[0]))["trouble"] is None
    assert reader.seen == [b"good", content]


async def test_an_altered_document_is_never_read(world: OcrWorld) -> None:
    claim = await world.store(b"true")
    await world.blobs.put(claim.key, io.BytesIO(b"fake"), size=4, sha256=claim.sha256, media_type=claim.media_type)
    [found] = await world.receive(claim)
    reader = StubReader()
    async with world.dispatcher(reader):

        async def failed() -> bool:
            return bool((await world.job(found))["state"] == "failed")

        await eventually(failed)
    assert (await world.job(found))["trouble"] == "BlobCorrupt"
    assert reader.seen == []


async def test_documents_wait_while_the_store_is_away_and_are_read_when_it_is_back(
    stack: Stack, world: OcrWorld
) -> None:
    events = await world.receive(*[await world.store(b"%d" % number) for number in range(20)])
    await asyncio.to_thread(stack.kill, "s3")
    try:
        async with world.dispatcher(StubReader()):

            async def put_back() -> bool:
                return bool(await world.pool.fetchval("select bool_or(trouble = 'STORE_AWAY') from job"))

            await eventually(put_back)
            assert await world.pool.fetchval("select count(*) from job where state = 'done'") == 0
            await asyncio.to_thread(stack.start, "s3")
            await world.until_done(events, within=60)
    finally:
        await asyncio.to_thread(stack.start, "s3")


async def test_a_result_that_cannot_be_stored_stays_visible_and_harms_no_other(world: OcrWorld) -> None:
    bad = ReadField(
        name="invoice_number", value="F\0", confidence="sure", page=1, box=(0, 0, 1, 1), keyword="Facture", raw="F"
    )

    class OneBad(StubReader):
        async def read(self, data: bytes) -> Whole:
            return Whole(pages=1, fields=(bad,)) if data == b"bad" else Whole(pages=1)

    events = await world.receive(*[await world.store(content) for content in (b"a", b"bad", b"b")])
    async with world.dispatcher(OneBad()):
        await world.until_done([events[0], events[2]])

        async def failed() -> bool:
            return bool((await world.job(events[1]))["state"] == "failed")

        await eventually(failed)
    assert {found.subject for found in await world.results()} == {events[0].subject, events[2].subject}


async def test_a_document_is_refused_for_a_crash_only_after_a_second_round(world: OcrWorld) -> None:
    reader = StubReader(Whole(unreadable=(outcome("READER_CRASHED"),)))
    [found] = await world.receive(await world.store(b"killer"))
    async with world.dispatcher(reader):
        result = (await world.until_done([found]))[found.subject]
    data = data_of(result)
    assert isinstance(data, DocumentUnreadable)
    assert [reason.code for reason in data.reasons] == ["READER_CRASHED"]
    assert len(reader.seen) == 2


async def test_a_document_waits_while_no_reader_can_be_had(world: OcrWorld) -> None:
    reader = StubReader(ReaderUnavailable("no process"))
    [found] = await world.receive(await world.store(b"x"))
    async with world.dispatcher(reader):

        async def put_back() -> bool:
            return bool((await world.job(found))["trouble"] == "READER_AWAY")

        await eventually(put_back)
        reader.answer = Whole(pages=1)
        await world.until_done([found])
    assert (await world.job(found))["state"] == "done"


async def test_a_stopped_instance_gives_its_leases_up_at_once(world: OcrWorld) -> None:
    reader = StubReader()
    reader.gates[b"held"] = asyncio.Event()
    [found] = await world.receive(await world.store(b"held"))
    async with world.dispatcher(reader, lease_seconds=300):

        async def held() -> bool:
            return bool(reader.seen) and not (await world.job(found))["free"]

        await eventually(held)
    assert (await world.job(found))["free"]
    async with world.dispatcher(StubReader(), lease_seconds=300):
        await world.until_done([found], within=5)


async def test_a_lease_whose_holder_does_not_know_of_it_is_given_up(world: OcrWorld) -> None:
    [found] = await world.receive(await world.store(b"x"))
    async with world.dispatcher(StubReader(), prefetch=0, readers=1) as dispatcher:
        await world.until_done([found])
        [orphan] = await world.receive(msgspec.structs.replace(await world.store(b"y"), key=f"test/{uuid4()}"))
        await world.pool.execute(
            "update job set lease_owner = $1, due_at = now() + interval '1 hour', state = 'queued', failures = 0"
            " where event_id = $2",
            dispatcher.owner,
            orphan.id,
        )

        async def taken_again() -> bool:
            return bool((await world.job(orphan))["failures"])

        await eventually(taken_again, within=10)


async def test_a_database_that_goes_away_costs_no_document(stack: Stack, world: OcrWorld) -> None:
    reader = StubReader()
    events = await world.receive(*[await world.store(b"%d" % number) for number in range(60)])
    async with world.dispatcher(reader):
        await eventually(lambda: _some(reader, 5))
        await asyncio.to_thread(stack.kill, "postgres")
        await asyncio.to_thread(stack.start, "postgres")
        await world.until_done(events, within=60)


async def _some(reader: StubReader, count: int) -> bool:
    return len(reader.seen) >= count


async def test_a_killed_reader_process_costs_no_document(world: OcrWorld, readers: ReaderPool) -> None:

    for pid in readers.pids:
        os.kill(pid, signal.SIGSTOP)
    events = await world.receive(*[await world.store(documents.sample(n).render()) for n in range(6)])
    async with world.dispatcher(readers) as dispatcher:

        async def held() -> bool:
            return dispatcher.held == 6

        await eventually(held)
        await asyncio.sleep(0.3)
        for pid in readers.pids:
            os.kill(pid, signal.SIGKILL)
        results = await world.until_done(events)
    assert all(isinstance(found.data, DocumentRead) for found in results.values())
    assert all(field.fields for found in results.values() if isinstance(field := found.data, DocumentRead))
