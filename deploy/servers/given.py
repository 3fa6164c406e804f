"""Servers that somebody else runs, named by the environment: used, never started or stopped."""

import os
from dataclasses import dataclass

from deploy.servers.base import Unit
from deploy.servers.errors import StackError


class Given(Unit):
    """A server from the environment."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def alive(self) -> bool:
        return True

    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        """It is left running."""

    def kill(self) -> None:
        self._refuse()

    def pause(self) -> None:
        self._refuse()

    def resume(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        raise StackError(f"{self.name} was given by the environment and is not this stack's to stop.")


class GivenKafka(Given):
    """``CHORALE_KAFKA=host:port``."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__("kafka")
        self.bootstrap = bootstrap


class GivenPostgres(Given):
    """``CHORALE_ADMIN_DSN=postgresql://admin:password@host:port/postgres``."""

    def __init__(self, admin_dsn: str) -> None:
        super().__init__("postgres")
        self.admin_dsn = admin_dsn


class GivenS3(Given):
    """``CHORALE_S3_ENDPOINT`` with ``CHORALE_S3_ACCESS_KEY`` and ``CHORALE_S3_SECRET_KEY``."""

    def __init__(self, endpoint: str) -> None:
        super().__init__("s3")
        self.endpoint = endpoint
        self.access_key = _required("CHORALE_S3_ACCESS_KEY", "CHORALE_S3_ENDPOINT")
        self.secret_key = _required("CHORALE_S3_SECRET_KEY", "CHORALE_S3_ENDPOINT")


class GivenSmtp(Given):
    """``CHORALE_SMTP_HOST`` and ``CHORALE_SMTP_PORT``. It has no inbox page: ``url`` is None."""

    def __init__(self, host: str) -> None:
        super().__init__("smtp")
        self.host = host
        self.port = int(_required("CHORALE_SMTP_PORT", "CHORALE_SMTP_HOST"))
        self.url: str | None = None


@dataclass(frozen=True)
class Addresses:
    """Which servers the environment names; None where it names none."""

    kafka: GivenKafka | None
    postgres: GivenPostgres | None
    s3: GivenS3 | None
    smtp: GivenSmtp | None


def from_environment() -> Addresses:
    """Read the environment. Raises StackError when a server is named by half."""
    kafka, dsn = os.environ.get("CHORALE_KAFKA"), os.environ.get("CHORALE_ADMIN_DSN")
    endpoint, host = os.environ.get("CHORALE_S3_ENDPOINT"), os.environ.get("CHORALE_SMTP_HOST")
    return Addresses(
        kafka=GivenKafka(kafka) if kafka else None,
        postgres=GivenPostgres(dsn) if dsn else None,
        s3=GivenS3(endpoint) if endpoint else None,
        smtp=GivenSmtp(host) if host else None,
    )


def _required(name: str, because: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise StackError(f"{because} is set, so {name} must be set too.")
    return value
