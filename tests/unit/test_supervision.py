"""How often the supervisor brings a service back."""

from collections.abc import Iterator

import pytest

from deploy.servers.ports import Ports
from deploy.servers.service import RESTARTS, WITHIN, ServiceProcess
from deploy.servers.workspace import Workspace


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    found = Workspace()
    yield found
    found.close()


def test_a_service_that_keeps_dying_is_given_up(workspace: Workspace) -> None:
    process = ServiceProcess(workspace, "status", lambda name: {})
    assert [process.may_restart() for _ in range(RESTARTS + 2)] == [True] * RESTARTS + [False] * 2


def test_old_restarts_are_forgotten(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("deploy.servers.service.time.monotonic", lambda: now)
    process = ServiceProcess(workspace, "status#2", lambda name: {})
    while process.may_restart():
        continue
    now += WITHIN + 1
    assert process.may_restart()


def test_two_stacks_never_choose_the_same_port() -> None:
    one, other = Ports(), Ports()
    port = one.free()
    assert other.free(port) != port
    one.release()
    assert other.free(port) == port
    other.release()
