"""The routing process itself: a directory loaded beside it is published, an invoice on its topic is decided."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import decode
from contracts.events import InvoiceRouted, StructurePublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.consumer import tail
from tests.processes import ROOT, Service
from tests.records import event, record
from tests.unit.routing.samples import FILE, TOWN, submitted


class Process(Service):
    """The service, and its load command with the same environment."""

    async def load(self, folder: Path) -> str:
        """Run the load command; returns what it prints."""
        done = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "services.routing.load", str(folder), "--by", "agnès"],
            cwd=ROOT,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await done.communicate()
        assert done.returncode == 0
        return printed.decode()


@pytest.fixture
async def process(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Process]:
    found = Process("routing", stack, dsns["routing"])
    await found.start()
    try:
        await found.ready()
        yield found
    finally:
        await found.kill()


async def test_a_loaded_directory_is_published_and_an_invoice_is_routed_by_it(
    stack: Stack, process: Process, tmp_path: Path
) -> None:
    (tmp_path / "directory.json").write_bytes(msgspec.json.encode(FILE))
    assert (await process.load(tmp_path)).startswith("6 ajoutées")
    async with asyncio.timeout(60):
        async for found in tail(stack.kafka.bootstrap, ["chorale.directory.v1"], from_start=True):
            entry = decode(found.headers, found.value)
            if isinstance(entry.data, StructurePublished) and entry.data.structure.siret == TOWN:
                break
    assert isinstance(entry.data, StructurePublished)
    assert entry.data.changed_by == "agnès"
    invoice = event(submitted(), str(uuid4()))
    message = record(invoice)
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(
            "chorale.deposit.v1", value=message.value, key=message.key, headers=message.headers
        )
    async with asyncio.timeout(60):
        async for found in tail(stack.kafka.bootstrap, ["chorale.routing.v1"], from_start=True):
            if found.key == message.key:
                break
    routed = decode(found.headers, found.value)
    assert isinstance(routed.data, InvoiceRouted)
    assert routed.data.directory_version > 0
    process.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.process.wait(), 15) == 0
