"""Flows from the first byte to the report: each invoice once, each refusal in words, each depositor his own."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from contracts.events import DocumentReceived, FlowFinished, Grant, InvoiceSubmitted
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.access import Access
from services.common.db import scoped
from services.common.principal import of_grants
from services.ingest import dropfolder
from services.ingest.flow_uploads import sweep
from tests.integration.flow_world import TUS, Flows, open_flows, supplier
from tests.unit.ingest.flow_samples import facts, gzip_bomb, invoice, tarred, zipped
from tests.unit.ingest.samples import STRICT_RECIPIENT, SUPPLIER, event, fields, pdf, read
from tests.unit.invoice.syntax.write_cpp import cpp

MIGRATED = ("ingest",)

OTHER = supplier("supplier-2")


@pytest.fixture
async def flows(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Flows]:
    async with open_flows(stack, dsns) as found:
        yield found


async def test_each_invoice_of_a_flow_becomes_a_deposit_and_the_others_are_told_why_not(flows: Flows) -> None:
    files = {f"{n}.xml": invoice(f"F{n}") for n in range(1, 8)}
    files |= {"to-nobody.xml": invoice("F8", recipient_siret=STRICT_RECIPIENT), "scan.jpg": b"\xff\xd8\xff\xe0"}
    view = await flows.through(zipped(files))
    assert (view["state"], view["receivable"]) == ("IN_INTEGRE_PARTIEL", "QP_RECEVABLE")
    assert view["counts"] == {"integrated": 7, "rejected": 2}
    assert (view["progress"], view["entries"], view["items"]) == (1.0, 9, 9)
    items = await flows.items(view["id"])
    assert [item["outcome"] for item in items] == ["integrated"] * 7 + ["rejected"] * 2
    for item in items[7:]:
        assert all(message["message"] and message["action"] for message in item["messages"])
    assert items[8]["messages"][0]["rule"] == "ENTRY_NOT_AN_INVOICE"
    sent = await flows.world.sent()
    assert sorted(e.data.invoice.invoice_number for e in sent if isinstance(e.data, InvoiceSubmitted)) == [
        f"F{n}" for n in range(1, 8)
    ]
    [(subject, end)] = [(e.subject, e.data) for e in sent if isinstance(e.data, FlowFinished)]
    assert (subject, end.state, msgspec.to_builtins(end.counts)) == (view["id"], view["state"], view["counts"])


async def test_an_item_is_a_deposit_like_any_other_and_its_bytes_come_out_of_the_pack(flows: Flows) -> None:
    content = invoice("F2")
    view = await flows.through(tarred({"first.xml": invoice("F1"), "second.xml": content}))
    deposit = (await flows.items(view["id"]))[1]["deposit"]
    found = (await flows.world.get(f"/{deposit}")).json()
    assert (found["state"], found["file_name"], found["invoice_number"]) == ("submitted", "second.xml", "F2")
    assert (await flows.world.get(f"/{deposit}/document")).content == content
    again = await flows.world.post(content, name="x.xml")
    assert (again.json()["state"], again.json()["duplicate_of"]) == ("duplicate", deposit)
    other = await flows.world.deposit(invoice("F4"))
    assert other != deposit


async def test_pages_go_to_the_reader_a_few_at_a_time_and_the_flow_ends_with_the_last(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns, flow_in_flight=2) as flows:
        flow = await flows.send(zipped({f"{n}.pdf": pdf(f"{n}") for n in range(3)}))
        done: set[str] = set()
        await flows.work()
        for expected in (2, 3):
            received = [
                (e.subject, e.data.document) for e in await flows.world.sent() if isinstance(e.data, DocumentReceived)
            ]
            assert len(received) == expected
            for subject, document in received:
                if subject not in done:
                    content = await flows.world.blobs.get(document)
                    number = content.split(b"%")[2].decode().strip()
                    reading = read(content, fields(invoice_number=f"P{number}"))
                    await flows.world.take(event(subject, reading))
                    done.add(subject)
            await flows.work()
        view = await flows.show(flow)
        assert (view["state"], view["counts"]) == ("IN_INTEGRE", {"integrated": 3})


async def test_a_flow_of_chorus_pro_becomes_its_invoices(flows: Flows) -> None:
    view = await flows.through(cpp(facts("C1"), facts("C2"), facts("C2")), name="FSO1113A.xml")
    assert view["kind"] == "xml"
    outcomes = [(item["outcome"], item["invoice_number"]) for item in await flows.items(view["id"])]
    assert [number for _, number in outcomes] == ["C1", "C2", "C2"]
    assert [outcome for outcome, _ in outcomes].count("integrated") == 2


async def test_what_was_sent_before_is_recognised_by_its_bytes_and_by_its_numbers(flows: Flows) -> None:
    content = zipped({"a.xml": invoice("F1"), "b.xml": invoice("F2")})
    first = await flows.send(content)
    early = await flows.post(content)
    assert (early.status_code, early.json()["id"], early.json()["repeated"]) == (200, str(first), True)
    await flows.work()
    assert (await flows.post(content)).json()["id"] == str(first)
    address = await flows.upload(len(content))
    assert (await flows.patch(address, 0, content)).status_code == 204
    await flows.work()
    repeat = await flows.show(UUID(address.rpartition("/")[2]))
    assert (repeat["state"], repeat["messages"][0]["rule"]) == ("IN_REJETE", "FLOW_ALREADY_RECEIVED")
    assert repeat["links"]["repeat_of"] == f"/api/v1/flows/{first}"
    more = {"a.xml": invoice("F1"), "b.xml": invoice("F2", engagement="X1"), "c.xml": invoice("F3")}
    view = await flows.through(tarred(more))
    assert [item["outcome"] for item in await flows.items(view["id"])] == ["duplicate", "rejected", "integrated"]
    assert (await flows.items(view["id"]))[1]["messages"][0]["rule"] == "DOUBLON"
    submitted = [e for e in await flows.world.sent() if isinstance(e.data, InvoiceSubmitted)]
    assert len(submitted) == 3
    again = await flows.through(tarred(more))
    assert again["id"] != view["id"], "a flow with refusals may be sent again"


async def test_an_upload_goes_on_where_it_broke_off(flows: Flows) -> None:
    content = zipped({f"{n}.xml": invoice(f"F{n}") for n in range(200)}, 0)
    address = await flows.upload(len(content))

    async def breaking() -> AsyncIterator[bytes]:
        yield content[:100_000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await flows.patch(address, 0, breaking())
    for _ in range(50):
        if (offset := await flows.offset(address)) == 100_000:
            break
        await asyncio.sleep(0.1)
    assert offset == 100_000
    wrong = await flows.patch(address, 99_999, content[99_999:])
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["Upload-Offset"]) == (409, "UPLOAD_OFFSET", "100000")
    both = await asyncio.gather(*(flows.patch(address, offset, content[offset : offset + 70_000]) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [204, 409]
    end = await flows.patch(address, 170_000, content[170_000:])
    assert (end.status_code, end.headers["Content-Location"]) == (204, address.replace("/uploads", ""))
    await flows.work()
    view = await flows.show(UUID(address.rpartition("/")[2]))
    assert (view["state"], view["counts"]) == ("IN_INTEGRE", {"integrated": 200})
    assert (await flows.patch(address, len(content), b"")).json()["code"] == "UPLOAD_OVER"


async def test_what_cannot_be_a_flow_is_refused_at_the_door_and_leaves_nothing(
    stack: Stack, dsns: Mapping[str, ServiceDsns]
) -> None:
    async with open_flows(stack, dsns, flow_max_bytes=200_000, upload_stall_seconds=0.3) as flows:

        async def slow() -> AsyncIterator[bytes]:
            yield zipped({"a.xml": invoice("F1")})[:50]
            await asyncio.sleep(2)
            yield b"x"

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(50):
                yield zipped({"a.xml": invoice("F1")}) + bytes(10_000)

        async def dripping() -> AsyncIterator[bytes]:
            for byte in zipped({"a.xml": invoice("F1")})[:20]:
                yield bytes([byte])
                await asyncio.sleep(0.05)

        for content, status, code in (
            (dripping(), 408, "UPLOAD_STALLED"),
            (b"", 400, "FLOW_EMPTY"),
            (b"\xff\xd8\xff\xe0" * 100, 415, "FLOW_KIND"),
            (b"PK\x03\x04" + bytes(200_000), 413, "FLOW_TOO_LARGE"),
            (endless(), 413, "FLOW_TOO_LARGE"),
            (slow(), 408, "UPLOAD_STALLED"),
        ):
            answer = await flows.post(content)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert await flows.world.pool.fetchval("select count(*) from flow") == 0
        wrong = {**flows.world.headers(), "Upload-Length": "10"}
        bad = await flows.world.client.post("/api/v1/flows/uploads", headers=wrong)
        assert (bad.status_code, bad.json()["code"]) == (412, "TUS_VERSION")
        bad = await flows.world.client.post("/api/v1/flows/uploads", headers={**wrong, **TUS, "Upload-Length": "-1"})
        assert (bad.status_code, bad.json()["code"]) == (400, "UPLOAD_HEADER")


async def test_a_hostile_archive_is_refused_as_a_whole_before_anything_in_it_is_deposited(flows: Flows) -> None:
    good = await flows.send(zipped({"a.xml": invoice("G1")}), principal=OTHER)
    cut = tarred({f"{n}.xml": invoice(f"F{n}") for n in range(50)})[:-200]
    for content, code in ((gzip_bomb(), "FLOW_BOMB"), (cut, "FLOW_DAMAGED")):
        view = await flows.through(content)
        assert (view["state"], view["receivable"]) == ("IN_REJETE", "QP_IRRECEVABLE")
        assert [message["rule"] for message in view["messages"]] == [code]
        assert view["counts"] == {}
    other = (await flows.get(f"/{good}", OTHER)).json()
    assert other["state"] == "IN_INTEGRE"
    submitted = [e.data for e in await flows.world.sent() if isinstance(e.data, InvoiceSubmitted)]
    assert [one.depositor for one in submitted] == ["supplier-2"]


async def test_a_flow_of_somebody_else_is_as_unknown_as_one_that_never_was(flows: Flows) -> None:
    flow = await flows.send(zipped({"a.xml": invoice("F1")}))
    address = await flows.upload(1000)
    upload = address.rpartition("/")[2]
    for path in (f"/{flow}", f"/{flow}/items", f"/{flow}/report.json", f"/{flow}/report.pdf", f"/{upload}"):
        assert (await flows.get(path)).status_code == 200
        stranger, never = await flows.get(path, OTHER), await flows.get("/no-such-flow", OTHER)
        assert (stranger.status_code, stranger.json()["code"]) == (404, never.json()["code"]) == (404, "FLOW_UNKNOWN")
    assert (await flows.patch(address, 0, b"x", OTHER)).status_code == 404
    assert (await flows.get("", OTHER)).json()["flows"] == []
    async with scoped(flows.world.api_pool, OTHER.scope()) as connection:
        for table in ("flow", "flow_segment"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
        assert await connection.fetchval("select count(number) from flow_item") == 0


async def test_a_drop_folder_gives_a_receipt_and_a_report_and_takes_each_file_once(flows: Flows) -> None:
    await dropfolder.add(flows.world.pool, "edi-7", "edi-7", "edi@fournisseur.example", [SUPPLIER], ["FOURNISSEUR"])
    blobs, content = flows.world.blobs, zipped({"a.xml": invoice("F1"), "b.txt": b"x"})
    for name, body in (("mars.zip", content), ("photo.zip", b"\xff\xd8\xff\xe0")):
        await blobs.put(f"drop/edi-7/in/{name}", io.BytesIO(body), size=len(body), sha256="", media_type="x/y")
    another = dropfolder.DropFolders(flows.world.pool, blobs, flows.world.settings, flows.world.identity)
    await asyncio.gather(flows.folders.once(), another.once())
    await flows.folders.once()
    await flows.work()
    await flows.folders.once()
    out = {found.key.rpartition("/")[2]: found for found in await blobs.listed("drop/edi-7/out/")}
    assert sorted(out) == ["mars.zip.rapport.csv", "mars.zip.rapport.json", "mars.zip.recu.json", "photo.zip.recu.json"]
    assert await blobs.listed("drop/edi-7/in/") == []
    refusal = await blobs.read(out["photo.zip.recu.json"].key, 0, out["photo.zip.recu.json"].size)
    assert b"FLOW_KIND" in refusal
    row = await flows.world.pool.fetchrow("select count(*) as n, max(state) as state, max(depositor) as who from flow")
    assert row is not None
    assert (row["n"], row["state"], row["who"]) == (1, "IN_INTEGRE_PARTIEL", "edi-7")


async def test_files_of_one_name_in_two_subfolders_and_of_a_very_long_name_get_answers_of_their_own(
    flows: Flows,
) -> None:
    await dropfolder.add(flows.world.pool, "edi-9", "edi-9", "edi@fournisseur.example", [SUPPLIER], ["FOURNISSEUR"])
    blobs, long = flows.world.blobs, "/".join(["d" * 200] * 4 + ["e" * 190])
    assert len(f"drop/edi-9/in/{long}") > 1_000
    for number, name in enumerate(("lot 1/mars.zip", "lot 2/mars.zip", long, "z.zip")):
        body = zipped({"a.xml": invoice(f"F{number}")})
        await blobs.put(f"drop/edi-9/in/{name}", io.BytesIO(body), size=len(body), sha256="", media_type="x/y")
    await flows.folders.once()
    await flows.work()
    await flows.folders.once()
    assert await blobs.listed("drop/edi-9/in/") == []
    told = [
        await blobs.read(one.key, 0, one.size) for one in await blobs.listed("drop/edi-9/out/") if "recu" in one.key
    ]
    assert {json.loads(one)["file"] for one in told} == {"lot 1/mars.zip", "lot 2/mars.zip", long, "z.zip"}
    out = [found.key.removeprefix("drop/edi-9/out/") for found in await blobs.listed("drop/edi-9/out/")]
    assert len(out) == 4 * 3
    for folder in ("lot 1", "lot 2"):
        assert f"{folder}/mars.zip.rapport.csv" in out


async def test_a_drop_folder_follows_the_rights_of_its_account(flows: Flows) -> None:
    pool, blobs, subject = flows.world.pool, flows.world.blobs, "software:edi"
    await dropfolder.add(pool, "edi-8", subject, "edi@x.example", [SUPPLIER, "35600000000048"], ["FOURNISSEUR", "MOE"])

    async def dropped(state: str, *grants: Grant) -> list[tuple[list[str], list[str]]]:
        await pool.execute(
            "insert into account_right (subject, version, kind, state, grants, scopes) values ($1, 1, 'software', $2,"
            " $3::text::jsonb, array['deposits.write']) on conflict (subject) do update"
            " set version = account_right.version + 1, state = excluded.state, grants = excluded.grants",
            subject,
            state,
            msgspec.json.encode(grants).decode(),
        )
        access = Access(pool, "", "ingest")
        await dropfolder.DropFolders(pool, blobs, flows.world.settings, access).once()
        await pool.execute("update drop_folder set lease = null, lease_until = null")
        rows = await pool.fetch("select structures, roles from flow where depositor = $1 order by id", subject)
        return [(row["structures"], row["roles"]) for row in rows]

    content = zipped({"a.xml": invoice("F1")})
    await blobs.put("drop/edi-8/in/a.zip", io.BytesIO(content), size=len(content), sha256="", media_type="x/y")
    assert await dropped("closed", Grant(role="FOURNISSEUR", structure=SUPPLIER)) == []
    assert await dropped("active", Grant(role="LECTURE", structure=SUPPLIER)) == []
    assert await dropped("active", Grant(role="FOURNISSEUR", structure="44306184100047")) == []
    assert len(await blobs.listed("drop/edi-8/in/")) == 1
    held = await dropped("active", Grant(role="FOURNISSEUR", structure=SUPPLIER))
    assert held == [([SUPPLIER], [f"FOURNISSEUR/{SUPPLIER}"])]
    assert await blobs.listed("drop/edi-8/in/") == []


async def test_an_upload_goes_on_under_the_rights_it_was_begun_with_or_not_at_all(flows: Flows) -> None:
    grants = [Grant(role="FOURNISSEUR", structure=SUPPLIER), Grant(role="FOURNISSEUR", structure="35600000000048")]
    content = zipped({"a.xml": invoice("F1")})
    who, left = (of_grants("p-upload", held, kid="k", session="s") for held in (grants, grants[1:]))
    address = await flows.upload(len(content), who)
    assert (await flows.patch(address, 0, content[:40], who)).status_code == 204
    refused = await flows.patch(address, 40, content[40:], left)
    assert (refused.status_code, refused.json()["code"]) == (403, "RIGHT_MISSING")
    assert (await flows.patch(address, 40, content[40:], who)).status_code == 204


async def test_an_upload_that_nobody_finishes_is_forgotten_with_its_bytes(flows: Flows) -> None:
    content = zipped({"a.xml": invoice("F1")})
    kept, left = await flows.send(content), await flows.upload(len(content))
    assert (await flows.patch(left, 0, content[:-1])).status_code == 204
    world = flows.world
    before = await world.pool.fetch("select object_key from flow_segment")
    assert await sweep(world.pool, world.blobs, datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await sweep(world.pool, world.blobs, datetime.now(UTC)) == 1
    rows = await world.pool.fetch("select flow_id, object_key from flow_segment")
    assert [row["flow_id"] for row in rows] == [kept]
    [gone] = {row["object_key"] for row in before} - {row["object_key"] for row in rows}
    assert await world.blobs.listed(gone) == []
    assert (await flows.patch(left, len(content) - 1, content[-1:])).status_code == 404
