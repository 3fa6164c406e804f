"""Settings of one service process, from its environment (``CHORALE_…``)."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only-secret-of-no-value"
DEFAULT_SECRETS = frozenset({DEVELOPMENT_SECRET, "", "secret", "changeme", "password", "chorale", "minioadmin"})


class ServiceSettings(BaseSettings):
    """What every service needs. Outside development, default and short secrets are refused at start.

    ``clock_file`` moves the time (:mod:`services.common.clock`); in development only.
    """

    model_config = SettingsConfigDict(env_prefix="CHORALE_", extra="ignore", frozen=True)

    environment: Literal["development", "production"] = "production"
    kafka: str
    dsn: SecretStr
    api_dsn: SecretStr
    host: str = "127.0.0.1"
    port: int
    token_secret: SecretStr
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    batch_size: int = 200
    batch_linger_ms: int = 5
    batch_busy_linger_ms: int = 25
    relay_gather_ms: int = 5
    stop_seconds: float = 10.0
    stall_seconds: float = 60.0
    idle_in_transaction_seconds: float = 15.0
    relay_idle_seconds: float = 15.0
    dead_letters_in_a_row: int = 50
    dead_letter_share: float = 0.5
    inbox_days: int = 35
    clock_file: Path | None = None
    #: How often one client may write, in a minute and in a day, and read, in a minute, of each service.
    writes_each_minute: int = Field(default=600, gt=0)
    writes_each_day: int = Field(default=200_000, gt=0)
    reads_each_minute: int = Field(default=12_000, gt=0)

    @model_validator(mode="after")
    def _refuse_default_secrets(self) -> "ServiceSettings":
        if self.environment == "development":
            return self
        if self.clock_file is not None:
            raise ValueError("CHORALE_CLOCK_FILE moves the time: it is for development only, remove it")
        for name, value in self:
            if isinstance(value, SecretStr) and weak(name, value.get_secret_value()):
                raise ValueError(
                    f"CHORALE_{name.upper()} is a default or a short secret: set one of 32 characters or more"
                )
        return self


def weak(name: str, secret: str) -> bool:
    """True for a secret that must not protect production. A DSN counts by the password inside it."""
    if name.endswith("dsn"):
        return (urlsplit(secret).password or "") in DEFAULT_SECRETS
    return secret in DEFAULT_SECRETS or (name == "token_secret" and len(secret) < 32)


class BlobSettings(ServiceSettings):
    """Settings of a service that also reads or writes documents."""

    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = "chorale-documents"
    s3_threads: int = 8
