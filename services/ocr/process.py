"""One killable reader process, and the socket to it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final, NamedTuple

from services.ocr.answers import LENGTH, READY

START_TIMEOUT: Final = 30.0
_CHILD_SOCKET: Final = 3
_ROOT: Final = Path(__file__).resolve().parents[2]


class ReaderUnavailable(Exception):
    """No worker process could be started: the machine's trouble, not the document's. Try again later."""


class Lost(Exception):
    """The worker is gone. ``code`` is the reason for its document if that happens again."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Bounds(NamedTuple):
    """What a worker may take: megabytes of address space, seconds of processor time for each request."""

    megabytes: int
    seconds: int


class Process:
    """A worker process that serves one request at a time."""

    def __init__(self, pid: int, memory: int, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.pid, self.memory = pid, memory
        self.reader, self.writer = streams
        self.served = 0
        self.directory: bytes | None = None  # what it was told of the directory

    @classmethod
    async def start(cls, bounds: Bounds) -> "Process":
        """Spawn a process and wait until it is warm. Raises ReaderUnavailable."""
        ours, theirs = socket.socketpair()
        with theirs:
            streams = await asyncio.open_connection(sock=ours)
            try:
                pid = _spawn(theirs.fileno(), bounds)
            except OSError as error:
                streams[1].close()
                raise ReaderUnavailable(f"no reader process can be started: {error}") from error
        worker = cls(pid, bounds.megabytes << 20, streams)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                ready = await worker._receive()
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            worker.kill()
            raise ReaderUnavailable("a reader process did not start") from error
        except BaseException:
            worker.kill()
            raise
        if ready != READY:
            worker.kill()
            raise ReaderUnavailable("a reader process did not start")
        return worker

    @property
    def gone(self) -> bool:
        """Whether the process closed its end: it died while nothing was asked of it."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def ask(self, kind: bytes, data: bytes, timeout: float) -> bytes:
        """The reply to one request; ``kind`` is what is asked. Raises Lost, the process being dead then."""
        try:
            async with asyncio.timeout(timeout):
                self.writer.write(LENGTH.pack(len(kind) + len(data)) + kind)
                self.writer.write(data)
                await self.writer.drain()
                reply = await self._receive()
        except TimeoutError:
            self.kill()
            raise Lost("READER_TIMEOUT") from None
        except (OSError, asyncio.IncompleteReadError):
            raise Lost(self.kill()) from None
        except BaseException:
            self.kill()
            raise
        self.served += 1
        return reply

    async def _receive(self) -> bytes:
        (size,) = LENGTH.unpack(await self.reader.readexactly(LENGTH.size))
        return await self.reader.readexactly(size)

    def kill(self) -> str:
        """End the process and take its exit: the code of what it had ended of by itself.

        pdfium aborts when it is refused memory. (The most memory held is not told apart from what the parent held
        when it spawned the process, so it is a condition, not a proof.) SIGXCPU says that the time is used up.
        """
        self.writer.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        try:
            _, status, usage = os.wait4(self.pid, 0)
        except ChildProcessError:
            return "READER_CRASHED"
        ended_by = -os.waitstatus_to_exitcode(status)
        if ended_by == signal.SIGXCPU:
            return "READER_TIMEOUT"
        aborted = ended_by == signal.SIGABRT and usage.ru_maxrss << 10 > self.memory // 2
        return "READER_MEMORY" if aborted else "READER_CRASHED"


def _spawn(descriptor: int, bounds: Bounds) -> int:
    """A process that talks over ``descriptor``; takes a millisecond. Raises OSError."""
    arguments = (str(_CHILD_SOCKET), str(os.getpid()), str(bounds.megabytes), str(bounds.seconds))
    # The service's own environment holds secrets that a reader of hostile documents has no use for.
    environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "services.ocr.worker", *arguments],
        environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, _CHILD_SOCKET)],
    )
