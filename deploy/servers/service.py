"""One service of Chorale as a process of its own: ``python -m services.<name>``."""

import http.client
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping

from deploy.database import ServiceDsns
from deploy.servers.base import ChildServer
from deploy.servers.ports import LOOPBACK
from deploy.servers.process import Command
from deploy.servers.sources import Servers
from deploy.servers.workspace import ROOT, Workspace

BUCKETS = {name: f"chorale-{name}" for name in ("ingest", "ocr", "status", "notify", "portal")}
MAIL_FROM = "Chorale <ne-pas-repondre@chorale.example>"
RESTARTS, WITHIN = 20, 60.0  # more than so many in so many seconds, and the supervisor gives the service up


def environment(
    service: str, servers: Servers, dsns: ServiceDsns, token_secret: str, public_url: str
) -> dict[str, str]:
    """What a service is told, without its port: only what it needs."""
    found = {
        "CHORALE_ENVIRONMENT": "development",
        "CHORALE_KAFKA": servers.kafka.bootstrap,
        "CHORALE_DSN": dsns.worker,
        "CHORALE_API_DSN": dsns.api,
        "CHORALE_HOST": LOOPBACK,
        "CHORALE_TOKEN_SECRET": token_secret,
    }
    if service in BUCKETS:
        found |= {
            "CHORALE_S3_ENDPOINT": servers.s3.endpoint,
            "CHORALE_S3_ACCESS_KEY": servers.s3.access_key,
            "CHORALE_S3_SECRET_KEY": servers.s3.secret_key,
            "CHORALE_S3_BUCKET": BUCKETS[service],
        }
    if service == "notify":
        found |= {
            "CHORALE_SMTP_HOST": servers.smtp.host,
            "CHORALE_SMTP_PORT": str(servers.smtp.port),
            "CHORALE_MAIL_FROM": MAIL_FROM,
            # On one's own machine nobody waits for the next morning, or a minute, to see what is gathered.
            "CHORALE_DIGEST_SECONDS": "2",
            "CHORALE_GATHER_SECONDS": "2",
            "CHORALE_WEBHOOK_NETWORKS": f"{LOOPBACK}/32",  # receivers of a demonstration run beside it
        }
    if service in ("notify", "routing", "portal"):
        found["CHORALE_PUBLIC_URL"] = public_url
    return found


class ServiceProcess(ChildServer):
    """An instance, named ``status`` or ``status#2``. ``environment`` is asked at every start."""

    stop_grace = 12.0

    def __init__(self, workspace: Workspace, name: str, environment: Callable[[str], Mapping[str, str]]) -> None:
        super().__init__(workspace, name)
        self.service = name.partition("#")[0]
        self._environment = environment
        self._restarts: deque[float] = deque()
        self.port = workspace.ports.free()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.wanted = False
        self._answer = ""

    def prepare(self) -> None:
        """A service keeps nothing on disk."""

    def command(self) -> Command:
        env = {**self._environment(self.service), "CHORALE_PORT": str(self.port)}
        return Command([sys.executable, "-m", f"services.{self.service}"], env=env, cwd=ROOT)

    def ready(self) -> bool:
        link = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            link.request("GET", "/health/ready")
            answer = link.getresponse()
            self._answer = "" if answer.status == 200 else answer.read(2_000).decode(errors="replace")
            # A fresh platform has no directory yet: it can only be loaded once the services run.
            return answer.status == 200 or '"problems":["directory is empty"]' in self._answer
        except http.client.HTTPException:
            return False
        finally:
            link.close()

    def last_lines(self) -> str:
        answer = f" It last answered {self._answer}." if self._answer else ""
        return f"{answer}{super().last_lines()}"

    def may_restart(self) -> bool:
        """Count one restart; False once there were too many lately."""
        now = time.monotonic()
        while self._restarts and now - self._restarts[0] > WITHIN:
            self._restarts.popleft()
        if len(self._restarts) >= RESTARTS:
            return False
        self._restarts.append(now)
        return True
