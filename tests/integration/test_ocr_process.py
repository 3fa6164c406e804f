"""The ocr process itself: its way from topic to topic, killed, frozen, stopped."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event, decode
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.consumer import tail
from tests import documents
from tests.integration.ocr_world import OcrWorld, StubReader, data_of, open_world, received
from tests.processes import Service
from tests.records import eventually, record


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[OcrWorld]:
    async with open_world(stack, dsns) as opened:
        yield opened


class Ocr(Service):
    """The service with its readers."""

    def readers(self) -> list[int]:
        """Its reader processes."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (entry / "cmdline").read_bytes().split(b"\0")
                if b"services.ocr.worker" in command and str(self.process.pid).encode() in command:
                    found.append(int(entry.name))
        return found

    def signal(self, number: signal.Signals, *, readers: bool = False) -> None:
        """Signal the service, or its readers."""
        for pid in self.readers() if readers else [self.process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    async def metric(self, name: str) -> float:
        """A metric without labels."""
        async with httpx.AsyncClient() as client:
            lines = (await client.get(f"{self.url}/metrics")).text.splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


@pytest.fixture
async def start(world: OcrWorld) -> AsyncIterator[Callable[[], Awaitable[Ocr]]]:
    started: list[Ocr] = []

    async def begin() -> Ocr:
        ocr = Ocr("ocr", world.stack, world.dsns["ocr"], CHORALE_LEASE_SECONDS="2")
        await ocr.start()
        started.append(ocr)
        await ocr.ready()
        return ocr

    yield begin
    for ocr in started:
        await ocr.kill()


async def _hold_jobs(world: OcrWorld, ocr: Ocr) -> list[Event]:
    """Let the process hold three documents that its readers never finish."""
    ocr.signal(signal.SIGSTOP, readers=True)
    events = await world.receive(*[await world.store(documents.sample(number).render()) for number in range(3)])

    async def all_held() -> bool:
        return bool(await world.pool.fetchval("select count(*) = 3 from job where lease_owner is not null"))

    await eventually(all_held)
    return events


async def test_a_document_goes_from_topic_to_topic_and_the_process_stops_in_order(
    world: OcrWorld, start: Callable[[], Awaitable[Ocr]]
) -> None:
    ocr = await start()
    found = received(await world.store(documents.sample(5).render()))
    message = record(found)
    async with AIOKafkaProducer(bootstrap_servers=world.stack.kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(
            "chorale.document.v1", value=message.value, key=message.key, headers=message.headers
        )
    async with asyncio.timeout(60):
        async for answer in tail(world.stack.kafka.bootstrap, ["chorale.reading.v1"], from_start=True):
            if answer.key == message.key:
                break
    result = decode(answer.headers, answer.value)
    assert data_of(result).reader
    assert result.subject == found.subject
    readers = ocr.readers()
    assert readers
    ocr.signal(signal.SIGTERM)
    assert await asyncio.wait_for(ocr.process.wait(), 15) == 0
    assert ocr.readers() == []


async def test_what_a_killed_process_held_is_read_by_another_once_its_lease_is_over(
    world: OcrWorld, start: Callable[[], Awaitable[Ocr]]
) -> None:
    ocr = await start()
    events = await _hold_jobs(world, ocr)
    ocr.signal(signal.SIGKILL)
    await ocr.process.wait()
    assert await world.results() == []
    reader = StubReader()
    async with world.dispatcher(reader):
        await asyncio.sleep(0.3)
        assert reader.seen == [], "a lease that still runs is respected"
        await world.until_done(events, within=15)
    assert len(reader.seen) == 3


async def test_what_a_frozen_process_held_has_the_other_ones_result_when_it_wakes(
    world: OcrWorld, start: Callable[[], Awaitable[Ocr]]
) -> None:
    ocr = await start()
    events = await _hold_jobs(world, ocr)
    ocr.signal(signal.SIGSTOP)
    async with world.dispatcher(StubReader()):
        await world.until_done(events, within=15)
    before = await world.pool.fetch("select * from reading order by invoice_id")
    ocr.signal(signal.SIGCONT, readers=True)
    ocr.signal(signal.SIGCONT)

    async def beaten() -> bool:
        return await ocr.metric("chorale_ocr_results_beaten_total") == 3

    await eventually(beaten)
    assert await world.pool.fetch("select * from reading order by invoice_id") == before
    assert await world.pool.fetchval("select count(*) from job where state <> 'done'") == 0
    assert all(data_of(found).reader for found in await world.results())
