"""A document tried without an account: read by ocr, checked by ingest, kept and told by nobody."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
import pytest_asyncio

from deploy.local import Stack
from services.common.auth import Principal, mint
from services.common.web import create_app
from services.ingest import rehearsal
from services.ocr import trial
from services.ocr.pool import ReaderPool
from tests.documents import encrypted, sample, scanned
from tests.integration.ingest_world import World, open_world
from tests.servers import fresh_database
from tests.unit.ingest.samples import STRICT_RECIPIENT, directory_events, fields

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "the-secret-of-the-tests-of-trials-only"


async def _fine() -> str | None:
    return None


def bearer(role: str) -> dict[str, str]:
    """Who asks."""
    return {"Authorization": f"Bearer {mint(SECRET, Principal(subject='service:portal', roles=(role,)))}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with fresh_database(stack, "ingest") as dsns, open_world(stack, dsns, s3_bucket="trial-tests") as found:
        await found.take(*directory_events())
        await found.pool.execute("insert into directory_read_to_end default values")
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Both routes behind one address."""
    app = create_app("ingest", token_secret=SECRET, live=_fine, ready=[])
    readers = ReaderPool(workers=1)
    await readers.start(warm=False)
    rehearsal.add_routes(app, world.pool, world.settings)
    trial.add_routes(app, readers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened
    await readers.stop()


async def told(client: httpx.AsyncClient, found: object) -> tuple[str, set[str]]:
    """The outcome and the codes of a trial of these fields."""
    content = msgspec.json.encode({"fields": found})
    answer = await client.post("/internal/ingest/trial", content=content, headers=bearer("SERVICE"))
    assert answer.status_code == 200, answer.text
    return answer.json()["outcome"], {each["code"] for each in answer.json()["findings"]}


async def test_only_the_platform_itself_asks(client: httpx.AsyncClient) -> None:
    for path in ("/internal/ingest/trial", "/internal/ocr/trial"):
        assert (await client.post(path, content=b"{}")).status_code == 401
        for role in ("FOURNISSEUR", "OPERATEUR", "TENANT_ADMIN"):
            assert (await client.post(path, content=b"{}", headers=bearer(role))).status_code == 403


async def test_what_was_read_is_checked_as_a_deposit_would_be(world: World, client: httpx.AsyncClient) -> None:
    before = await world.pool.fetchval("select count(*) from deposit")
    assert (await told(client, fields()))[0] == "sent"
    outcome, codes = await told(client, fields(recipient_siret=STRICT_RECIPIENT, service_code="NEXISTEPAS"))
    assert outcome == "draft"
    assert "SERVICE_UNKNOWN" in codes
    assert "FORM_MISSING" in (await told(client, fields(without=("invoice_number",))))[1]
    assert (await told(client, fields(unsure=("tax",))))[0] == "draft"
    assert (await told(client, ()))[0] == "draft"
    assert await world.pool.fetchval("select count(*) from deposit") == before
    assert await world.sent() == []


async def test_a_number_that_somebody_has_is_not_told_to_whoever_asks(world: World, client: httpx.AsyncClient) -> None:
    deposit = await world.deposit()
    row = await world.row(deposit)
    assert row["state"] == "received"
    assert "DOUBLON" not in (await told(client, fields()))[1]


async def test_a_document_is_read_and_forgotten(client: httpx.AsyncClient) -> None:
    whole = await client.post("/internal/ocr/trial", content=sample(3).render(), headers=bearer("SERVICE"))
    assert {"invoice_number", "total_incl_tax"} <= {field["name"] for field in whole.json()["fields"]}
    assert (await told(client, whole.json()["fields"]))[0] in ("sent", "draft", "refused")
    scan = await client.post("/internal/ocr/trial", content=scanned(3), headers=bearer("SERVICE"))
    assert scan.json()["empty"]["code"] == "SCAN_ONLY"
    locked = await client.post("/internal/ocr/trial", content=encrypted(3), headers=bearer("SERVICE"))
    assert locked.json()["unreadable"][0]["code"] == "PDF_ENCRYPTED"
    heavy = await client.post("/internal/ocr/trial", content=bytes(10_000_001), headers=bearer("SERVICE"))
    assert heavy.status_code == 413


async def test_a_question_that_cannot_be_read_is_refused(client: httpx.AsyncClient) -> None:
    for content in (b"", b"[]", b'{"fields": [{"name": 1}]}', b"\xff"):
        answer = await client.post("/internal/ingest/trial", content=content, headers=bearer("SERVICE"))
        assert answer.status_code == 400, content
