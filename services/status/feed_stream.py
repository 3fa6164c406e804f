"""One client's feed as server-sent events."""

import asyncio
import time

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.common import telemetry
from services.common.access import Identity
from services.common.auth import Principal
from services.common.failures import is_transient
from services.status import metrics
from services.status.feed import Feed, Reader

_AGAIN_SECONDS = 1.0


class EventStream(Response):
    """It holds no connection while it writes, and at most one page in memory."""

    def __init__(self, feed: Feed, principal: Principal, position: int, access: Identity | None = None) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.raw_headers.append((b"content-type", b"text/event-stream; charset=utf-8"))
        self._feed = feed
        self._reader = Reader(principal, position, access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves, is too slow, the process stops, or the token and its rights are over."""
        reader = self._reader
        gone = asyncio.create_task(_until_gone(receive))
        gone.add_done_callback(lambda _: reader.woken.set())
        self._feed.enter(reader)
        metrics.FEEDS.set(self._feed.clients)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._write(send, b"retry: 2000\nid: %d\n\n" % reader.position)
            await self._follow(send, gone)
            await self._write(send, b"", more=False)
        except TimeoutError:
            metrics.FEEDS_DROPPED.inc()
            telemetry.logger().warning("feed.client_dropped", position=reader.position)
        finally:
            gone.cancel()
            self._feed.leave(reader)
            metrics.FEEDS.set(self._feed.clients)

    async def _follow(self, send: Send, gone: "asyncio.Task[None]") -> None:
        feed, reader = self._feed, self._reader
        quiet = feed.settings.feed_heartbeat_seconds
        end = time.monotonic() + self._seconds_allowed()
        beat = time.monotonic() + quiet
        while not gone.done() and not feed.stopping() and not reader.over and time.monotonic() < end:
            chunk = b""
            if await reader.wait(max(0.0, min(beat, end) - time.monotonic())):
                if gone.done() or feed.stopping() or reader.over:
                    return
                chunk = await self._next()
            elif reader.position < feed.end:
                reader.position = feed.end  # nothing up to there concerns this client, or it would have been woken
            if not chunk and time.monotonic() >= beat:
                # An id without data moves the client's position past what it may not see.
                chunk = b": heartbeat\nid: %d\n\n" % reader.position
            if chunk:
                await self._write(send, chunk)
                beat = time.monotonic() + quiet

    def _seconds_allowed(self) -> float:
        """Until the feed's own limit, or the end of the token it was opened with."""
        limit = self._feed.settings.feed_seconds
        expires = self._reader.principal.expires
        return limit if expires is None else min(limit, expires - time.time())

    async def _next(self) -> bytes:
        try:
            if await self._reader.ended():
                return b""
            return await self._feed.page(self._reader)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(_AGAIN_SECONDS)
            return b""

    async def _write(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._feed.settings.feed_write_seconds):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
