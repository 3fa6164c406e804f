"""A stack that ends, in whatever way, ends every process it started; two stacks do not meet."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import Stack
from deploy.servers.base import ChildServer
from deploy.servers.errors import StackError
from deploy.servers.process import Command
from deploy.servers.workspace import ROOT, Workspace

# A stack whose children include one that leaves its session and its parent, as a careless worker might.
SCRIPT = """
import json, signal, sys, time
from pathlib import Path
from deploy.local import Stack
from deploy.servers.process import Command
with Stack(["ocr"]) as stack:
    stray = stack.workspace.spawn("stray", Command(["sh", "-c", "setsid sleep 600 & echo $! > stray.pid; wait"],
                                                   cwd=stack.workspace.folder))
    note = stack.workspace.folder / "stray.pid"
    while not (note.exists() and note.read_text().strip()):
        time.sleep(0.02)
    while Path(f"/proc/{int(note.read_text())}/comm").read_text() != "sleep\\n":
        time.sleep(0.02)  # it is called setsid until it has become another
    pids = [*stack.pids(), stray.pid, int(note.read_text())]
    workspace = stack.workspace
    print(json.dumps({"pids": pids, "warden": workspace.warden, "folder": str(workspace.folder)}), flush=True)
    signal.pause()
"""


class Running:
    """The script above, with what it says of itself."""

    def __init__(self, script: str = SCRIPT) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.family = [psutil.Process(pid) for pid in said["pids"]]
        self.warden = psutil.Process(said["warden"])
        self.folder = Path(said["folder"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def running() -> Iterator[Running]:
    found = Running()
    yield found
    found.close()


def left_after(seconds: float, processes: list[psutil.Process]) -> list[str]:
    """What still lives when the time is over (sooner when nothing does)."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return [f"{process.pid} {process.name()}" for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_nothing_outlives_a_stack_that_was_killed_and_another_stack_does_not_notice(
    stack: Stack, running: Running
) -> None:
    names = {process.name() for process in running.family}
    assert {"java", "weed", "postgres", "sleep"} <= names, names
    assert sum("services.ocr.worker" in process.cmdline() for process in running.family) >= 2
    mine = set(stack.pids())
    assert mine.isdisjoint(process.pid for process in running.family)
    running.kill()
    assert left_after(15, [*running.family, running.warden]) == []
    assert not running.folder.exists()
    assert all(unit.alive for unit in stack.units.values())
    assert mine & set(stack.pids())


ALONE = """
import json, signal
from deploy.servers.postgres import Postgres
from deploy.servers.smtp import Inbox
from deploy.servers.workspace import Workspace
workspace = Workspace()
units = [Postgres(workspace), Inbox(workspace)]
for unit in units:
    unit.start()
pids = [pid for unit in units for pid in unit.pids()]
print(json.dumps({"pids": pids, "warden": workspace.warden, "folder": str(workspace.folder)}), flush=True)
signal.pause()
"""


def test_the_servers_die_even_when_the_warden_was_killed_first() -> None:
    running = Running(ALONE)
    try:
        running.warden.kill()
        running.kill()
        assert left_after(15, running.family) == []
    finally:
        running.close()
        shutil.rmtree(running.folder, ignore_errors=True)  # nobody was left to do it


def test_the_command_line_ends_cleanly_when_told() -> None:
    command = [sys.executable, "-m", "deploy.local", "servers"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("export CHORALE_SMTP_PORT"):
            assert process.poll() is None
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) > 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert left_after(0, family) == []


def test_a_server_keeps_its_ports_and_may_be_frozen(stack: Stack) -> None:
    before = stack.postgres.admin_dsn
    stack.pause("postgres")
    frozen = {psutil.Process(pid).status() for pid in stack.unit("postgres").pids()}
    stack.resume("postgres")
    assert frozen == {psutil.STATUS_STOPPED}
    stack.restart("postgres")
    assert stack.postgres.admin_dsn == before
    assert stack.cpu_seconds("postgres") > 0
    assert stack.rss("postgres") > 1_000_000


class Failing(ChildServer):
    """A server that says why and ends."""

    def command(self) -> Command:
        return Command(["sh", "-c", "echo the reason; exit 3"])

    def ready(self) -> bool:
        return False


def test_what_fails_to_start_is_said_with_its_last_lines() -> None:
    workspace = Workspace()
    try:
        with pytest.raises(StackError, match=r"failing ended while starting\. Exit code 3\.[^\n]*\nthe reason"):
            Failing(workspace, "failing").start()
    finally:
        workspace.close()
    assert not workspace.folder.exists()
