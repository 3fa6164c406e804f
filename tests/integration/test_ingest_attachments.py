"""Attachments: kept byte for byte, told once, opened by their parties and by signed links, and by nobody else."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from contracts.events import AttachmentStored, InvoiceSubmitted
from deploy.local import Stack
from services.common import links
from services.common.auth import Principal
from services.common.db import set_scope
from services.common.principal import Holder
from services.ingest.sweep import Sweep
from tests.integration.ingest_world import SECRET, World, open_world, supplier
from tests.servers import fresh_database
from tests.unit.ingest.samples import SUPPLIER, directory_events, event, fields, pdf, read, sha256

pytestmark = pytest.mark.asyncio(loop_scope="module")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
COLLEAGUE = supplier("colleague")
STRANGER = supplier("stranger", structures=("55208131766522",))
READER = supplier("reader", roles=("DESTINATAIRE",))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    """One ingest for all, with room for few and light files: each test has deposits of its own."""
    limits = {"max_attachment_bytes": 200_000, "max_deposit_bytes": 500_000, "max_attachments": 4}
    async with (
        fresh_database(stack, "ingest") as dsns,
        open_world(stack, dsns, s3_bucket="attachments-tests", **limits) as found,
    ):
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


async def attach(
    world: World,
    deposit: UUID | str,
    content: bytes = PNG,
    *,
    name: str = "bon.png",
    who: Principal | None = None,
    **data: Any,
) -> httpx.Response:
    return await world.client.post(
        f"/api/v1/deposits/{deposit}/attachments",
        files={"file": (name, content, "application/octet-stream")},
        data={"type": "DOCUMENT_ANNEXE", "label": "Pièce", **data},
        headers=world.headers(who),
    )


async def attached(world: World, deposit: UUID, content: bytes = PNG, **more: Any) -> dict[str, Any]:
    answer = await attach(world, deposit, content, **more)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def fresh(world: World) -> tuple[UUID, bytes]:
    """A deposit that waits for its reading."""
    content = pdf(str(uuid4()))
    return await world.deposit(content), content


async def submit(world: World, deposit: UUID, content: bytes) -> None:
    await world.take(event(str(deposit), read(content, fields(invoice_number=str(deposit)[-18:]))))


async def an_invoice(world: World) -> UUID:
    deposit, content = await fresh(world)
    await submit(world, deposit, content)
    return deposit


async def told(world: World, deposit: UUID) -> list[Any]:
    return [sent.data for sent in await world.sent() if sent.subject == str(deposit)]


async def objects(world: World, deposit: UUID) -> set[str]:
    """Keys of what is stored beside the deposit's document."""
    key = (await world.row(deposit))["object_key"].rpartition("/")[0] + "/attachments/"
    listed = await asyncio.to_thread(
        lambda: [o.object_name for o in world.blobs._client.list_objects(world.settings.s3_bucket, key, recursive=True)]
    )
    return {name.rpartition("/")[2] for name in listed if name}


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


# ---------------------------------------------------------------- who may
async def test_a_foreign_token_learns_of_no_attachment_and_adds_none(world: World) -> None:
    deposit = await an_invoice(world)
    body = await attached(world, deposit)
    never = uuid4()
    for path in ("", f"/{body['id']}", f"/{body['id']}/content"):
        for id_ in (deposit, never):
            assert (await world.get(f"/{id_}/attachments{path}", STRANGER)).status_code == 404
    answers = [await attach(world, id_, PNG + b"x", who=STRANGER) for id_ in (deposit, never, "x", "%27")]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "DEPOSIT_UNKNOWN")}
    assert await objects(world, deposit) == {body["id"]}
    other = await an_invoice(world)
    assert (await world.get(f"/{other}/attachments/{body['id']}/content")).status_code == 404


async def test_a_colleague_adds_to_the_invoice_of_his_structure_but_not_to_a_deposit_before(world: World) -> None:
    deposit, content = await fresh(world)
    assert (await attach(world, deposit, who=COLLEAGUE)).status_code == 404
    assert (await world.get(f"/{deposit}/attachments", COLLEAGUE)).status_code == 404
    await submit(world, deposit, content)
    body = await attached(world, deposit, who=COLLEAGUE)
    assert (await told(world, deposit))[-1].stored_by == "colleague"
    assert (await world.get(f"/{deposit}/attachments/{body['id']}/content", COLLEAGUE)).content == PNG
    assert (await world.get(f"/{deposit}", COLLEAGUE)).status_code == 404
    assert (await attach(world, deposit, PNG + b"r", who=READER)).status_code == 403
    assert (await world.get(f"/{deposit}/attachments", READER)).status_code == 404


