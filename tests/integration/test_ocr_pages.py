"""Pages as pictures: drawn once, kept, and drawn again when lost."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
from PIL import Image

from contracts.envelope import Event
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import links
from services.common.db import Pool, open_pool
from services.ocr import page_store
from services.ocr.pages import Prune, object_key
from services.ocr.pool import ReaderPool
from tests.carriers import facts_of
from tests.documents import encrypted, sample, two_pages
from tests.hostile import laughs
from tests.integration.ocr_pages_world import HOLDER, INVOICE, SECRET, client_of, page, painting, read
from tests.integration.ocr_world import OcrWorld, open_world
from tests.unit.invoice.syntax.samples import ubl


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[OcrWorld]:
    async with open_world(stack, dsns) as opened:
        yield opened


@pytest.fixture
async def painters() -> AsyncIterator[ReaderPool]:
    pool = painting()
    await pool.start(warm=False)
    yield pool
    await pool.stop()


@pytest.fixture
async def api_pool(world: OcrWorld) -> AsyncIterator[Pool]:
    pool = await open_pool(world.dsns["ocr"].api, "ocr")
    yield pool
    await pool.close()


@pytest.fixture
async def client(world: OcrWorld, api_pool: Pool, painters: ReaderPool) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(world, api_pool, painters) as opened:
        yield opened


async def test_a_link_opens_every_page_and_their_list(world: OcrWorld, client: httpx.AsyncClient) -> None:
    [found] = await read(world, two_pages())
    pictures = []
    for number in (1, 2):
        answer = await client.get(page(found, number))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert (answer.headers["x-page-width"], answer.headers["x-pages"]) == ("595.28", "2")
        pictures.append(answer.content)
    assert pictures[0] != pictures[1]
    listed = (await client.get(links.make(SECRET, UUID(found.subject), HOLDER).index)).json()
    assert [shown["number"] for shown in listed["pages"]] == [1, 2]
    assert tuple(listed["pages"][0]["pixels"]) == Image.open(io.BytesIO(pictures[0])).size
    again = await client.get(listed["template"].replace("{n}", "2"))
    assert again.content == pictures[1]
    kept = await client.get(page(found, 2), headers={"If-None-Match": again.headers["etag"]})
    assert (kept.status_code, kept.content) == (304, b"")


async def test_data_files_and_refused_documents_have_no_pages_and_that_is_said(
    world: OcrWorld, client: httpx.AsyncClient
) -> None:
    data, refused = await read(world, ubl(facts_of(sample(4))), encrypted())
    told = []
    for found in (data, refused):
        answer = await client.get(page(found, 1))
        assert (answer.status_code, answer.json()["code"]) == (404, "DOCUMENT_WITHOUT_PAGES")
        told.append(answer.json()["detail"])
    assert "XML" in told[0]
    assert "ouvert" in told[1]


async def test_a_page_is_drawn_once_and_served_from_the_store_then(
    world: OcrWorld, client: httpx.AsyncClient, painters: ReaderPool
) -> None:
    [found] = await read(world, INVOICE)
    first = await client.get(page(found, 1))
    await painters.stop()
    assert (await client.get(page(found, 1))).content == first.content
    row = await world.pool.fetchrow("select * from page")
    assert row is not None
    assert (row["object_key"], row["size"]) == (object_key(UUID(found.subject), 1), len(first.content))


async def test_many_requests_at_once_for_one_page_draw_it_once(
    world: OcrWorld, client: httpx.AsyncClient, painters: ReaderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    [found] = await read(world, INVOICE)
    drawn = []
    draw = painters.draw

    async def counted(data: bytes, number: int) -> object:
        drawn.append(number)
        return await draw(data, number)

    monkeypatch.setattr(painters, "draw", counted)
    answers = await asyncio.gather(*(client.get(page(found, 1)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert drawn == [1]


async def test_a_picture_that_was_lost_or_altered_in_the_store_is_drawn_again(
    world: OcrWorld, client: httpx.AsyncClient
) -> None:
    [found] = await read(world, INVOICE)
    first = await client.get(page(found, 1))
    key = object_key(UUID(found.subject), 1)
    await world.blobs.delete(key)
    assert (await client.get(page(found, 1))).content == first.content
    await world.blobs.put(key, io.BytesIO(b"other"), size=5, sha256="0" * 64, media_type="image/png")
    assert (await client.get(page(found, 1))).content == first.content


async def test_a_page_that_cannot_be_drawn_is_refused_in_words_and_not_tried_again_at_once(
    world: OcrWorld, client: httpx.AsyncClient, painters: ReaderPool
) -> None:
    [found] = await read(world, INVOICE)
    bomb = await world.store(laughs(depth=12))
    await world.pool.execute("update reading set document = $1::jsonb", msgspec.json.encode(bomb).decode())
    for _ in range(2):
        answer = await client.get(page(found, 1))
        assert (answer.status_code, answer.json()["code"]) == (422, "PAGE_NOT_DRAWN")
        assert answer.json()["errors"][0]["rule"] in ("READER_MEMORY", "READER_TIMEOUT")
    assert sum(painters.losses.values()) == 2, "one retry, and then it is known"
    await world.pool.execute("update page set drawn_at = now() - interval '11 minutes'")
    await client.get(page(found, 1))
    assert sum(painters.losses.values()) == 4


async def test_more_requests_than_may_wait_are_asked_to_come_back(
    world: OcrWorld, api_pool: Pool, painters: ReaderPool
) -> None:
    [found] = await read(world, INVOICE)
    async with client_of(world, api_pool, painters, pages_waiting=1) as client:
        answers = await asyncio.gather(*(client.get(page(found, 1)) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200, 503}
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert (busy.json()["code"], busy.headers["retry-after"]) == ("PAGES_BUSY", "3")


async def test_old_pictures_are_forgotten_and_drawn_again_when_asked_for(
    world: OcrWorld, client: httpx.AsyncClient
) -> None:
    old, young = await read(world, INVOICE, two_pages())
    first = await client.get(page(old, 1))
    await client.get(page(young, 1))
    await world.pool.execute(
        "update page set drawn_at = now() - interval '91 days' where invoice_id = $1", UUID(old.subject)
    )
    prune = Prune(world.pool, world.blobs, world.settings())
    assert (await prune.once(), await prune.once()) == (1, 0)
    rows = await world.pool.fetch("select invoice_id from page")
    assert [str(row["invoice_id"]) for row in rows] == [young.subject]
    with pytest.raises(Exception, match="NoSuchKey"):
        await _stored(world, old, first.content)
    assert (await client.get(page(old, 1))).content == first.content


async def _stored(world: OcrWorld, found: Event, content: bytes) -> bytes:
    claim = await world.store(content)
    return await world.blobs.get(msgspec.structs.replace(claim, key=object_key(UUID(found.subject), 1)))


async def test_the_api_role_sees_the_pages_of_one_document_at_a_time(
    world: OcrWorld, client: httpx.AsyncClient
) -> None:
    mine, other = await read(world, INVOICE, two_pages())
    for found in (mine, other):
        await client.get(page(found, 1))
    connection = await asyncpg.connect(world.dsns["ocr"].api, server_settings={"search_path": "ocr"})
    try:
        for table in ("reading", "page"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
        await connection.execute("select set_config('chorale.document', $1, false)", mine.subject)
        for table in ("reading", "page"):
            rows = await connection.fetch(f"select invoice_id from {table}")
            assert [str(row["invoice_id"]) for row in rows] == [mine.subject]
        assert await connection.fetchval("select count(*) from job") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from page")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("insert into page (invoice_id, number, refusal) values ($1, 9, '{}')", uuid4())
    finally:
        await connection.close()


async def test_a_reading_keeps_where_its_document_is(world: OcrWorld) -> None:
    [found] = await read(world, INVOICE)
    assert await world.pool.fetchval("select reading.document = job.document from reading join job using (event_id)")
    async with world.pool.acquire() as connection:
        assert await page_store.old(connection, timedelta(days=1), 5) == []
        assert await page_store.readable(connection, UUID(found.subject)) is not None
