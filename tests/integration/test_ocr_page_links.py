"""Pages are opened by a link that was given for them to who may see them, and by nothing else."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.envelope import Event
from contracts.events import Grant, Payload
from deploy.local import Stack
from services.common import account_replica, links
from services.common.access import Access
from services.common.auth import Principal, mint
from services.common.db import Pool, open_pool
from services.common.principal import Holder
from services.ocr.pool import ReaderPool
from tests.accounts import SUPPLIER, Signer, account
from tests.documents import two_pages
from tests.integration.ocr_pages_world import HOLDER, INVOICE, SECRET, client_of, page, painting, read
from tests.integration.ocr_world import OcrWorld, open_world
from tests.servers import fresh_database

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Given:
    """Two documents that were read, and who asks for their pages."""

    world: OcrWorld
    api_pool: Pool
    painters: ReaderPool
    client: httpx.AsyncClient
    mine: Event
    other: Event


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def given(stack: Stack) -> AsyncIterator[Given]:
    painters = painting()
    async with fresh_database(stack, "ocr") as dsns, open_world(stack, dsns) as world:
        await painters.start(warm=False)
        api_pool = await open_pool(dsns["ocr"].api, "ocr")
        try:
            mine, other = await read(world, INVOICE, two_pages())
            async with client_of(world, api_pool, painters) as client:
                yield Given(world, api_pool, painters, client, mine, other)
        finally:
            await api_pool.close()
            await painters.stop()


async def test_no_token_opens_a_page_and_a_link_needs_none(given: Given) -> None:
    token = mint(SECRET, Principal(subject="x", roles=("OPERATEUR",)))
    bare = page(given.mine, 1).partition("?")[0]
    answer = await given.client.get(bare, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "PAGES_LINK_REFUSED")
    assert (await given.client.get(page(given.mine, 1))).status_code == 200


async def test_what_was_forged_or_given_for_another_document_opens_nothing(given: Given) -> None:
    mine, other = given.mine, given.other
    good = page(mine, 1)
    stolen = good.replace(mine.subject, other.subject)
    attacks = [
        stolen,
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good.replace("signature=", "signature=A"),
        good.replace("expires=", "expires=9"),
        good.replace("expires=", "expires=0"),
        good.partition("&")[0],
        links.make(SECRET, UUID(mine.subject), Holder("other")).template.replace("{n}", "1").partition("&sig")[0]
        + "&sig"
        + good.partition("&sig")[2],
        good.partition("?")[0],
        good.replace("signature=", "sig="),
        good + "&expires=99999999999",
        page(mine, 1).replace(mine.subject, mine.subject.upper()) + "x",
        links.make("another-secret-of-another-service-0000", UUID(mine.subject), HOLDER).template.replace("{n}", "1"),
        links.make(SECRET, UUID(mine.subject), HOLDER).index.replace(mine.subject, other.subject),
    ]
    for attack in attacks:
        answer = await given.client.get(attack)
        assert (answer.status_code, answer.json()["code"]) == (403, "PAGES_LINK_REFUSED"), attack
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_link_ends_with_the_right_it_was_given_under_and_then_tells_nothing(given: Given) -> None:
    signer, access = Signer(), Access(given.world.pool, given.world.dsns["ocr"].worker, "ocr")

    async def know(*entries: Payload) -> None:
        async with given.world.pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, "ocr", entries)
        access._forget_everything()  # what the listener does when it hears

    await know(signer.entry(), account("reader", 1, Grant(role="FOURNISSEUR", structure=SUPPLIER)))
    holder = (await access.principal(signer.token("reader"))).holder
    there, never = (
        links.make(SECRET, document, holder).template.replace("{n}", "1")
        for document in (UUID(given.mine.subject), uuid4())
    )
    async with client_of(given.world, given.api_pool, given.painters, access) as client:
        first = await client.get(there)
        assert (first.status_code, (await client.get(never)).status_code) == (200, 404)
        developers = page(given.mine, 1)
        assert (await client.get(developers)).status_code == 403, "this service takes no development tokens"
        await know(account("reader", 2))
        told = []
        for address in (there, never):
            answer = await client.get(address, headers={"If-None-Match": first.headers["etag"]})
            told.append((answer.status_code, *(answer.json()[name] for name in ("code", "title", "detail"))))
        assert told[0] == told[1]
        assert told[0][:2] == (403, "LINK_WITHDRAWN")


async def test_a_link_that_is_over_says_so(given: Given) -> None:
    answer = await given.client.get(page(given.mine, 1, now=time.time() - 3_600))
    assert (answer.status_code, answer.json()["code"]) == (410, "PAGES_LINK_EXPIRED")


@pytest.mark.parametrize(
    "number", ["0", "2", "-1", "1000000000", "01", "+1", "1.0", "1e0", "x", "１", "%31%30%30%30%30", "1%00", "..%2f1"]
)
async def test_a_page_that_is_not_there_is_unknown(given: Given, number: str) -> None:
    answer = await given.client.get(page(given.mine, number))
    assert answer.status_code == 404
    assert answer.json()["code"] in ("PAGE_UNKNOWN", "NOT_FOUND")
    assert await given.world.pool.fetchval("select count(*) from page where number <> 1") == 0


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/1.png/../../lost", "/%2e%2e/lost.png", "/1.jpg", "/.png", "/"])
async def test_tricks_with_the_path_lead_nowhere(given: Given, path: str) -> None:
    query = page(given.mine, 1).partition("?")[2]
    answer = await given.client.get(f"/api/v1/pages/{given.mine.subject}{path}?{query}")
    assert answer.status_code in (401, 404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_document_that_is_unknown_or_not_yet_read_has_no_page(given: Given) -> None:
    [waiting] = await given.world.receive(await given.world.store(INVOICE))
    for subject in (waiting.subject, str(uuid4())):
        answer = await given.client.get(links.make(SECRET, UUID(subject), HOLDER).template.replace("{n}", "1"))
        assert (answer.status_code, answer.json()["code"]) == (404, "PAGE_UNKNOWN")
