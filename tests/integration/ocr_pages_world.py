"""Pages as a service gives them out: documents that were read, their links, and the routes that open those."""

from uuid import UUID

import httpx

from contracts.envelope import Event
from services.common import links
from services.common.access import Access
from services.common.db import Pool
from services.common.principal import Holder
from services.common.web import create_app
from services.ocr import api
from services.ocr.pages import Pages
from services.ocr.pool import ReaderPool
from tests.documents import sample
from tests.integration.ocr_world import OcrWorld

SECRET = "a-secret-for-the-tests-of-pages-only-0"
INVOICE = sample(4).render()
#: Whoever bears a development token.
HOLDER = Holder("developer")


def painting() -> ReaderPool:
    """What draws pages, to be started."""
    return ReaderPool(workers=1, timeout=2.0, memory_mb=512)


def client_of(
    world: OcrWorld, api_pool: Pool, painters: ReaderPool, access: Access | None = None, **settings: int
) -> httpx.AsyncClient:
    """Who asks the routes of pages."""
    app = create_app("ocr", token_secret=SECRET, live=_fine, ready=[], access=access)
    api.add_routes(app, api_pool, Pages(api_pool, world.blobs, painters, world.settings(**settings)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=30)


async def _fine() -> str | None:
    return None


async def read(world: OcrWorld, *contents: bytes) -> list[Event]:
    """Documents that have been received and read."""
    events = await world.receive(*[await world.store(content) for content in contents])
    readers = ReaderPool(workers=1)
    await readers.start()
    try:
        async with world.dispatcher(readers):
            await world.until_done(events)
    finally:
        await readers.stop()
    return events


def page(of: Event, number: int | str, *, now: float | None = None) -> str:
    """The address of a page with a link that works."""
    return links.make(SECRET, UUID(of.subject), HOLDER, now=now).template.replace("{n}", str(number))
