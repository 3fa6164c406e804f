"""``/etat``: which parts of the platform answer now, as their own health says."""

import asyncio
import time
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import clock
from services.portal.pages.connections import Services
from services.portal.pages.page import Visit

#: The page is public: what it asks is asked at most so often, however many look.
_KEPT_SECONDS: Final = 5.0
ORDER: Final = ("portal", "ingest", "ocr", "routing", "status", "notify", "supervision")


class _Seen:
    def __init__(self) -> None:
        self._states: dict[str, bool] = {}
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def look(self, services: Services) -> dict[str, bool]:
        async with self._asking:
            if time.monotonic() > self._until:
                names = [name for name in ORDER if name == "portal" or name in services.urls]
                answers = await asyncio.gather(*(services.health(name) for name in names))
                self._states = dict(zip(names, answers, strict=True))
                self._until = time.monotonic() + _KEPT_SECONDS
            return self._states


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    seen = _Seen()

    @router.get("/etat")
    async def state(page: Visit) -> Response:
        states = await seen.look(page.house.services)
        return page.render("state.html", states=states, well=all(states.values()), now=clock.now())
