"""The life of one server or service process: prepare, start, wait until it answers, stop, kill, freeze."""

import contextlib
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from deploy.servers.errors import StackError
from deploy.servers.process import Child, Command
from deploy.servers.workspace import Workspace

PROBE_EVERY = 0.05  # seconds


class Unit(ABC):
    """Something of a stack that can be started and stopped, on the same ports and data every time."""

    name: str

    @abstractmethod
    def start(self) -> None:
        """Return once it answers. Raises StackError with the reason and the last log lines."""

    @abstractmethod
    def stop(self) -> None:
        """An orderly end within a few seconds; nothing happens to one that has ended."""

    def remove(self) -> None:
        """Stop it for good, with whatever of it is not below the stack's folder."""
        self.stop()

    @abstractmethod
    def kill(self) -> None:
        """``kill -9``."""

    @abstractmethod
    def pause(self) -> None:
        """Freeze it: it holds what it holds and answers nothing."""

    @abstractmethod
    def resume(self) -> None:
        """Let it run on."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it runs (or is frozen)."""

    def pids(self) -> list[int]:
        """The process and its descendants; empty for what does not run as our child."""
        return []

    def cpu_seconds(self) -> float:
        """CPU time used since its last start, descendants included."""
        return 0.0

    def rss(self) -> int:
        """Resident memory in bytes, descendants included."""
        return 0


def wait_until(
    name: str, ready: Callable[[], bool], alive: Callable[[], bool], limit: float, last_lines: Callable[[], str]
) -> None:
    """Ask until it answers; raises StackError with its last lines when it dies or ``limit`` seconds pass."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if not alive():
            raise StackError(f"{name} ended while starting.{last_lines()}")
        with contextlib.suppress(OSError):
            if ready():
                return
        time.sleep(PROBE_EVERY)
    raise StackError(f"{name} did not answer within {limit:.0f} s.{last_lines()}")


class ChildServer(Unit):
    """A :class:`Unit` that is a child process of ours."""

    stop_signal = signal.SIGTERM
    last_signal = signal.SIGTERM  # instead, when its data are thrown away a moment later
    stop_grace = 2.0
    start_limit = 60.0

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.child: Child | None = None
        self.starts = 0

    @property
    def folder(self) -> Path:
        """This server's own data folder."""
        return self.workspace.folder / self.name

    def prepare(self) -> None:
        """Make the data folder what the program expects; called before every start, must be idempotent."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def command(self) -> Command:
        """What to run."""

    @abstractmethod
    def ready(self) -> bool:
        """One cheap question. False or OSError: not yet."""

    def start(self) -> None:
        if self.alive:
            return
        began = time.monotonic()
        self.launch()
        self.wait_ready(self.start_limit - (time.monotonic() - began))

    def launch(self) -> None:
        """Start without waiting for an answer."""
        self.prepare()
        self.child = self.workspace.spawn(self.name, self.command())
        self.starts += 1

    def wait_ready(self, limit: float) -> None:
        """Ask until it answers; raises StackError when it dies or ``limit`` seconds pass."""
        wait_until(self.name, self.ready, lambda: self.alive, limit, self.last_lines)

    def last_lines(self) -> str:
        """Why it ended, where it did, and the end of its log; begins with a space."""
        lines = self.child.tail() if self.child else ""
        code = self.child.exit_code if self.child else None
        ended = "" if code is None else f" Exit code {code}."
        return f"{ended} Its last lines:\n{lines}" if lines else ended

    def stop(self) -> None:
        self._end(lambda child: child.stop(self.stop_signal, self.stop_grace))

    def remove(self) -> None:
        number = self.stop_signal if self.workspace.kept else self.last_signal
        self._end(lambda child: child.stop(number, self.stop_grace))

    def kill(self) -> None:
        self._end(lambda child: child.kill())

    def _end(self, how: Callable[[Child], None]) -> None:
        child, self.child = self.child, None
        if child is not None:
            how(child)
            self.workspace.forget(child)

    def pause(self) -> None:
        if self.child is not None:
            self.child.freeze()

    def resume(self) -> None:
        if self.child is not None:
            self.child.thaw()

    @property
    def alive(self) -> bool:
        return self.child is not None and self.child.alive

    def pids(self) -> list[int]:
        return [process.pid for process in self.child.family()] if self.child else []

    def cpu_seconds(self) -> float:
        return self.child.cpu_seconds() if self.child else 0.0

    def rss(self) -> int:
        return self.child.rss() if self.child else 0
