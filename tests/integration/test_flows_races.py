"""Flows at odd moments: a process that dies behind the last byte, an upload given up as it ends, a flow that fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from contracts.events import DocumentReceived, FlowFinished
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.clock_shapes import PARIS
from invoice.directory import Structure, Tenant
from invoice.sandbox import MARK
from services.common import clock
from services.common.deliver import transaction
from services.ingest import flow_store, flow_uploads
from services.ingest.flow_uploads import Uploads
from tests.integration.flow_world import TUS, Flows, open_flows, supplier
from tests.unit.ingest.flow_samples import invoice, zipped
from tests.unit.ingest.samples import RECIPIENT, event, fields, pdf, read, structure_published, tenant_published

MIGRATED = ("ingest",)

OTHER = supplier("supplier-2")
TRIAL = Tenant(id="essai-cd06", name="Bac à sable des Alpes-Maritimes")
TRIED = "26060001000011"


@pytest_asyncio.fixture
async def flows(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Flows]:
    async with open_flows(stack, dsns) as found:
        yield found


async def test_an_upload_whose_last_byte_is_durable_is_received_though_the_process_died_there(
    flows: Flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = zipped({"a.xml": invoice("F1")})
    address = await flows.upload(len(content))

    real = Uploads.part

    async def part(self: Uploads, principal: Any, flow: Any, offset: int, body: Any) -> Any:
        await self._take(principal, flow, body)
        raise SystemError("killed")

    monkeypatch.setattr(Uploads, "part", part)
    assert (await flows.patch(address, 0, content)).status_code == 500
    monkeypatch.setattr(Uploads, "part", real)
    assert await flows.offset(address) == len(content)
    await flows.work()
    assert (await flows.show(UUID(address.rpartition("/")[2])))["state"] == "IN_INTEGRE"


async def test_a_flow_that_is_received_while_it_is_given_up_keeps_its_bytes(flows: Flows) -> None:
    content = zipped({"a.xml": invoice("F1")})
    flow_id = await flows.send(content)
    old = await flow_store_find(flows, flow_id)
    gone = await Uploads(flows.world.api_pool, flows.world.blobs, flows.world.settings).abandon(supplier(), old)
    assert not gone
    async with transaction(flows.world.pool, "ingest") as tx:  # the sweep's role is held back by no row security
        assert not await flow_store.abandon(tx.conn, flow_id)
    await flows.work()
    assert (await flows.show(flow_id))["state"] == "IN_INTEGRE"


async def test_a_flow_received_between_the_sweep_s_look_and_its_deed_is_not_swept(
    flows: Flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = zipped({"a.xml": invoice("F1")})
    address = await flows.upload(len(content))
    stale = flow_store.stale

    async def looked(*given: Any) -> Any:
        found = await stale(*given)
        assert (await flows.patch(address, 0, content)).status_code == 204
        return found

    monkeypatch.setattr(flow_store, "stale", looked)
    assert await flow_uploads.sweep(flows.world.pool, flows.world.blobs, clock.now()) == 0
    await flows.work()
    assert (await flows.show(UUID(address.rpartition("/")[2])))["state"] == "IN_INTEGRE"


async def test_giving_up_while_the_last_bytes_come_ends_one_way_or_the_other(flows: Flows) -> None:
    content = zipped({"a.xml": invoice("F1"), "b.xml": b"<" + b"x" * 200_000})
    for _ in range(8):
        address = await flows.upload(len(content))
        headers = {**flows.world.headers(), **TUS}
        sent, gone = await asyncio.gather(
            flows.patch(address, 0, content), flows.world.client.delete(address, headers=headers)
        )
        assert sent.status_code in (204, 404, 409)
        assert gone.status_code in (204, 409)
        segments = await flows.world.pool.fetchval(
            "select coalesce(sum(size), 0) from flow_segment where flow_id = $1", UUID(address.rpartition("/")[2])
        )
        assert segments == (len(content) if gone.status_code == 409 else 0)


async def test_a_flow_whose_release_fails_holds_back_nobody_else_s(flows: Flows) -> None:
    bad = await flows.send(zipped({"a.xml": invoice("F1")}))
    good = await flows.send(zipped({"b.xml": invoice("F2")}), principal=OTHER)
    while await flows.worker.once():
        pass
    await flows.world.pool.execute("update flow_item set reading = '{' where flow_id = $1", bad)
    for _ in range(3):
        await flows.release.once()
    assert (await flows.get(f"/{good}", OTHER)).json()["state"] == "IN_INTEGRE"
    assert (await flows.show(bad))["state"] == "IN_INCIDENTE"


async def test_an_invoice_with_very_many_remarks_is_still_printed(flows: Flows) -> None:
    view = await flows.through(zipped({"a.xml": invoice("F1")[:300]}))
    said = json.dumps(
        [
            {
                "code": "X",
                "level": "refuse",
                "message": "mot " * 60,
                "field": "tax",
                "value": "v" * 200,
                "action": "à " * 90,
            }
        ]
        * 10
    )
    await flows.world.pool.execute(
        "update flow_item set findings = $2::jsonb where flow_id = $1", UUID(view["id"]), said
    )
    assert (await flows.get(f"/{view['id']}/report.pdf")).status_code == 200


async def test_slow_readers_of_the_refusals_of_a_day_hold_no_connection(flows: Flows) -> None:
    files = {f"{n:04d}{'x' * 200}.jpg": b"\xff\xd8\xff\xe0" + n.to_bytes(4, "big") for n in range(1_100)}
    view = await flows.through(zipped(files))
    day = datetime.fromisoformat(view["finished_at"]).astimezone(PARIS).date()
    whole = (await flows.get(f"/rejections/{day}")).content.decode("utf-8-sig").splitlines()
    assert len(whole) == 1_101
    assert len(set(whole)) == 1_101


async def test_a_flow_of_a_sandbox_bears_its_mark_and_so_does_what_is_told_of_it(flows: Flows) -> None:
    structure = Structure(siret=TRIED, name="TEST-Structure", tenant=TRIAL.id, kind="budget_principal")
    await flows.world.take(event(TRIAL.id, tenant_published(tenant=TRIAL)))
    await flows.world.take(event(TRIED, structure_published(structure=structure)))
    view = await flows.through(zipped({"a.xml": invoice("F1", recipient_siret=TRIED)}))
    assert (view["counts"], view.get("sandbox")) == ({"integrated": 1}, MARK)
    for path in (
        "",
        f"/{view['id']}",
        f"/{view['id']}/items",
        f"/{view['id']}/report.json",
        f"/{view['id']}/report.csv",
    ):
        assert "chorale-sandbox" in (await flows.get(path)).headers, path
    real = await flows.through(zipped({"b.xml": invoice("F2")}))
    assert real["sandbox"] is None
    told = {e.subject: e.tenant for e in await flows.world.sent() if isinstance(e.data, FlowFinished)}
    assert (told[view["id"]], told[real["id"]]) == (TRIAL.id, None)


async def test_a_flow_of_pages_bears_the_mark_of_a_sandbox_as_soon_as_one_of_them_is_read(flows: Flows) -> None:
    await flows.world.take(event(TRIAL.id, tenant_published(tenant=TRIAL)))
    structure = Structure(siret=TRIED, name="TEST-Structure", tenant=TRIAL.id, kind="budget_principal")
    await flows.world.take(event(TRIED, structure_published(structure=structure)))
    flow = await flows.send(zipped({f"{n}.pdf": pdf(f"{n}") for n in range(3)}))
    await flows.work()
    assert (await flows.show(flow))["sandbox"] is None
    sent = [(e.subject, e.data) for e in await flows.world.sent()]
    received = [(subject, data.document) for subject, data in sent if isinstance(data, DocumentReceived)]
    for number, recipient, expected in ((0, TRIED, MARK), (1, RECIPIENT, None)):
        subject, document = received[number]
        found = fields(invoice_number=f"P{number}", recipient_siret=recipient)
        await flows.world.take(event(subject, read(await flows.world.blobs.get(document), found)))
        view = await flows.show(flow)
        assert (view["state"], view["sandbox"]) == ("IN_EN_COURS_TRAITEMENT_CPP", expected)
    marks = [item["sandbox"] for item in await flows.items(flow)]
    assert sorted(marks, key=str) == sorted([MARK, None, None], key=str), "of a mixed flow the items alone"
    recipients = {item["recipient"] for item in await flows.items(flow)}
    assert recipients == {TRIED, RECIPIENT, None}, "of pages it is known once they are read"


async def flow_store_find(flows: Flows, flow: UUID) -> Any:
    async with flows.world.pool.acquire() as connection:
        return await flow_store.find(connection, flow)
