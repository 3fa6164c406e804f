"""Whatever is killed in the middle of a flow, the next process goes on: nothing lost, nothing doubled."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from contracts.events import FlowFinished, InvoiceSubmitted
from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.process import launcher
from services.common.db import Pool
from services.ingest import dropfolder
from tests.integration import ingest_world
from tests.integration.flow_world import Flows, open_flows
from tests.processes import free_port
from tests.unit.ingest.flow_samples import invoice, zipped
from tests.unit.ingest.samples import SUPPLIER

MIGRATED = ("ingest",)

ROOT = Path(__file__).resolve().parents[2]
COUNT = 400
FILES = 10
OUT = ("recu.json", "rapport.json", "rapport.csv")


class Killable:
    """The process of flows, as often as it is started."""

    def __init__(self, stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
        self.port = free_port()
        self._environment = {
            **os.environ,
            **stack.environment("ingest"),
            "CHORALE_DSN": dsns["ingest"].worker,
            "CHORALE_API_DSN": dsns["ingest"].api,
            "CHORALE_PORT": str(self.port),
            "CHORALE_TOKEN_SECRET": ingest_world.SECRET,
            "CHORALE_S3_BUCKET": ingest_world.BUCKET,
            "CHORALE_FLOW_SEGMENT_BYTES": "65536",
            "CHORALE_FLOW_PACK_BYTES": "65536",
            "CHORALE_FLOW_LEASE_SECONDS": "1",
            "CHORALE_FLOW_LOOK_SECONDS": "0.1",
            "CHORALE_FLOW_BATCH": "20",
            "CHORALE_FLOW_ITEMS_PER_SECOND": "200",
            "CHORALE_DROP_FOLDER_SECONDS": "0.1",
            "CHORALE_DROP_LEASE_SECONDS": "1",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, **more: str) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(*launcher(None), sys.executable, "-m", "tests.integration.flow_process"),
            cwd=ROOT,
            env={**self._environment, **more},
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        async with httpx.AsyncClient() as client, asyncio.timeout(60):
            while True:
                with suppress(httpx.HTTPError):
                    await client.get(f"http://127.0.0.1:{self.port}/health/live")
                    return
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def until(check: Callable[[], Awaitable[Any]], seconds: float = 60) -> None:
    """Wait for a fact."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(0.03)


async def test_a_process_killed_in_upload_check_reading_and_release_loses_and_doubles_nothing(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns) as flows:
        killable = Killable(stack, dsns)
        try:
            await _through(flows, killable)
        finally:
            await killable.kill()
        rows = await flows.world.pool.fetch(
            "select invoice_number, count(*) as n from deposit group by 1 having count(*) <> 1"
        )
        assert rows == []
        sent = await flows.world.sent()
        numbers = [e.data.invoice.invoice_number for e in sent if isinstance(e.data, InvoiceSubmitted)]
        assert sorted(numbers) == sorted(f"K{n}" for n in range(COUNT))
        assert len([e for e in sent if isinstance(e.data, FlowFinished)]) == 1


async def _through(flows: Flows, killable: Killable) -> None:
    own = flows.world.client
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{killable.port}", timeout=40) as client:
        flows.world.client = client
        try:
            await _killed_everywhere(flows, killable)
        finally:
            flows.world.client = own


async def _killed_everywhere(flows: Flows, killable: Killable) -> None:
    pool, content = flows.world.pool, zipped({f"{n}.xml": invoice(f"K{n}") for n in range(COUNT)}, 0)
    await killable.start(CHORALE_FLOW_LOOK_SECONDS="600")
    address = await flows.upload(len(content))
    flow = UUID(address.rpartition("/")[2])

    async def slowly() -> AsyncIterator[bytes]:
        yield content[: len(content) // 2]
        await asyncio.sleep(60)

    async def stored() -> int:
        found: int = await pool.fetchval("select stored from flow where id = $1", flow)
        return found

    sending = asyncio.create_task(flows.patch(address, 0, slowly()))
    await until(stored)
    await killable.kill()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    await killable.start()
    offset = await flows.offset(address)
    assert 0 < offset < len(content)
    await flows.patch(address, offset, content[offset:])

    async def holds(condition: str) -> bool:
        found: bool = await pool.fetchval(f"select {condition} from flow where id = $1", flow)
        return found

    for condition in ("lease is not null", "items > 0", "(select count(*) from deposit) >= 40"):
        await until(lambda condition=condition: holds(condition))  # type: ignore[misc]
        await killable.kill()
        await killable.start()
    await until(lambda: holds("step = 'done'"))
    assert await pool.fetchval("select state from flow where id = $1", flow) == "IN_INTEGRE"
    assert await pool.fetchval("select count(*) from flow_item") == COUNT


async def test_a_process_killed_in_its_work_on_a_drop_folder_takes_each_file_once_and_reports_on_each(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns) as flows:
        pool, blobs = flows.world.pool, flows.world.blobs
        await dropfolder.add(pool, "killed", "killed", "edi@fournisseur.example", [SUPPLIER], ["FOURNISSEUR"])
        for number in range(FILES):
            body = zipped({f"{number}-{n}.xml": invoice(f"D{number}N{n}") for n in range(3)})
            key = f"drop/killed/in/{number:02d}.zip"
            await blobs.put(key, io.BytesIO(body), size=len(body), sha256="", media_type="application/zip")

        async def count(condition: str) -> int:
            found: int = await pool.fetchval(f"select count(*) from dropped_file where {condition}")
            return found

        killable = Killable(stack, dsns)
        try:
            for condition in ("receipt_at is null", "receipt_at is not null", "report_at is not null"):
                await killable.start()
                await until(lambda condition=condition: count(condition))  # type: ignore[misc]
                await killable.kill()
                assert await count("report_at is not null") < FILES, "killed too late to prove anything"
            await killable.start()
            await until(lambda: _all_reported(pool))
        finally:
            await killable.kill()
        assert await blobs.listed("drop/killed/in/") == []
        assert await pool.fetchval("select count(*) from flow") == FILES
        out = {found.key.rpartition("/")[2] for found in await blobs.listed("drop/killed/out/")}
        assert out == {f"{n:02d}.zip.{what}" for n in range(FILES) for what in OUT}
        submitted = [e.data.invoice for e in await flows.world.sent() if isinstance(e.data, InvoiceSubmitted)]
        wanted = sorted(f"D{number}N{n}" for number in range(FILES) for n in range(3))
        assert sorted(one.invoice_number or "" for one in submitted) == wanted


async def _all_reported(pool: Pool) -> bool:
    found: bool = await pool.fetchval("select count(*) = $1 from dropped_file where report_at is not null", FILES)
    return found
