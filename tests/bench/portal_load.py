"""Pages asked for at their own time, whatever became of those before: how long each took, and whether it was whole."""

import asyncio
import gc
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec

from services.portal.pages.words import catalogue
from tests.bench.portal_pages import Asked

#: A page that could not ask a service stands there with a notice: here it is an error.
_AWAY: Final = (str(catalogue("fr")["common.away_title"]).encode(), str(catalogue("fr")["error.title_away"]).encode())
_PACKED: Final = 31
_SECONDS: Final = 30.0
_LEAD: Final = 1.0
_BROWSER: Final = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Encoding": "gzip",
    "Accept-Language": "fr",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from the moment at which a request was due to the first and the last byte of its answer.

    ``wrong``: what was not as it must be, empty for a page that is whole.
    """

    kind: str
    path: str
    first: float
    whole: float
    size: int
    wrong: str = ""


async def ask(url: str, asked: Sequence[Asked], rate: float) -> list[Answer]:
    """Ask for each at its time, ``rate`` a second."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(
        base_url=url,
        headers=_BROWSER,
        timeout=timeout,
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as client:
        # Its own first moments (a task for each request, a collection of its own litter) are not the pages'.
        gc.collect()
        gc.freeze()
        begun = time.perf_counter() + _LEAD
        return await asyncio.gather(*(_one(client, each, begun + n / rate) for n, each in enumerate(asked)))


async def _one(client: aiohttp.ClientSession, asked: Asked, due: float) -> Answer:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    cookie = {"Cookie": asked.person.cookie} if asked.person else {}
    first, body = 0.0, b""
    try:
        async with client.get(asked.path, headers=cookie, allow_redirects=False) as answer:
            first = time.perf_counter()
            body = await answer.read()
            whole = time.perf_counter()
            packed = answer.headers.get("Content-Encoding") == "gzip"
            wrong = _wrong(asked, answer.status, body, packed)
    except (aiohttp.ClientError, TimeoutError) as error:
        whole = time.perf_counter()
        first, wrong = first or whole, type(error).__name__
    return Answer(
        kind=asked.kind,
        path=asked.path,
        first=1000 * (first - due),
        whole=1000 * (whole - due),
        size=len(body),
        wrong=wrong,
    )


def _wrong(asked: Asked, status: int, body: bytes, packed: bool) -> str:
    if status != 200:
        return f"status {status}"
    text = zlib.decompress(body, _PACKED) if packed else body
    if any(said in text for said in _AWAY):
        return "a service did not answer"
    missing = next((each for each in asked.expects if each not in text), None)
    return f"without {missing!r}" if missing is not None else ""


def told(answers: Sequence[Answer]) -> Sequence[str]:
    """What went wrong, the most frequent first, each with an address where it did."""
    wrong = [each for each in answers if each.wrong]
    found = Counter((each.kind, each.wrong) for each in wrong)
    where = {(each.kind, each.wrong): each.path for each in wrong}
    return [f"{count} × {key[0]}: {key[1]}, such as {where[key]}" for key, count in found.most_common()]
