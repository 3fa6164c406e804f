"""The connections of the pages to the services, and the tokens that people are known by there."""

import time
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.portal.pages.pace import Turns
from services.portal.pages.person import Person
from services.portal.pages.wire import Inside, Network
from services.portal.tokens import Tokens

SECONDS: Final = 5.0
#: Between two bits of a file.
LONG: Final = 60.0
#: A token is used for so long; it lasts longer, for what is asked at the end.
_USED: Final = 120.0
_MOST: Final = 20_000
ITSELF: Final = "portal"


def no_cookies() -> CookieJar:
    """Connections are everybody's: no cookie of an answer is kept, let alone sent with another person's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class Services:
    """The connections to the services, for the life of the process."""

    def __init__(self, app: FastAPI, tokens: Tokens, urls: Mapping[str, str], origin: str) -> None:
        self._client = httpx.AsyncClient(timeout=SECONDS, transport=Network(), cookies=no_cookies())
        self._inside = httpx.AsyncClient(timeout=SECONDS, transport=Inside(app), cookies=no_cookies())
        #: For files, which take as long as their browser: pages do not wait behind them.
        self._files = httpx.AsyncClient(timeout=LONG, transport=Network(), cookies=no_cookies())
        self.turns = Turns()
        #: For what stays open while somebody looks.
        self.feeds = httpx.AsyncClient(transport=Network(kept=False), cookies=no_cookies())
        self._origin = origin
        self._tokens = tokens
        self.urls = {name: url for name, url in urls.items() if name != ITSELF}
        self._made: dict[tuple[UUID, int], tuple[str, float]] = {}

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()
        await self._inside.aclose()
        await self._files.aclose()
        await self.feeds.aclose()

    async def token(self, person: Person) -> str:
        """His own short token, made anew every two minutes and whenever his rights change."""
        key, now = (person.signed.id, person.version), time.monotonic()
        known = self._made.get(key)
        if known is not None and known[1] > now:
            return known[0]
        if len(self._made) >= _MOST:
            self._made.clear()
        made = await self._tokens.access(person.subject, person.version, session=str(person.signed.id))
        self._made[key] = (made, now + _USED)
        return made

    def client(self, service: str, *, files: bool = False) -> tuple[httpx.AsyncClient, str]:
        """Who asks this service, and where it is. Raises ``KeyError`` for a service that is not set up."""
        if service != ITSELF:
            return self._files if files else self._client, self.urls[service]
        return self._inside, self._origin

    async def health(self, service: str) -> bool:
        """Whether the service says that it is ready."""
        client, url = self.client(service)
        try:
            return (await client.get(f"{url}/health/ready", timeout=2)).status_code == 200
        except httpx.HTTPError:
            return False
