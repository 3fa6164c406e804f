"""One Kafka broker (KRaft, broker and controller in one) from its jars, on Java 17 or newer."""

import base64
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import uuid
from pathlib import Path

from deploy.servers import tools
from deploy.servers.base import ChildServer
from deploy.servers.errors import StackError
from deploy.servers.ports import LOOPBACK
from deploy.servers.process import Command
from deploy.servers.workspace import ROOT, Workspace, cache

_RECIPE = ROOT / "deploy" / "kafka"
_JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
# A killed broker comes back once its old session has expired: 3 s rather than the default 9.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=8388608
"""


def jars() -> Path:
    """The folder of the broker's jars, fetched by Maven when the recipe is new. Raises StackError."""
    target = cache() / "kafka-libs"
    recipe = hashlib.sha256((_RECIPE / "pom.xml").read_bytes()).hexdigest()
    stamp = target / ".recipe"
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "kafka-libs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first runs at once must not fetch into one folder
        if not (stamp.exists() and stamp.read_text() == recipe):
            _fetch(target)
            stamp.write_text(recipe)
    return target


def _fetch(target: Path) -> None:
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
    command = [tools.maven(), "-B", "-q", "-f", str(_RECIPE / "pom.xml"), *goal]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired as error:
        raise StackError("Maven did not bring the broker's jars within 300 s: check the network.") from error
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        said = "\n".join((done.stdout + done.stderr).splitlines()[-6:])
        raise StackError(f"Maven could not bring the broker's jars ({' '.join(command)}):\n{said}")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


class Kafka(ChildServer):
    """The broker. ``bootstrap`` is ``host:port``."""

    stop_grace = 5.0
    last_signal = signal.SIGKILL

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "kafka")
        self.port = workspace.ports.free()
        self._controller = workspace.ports.free()
        self.bootstrap = f"{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        super().prepare()
        data = self.folder / "data"
        properties = self.folder / "server.properties"
        properties.write_text(_PROPERTIES.format(host=LOOPBACK, port=self.port, controller=self._controller, data=data))
        if not (data / "meta.properties").exists():
            self._format(properties, data)

    def _format(self, properties: Path, data: Path) -> None:
        """The tool takes a second of two cores: what is thrown away later gets a copy of what it once made."""
        template = jars() / ".formatted"
        if not self.workspace.kept and template.exists():
            shutil.copytree(template, data)
            return
        self._run_tool(properties)
        if not template.exists():
            fresh = template.with_name(f".formatted.{os.getpid()}")
            shutil.copytree(data, fresh)
            with contextlib.suppress(OSError):  # another stack was quicker
                fresh.rename(template)
            shutil.rmtree(fresh, ignore_errors=True)

    def _run_tool(self, properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)]
        command = [*self._java(), *tool]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise StackError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _java(self) -> list[str]:
        log_config = f"-Dlog4j2.configurationFile={_RECIPE / 'log4j2.xml'}"
        return [tools.java(), "-cp", f"{jars()}/*", *_JVM, log_config]

    def command(self) -> Command:
        return Command([*self._java(), "kafka.Kafka", str(self.folder / "server.properties")], cwd=self.folder)

    def ready(self) -> bool:
        return brokers(LOOPBACK, self.port) > 0


def brokers(host: str, port: int, timeout: float = 2.0) -> int:
    """How many live brokers a Metadata request (version 4, no topics) is answered with. Raises OSError."""
    client = b"probe"
    body = struct.pack(">hhih", 3, 4, 1, len(client)) + client + struct.pack(">i?", 0, False)
    with socket.create_connection((host, port), timeout=timeout) as link:
        link.sendall(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", _read(link, 4))
        answer = _read(link, size)
    # correlation id, throttle time, then the count of brokers
    return int(struct.unpack(">iii", answer[:12])[2])


def _read(link: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = link.recv(size - len(received))
        if not chunk:
            raise ConnectionError("the broker closed the connection")
        received += chunk
    return received
