"""Readings and lost documents over HTTP: for operators."""

from collections.abc import AsyncIterator, Mapping
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal, mint
from services.common.db import open_pool
from services.common.web import create_app
from services.ocr import api
from services.ocr.answers import Whole
from services.ocr.outcomes import outcome
from services.ocr.pages import Pages
from services.ocr.pool import ReaderPool
from tests.integration.ocr_world import OcrWorld, StubReader, open_world
from tests.records import eventually

SECRET = "a-secret-for-the-tests-of-ocr-only-00"


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[OcrWorld]:
    async with open_world(stack, dsns) as opened:
        yield opened


async def _fine() -> str | None:
    return None


@pytest.fixture
async def client(world: OcrWorld) -> AsyncIterator[httpx.AsyncClient]:
    api_pool = await open_pool(world.dsns["ocr"].api, "ocr")
    app = create_app("ocr", token_secret=SECRET, live=_fine, ready=[])
    painters = ReaderPool(workers=1)
    await painters.start(warm=False)
    api.add_routes(app, api_pool, Pages(api_pool, world.blobs, painters, world.settings()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened
    await painters.stop()
    await api_pool.close()


def _bearer(*roles: str) -> dict[str, str]:
    token = mint(SECRET, Principal(subject="agnès", roles=roles))
    return {"authorization": f"Bearer {token}", "X-Chorale-Reason": "Un essai de la plateforme"}


async def test_only_an_operator_sees_a_reading(world: OcrWorld, client: httpx.AsyncClient) -> None:
    [found] = await world.receive(await world.store(b"scan"))
    path = f"/api/v1/pages/{found.subject}/reading"
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=_bearer("FOURNISSEUR"))).status_code == 403
    early = await client.get(path, headers=_bearer("OPERATEUR"))
    assert (early.status_code, early.json()["code"]) == (404, "READING_UNKNOWN")
    async with world.dispatcher(StubReader(Whole(pages=2, empty=outcome("SCAN_ONLY")))):
        await world.until_done([found])
    answer = await client.get(path, headers=_bearer("OPERATEUR"))
    assert answer.json()["outcome"] == "empty"
    assert answer.json()["result"]["empty"]["code"] == "SCAN_ONLY"


async def test_an_operator_sees_which_documents_are_lost(world: OcrWorld, client: httpx.AsyncClient) -> None:
    lost = msgspec.structs.replace(await world.store(b"gone"), key=f"test/{uuid4()}")
    [found] = await world.receive(lost)
    async with world.dispatcher(StubReader()):

        async def failed() -> bool:
            return bool((await world.job(found))["state"] == "failed")

        await eventually(failed)
    assert (await client.get("/api/v1/pages/lost", headers=_bearer())).status_code == 403
    [line] = (await client.get("/api/v1/pages/lost", headers=_bearer("OPERATEUR"))).json()
    assert (line["invoice"], line["trouble"], line["key"]) == (found.subject, "BlobMissing", lost.key)
    assert line["tries"] >= 2


async def test_the_api_role_sees_no_row_without_the_role_and_writes_nothing(world: OcrWorld) -> None:
    [found] = await world.receive(await world.store(b"x"))
    async with world.dispatcher(StubReader()):
        await world.until_done([found])
    connection = await asyncpg.connect(world.dsns["ocr"].api, server_settings={"search_path": "ocr"})
    try:
        for table in ("reading", "job"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
        await connection.execute("select set_config('chorale.roles', 'FOURNISSEUR,OPERATEUR', false)")
        assert await connection.fetchval("select count(*) from reading") == 1
        for statement in ("update job set state = 'done'", "delete from reading", "select * from outbox"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
