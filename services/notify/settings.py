"""Settings of the notify service."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from services.notify.gathering import Limits
from services.notify.relays import RelayAddress, parse
from services.notify.webhook_settings import WaysOutSettings


class NotifySettings(WaysOutSettings):
    """The relay, what mail says of us, and how long we try.

    ``smtp_tls``: ``auto`` uses STARTTLS where the relay offers it and demands it where we give a password,
    ``starttls`` demands it, ``tls`` is TLS from the first byte. ``smtp_content_seconds``: how long a relay may think
    about a mail before it answers (RFC 5321, 4.5.3.2.6). ``smtp_relays``: several relays in order of preference,
    separated by spaces, each
    ``smtp://user:password@host:587?tls=starttls``; they stand in place of the single one. ``smtp_ca_file``: whose
    certificates are trusted beside the system's. ``portal``: the pages that mails link to are served at
    ``public_url``. A claimed message belongs to its worker for ``lease_seconds``, renewed while it is being sent.

    ``domain_rate``: mails a second to one domain and process, ``domain_rates`` for single domains (JSON).
    ``bounce_address``: where bounces go, with the message's signed id behind a ``+``; ``bounce_secret``: what the
    program that hands them in must say. ``takeover_hours``: how long every address of a body may stay unreached
    before others are told (decisions.md 18).
    """

    smtp_host: str = ""
    smtp_port: int = 25
    smtp_relays: SecretStr | None = None
    smtp_ca_file: str | None = None
    smtp_tls: Literal["auto", "starttls", "tls", "none"] = "auto"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_connections: int = 8
    smtp_timeout_seconds: float = 30.0
    smtp_content_seconds: float = 600.0
    smtp_idle_seconds: float = 30.0
    smtp_hello: str = "localhost"
    mail_from: str
    public_url: str
    portal: bool = False

    dkim_key_file: str | None = None
    dkim_selector: str = "chorale"
    dkim_domain: str | None = None
    domain_rate: float = 50.0
    domain_rates: Mapping[str, float] = Field(default_factory=dict)
    bounce_address: str | None = None
    bounce_secret: SecretStr | None = None
    takeover_hours: float = 4.0

    notices_a_minute: int = 10
    gather_seconds: float = 60.0
    optional_an_hour: int = 10
    digest_seconds: float | None = None

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

    @model_validator(mode="after")
    def _a_relay(self) -> "NotifySettings":
        if not self.smtp_host and self.smtp_relays is None:
            raise ValueError("CHORALE_SMTP_HOST or CHORALE_SMTP_RELAYS must name a relay")
        self.relays()
        return self

    def relays(self) -> list[RelayAddress]:
        """The relays in order of preference."""
        if self.smtp_relays is not None:
            return [parse(text) for text in self.smtp_relays.get_secret_value().split()]
        password = self.smtp_password.get_secret_value() if self.smtp_password else None
        return [
            RelayAddress(
                host=self.smtp_host,
                port=self.smtp_port,
                tls=self.smtp_tls,
                username=self.smtp_username,
                password=password,
            )
        ]

    @property
    def limits(self) -> Limits:
        """When mail to one address is gathered."""
        return Limits(
            notices_a_minute=self.notices_a_minute,
            gather_seconds=self.gather_seconds,
            optional_an_hour=self.optional_an_hour,
            digest_seconds=self.digest_seconds,
        )

    @property
    def sender(self) -> str:
        """The bare address of the envelope."""
        return parseaddr(self.mail_from)[1]

    @property
    def mail_domain(self) -> str:
        """The right part of every Message-ID."""
        return self.sender.rpartition("@")[2]