async def test_a_link_opens_one_attachment_for_its_time_and_nothing_else(world: World) -> None:
    deposit = await an_invoice(world)
    first, second = await attached(world, deposit), await attached(world, deposit, PNG + b"2")
    assert (await world.client.get(first["href"])).content == PNG
    signed = first["href"].partition("?")[2]
    base = f"/api/v1/deposits/{deposit}/attachments"
    late = links.attachment(SECRET, deposit, UUID(first["id"]), Holder("supplier-1"), now=time.time() - 7200).href
    pages = links.make(SECRET, deposit, Holder("supplier-1")).index.partition("?")[2]
    tried = {
        f"{base}/{second['id']}/content?{signed}": 403,
        f"{base}/{first['id']}/content?{signed[:-1]}": 403,
        f"{base}/{first['id']}/content?{pages}": 403,
        f"{base}/{first['id']}/content?expires=&signature=x": 403,
        f"/api/v1/deposits/{uuid4()}/attachments/{first['id']}/content?{signed}": 403,
        f"{base}/x/content?{signed}": 404,
        late: 410,
        f"{base}/{first['id']}/content": 401,
        f"{base}?{signed}": 401,
    }
    assert {path: (await world.client.get(path)).status_code for path in tried} == tried


async def test_a_link_to_an_attachment_ends_with_the_rights_of_its_holder_and_then_tells_nothing(world: World) -> None:
    deposit = await an_invoice(world)
    there = (await attached(world, deposit))["href"]
    holder = Holder("leaver")
    mine, never = (
        links.attachment(SECRET, deposit, file, holder).href for file in (UUID(there.split("/")[6]), uuid4())
    )
    assert [(await world.client.get(link)).status_code for link in (mine, never)] == [200, 404]
    world.identity.withdrawn.add(holder.subject)
    said = [(await world.client.get(link)).json() for link in (mine, never)]
    assert {(each["status"], each["code"], each["detail"]) for each in said} == {
        (403, "LINK_WITHDRAWN", said[0]["detail"])
    }
    assert (await world.client.get(there)).content == PNG, "another's"


async def test_the_api_role_sees_adds_and_changes_no_attachment_beyond_its_scope(world: World) -> None:
    deposit = await an_invoice(world)
    await attached(world, deposit)

    async def as_api(statement: str, **scope: str) -> Any:
        async with world.api_pool.acquire() as connection, connection.transaction():
            await set_scope(connection, scope)
            return await connection.fetch(statement)

    mine = {"subject": "supplier-1", "structures": "", "roles": "", "deposit_structures": SUPPLIER}
    assert len(await as_api(f"select from attachment where deposit_id = '{deposit}'", **mine)) == 1
    for scope in ({"subject": "stranger"}, {"subject": ""}, {"attachment": str(uuid4())}, {}):
        assert await as_api("select id from attachment", **scope) == []
    added = (
        "insert into attachment (id, deposit_id, stored_by, name, type, sha256, size, media_type, bucket, object_key,"
        f" stored_at) values ('{uuid4()}', '{deposit}', '{{}}', 'n', 't', 's', 1, 'm', 'b', 'k', now())"
    )
    for scope, by in (({"subject": "stranger"}, "stranger"), ({**mine}, "somebody-else")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_api(added.format(by), **scope)
    for statement in ("update attachment set name = 'x'", "delete from attachment", "truncate attachment"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_api(statement, **mine)


# ---------------------------------------------------------------- what is refused
REFUSED = [
    ("facture.exe", PNG, 415, "ATTACHMENT_EXTENSION"), ("sans extension", PNG, 415, "ATTACHMENT_EXTENSION"),
    (".png", PNG, 415, "ATTACHMENT_EXTENSION"), ("a.png.js", PNG, 415, "ATTACHMENT_EXTENSION"),
    ("a.png", b"MZ\x90\x00" + PNG, 415, "ATTACHMENT_PROGRAM"), ("a.txt", b"#!/bin/sh\nrm", 415, "ATTACHMENT_PROGRAM"),
    ("a.xls", b"\x7fELF\x02", 415, "ATTACHMENT_PROGRAM"), ("a.pdf", PNG, 415, "ATTACHMENT_CONTENT"),
    ("a.png", pdf(), 415, "ATTACHMENT_CONTENT"), ("a.docx", b"<html>", 415, "ATTACHMENT_CONTENT"),
    ("a.csv", b"a;b\x00c", 415, "ATTACHMENT_CONTENT"), ("a.png", b"", 400, "FILE_EMPTY"),
    ("a.png", PNG + bytes(200_000), 413, "ATTACHMENT_TOO_LARGE"),
    ("b.png", PNG + bytes(400_000), 413, "ATTACHMENT_TOO_LARGE"),
]  # fmt: skip


async def test_what_may_not_be_attached_is_refused_in_its_own_words_and_leaves_nothing(world: World) -> None:
    deposit, _ = await fresh(world)
    for name, content, status, code in REFUSED:
        answer = await attach(world, deposit, content, name=name)
        assert (answer.status_code, answer.json()["code"]) == (status, code), name
        assert answer.json()["detail"]
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"type": "FACTURE"}, "TYPE_UNKNOWN"),
        ({"label": "x" * 101}, "LABEL_INVALID"),
    )
    for data, code in wrong:
        answer = await attach(world, deposit, **data)
        assert (answer.status_code, answer.json()["code"]) == (422, f"ATTACHMENT_{code}")
    assert (await attach(world, deposit, other="x")).json()["code"] == "FIELD_UNKNOWN"
    assert await objects(world, deposit) == set()
    assert (await world.get(f"/{deposit}/attachments")).json()["attachments"] == []


