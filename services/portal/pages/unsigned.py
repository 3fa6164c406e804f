"""Files of who has not signed in: counted before a byte of them is read, few at once, and not for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Request

from services.common.db import Connection
from services.common.web import Problem as Refused
from services.portal.account_limits import Limits
from services.portal.pages.page import Page
from services.portal.pages.problems import Problem, Shown

Counts = Callable[[Limits, Connection, Request], Awaitable[None]]
_SLOW: Final = Problem(status=408, code="UPLOAD_TOO_SLOW")


class Few:
    """So many forms at once in this process. ``counts``: how often one network may send one; ``busy``: what the others
    are told."""

    def __init__(self, most: int, counts: Counts, busy: Problem) -> None:
        self._turns, self._counts, self._busy = asyncio.Semaphore(most), counts, busy

    @asynccontextmanager
    async def turn(self, page: Page) -> AsyncIterator[None]:
        """While the form is read and answered. Raises ``Shown`` for who comes too often, and when all are taken."""
        await self._count(page)
        if self._turns.locked():
            raise Shown(self._busy)
        async with self._turns:
            yield

    async def _count(self, page: Page) -> None:
        parts = page.house.parts
        async with parts.pool.acquire() as connection:
            try:
                await self._counts(Limits(parts.settings), connection, page.request)
            except Refused as refused:
                wait = (refused.headers or {}).get("Retry-After", "")
                shown = Problem(
                    status=refused.status, code=refused.code, detail=refused.detail, wait=int(wait) if wait else None
                )
                raise Shown(shown) from refused


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """What is read within this time. Raises ``Shown`` beyond it."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Shown(_SLOW) from error
