"""Settings of the notify service."""

from email.utils import parseaddr
from typing import Literal

from pydantic import SecretStr, field_validator

from services.common.settings import ServiceSettings


class NotifySettings(ServiceSettings):
    """The relay, what mail says of us, and how long we try.

    ``smtp_tls``: ``auto`` uses STARTTLS where the relay offers it, ``starttls`` demands it, ``tls`` is TLS from the
    first byte. ``portal``: the pages that mails link to are served at ``public_url``. A claimed message belongs to its
    worker for ``lease_seconds``, renewed while it is being sent.
    """

    smtp_host: str
    smtp_port: int
    smtp_tls: Literal["auto", "starttls", "tls", "none"] = "auto"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_connections: int = 8
    smtp_timeout_seconds: float = 30.0
    smtp_idle_seconds: float = 30.0
    smtp_hello: str = "localhost"
    mail_from: str
    public_url: str
    portal: bool = False

    lease_seconds: float = 20.0
    gather_ms: int = 15
    poll_seconds: float = 1.0
    temporary_attempts: int = 60
    temporary_base_seconds: float = 10.0
    temporary_ceiling_seconds: float = 1800.0
    technical_hours: float = 72.0
    technical_base_seconds: float = 1.0
    technical_ceiling_seconds: float = 60.0

    @field_validator("mail_from")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1]:
            raise ValueError("CHORALE_MAIL_FROM must hold an address, such as Chorale <facturation@ville.example>")
        return value

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def sender(self) -> str:
        """The bare address of the envelope."""
        return parseaddr(self.mail_from)[1]

    @property
    def mail_domain(self) -> str:
        """The right part of every Message-ID."""
        return self.sender.rpartition("@")[2]
