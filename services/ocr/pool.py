"""Killable reader processes: a document that crashes, hangs or eats memory costs itself, and nothing else.

pdfium parses hostile input in native code, so every document is read in a worker process with bounded memory and a
bounded time. A worker that dies or hangs is replaced; its document is read once more by a fresh one, then given up
with a reason.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from services.ocr.domain import Reading
from services.ocr.outcomes import outcome
from services.ocr.worker import FAILED, LENGTH, OUT_OF_MEMORY, READING, READY

START_TIMEOUT: Final = 30.0
ATTEMPTS: Final = 2
_CHILD_SOCKET: Final = 3
_ROOT: Final = Path(__file__).resolve().parents[2]
_decode = msgspec.msgpack.Decoder(Reading).decode


class ReaderUnavailable(Exception):
    """No worker process could be started: the machine's trouble, not the document's. Try again later."""


class _Lost(Exception):
    """The worker is gone. ``code`` is the reason for its document if that happens again."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Worker:
    """One process and the socket to it."""

    def __init__(self, pid: int, memory: int, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.pid, self.memory = pid, memory
        self.reader, self.writer = streams
        self.served = 0

    @classmethod
    async def start(cls, memory_mb: int) -> "_Worker":
        """Spawn a process and wait until it is warm. Raises ReaderUnavailable."""
        ours, theirs = socket.socketpair()
        with theirs:
            streams = await asyncio.open_connection(sock=ours)
            try:
                pid = _spawn(theirs.fileno(), memory_mb)
            except OSError as error:
                streams[1].close()
                raise ReaderUnavailable(f"no reader process can be started: {error}") from error
        worker = cls(pid, memory_mb << 20, streams)
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

    async def ask(self, data: bytes, timeout: float) -> bytes:
        """The reply to one document. Raises _Lost, the process being dead then."""
        try:
            async with asyncio.timeout(timeout):
                self.writer.write(LENGTH.pack(len(data)))
                self.writer.write(data)
                await self.writer.drain()
                reply = await self._receive()
        except TimeoutError:
            self.kill()
            raise _Lost("READER_TIMEOUT") from None
        except (OSError, asyncio.IncompleteReadError):
            raise _Lost("READER_MEMORY" if self.kill() else "READER_CRASHED") from None
        except BaseException:
            self.kill()
            raise
        self.served += 1
        return reply

    async def _receive(self) -> bytes:
        (size,) = LENGTH.unpack(await self.reader.readexactly(LENGTH.size))
        return await self.reader.readexactly(size)

    def kill(self) -> bool:
        """End the process and take its exit; whether it had ended itself for lack of memory.

        pdfium aborts when it is refused memory. (The most memory held is not told apart from what the parent held
        when it spawned the process, so it is a condition, not a proof.)
        """
        self.writer.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        try:
            _, status, usage = os.wait4(self.pid, 0)
        except ChildProcessError:
            return False
        aborted = os.waitstatus_to_exitcode(status) == -signal.SIGABRT
        return aborted and usage.ru_maxrss << 10 > self.memory // 2


def _spawn(descriptor: int, memory_mb: int) -> int:
    """A process that talks over ``descriptor``; takes a millisecond. Raises OSError."""
    arguments = (str(_CHILD_SOCKET), str(os.getpid()), str(memory_mb))
    # The service's own environment holds secrets that a reader of hostile documents has no use for.
    environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "services.ocr.worker", *arguments],
        environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, _CHILD_SOCKET)],
    )


class _Slot:
    """A place for one worker; empty until it is needed after a loss."""

    def __init__(self) -> None:
        self.worker: _Worker | None = None


class ReaderPool:
    """``workers`` warm processes; ``timeout`` seconds and ``memory_mb`` of address space for each document.

    A worker is replaced after ``recycle_after`` documents, so that what native code leaks stays bounded. ``report``
    is called as ``report("reader.lost", reason=…)`` for what an operator should see; ``losses`` counts the same.
    The thread that starts the pool must live as long as the pool: workers die with it.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout: float = 20.0,
        memory_mb: int = 1024,
        recycle_after: int = 2000,
        report: Callable[..., object] | None = None,
    ) -> None:
        self._timeout, self._memory_mb, self._recycle_after = timeout, memory_mb, recycle_after
        self._slots = [_Slot() for _ in range(workers)]
        self._idle: asyncio.Queue[_Slot] = asyncio.Queue()
        self._report = report or _say_nothing
        self._stopped = False
        self.losses: Counter[str] = Counter()

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes that run now."""
        return tuple(slot.worker.pid for slot in self._slots if slot.worker is not None)

    async def start(self) -> None:
        """Start every worker. Raises ReaderUnavailable, with none left behind."""
        try:
            async with asyncio.TaskGroup() as group:
                for slot in self._slots:
                    group.create_task(self._ready(slot))
        except* ReaderUnavailable as failures:
            await self.stop()
            raise failures.exceptions[0] from None
        for slot in self._slots:
            self._idle.put_nowait(slot)

    async def stop(self) -> None:
        """End every worker, the busy ones too."""
        self._stopped = True
        for slot in self._slots:
            self._empty(slot)

    async def read(self, data: bytes) -> Reading:
        """One document's reading, with the reason in it when it cannot be read; waits for a free worker.

        Raises ReaderUnavailable only. A cancelled call takes its worker with it, not the pool.
        """
        slot = await self._idle.get()
        try:
            return await self._read_with(slot, data)
        finally:
            self._idle.put_nowait(slot)

    async def _read_with(self, slot: _Slot, data: bytes) -> Reading:
        code = ""
        for _ in range(ATTEMPTS):
            worker = await self._ready(slot)
            try:
                reply = await worker.ask(data, self._timeout)
            except _Lost as loss:
                slot.worker, code = None, loss.code
                self._count(code)
            except BaseException:
                slot.worker = None
                raise
            else:
                return self._reading(slot, reply)
        return Reading(unreadable=(outcome(code),))

    def _reading(self, slot: _Slot, reply: bytes) -> Reading:
        kind, body = reply[:1], reply[1:]
        if kind == READING:
            return _decode(body)
        self._empty(slot)  # after a lack of memory or a bug, a fresh process is the safe one
        self._count("READER_MEMORY" if kind == OUT_OF_MEMORY else "READER_FAILED", place=body.decode())
        return Reading(unreadable=(outcome("READER_CRASHED" if kind == FAILED else "READER_MEMORY"),))

    async def _ready(self, slot: _Slot) -> _Worker:
        """The slot's worker; a new one where it has none, it died while idle, or it has served its time."""
        if self._stopped:
            raise ReaderUnavailable("the reader pool is stopped")
        if slot.worker is not None and (slot.worker.gone or slot.worker.served >= self._recycle_after):
            self._empty(slot)
        if slot.worker is None:
            slot.worker = await _Worker.start(self._memory_mb)
        return slot.worker

    def _empty(self, slot: _Slot) -> None:
        if slot.worker is not None:
            slot.worker.kill()
            slot.worker = None

    def _count(self, reason: str, **where: str) -> None:
        self.losses[reason] += 1
        self._report("reader.lost", reason=reason, **where)


def _say_nothing(*_: object, **__: object) -> None:
    """The default of ``report``."""
