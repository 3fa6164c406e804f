"""Where each server comes from: the environment, else a Docker engine, else a child process of ours."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.servers.base import Unit
from deploy.servers.errors import StackError
from deploy.servers.given import GivenKafka, GivenPostgres, GivenS3, GivenSmtp, from_environment
from deploy.servers.kafka import Kafka
from deploy.servers.postgres import Postgres
from deploy.servers.s3 import S3
from deploy.servers.smtp import Inbox
from deploy.servers.workspace import Workspace

if TYPE_CHECKING:
    from deploy.servers.containers import KafkaContainer, PostgresContainer, S3Container

_SOCKETS = (Path("/var/run/docker.sock"), Path.home() / ".docker" / "run" / "docker.sock")
KINDS = ("auto", "docker", "local")


@dataclass(frozen=True)
class Servers:
    """The four servers of a stack."""

    kafka: "Kafka | KafkaContainer | GivenKafka"
    postgres: "Postgres | PostgresContainer | GivenPostgres"
    s3: "S3 | S3Container | GivenS3"
    smtp: Inbox | GivenSmtp

    def all(self) -> tuple[Unit, ...]:
        """All of them."""
        return (self.kafka, self.postgres, self.s3, self.smtp)


def choose(workspace: Workspace, say: Callable[[str], None] = lambda line: None) -> Servers:
    """``CHORALE_SERVERS`` is ``auto`` (the default), ``docker`` or ``local``. Raises StackError."""
    kind = os.environ.get("CHORALE_SERVERS", "auto")
    if kind not in KINDS:
        raise StackError(f"CHORALE_SERVERS is {kind!r}: set it to one of {', '.join(KINDS)}.")
    given = from_environment()
    smtp = given.smtp or Inbox(workspace)
    if _docker(kind, workspace, say, all_given=None not in (given.kafka, given.postgres, given.s3)):
        from deploy.servers.containers import KafkaContainer, PostgresContainer, S3Container

        return Servers(
            kafka=given.kafka or KafkaContainer(workspace),
            postgres=given.postgres or PostgresContainer(workspace),
            s3=given.s3 or S3Container(workspace),
            smtp=smtp,
        )
    return Servers(
        kafka=given.kafka or Kafka(workspace),
        postgres=given.postgres or Postgres(workspace),
        s3=given.s3 or S3(workspace),
        smtp=smtp,
    )


def _docker(kind: str, workspace: Workspace, say: Callable[[str], None], *, all_given: bool) -> bool:
    """Containers are for what is thrown away: kept data stay in files below ``.local/``."""
    if kind == "local" or all_given or (kind == "auto" and (workspace.kept or not _socket())):
        return False
    from deploy.servers.containers import why_not

    reason = why_not()
    if reason is not None and kind == "docker":
        raise StackError(f"CHORALE_SERVERS is docker, but {reason}: mend that, or set CHORALE_SERVERS=local.")
    if reason is not None:
        say(f"Docker : {reason} ; les serveurs démarrent sans lui")
    return reason is None


def _socket() -> bool:
    """A cheap look before the Docker client is imported."""
    return bool(os.environ.get("DOCKER_HOST")) or any(path.exists() for path in _SOCKETS)
