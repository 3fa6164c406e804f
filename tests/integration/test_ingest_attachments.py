"""Attachments: kept byte for byte, told once, given back, reused, and made out of a paper."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.events import AttachmentStored, InvoiceSubmitted
from deploy.local import Stack
from services.common.auth import Principal
from services.ingest.sweep import Sweep
from tests.integration.attachments_world import (
    COLLEAGUE,
    PNG,
    STRANGER,
    an_invoice,
    attach,
    attached,
    fresh,
    objects,
    opened,
    submit,
    told,
)
from tests.integration.ingest_world import World
from tests.unit.ingest.samples import event, fields, read, sha256

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    """One ingest for all: each test has deposits of its own."""
    async with opened(stack) as found:
        yield found


# ---------------------------------------------------------------- kept, told, given back
async def test_what_is_attached_before_the_reading_goes_with_the_invoice_and_what_comes_later_is_told_alone(
    world: World,
) -> None:
    deposit, content = await fresh(world)
    early = await attached(world, deposit, name="bon n° 1.png", type="BON_LIVRAISON", label="Livraison du 27 février")
    await submit(world, deposit, content)
    late = await attached(world, deposit, PNG + b"2")
    _, submitted, stored = await told(world, deposit)
    assert isinstance(submitted, InvoiceSubmitted)
    [first] = submitted.attachments
    assert (first.id, first.name, first.type, first.label) == (
        early["id"], "bon n° 1.png", "BON_LIVRAISON", "Livraison du 27 février",
    )  # fmt: skip
    assert await world.blobs.get(first.document) == PNG
    assert isinstance(stored, AttachmentStored)
    assert (stored.attachment.id, stored.attachment.type) == (late["id"], "DOCUMENT_ANNEXE")
    assert stored.stored_by == "supplier-1"
    assert await world.blobs.get(stored.attachment.document) == PNG + b"2"


async def test_an_attachment_comes_back_byte_for_byte_as_a_download_that_nothing_runs(world: World) -> None:
    deposit, _ = await fresh(world)
    page = b"<html><script>alert(1)</script></html>"
    body = await attached(world, deposit, page, name="page d'été.html")
    assert (body["sha256"], body["size"], body["media_type"]) == (sha256(page), len(page), "text/html")
    for headers in (world.headers(), {}):
        path = f"/api/v1/deposits/{deposit}/attachments/{body['id']}/content" if headers else body["href"]
        answer = await world.client.get(path, headers=headers)
        assert (answer.status_code, answer.content) == (200, page)
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


async def test_the_attachments_of_a_deposit_are_listed_in_their_order(world: World) -> None:
    deposit, _ = await fresh(world)
    sent = [await attached(world, deposit, PNG + bytes([n]), name=f"{n}.png") for n in range(3)]
    listed = (await world.get(f"/{deposit}/attachments")).json()["attachments"]
    assert [each["id"] for each in listed] == [each["id"] for each in sent]
    one = (await world.get(f"/{deposit}/attachments/{sent[1]['id']}")).json()
    assert (one["name"], one["type_label"]) == ("1.png", "Document annexe")


async def test_the_same_file_again_is_the_same_attachment_whoever_asks_how_often_at_once(world: World) -> None:
    deposit = await an_invoice(world)
    answers = await asyncio.gather(*(attach(world, deposit) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    [id_] = {answer.json()["id"] for answer in answers}
    assert (await attached(world, deposit, name="autre nom.png"))["id"] == id_
    assert [type(data).__name__ for data in await told(world, deposit)][2:] == ["AttachmentStored"]
    assert await objects(world, deposit) == {id_}


async def test_what_is_attached_while_the_deposit_is_decided_is_told_exactly_once(world: World) -> None:
    for _ in range(4):
        deposit, content = await fresh(world)
        posts = [attached(world, deposit, PNG + bytes([n])) for n in range(4)]
        *bodies, _ = await asyncio.gather(*posts, submit(world, deposit, content))
        _, submitted, *later = await told(world, deposit)
        ids = [each.id for each in submitted.attachments] + [each.attachment.id for each in later]
        assert sorted(ids) == sorted(body["id"] for body in bodies if body)


async def test_a_stored_attachment_that_was_changed_is_not_given_back(world: World) -> None:
    deposit, _ = await fresh(world)
    body = await attached(world, deposit)
    key = await world.pool.fetchval("select object_key from attachment where id = $1", UUID(body["id"]))
    await world.blobs.delete(key)
    answer = await world.client.get(body["href"])
    assert (answer.status_code, answer.json()["code"]) == (500, "DOCUMENT_UNAVAILABLE")


async def test_the_documentation_names_each_answer_in_french(world: World) -> None:
    document = (await world.client.get("/openapi/ingest.json")).json()
    posted = document["paths"]["/api/v1/deposits/{deposit_id}/attachments"]["post"]
    assert {"201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503"} <= set(posted["responses"])
    assert "BON_LIVRAISON" in str(posted["requestBody"])


# ---------------------------------------------------------------- again, and out of a paper
async def post(world: World, path: str, body: dict[str, Any], who: Principal | None = None) -> httpx.Response:
    return await world.client.post(f"/api/v1/deposits/{path}", json=body, headers=world.headers(who))


async def test_a_piece_is_reused_without_being_sent_again_and_outlives_the_deposit_it_came_with(world: World) -> None:
    first, _ = await fresh(world)
    second = await an_invoice(world)
    piece = await attached(world, first, PNG + b"shared", name="attestation.png", label="Attestation")
    again = await post(world, f"{second}/attachments/reuse", {"attachment": piece["id"]})
    assert again.status_code == 201, again.text
    body = again.json()
    assert (body["sha256"], body["label"], body["id"] != piece["id"]) == (piece["sha256"], "Attestation", True)
    assert (await told(world, second))[-1].attachment.label == "Attestation"
    assert await objects(world, second) == set()
    await world.pool.execute("delete from attachment where id = $1", UUID(piece["id"]))
    await Sweep(world.pool, world.blobs, age=timedelta(seconds=-60), every_seconds=1).once()
    assert (await world.client.get(body["href"])).content == PNG + b"shared"
    for who, deposit in ((STRANGER, second), (None, uuid4()), (COLLEAGUE, second)):
        refused = await post(world, f"{deposit}/attachments/reuse", {"attachment": body["id"]}, who)
        assert refused.status_code == 404, (who, deposit)


async def test_one_sees_what_one_may_send_again_each_content_once(world: World) -> None:
    first, _ = await fresh(world)
    second = await an_invoice(world)
    third = await an_invoice(world)
    content = PNG + str(first).encode()
    await attached(world, first, content, name="a.png", label="Avant")
    newer = await attached(world, second, content, name="b.png", label="Après")
    path = f"/api/v1/deposits/{third}/attachments/reusable"
    answer = await world.client.get(path, headers=world.headers())
    assert answer.status_code == 200, answer.text
    same = [each for each in answer.json()["attachments"] if each["sha256"] == newer["sha256"]]
    assert [each["id"] for each in same] == [newer["id"]]
    await post(world, f"{third}/attachments/reuse", {"attachment": newer["id"]})
    left = (await world.client.get(path, headers=world.headers())).json()["attachments"]
    assert newer["sha256"] not in [each["sha256"] for each in left]
    assert (await world.client.get(path, headers=world.headers(STRANGER))).status_code == 404
    theirs = await world.client.get(path, headers=world.headers(COLLEAGUE))
    assert theirs.status_code == 200, theirs.text
    assert newer["sha256"] not in [each["sha256"] for each in theirs.json()["attachments"]], "what he sent himself"


async def test_a_paper_dropped_as_an_invoice_becomes_an_attachment_and_its_draft_is_no_more(world: World) -> None:
    paper, content = await fresh(world)
    invoice = await an_invoice(world)
    asked = {"to": str(invoice), "type": "BON_LIVRAISON", "label": "Bon signé"}
    assert (await post(world, f"{paper}/as-attachment", asked)).json()["code"] == "NOT_A_PAPER"
    await world.take(event(str(paper), read(content, fields(without=("payable",)))))
    assert (await post(world, f"{paper}/as-attachment", asked, STRANGER)).status_code == 404
    foreign = await post(world, f"{paper}/as-attachment", {**asked, "to": str(uuid4())})
    assert (foreign.status_code, (await world.get(f"/{paper}")).status_code) == (404, 200)
    answer = await post(world, f"{paper}/as-attachment", asked)
    assert answer.status_code == 201, answer.text
    assert (await world.get(f"/{paper}")).status_code == 404
    await Sweep(world.pool, world.blobs, age=timedelta(seconds=-60), every_seconds=1).once()
    assert (await world.client.get(answer.json()["href"])).content == content
    assert (await told(world, invoice))[-1].attachment.type == "BON_LIVRAISON"
    assert (await post(world, f"{invoice}/as-attachment", asked)).json()["code"] == "NOT_A_PAPER"


async def test_names_are_kept_whole_and_have_a_short_one_that_no_other_of_the_deposit_has(world: World) -> None:
    deposit, _ = await fresh(world)
    name = "bon de livraison signé par le chef de chantier, mars 2026, lot n° 4.png"
    found = [await attached(world, deposit, PNG + bytes([n]), name=name) for n in range(3)]
    assert {each["name"] for each in found} == {name}
    shorts = [each["short_name"] for each in found]
    assert len(set(shorts)) == 3
    assert all(len(short) <= 50 and short.endswith(".png") for short in shorts)
