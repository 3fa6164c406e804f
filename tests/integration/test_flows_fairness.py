"""What one flow does to everybody else: nothing. Shares, bounds, readers that hang, what the antivirus finds."""

import asyncio
import signal
from collections.abc import Mapping

import psutil
import pytest

from contracts.events import DocumentReceived
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.ingest.antivirus import AntivirusAway
from services.ingest.flow_segments import folder
from services.ingest.flow_worker import FlowWorker
from tests.integration import clamds
from tests.integration.clamds import VIRUS
from tests.integration.flow_world import open_flows, supplier
from tests.records import eventually
from tests.unit.ingest.flow_samples import invoice, zipped

MIGRATED = ("ingest",)

OTHER = supplier("supplier-2")


def _reads() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "services.ingest.unpack" in one.cmdline()]


async def _reader() -> bool:
    return bool(_reads())


async def test_a_reader_that_hangs_is_ended_and_delays_no_deposit_of_others(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns, flow_silence_seconds=2.0) as flows:
        flow = await flows.send(zipped({f"{n}.xml": invoice(f"F{n}") for n in range(300)}))
        working = asyncio.create_task(flows.worker.once())
        await eventually(_reader)
        _reads()[0].send_signal(signal.SIGSTOP)
        deposit = await flows.world.deposit(invoice("S2"), principal=OTHER)
        received = [e.subject for e in await flows.world.sent() if isinstance(e.data, DocumentReceived)]
        assert received == [str(deposit)]
        assert not working.done(), "the deposit went by while the flow's reader hung"
        await working
        assert (await flows.show(flow))["state"] == "IN_EN_ATTENTE_RETRAITEMENT_CPP"
        await flows.world.pool.execute("update flow set try_at = now()")
        await flows.work()
        assert (await flows.show(flow))["counts"] == {"integrated": 300}


async def test_a_flow_that_hangs_holds_one_worker_and_the_others_serve_everybody_else(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns, flow_silence_seconds=60.0) as flows:
        world = flows.world
        content = zipped({f"{n}.xml": invoice(f"F{n}") for n in range(300)})
        hung = await flows.send(content)
        working = asyncio.create_task(flows.worker.once())
        try:
            await eventually(_reader)
            _reads()[0].send_signal(signal.SIGSTOP)
            second = await flows.send(zipped({"a.xml": invoice("F301")}))
            good = await flows.send(zipped({"a.xml": invoice("G1")}), principal=OTHER)
            free = FlowWorker(world.pool, world.blobs, world.settings)
            assert await free.once()
            assert not await free.once(), "the other flow of who has one that hangs waits with it"
            steps = {row["id"]: row["step"] for row in await world.pool.fetch("select id, step from flow")}
            assert (steps[hung], steps[second], steps[good]) == ("check", "check", "release")
            assert not working.done()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        await flows.work()
        assert (await flows.show(hung))["counts"] == {"integrated": 300}


async def test_a_check_that_takes_long_lets_others_go_first_and_ends_all_the_same(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns, flow_slice_seconds=0.000001) as flows:
        slow = await flows.send(zipped({f"{n}.xml": invoice(f"F{n}") for n in range(20)}))
        other = await flows.send(zipped({"a.xml": invoice("G1")}), principal=OTHER)
        assert await flows.worker.once()
        view = await flows.show(slow)
        assert (view["state"], view["items"]) == ("IN_EN_ATTENTE_TRAITEMENT_CPP", 0)
        await flows.work()
        assert (await flows.show(slow))["counts"] == {"integrated": 20}
        assert (await flows.get(f"/{other}", OTHER)).json()["counts"] == {"integrated": 1}


async def test_everybodys_flows_advance_together(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> None:
    async with open_flows(stack, dsns, flow_batch=10) as flows:
        great = await flows.send(zipped({f"{n}.xml": invoice(f"G{n}") for n in range(60)}))
        small = await flows.send(zipped({f"{n}.xml": invoice(f"S{n}") for n in range(5)}), principal=OTHER)
        while await flows.worker.once():
            pass
        await flows.release.once()
        assert (await flows.show(great))["counts"] == {"integrated": 5, "waiting": 55}
        assert (await flows.get(f"/{small}", OTHER)).json()["state"] == "IN_INTEGRE"


async def test_a_flow_is_held_back_alone_by_what_it_has_not_sent_yet(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns, flow_unsent_each=20, flow_unsent_of_tenant=30) as flows:
        great = await flows.send(zipped({f"{n}.xml": invoice(f"G{n}") for n in range(60)}))
        await flows.work()
        assert (await flows.show(great))["counts"] == {"integrated": 20, "waiting": 40}
        small = await flows.send(zipped({f"{n}.xml": invoice(f"S{n}") for n in range(5)}), principal=OTHER)
        await flows.work()
        assert (await flows.get(f"/{small}", OTHER)).json()["state"] == "IN_INTEGRE"
        another = await flows.send(
            zipped({f"{n}.xml": invoice(f"T{n}") for n in range(9)}), principal=supplier("supplier-3")
        )
        await flows.work()
        counts = (await flows.get(f"/{another}", supplier("supplier-3"))).json()["counts"]
        assert counts == {"integrated": 5, "waiting": 4}, "thirty to one tenant"
        await flows.world.pool.execute("update outbox set sequence = nextval('outbox_sequence_counter')")
        await flows.work()
        assert (await flows.show(great))["counts"]["integrated"] > 20


async def test_the_antivirus_looks_at_what_flows_bring_and_nothing_is_taken_unseen(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    files = {"a.xml": invoice("F1"), "b.pdf": b"%PDF-1.7\n" + VIRUS, "c.xml": invoice("F2")}
    async with open_flows(stack, dsns, clamd="127.0.0.1:1") as flows:
        flow = await flows.send(zipped(files))
        with pytest.raises(AntivirusAway):
            await flows.worker.once()
        view = await flows.show(flow)
        assert (view["state"], view["items"]) == ("IN_EN_ATTENTE_RETRAITEMENT_CPP", 0)
        await flows.world.pool.execute("update flow set try_at = now()")
        async with clamds.double() as address:
            settings = flows.world.settings.model_copy(update={"clamd": address})
            flows.worker = FlowWorker(flows.world.pool, flows.world.blobs, settings)
            await flows.work()
        items = await flows.items(flow)
        assert [item["outcome"] for item in items] == ["integrated", "rejected", "integrated"]
        assert items[1]["messages"][0]["rule"] == "ENTRY_INFECTED"
        for pack in await flows.world.blobs.listed(f"{folder('supplier-1', flow)}packs/"):
            assert VIRUS not in await flows.world.blobs.read(pack.key, 0, pack.size)
