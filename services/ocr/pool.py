"""Killable reader processes: a document that crashes, hangs or eats memory costs itself, and nothing else.

pdfium parses hostile input in native code, so every document is read in a worker process with bounded memory and a
bounded time. A worker that dies or hangs is replaced; its document is read once more by a fresh one, then given up
with a reason.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from services.ocr.answers import ANSWER, DRAW, FAILED, KNOW, OUT_OF_MEMORY, PLACE, READ, READ_TEXT, Picture, Whole
from services.ocr.outcomes import outcome
from services.ocr.process import START_TIMEOUT, Bounds, Lost, Process, ReaderUnavailable

__all__ = ["ReaderPool", "ReaderUnavailable"]

ATTEMPTS: Final = 2
_whole = msgspec.msgpack.Decoder(Whole).decode
_picture = msgspec.msgpack.Decoder(Picture).decode


class _Refused(Exception):
    """A document for which no answer can be had. ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Slot:
    """A place for one worker; empty until it is needed after a loss."""

    def __init__(self) -> None:
        self.worker: Process | None = None


class ReaderPool:
    """``workers`` warm processes; for each document ``timeout`` seconds, on the clock and of processor time, and
    ``memory_mb`` of address space.

    A worker is replaced after ``recycle_after`` documents, so that what native code leaks stays bounded. ``report``
    is called as ``report("reader.lost", reason=…)`` for what an operator should see; ``losses`` counts the same.
    ``directory`` is what the readers know of the directory (``known.packed``). The thread that starts the pool must
    live as long as the pool: workers die with it.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout: float = 20.0,
        memory_mb: int = 1024,
        recycle_after: int = 2000,
        report: Callable[..., object] | None = None,
        directory: bytes | None = None,
    ) -> None:
        self._timeout, self._recycle_after, self._directory = timeout, recycle_after, directory
        self._bounds = Bounds(memory_mb, max(1, math.ceil(timeout)))
        self._slots = [_Slot() for _ in range(workers)]
        self._idle: asyncio.Queue[_Slot] = asyncio.Queue()
        self._report = report or _say_nothing
        self._stopped = False
        self.losses: Counter[str] = Counter()

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes that run now."""
        return tuple(slot.worker.pid for slot in self._slots if slot.worker is not None)

    async def start(self, *, warm: bool = True) -> None:
        """Start every worker, or, if not ``warm``, each when it is first needed.

        Raises ReaderUnavailable, with none left behind.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for slot in self._slots if warm else ():
                    group.create_task(self._ready(slot))
        except* ReaderUnavailable as failures:
            await self.stop()
            raise failures.exceptions[0] from None
        for slot in self._slots:
            self._idle.put_nowait(slot)

    def know(self, directory: bytes) -> None:
        """From now on the readers know these recipients (``known.packed``); each is told before its next document."""
        self._directory = directory

    async def stop(self) -> None:
        """End every worker, the busy ones too."""
        self._stopped = True
        for slot in self._slots:
            self._empty(slot)

    async def read(self, data: bytes, *, text_only: bool = False) -> Whole:
        """One document's reading, with the reason in it when it cannot be read; waits for a free worker.

        ``text_only`` reads the pages alone. Raises ReaderUnavailable only. A cancelled call takes its worker with it,
        not the pool.
        """
        try:
            return _whole(await self._answer(READ_TEXT if text_only else READ, data))
        except _Refused as error:
            return Whole(unreadable=(outcome(error.code),))

    async def draw(self, data: bytes, page: int) -> Picture:
        """A page of a document, from 1, with the reason in it when there is no picture. Else as :meth:`read`."""
        try:
            return _picture(await self._answer(DRAW + PLACE.pack(page), data))
        except _Refused as error:
            return Picture(refused=outcome(error.code))

    async def _answer(self, kind: bytes, data: bytes) -> bytes:
        slot = await self._idle.get()
        try:
            return await self._answer_of(slot, kind, data)
        finally:
            self._idle.put_nowait(slot)

    async def _answer_of(self, slot: _Slot, kind: bytes, data: bytes) -> bytes:
        code = ""
        for _ in range(ATTEMPTS):
            worker = await self._ready(slot)
            try:
                reply = await worker.ask(kind, data, self._timeout)
            except Lost as loss:
                slot.worker, code = None, loss.code
                self._count(code)
            except BaseException:
                slot.worker = None
                raise
            else:
                return self._body(slot, reply)
        raise _Refused(code)

    def _body(self, slot: _Slot, reply: bytes) -> bytes:
        kind, body = reply[:1], reply[1:]
        if kind == ANSWER:
            return body
        self._empty(slot)  # after a lack of memory or a bug, a fresh process is the safe one
        self._count("READER_MEMORY" if kind == OUT_OF_MEMORY else "READER_FAILED", place=body.decode())
        raise _Refused("READER_CRASHED" if kind == FAILED else "READER_MEMORY")

    async def _ready(self, slot: _Slot) -> Process:
        """The slot's worker; a new one where it has none, it died while idle, or it has served its time."""
        if self._stopped:
            raise ReaderUnavailable("the reader pool is stopped")
        if slot.worker is not None and (slot.worker.gone or slot.worker.served >= self._recycle_after):
            self._empty(slot)
        if slot.worker is None:
            slot.worker = await Process.start(self._bounds)
        if slot.worker.directory is not self._directory:
            await self._tell(slot, slot.worker)
        return slot.worker

    async def _tell(self, slot: _Slot, worker: Process) -> None:
        slot.worker, directory = None, self._directory
        try:
            reply = await worker.ask(KNOW, directory or b"", START_TIMEOUT)
        except Lost as error:
            raise ReaderUnavailable("a reader process did not take the directory") from error
        if reply[:1] != ANSWER:
            worker.kill()
            raise ReaderUnavailable("a reader process did not take the directory")
        slot.worker, worker.directory = worker, directory

    def _empty(self, slot: _Slot) -> None:
        if slot.worker is not None:
            slot.worker.kill()
            slot.worker = None

    def _count(self, reason: str, **where: str) -> None:
        self.losses[reason] += 1
        self._report("reader.lost", reason=reason, **where)


def _say_nothing(*_: object, **__: object) -> None:
    """The default of ``report``."""
