"""One child process: started so that it cannot outlive us, stopped within a bound, measured while it runs."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.servers.errors import StackError

_LAUNCH = Path(__file__).with_name("launch.py")
# The parent-death signal follows the thread that forked: all children come from this one, which lives as long as we do.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass(frozen=True)
class Command:
    """What to run. ``user`` is (uid, gid) to become; ``death_signal`` is sent when the stack's process dies."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: tuple[int, int] | None = None
    death_signal: signal.Signals = signal.SIGKILL


def launcher(user: tuple[int, int] | None, death_signal: signal.Signals = signal.SIGKILL) -> list[str]:
    """What to put before a command so that it runs as ``user`` and dies with this process (and thread)."""
    uid, gid = (str(part) for part in user) if user else ("-", "-")
    return [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(death_signal)), uid, gid]


class Child:
    """A running (or ended) process with its log file."""

    def __init__(self, name: str, command: Command, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._popen = _SPAWNER.submit(self._spawn, command, env).result()
        self.pid = self._popen.pid

    def _spawn(self, command: Command, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [*launcher(command.user, command.death_signal), *command.argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**env, **command.env},
                cwd=command.cwd,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs; ``-9`` for a process that was killed."""
        return self._popen.poll()

    @property
    def alive(self) -> bool:
        return self.exit_code is None

    def send(self, number: signal.Signals) -> None:
        """Send to the main process only; nothing happens to one that has ended."""
        self._popen.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """True when it has ended within ``seconds``."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, number: signal.Signals, grace: float) -> None:
        """Ask, wait ``grace`` seconds, then kill it with all its descendants."""
        family = self.family()
        if self.alive:
            self.send(signal.SIGCONT)
            self.send(number)
            self.wait(grace)
        self.kill()
        _end(family, patience=0.5)

    def kill(self) -> None:
        """``kill -9`` of the main process; its descendants are given 5 s to notice by themselves."""
        family = self.family()
        if self.alive:
            self.send(signal.SIGKILL)
        if not self.wait(10):
            raise StackError(f"{self.name} (pid {self.pid}) did not end within 10 s of kill -9.")
        _end(family, patience=5)

    def freeze(self) -> None:
        """SIGSTOP to the process and its descendants, until all stand still: some may be forking meanwhile."""
        deadline = time.monotonic() + 5
        while (moving := [process for process in self.family() if _moves(process)]) and time.monotonic() < deadline:
            for process in moving:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
            time.sleep(0.01)

    def thaw(self) -> None:
        """SIGCONT to the process and its descendants."""
        for process in reversed(self.family()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def family(self) -> list[psutil.Process]:
        """The process and its living descendants; empty when it has ended."""
        if not self.alive:
            return []
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_seconds(self) -> float:
        """User and system time of the process and its descendants, the ended ones included."""
        total = 0.0
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                own = times.user + times.system
                total += own + times.children_user + times.children_system
        return total

    def rss(self) -> int:
        """Resident bytes of the process and its descendants; memory shared between them is counted once each."""
        total = 0
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def tail(self, lines: int = 12) -> str:
        """The last lines of the log."""
        return tail(self.log, lines)


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a file, at most 8 kB of it; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as source:
        source.seek(max(0, log.stat().st_size - 8192))
        text = source.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _end(family: list[psutil.Process], patience: float) -> None:
    """Wait for processes that should end by themselves, then kill the rest."""
    deadline = time.monotonic() + patience
    while (left := [process for process in family if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _moves(process: psutil.Process) -> bool:
    try:
        return process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
