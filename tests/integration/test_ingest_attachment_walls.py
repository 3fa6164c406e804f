"""Attachments: opened by their parties and by signed links, by nobody else; and what may not be attached."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from deploy.local import Stack
from services.common import links
from services.common.db import set_scope
from services.common.principal import Holder
from tests.integration.attachments_world import (
    COLLEAGUE,
    PNG,
    READER,
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
from tests.integration.ingest_world import SECRET, World
from tests.unit.ingest.samples import SUPPLIER, event, fields, pdf, read

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    """One ingest for all: each test has deposits of its own."""
    async with opened(stack) as found:
        yield found


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


@pytest.mark.parametrize(
    ("field", "code"), [("type", "ATTACHMENT_TYPE_MISSING"), ("label", "ATTACHMENT_LABEL_MISSING")]
)
async def test_a_piece_says_what_it_is(world: World, field: str, code: str) -> None:
    deposit, _ = await fresh(world)
    assert (await attach(world, deposit, PNG, name="a.png", who=None, **{field: " "})).json()["code"] == code
