"""Files checked in processes of their own: one that hangs, swells or dies costs its file, never the command."""

import json
import multiprocessing
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from services.common.command import printable
from services.ingest.check_files import MAX_BYTES, Answer, NeedsReading, Read, judge, of_fields, of_findings, refusal

SECONDS = 60.0
MEMORY: Final = 2_000_000_000
_READ_SECONDS: Final = 120
_AHEAD: Final = 256  # answers that wait for an earlier one, so that they come in order
_NEEDS_READING: Final = "needs reading"


def judged(files: Sequence[Path], *, jobs: int, standard_only: bool) -> Iterator[Answer]:
    """The verdict on each file, in order; ``jobs`` files at once, each in bounded time and memory."""
    idle: SimpleQueue[_Worker] = SimpleQueue()
    workers = [_Worker(standard_only) for _ in range(jobs)]
    for worker in workers:
        idle.put(worker)

    def one(path: Path) -> Answer:
        worker = idle.get()
        try:
            return worker.judge(path)
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(jobs) as threads:
        try:
            waiting: list[Future[Answer]] = []
            for path in files:
                waiting.append(threads.submit(one, path))
                if len(waiting) >= _AHEAD:
                    yield waiting.pop(0).result()
            for future in waiting:
                yield future.result()
        finally:
            threads.shutdown(cancel_futures=True)
            for worker in workers:
                worker.stop()


class _Worker:
    """One process, started when it is first needed and again after it was lost."""

    def __init__(self, standard_only: bool) -> None:
        self._standard_only = standard_only
        self._process: Any = None
        self._link: Connection | None = None

    def judge(self, path: Path) -> Answer:
        """The verdict on one file."""
        name = printable(path)
        try:
            if path.stat().st_size > MAX_BYTES:
                return refusal(name, "FILE_TOO_LARGE", f"Le fichier pèse plus de {MAX_BYTES // 1_000_000} Mo.")
            data = path.read_bytes()
        except OSError as error:
            return refusal(name, "FILE_UNREADABLE", f"Le fichier ne peut pas être lu : {error.strerror}.")
        answer = self._asked(name, data)
        return _by_reading(name, path) if answer == _NEEDS_READING else answer

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._link is not None:
            self._link.close()
            self._link = None

    def _asked(self, name: str, data: bytes) -> Any:
        try:
            link = self._started()
            link.send((name, data))
            if link.poll(SECONDS):
                return link.recv()
            reason = f"Le contrôle n'a pas abouti en {SECONDS:.0f} secondes : le fichier est trop complexe."
        except (EOFError, OSError):
            reason = "Le contrôle de ce fichier s'est arrêté : il demande trop de mémoire."
        self.stop()
        return refusal(name, "FILE_TOO_HEAVY", reason)

    def _started(self) -> Connection:
        if self._link is None:
            context = multiprocessing.get_context("spawn")
            self._link, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._standard_only), daemon=True)
            self._process.start()
            theirs.close()
        return self._link


def _serve(link: Connection, standard_only: bool) -> None:
    """The process: a file's name and bytes in, its verdict out, until the other end closes."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while True:
        try:
            name, data = link.recv()
        except EOFError:
            return
        answer: Answer | str
        try:
            answer = judge(name, data, standard_only=standard_only)
        except NeedsReading:
            answer = _NEEDS_READING
        except (MemoryError, RecursionError):
            answer = refusal(name, "FILE_TOO_HEAVY", "Le contrôle de ce fichier demande trop de mémoire.")
        link.send(answer)


def _by_reading(name: str, path: Path) -> Answer:
    """A PDF without data: its pages are read by the reader's own command, which needs no server either."""
    command = [sys.executable, "-m", "services.ocr", "read", "--jsonl", "--", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_READ_SECONDS, check=True)
        read = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        return refusal(name, "FILE_UNREADABLE", "Les pages de ce PDF n'ont pas pu être lues.")
    if read["reason"] is not None:
        reason = refusal(name, read["reason"]["code"], read["reason"]["message"])
        if read["status"] == "rejected":
            return reason
        return Answer(file=name, verdict="warning", rules=reason.rules, messages=reason.messages)
    return of_findings(name, of_fields([_field(one, found) for one, found in read["fields"].items()]))


def _field(name: str, found: dict[str, Any]) -> Read:
    value = found["value"]
    return Read(
        name=name, value=value if isinstance(value, str) else "", confidence="sure" if found["sure"] else "unsure"
    )
