"""The parent's side of an unpacking process: it is started, fed, listened to and ended."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from services.ingest.unpack_messages import LENGTH, Ask, Done, Item, Job, encode, said

_ROOT: Final = Path(__file__).resolve().parents[2]
_MAX_MESSAGE: Final = 200_000_000
Fetch = Callable[[int, int], Awaitable[bytes]]


class Lost(Exception):
    """The process is gone, silent, or not to be understood."""


class Unpacking:
    """One process at work on one job."""

    def __init__(self, process: asyncio.subprocess.Process, fetch: Fetch, silence: float) -> None:
        self._process = process
        self._fetch = fetch
        self._silence = silence
        self.done = Done()

    async def items(self) -> AsyncIterator[Item]:
        """What it finds, in order; ``done`` is set behind the last. Raises :class:`Lost`, and what ``fetch`` raises."""
        while True:
            message = await self._next()
            if isinstance(message, Ask):
                await self._send(await self._fetch(message.offset, message.length))
            elif isinstance(message, Item):
                yield message
            else:
                self.done = message
                return

    async def begin(self, job: Job) -> None:
        body = encode(job)
        await self._send(LENGTH.pack(len(body)) + body)

    async def _send(self, content: bytes) -> None:
        assert self._process.stdin is not None
        try:
            async with asyncio.timeout(self._silence):
                self._process.stdin.write(content)
                await self._process.stdin.drain()
        except (OSError, TimeoutError) as error:
            raise Lost(type(error).__name__) from error

    async def _next(self) -> Ask | Item | Done:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(self._silence):
                (size,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
                if size > _MAX_MESSAGE:
                    raise Lost("message too long")
                message: Ask | Item | Done = said(await self._process.stdout.readexactly(size))
                return message
        except (OSError, TimeoutError, asyncio.IncompleteReadError, msgspec.MsgspecError) as error:
            raise Lost(type(error).__name__) from error


@asynccontextmanager
async def unpacking(job: Job, fetch: Fetch, *, memory: int, silence: float) -> AsyncIterator[Unpacking]:
    """A process at work; it is gone when the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.ingest.unpack",
        str(os.getpid()),
        str(memory),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # The service's own environment holds secrets that a reader of hostile files has no use for.
        env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)},
        limit=1 << 20,
    )
    try:
        work = Unpacking(process, fetch, silence)
        await work.begin(job)
        yield work
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
