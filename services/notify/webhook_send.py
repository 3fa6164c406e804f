"""Calls a receiver at the very address that was checked. The only importer of aiohttp.

For each connection the name is resolved once and every address it has is checked; the address of the socket is checked
again as it is made, whatever led to it. TLS and the Host header keep the name. Redirects are never followed.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.notify.webhook_address import Network, may_call
from services.notify.webhook_rules import Result

_EXCERPT = 300
_READ = 16_384
_RESOLVERS = 64


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one call. Seconds; ``connections`` of all receivers together."""

    connect: float
    whole: float
    connections: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to. ``answer`` is the beginning of what was answered, or why nothing was; ``ms`` how long."""

    result: Result
    ms: int
    status: int | None = None
    answer: str = ""
    retry_after: float = 0.0


class Forbidden(Exception):
    """The name leads to an address that may not be called. Not one of it is tried."""


class Resolver(AbstractResolver):
    """All addresses of a name, or :class:`Forbidden` when one of them may not be called."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        # Threads of our own: a name server that hangs holds up no other part of the process.
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")
        self._asked: dict[tuple[str, int], asyncio.Future[list[tuple[int, str]]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises :class:`Forbidden`, or OSError for a name without address."""
        try:
            found = await self._look_up(host, port)
        except UnicodeError as error:
            raise OSError("the name cannot be resolved") from error
        if not all(_may_call(address, self._allowed) for _, address in found):
            raise Forbidden
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=socket.IPPROTO_TCP, flags=0)
            for kind, address in dict.fromkeys(found)
        ]

    async def _look_up(self, host: str, port: int) -> list[tuple[int, str]]:
        """One question at a time for a name: one whose server hangs holds one thread, however many wait for it."""

        def ask() -> list[tuple[int, str]]:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            return [(int(info[0]), str(info[4][0])) for info in found]

        question = self._asked.get((host, port))
        if question is None:
            question = asyncio.get_running_loop().run_in_executor(self._threads, ask)
            self._asked[host, port] = question
            question.add_done_callback(lambda done: self._answered(host, port, done))
        return await asyncio.shield(question)

    def _answered(self, host: str, port: int, question: asyncio.Future[list[tuple[int, str]]]) -> None:
        self._asked.pop((host, port), None)
        if not question.cancelled():
            question.exception()  # seen, even when nobody waits any more

    async def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _may_call(address: str, allowed: Sequence[Network]) -> bool:
    """For an address exactly as it will be connected to; ``127.1`` and the like are none."""
    try:
        return may_call(ipaddress.ip_address(address), allowed)
    except ValueError:
        return False


class Sender:
    """One pool of connections, kept open between deliveries. Made inside the running loop."""

    def __init__(self, limits: Limits, allowed: Sequence[Network], ca_file: str | None = None) -> None:
        self._limits = limits
        self._allowed = allowed
        connector = aiohttp.TCPConnector(
            resolver=Resolver(allowed),
            use_dns_cache=False,
            socket_factory=self._socket,
            ssl=ssl.create_default_context(cafile=ca_file),
            limit=limits.connections,
            keepalive_timeout=20.0,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=limits.whole, sock_connect=limits.connect),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        )

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = info
        if not _may_call(str(where[0]), self._allowed):
            raise Forbidden
        return socket.socket(family, kind, protocol)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Hand over one event. Whatever the receiver does is an outcome."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.whole):
                status, answer, retry_after = await self._call(url, headers, body)
        except Exception as error:
            result, words = _failure(error)
            return Outcome(result=result, ms=_ms(began), answer=words)
        return Outcome(
            result=_meaning(status), ms=_ms(began), status=status, answer=_excerpt(answer), retry_after=retry_after
        )

    async def _call(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes, float]:
        answer = b""
        async with self._session.post(
            URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        ) as response:
            # An answer that breaks off is no answer; of one that never ends enough has been seen.
            async for part in response.content.iter_any():
                answer += part[: _READ - len(answer)]
                if len(answer) >= _READ:
                    response.close()
                    break
            return response.status, answer, _retry_after(response.headers.get("Retry-After", ""))

    async def close(self) -> None:
        """Close every connection."""
        with suppress(Exception):
            async with asyncio.timeout(1):
                await self._session.close()


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _meaning(status: int) -> Result:
    if 200 <= status < 300:
        return "delivered"
    return "redirect" if 300 <= status < 400 else "refused"


def _failure(error: Exception) -> tuple[Result, str]:
    """A failed call in one word, and what the log shows. No text of an exception: it may quote an answer."""
    name = type(error).__name__
    if isinstance(error, Forbidden | aiohttp.InvalidURL):
        return "forbidden", "private or reserved address"
    if isinstance(error, TimeoutError):
        return "timeout", name
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "tls", name
    if isinstance(error, aiohttp.ClientConnectorError):
        return "unreachable", name
    if isinstance(error, aiohttp.ClientError | OSError):
        return "broken", name
    return "fault", name


def _retry_after(value: str) -> float:
    """Seconds that the receiver asks for; a date is not read."""
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else 0.0


def _excerpt(answer: bytes) -> str:
    """The first characters, as one printable line: it is stored and shown."""
    text = answer[: 4 * _EXCERPT].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text)[:_EXCERPT]
