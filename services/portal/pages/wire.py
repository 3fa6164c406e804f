"""What carries the requests of pages: kept connections to the other services, no network at all to portal's own API.

Both stand below ``httpx``, whose own ways cost a page more than all the rest of it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import httpx
from starlette.types import ASGIApp, Message
from yarl import URL

#: Under which a request inside the process says from which network the browser asks.
ASKER: Final = "chorale.asker"
_CONNECTIONS: Final = 100
#: An unused connection is kept so long, which is shorter than the services keep theirs.
_KEPT_SECONDS: Final = 20.0
#: aiohttp says these by itself, by what is sent.
_FRAMING: Final = frozenset({"transfer-encoding", "connection", "host"})


class Network(httpx.AsyncBaseTransport):
    """Connections to the services. ``kept`` false: each is for one request, which may last."""

    def __init__(self, *, kept: bool = True) -> None:
        self._kept = kept
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._kept:
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEPT_SECONDS)
        else:
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still on the way. Raises ``httpx.TransportError``."""
        session = self._session or self._open()
        waits = request.extensions.get("timeout", {})
        timeout = aiohttp.ClientTimeout(
            total=None, connect=waits.get("pool"), sock_connect=waits.get("connect"), sock_read=waits.get("read")
        )
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in _FRAMING]
        try:
            answer = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=headers,
                data=_body(request),
                timeout=timeout,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _said(error, request) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Coming(answer, request))

    async def aclose(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()


def _body(request: httpx.Request) -> Any:
    """What is sent: at once, or bit by bit as it comes."""
    if isinstance(request.stream, httpx.ByteStream):
        return b"".join(request.stream) or None
    assert isinstance(request.stream, httpx.AsyncByteStream)
    return _bits(request.stream)


async def _bits(stream: httpx.AsyncByteStream) -> AsyncIterator[bytes]:
    async for bit in stream:
        yield bit


def _said(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """The same as ``httpx`` says it."""
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout(type(error).__name__, request=request)
    return httpx.NetworkError(type(error).__name__, request=request)


class _Coming(httpx.AsyncByteStream):
    """The body of an answer as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer, self._request = answer, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _said(error, self._request) from error

    async def aclose(self) -> None:
        """Whoever leaves before the end takes the connection with him; a whole answer has given it back already."""
        self._answer.close()


class Inside(httpx.AsyncBaseTransport):
    """The application itself; a request says in its extensions (:data:`ASKER`) who asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The whole answer; a failure of the application is a 500."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        bits, sent, over = aiter(request.stream), False, asyncio.Event()
        status, headers, found = 500, [], []

        async def receive() -> Message:
            nonlocal sent
            if sent:
                await over.wait()
                return {"type": "http.disconnect"}
            try:
                return {"type": "http.request", "body": await anext(bits), "more_body": True}
            except StopAsyncIteration:
                sent = True
                return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], message.get("headers", [])
            else:
                found.append(message.get("body", b""))
                if not message.get("more_body", False):
                    over.set()

        try:
            await self._app(_scope(request), receive, send)
        except Exception:
            status, headers, found = 500, [], []
        return httpx.Response(status, headers=headers, content=b"".join(found))


def _scope(request: httpx.Request) -> dict[str, Any]:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "server": (request.url.host, request.url.port),
        "client": (request.extensions.get(ASKER) or "", 0),
        "root_path": "",
    }