NAMES = {
    "../../etc/passwd.png": "passwd.png",
    "C:\\temp\\bon.png": "bon.png",
    "a\u202egnp.exe.png": "agnp.exe.png",
    "é" * 300 + ".png": "é" * 251 + ".png",
    "l'été «\u00a0n°\u00a01\u00a0».PNG": "l'été « n° 1 ».PNG",
    "<img src=x onerror=alert(1)>.png": "<img src=x onerror=alert(1)>.png",
    "a;b=c&d.png": "a;b=c&d.png",
}


async def test_hostile_names_are_labels_and_nothing_more(world: World) -> None:
    for index, (name, kept) in enumerate(NAMES.items()):
        deposit, _ = await fresh(world)
        body = await attached(world, deposit, PNG + bytes([index]), name=name)
        assert body["name"] == kept
        answer = await world.client.get(body["href"])
        assert answer.content == PNG + bytes([index])
        assert answer.headers["content-disposition"].isascii()
        assert await objects(world, deposit) == {body["id"]}


async def test_a_deposit_takes_so_many_attachments_and_so_many_bytes_and_one_readable_version(world: World) -> None:
    deposit, _ = await fresh(world)
    heavy = [PNG + bytes([n]) * 190_000 for n in range(3)]
    for content in heavy[:2]:
        await attached(world, deposit, content)
    assert (await attach(world, deposit, heavy[2])).json()["code"] == "ATTACHMENTS_TOO_HEAVY"
    await attached(world, deposit, PNG + b"a", type="LISIBLE")
    assert (await attach(world, deposit, PNG + b"b", type="LISIBLE")).json()["code"] == "ATTACHMENT_READABLE_TWICE"
    await attached(world, deposit, PNG + b"c")
    answer = await attach(world, deposit, PNG + b"d")
    assert (answer.status_code, answer.json()["code"]) == (409, "ATTACHMENTS_TOO_MANY")
    assert (await attached(world, deposit, heavy[0]))["size"] == len(heavy[0])  # one it has already
    assert len(await objects(world, deposit)) == 4


async def test_many_at_once_never_get_past_the_limit(world: World) -> None:
    deposit, _ = await fresh(world)
    answers = await asyncio.gather(*(attach(world, deposit, PNG + bytes([n])) for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 6
    assert len(await objects(world, deposit)) == 4


async def test_nothing_is_attached_to_a_deposit_that_was_refused_or_is_a_duplicate(world: World) -> None:
    deposit, content = await fresh(world)
    duplicate = await world.deposit(content)
    await world.take(event(str(deposit), read(content, fields(recipient_siret="00000000000000"))))
    if (await world.row(deposit))["state"] != "refused":
        await world.pool.execute("update deposit set state = 'refused' where id = $1", deposit)
    for closed in (deposit, duplicate):
        answer = await attach(world, closed)
        assert (answer.status_code, answer.json()["code"]) == (409, "DEPOSIT_CLOSED")
    assert await objects(world, deposit) == set()


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


@pytest.mark.parametrize(
    ("field", "code"), [("type", "ATTACHMENT_TYPE_MISSING"), ("label", "ATTACHMENT_LABEL_MISSING")]
)
async def test_a_piece_says_what_it_is(world: World, field: str, code: str) -> None:
    deposit, _ = await fresh(world)
    assert (await attach(world, deposit, PNG, name="a.png", who=None, **{field: " "})).json()["code"] == code
