"""The live feed: what the relay has sent, in its order, to everybody who may see it. Any instance serves any client."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import asyncpg
import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contracts.codec import codec
from contracts.events import StatusChanged
from invoice.lifecycle import STATUSES
from services.common import telemetry
from services.common.auth import Principal
from services.common.db import Pool, scoped
from services.common.failures import is_transient
from services.common.listen import Listener
from services.common.record import unpack_headers
from services.status import metrics
from services.status.settings import StatusSettings

PAGE = 200
#: Rows looked at in one query, seen or not: a client who sees little must not hold a connection for long.
WINDOW = 5_000
_GATHER_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_changed = codec(StatusChanged)
_json = msgspec.json.Encoder()


class Bounds(msgspec.Struct, frozen=True):
    """What the outbox still holds of the feed: ``first`` and ``last`` are None when nothing is kept."""

    first: int | None
    last: int | None
    counter: int

    def holds(self, position: int) -> bool:
        """Whether a client who has everything up to ``position`` can go on without a gap."""
        if self.first is None or self.last is None:
            return position in (0, self.counter)
        return self.first - 1 <= position <= self.last

    @property
    def start(self) -> int:
        """The position before everything that is kept."""
        return self.first - 1 if self.first is not None else 0

    @property
    def end(self) -> int:
        """The position after everything that is sent. Numbers not committed yet do not count: they would be missed."""
        return self.last or 0


class Feed:
    """Knows how far the relay has come, and tells the clients of this instance."""

    def __init__(self, pool: Pool, api_pool: Pool, listener: Listener, settings: StatusSettings) -> None:
        self._pool = pool
        self._api_pool = api_pool
        self._listener = listener
        self.settings = settings
        self.end = 0
        self.clients = 0
        self.clients_of: Counter[str] = Counter()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Follow the relay until cancelled."""
        while True:
            await self._listener.wait(_LOOK_SECONDS)
            try:
                self._move((await self.bounds()).end)
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("feed.failed")

    async def bounds(self) -> Bounds:
        """What is kept now."""
        row = await self._pool.fetchrow("select first, last, counter from feed_bounds()")
        assert row is not None
        return Bounds(row["first"], row["last"], row["counter"])

    def _move(self, end: int) -> None:
        if end > self.end:
            self.end = end
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    async def wait_beyond(self, position: int, seconds: float) -> bool:
        """Whether something was sent after ``position``; waits up to ``seconds`` for it."""
        if self.end <= position:
            try:
                await asyncio.wait_for(self._moved.wait(), seconds)
            except TimeoutError:
                return False
        return self.end > position

    async def page(self, principal: Principal, position: int) -> tuple[bytes, int]:
        """The next events after ``position`` that the principal may see, and the position reached."""
        upto = min(self.end, position + WINDOW)
        async with scoped(self._api_pool, principal.scope()) as connection:
            rows = await connection.fetch(
                "select sequence, key, headers, value from outbox where sequence > $1 and sequence <= $2"
                " order by sequence limit $3",
                position,
                upto,
                PAGE,
            )
        reached = rows[-1]["sequence"] if len(rows) == PAGE else upto
        return b"".join(_event(row) for row in rows), reached


def _event(row: asyncpg.Record) -> bytes:
    headers = dict(unpack_headers(row["headers"]))
    changed = _changed.decode(row["value"])
    data = _json.encode(
        {
            "event": headers["ce_id"].decode(),
            "invoice": row["key"],
            "time": headers["ce_time"].decode(),
            "label": STATUSES[changed.status_to].label_fr,
            "changed": msgspec.Raw(row["value"]),
        }
    )
    return b"id: %d\nevent: status.changed\ndata: %s\n\n" % (row["sequence"], data)


class EventStream(Response):
    """One client's feed. It holds no connection while it writes, and at most one page in memory."""

    def __init__(self, feed: Feed, principal: Principal, position: int, stopping: Callable[[], bool]) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.raw_headers.append((b"content-type", b"text/event-stream; charset=utf-8"))
        self._feed = feed
        self._principal = principal
        self._position = position
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves, is too slow, the process stops, or the token is to be checked again."""
        gone = asyncio.create_task(_until_gone(receive))
        self._count(1)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._write(send, b"retry: 2000\nid: %d\n\n" % self._position)
            await self._follow(send, gone)
            await self._write(send, b"", more=False)
        except TimeoutError:
            metrics.FEEDS_DROPPED.inc()
            telemetry.logger().warning("feed.client_dropped", position=self._position)
        finally:
            gone.cancel()
            self._count(-1)

    def _count(self, change: int) -> None:
        self._feed.clients += change
        self._feed.clients_of += Counter({self._principal.subject: change})  # keeps no one who has none left
        metrics.FEEDS.set(self._feed.clients)

    async def _follow(self, send: Send, gone: "asyncio.Task[None]") -> None:
        settings = self._feed.settings
        end = time.monotonic() + self._seconds_allowed()
        quiet_since = time.monotonic()
        while not gone.done() and not self._stopping() and time.monotonic() < end:
            chunk = b""
            if await self._feed.wait_beyond(self._position, _LOOK_SECONDS):
                chunk, self._position = await self._next()
            if not chunk and time.monotonic() - quiet_since >= settings.feed_heartbeat_seconds:
                # An id without data moves the client's position past what it may not see.
                chunk = b": heartbeat\nid: %d\n\n" % self._position
            if chunk:
                await self._write(send, chunk)
                quiet_since = time.monotonic()

    def _seconds_allowed(self) -> float:
        """Until the feed's own limit, or the end of the token it was opened with."""
        limit = self._feed.settings.feed_seconds
        expires = self._principal.expires
        return limit if expires is None else min(limit, expires - time.time())

    async def _next(self) -> tuple[bytes, int]:
        try:
            chunk, reached = await self._feed.page(self._principal, self._position)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(_LOOK_SECONDS)
            return b"", self._position
        if not chunk:
            await asyncio.sleep(_GATHER_SECONDS)
        return chunk, reached

    async def _write(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._feed.settings.feed_write_seconds):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
