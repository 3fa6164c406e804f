"""A file of a service on its way to the browser, bit by bit, as long as the browser takes it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx
import msgspec
from starlette.requests import ClientDisconnect

from services.portal.pages.pace import Pace, Turn

_CHUNK: Final = 65_536
_LOOK_SECONDS: Final = 5.0


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a service on its way to the browser."""

    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


async def fed(answer: httpx.Response) -> AsyncIterator[bytes]:
    """What comes as it comes, for as long as somebody looks."""
    try:
        async for chunk in answer.aiter_bytes():
            yield chunk
    finally:
        await answer.aclose()


async def handed(answer: httpx.Response, turn: Turn) -> AsyncIterator[bytes]:
    """The file in pieces. Raises ``ClientDisconnect`` for a browser that takes it too slowly (:class:`Pace`)."""
    pace = Pace()
    watch = asyncio.create_task(_watched(answer, pace, turn))
    try:
        async for chunk in answer.aiter_bytes(_CHUNK):
            pace.wait()
            yield chunk
            pace.moved(len(chunk))
            if watch.done():
                raise ClientDisconnect
    finally:
        watch.cancel()
        turn.give_back()
        await answer.aclose()


async def _watched(answer: httpx.Response, pace: Pace, turn: Turn) -> None:
    """Who takes nothing never comes back to be asked: his connection is closed behind him."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if pace.too_slow:
            break
    turn.give_back()
    await answer.aclose()
