"""The same servers as containers, where a Docker engine answers.

Ports are published on loopback under numbers of our own choosing, so that a restarted container keeps its address.
Testcontainers' helper removes the containers when this process dies, however it dies.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import docker
import docker.errors
from requests.exceptions import RequestException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.servers.base import Unit, wait_until
from deploy.servers.errors import StackError
from deploy.servers.kafka import brokers
from deploy.servers.ports import LOOPBACK
from deploy.servers.postgres import accepts, options
from deploy.servers.s3 import answers
from deploy.servers.workspace import Workspace

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
S3_IMAGE = "chrislusf/seaweedfs:4.48"
_LIMIT = 90.0
_PULL_LIMIT = 300
_AWAY = (docker.errors.DockerException, RequestException, OSError)


def why_not() -> str | None:
    """Why containers cannot be used here, in a few words; None where an engine answers and has (or gets) the images."""
    try:
        client = docker.from_env(timeout=_PULL_LIMIT)  # asks the engine for its version
    except _AWAY as error:
        return f"no Docker engine answers ({type(error).__name__})"
    with closing(client):
        for image in _images():
            try:
                _have(client, image)
            except _AWAY as error:
                return f"the image {image} cannot be had ({type(error).__name__})"
    return None


def _images() -> list[str]:
    config = testcontainers_config
    return [KAFKA_IMAGE, POSTGRES_IMAGE, S3_IMAGE, *([] if config.ryuk_disabled else [config.ryuk_image])]


def _have(client: docker.DockerClient, image: str) -> None:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        client.images.pull(image)


class ContainerServer(Unit):
    """A :class:`Unit` that is a container."""

    stop_grace = 3
    image: str

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.name = name
        self.workspace = workspace
        self.port = workspace.ports.free()
        self._container: DockerContainer | None = None

    @abstractmethod
    def container(self) -> DockerContainer:
        """The container to make, not yet started."""

    @abstractmethod
    def ready(self) -> bool:
        """One cheap question. False or OSError: not yet."""

    def publish(self, container: DockerContainer, inside: int) -> DockerContainer:
        """Publish its port on loopback only."""
        ports: Any = container.ports  # typed for a number alone; Docker also takes the address to listen on
        ports[f"{inside}/tcp"] = (LOOPBACK, self.port)
        return container

    def start(self) -> None:
        if self.alive:
            return
        try:
            if self._container is None:
                self._container = self.container().start()
            else:
                self._wrapped.start()
        except (docker.errors.DockerException, RequestException) as error:
            raise StackError(
                f"{self.name} could not be started from the image {self.image}: {error}. "
                "Set CHORALE_SERVERS=local to run the servers without Docker."
            ) from error
        wait_until(self.name, self.ready, lambda: self.alive, _LIMIT, self._last_lines)

    @property
    def _wrapped(self) -> Any:
        if self._container is None:
            raise StackError(f"{self.name} was never started.")
        return self._container.get_wrapped_container()

    def _last_lines(self) -> str:
        said = self._wrapped.logs(tail=12).decode(errors="replace")
        return f" Its last lines:\n{said}"

    def stop(self) -> None:
        if self.alive:
            self.resume()
            self._wrapped.stop(timeout=self.stop_grace)

    def remove(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.stop(force=True, delete_volume=True)

    def kill(self) -> None:
        if self.alive:
            self._wrapped.kill("SIGKILL")
            self._wrapped.wait(timeout=10)

    def pause(self) -> None:
        self._wrapped.pause()

    def resume(self) -> None:
        if self._state() == "paused":
            self._wrapped.unpause()

    @property
    def alive(self) -> bool:
        return self._state() in ("running", "paused")

    def _state(self) -> str:
        if self._container is None:
            return "none"
        wrapped = self._wrapped
        wrapped.reload()
        return str(wrapped.status)

    def _stats(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._wrapped.stats(stream=False, one_shot=True) if self.alive else {}
        return found

    def cpu_seconds(self) -> float:
        return float(self._stats().get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)) / 1e9

    def rss(self) -> int:
        return int(self._stats().get("memory_stats", {}).get("usage", 0))


class KafkaContainer(ContainerServer):
    """The broker. ``bootstrap`` is ``host:port``."""

    image = KAFKA_IMAGE

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "kafka")
        self.bootstrap = f"{LOOPBACK}:{self.port}"

    def container(self) -> DockerContainer:
        settings = {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{self.port},CONTROLLER://0.0.0.0:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap}",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",
            "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
        }
        return self.publish(DockerContainer(self.image).with_envs(**settings), self.port)

    def ready(self) -> bool:
        return brokers(LOOPBACK, self.port) > 0


class PostgresContainer(ContainerServer):
    """The database server. ``admin_dsn`` is its superuser's."""

    image = POSTGRES_IMAGE

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "postgres")
        self._password = workspace.secrets["database"]
        self._options = options(workspace.synced)
        self.admin_dsn = f"postgresql://postgres:{self._password}@{LOOPBACK}:{self.port}/postgres"

    def container(self) -> DockerContainer:
        made = DockerContainer(self.image).with_env("POSTGRES_PASSWORD", self._password)
        return self.publish(made.with_command(["postgres", *self._options]), 5432)

    def ready(self) -> bool:
        return accepts(LOOPBACK, self.port)


class S3Container(ContainerServer):
    """The object store. ``endpoint`` is ``http://host:port``."""

    image = S3_IMAGE
    stop_grace = 1

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "s3")
        self.endpoint = f"http://{LOOPBACK}:{self.port}"
        self.access_key = workspace.secrets["s3_access"]
        self.secret_key = workspace.secrets["s3_secret"]

    def container(self) -> DockerContainer:
        keys = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        config = json.dumps({"identities": [{"name": "chorale", "credentials": keys, "actions": actions}]})
        options = "-filer -s3 -master.telemetry=false -master.peers=none -volume.preStopSeconds=0 -dir=/data"
        script = f'mkdir -p /data; printf %s "$CONFIG" > /s3.json; exec weed server {options} -s3.config=/s3.json'
        made = DockerContainer(self.image).with_env("CONFIG", config).with_kwargs(entrypoint=["sh", "-c", script])
        return self.publish(made, 8333)

    def ready(self) -> bool:
        return answers(LOOPBACK, self.port)
