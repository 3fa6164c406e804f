"""The mail inbox of :mod:`deploy.inbox` as a process of its own."""

import socket
import sys

from deploy.servers.base import ChildServer
from deploy.servers.ports import LOOPBACK
from deploy.servers.process import Command
from deploy.servers.workspace import ROOT, Workspace


class Inbox(ChildServer):
    """SMTP at ``host``:``port``; ``url`` is its page, ``url/api/messages`` what came as JSON."""

    stop_grace = 1.0

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "smtp")
        self.host = LOOPBACK
        self.port = workspace.ports.free()
        self._http = workspace.ports.free()
        self.url = f"http://{LOOPBACK}:{self._http}"

    def command(self) -> Command:
        ports = [str(self.port), str(self._http)]
        return Command([sys.executable, "-m", "deploy.inbox", str(self.folder / "mails"), *ports], cwd=ROOT)

    def ready(self) -> bool:
        return all(_greets(port) for port in (self.port, self._http))


def _greets(port: int) -> bool:
    with socket.create_connection((LOOPBACK, port), timeout=1):
        return True
