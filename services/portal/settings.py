"""Settings of portal."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from services.common.settings import BlobSettings
from services.portal.oidc_settings import OidcSettings
from services.portal.publisher_settings import PublisherSettings
from services.portal.software_settings import SoftwareSettings


class PortalSettings(SoftwareSettings, OidcSettings, PublisherSettings, BlobSettings):
    """What portal needs beside the common settings.

    ``public_url``: the one address in front, to which links of mails and passkeys belong. ``account_secret`` wraps keys
    and second factors in the database and signs links; the token secret does where none is given.
    """

    public_url: str
    account_secret: SecretStr | None = None

    #: Argon2id, the first choice of OWASP: passes, KiB, lanes; how many at once, how many waiting.
    password_passes: int = Field(default=1, gt=0)
    password_kib: int = Field(default=47_104, ge=8)
    password_lanes: int = Field(default=1, gt=0)
    password_threads: int = Field(default=1, gt=0)
    password_waiting: int = Field(default=32, gt=0)
    #: How much more the scheduler favours everything else over hashing (nice).
    password_nice: int = Field(default=10, ge=0, le=19)

    activation_hours: float = Field(default=48.0, gt=0)
    reset_minutes: float = Field(default=60.0, gt=0)
    email_hours: float = Field(default=24.0, gt=0)
    session_idle_hours: float = Field(default=12.0, gt=0)
    session_days: float = Field(default=30.0, gt=0)
    ticket_minutes: float = Field(default=10.0, gt=0)
    #: How long a proof of being there lasts for what asks for it (a new password, another address, closing).
    recent_minutes: float = Field(default=15.0, gt=0)
    token_seconds: int = Field(default=600, gt=0, le=3600)

    #: Wrong passwords before a lock, the first lock and the longest one.
    lock_after: int = Field(default=5, gt=0)
    lock_seconds: float = Field(default=60.0, gt=0)
    lock_ceiling_seconds: float = Field(default=3600.0, gt=0)

    #: Requests of one network in a minute and in an hour; mails for one address, asked by one network and by all.
    network_each_minute: int = Field(default=60, gt=0)
    network_sign_ups_each_hour: int = Field(default=60, gt=0)
    #: PDFs tried without an account.
    network_trials_each_hour: int = Field(default=30, gt=0)
    address_mails_each_hour: int = Field(default=5, gt=0)
    address_mails_most_each_hour: int = Field(default=20, gt=0)

    #: A new key is published so long before it signs, and an old one is published on after it.
    key_lead_seconds: float = Field(default=60.0, ge=0)
    key_tail_seconds: float = Field(default=900.0, ge=0)

    #: How long a closed account can be taken back before its data are erased.
    closing_days: float = Field(default=30.0, ge=0)
    worker_poll_seconds: float = Field(default=1.0, gt=0)
    chore_seconds: float = Field(default=10.0, gt=0)

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("CHORALE_PUBLIC_URL is an address, such as https://factures.example")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _somebody_answers(self) -> "PortalSettings":
        if self.environment != "development" and self.unsaid:
            names = ", ".join(self.unsaid)
            raise ValueError(f"{names} must say who publishes and hosts the platform (/mentions-legales)")
        return self

    @property
    def secret(self) -> str:
        """What wraps and signs at rest."""
        return (self.account_secret or self.token_secret).get_secret_value()

    @property
    def origin(self) -> str:
        """Scheme, host and port as a browser writes them in ``Origin``."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def relying_party(self) -> str:
        """The host name that passkeys are bound to."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def secure(self) -> bool:
        """Whether browsers reach the platform by TLS; only then may the cookie be so named and marked."""
        return self.public_url.startswith("https://")

    @property
    def session_lasts(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(days=self.session_days)

    @property
    def key_lead(self) -> timedelta:
        """How long before it signs a key is published."""
        return timedelta(seconds=self.key_lead_seconds)

    @property
    def key_tail(self) -> timedelta:
        """How long after it signs the one before is published on."""
        return timedelta(seconds=self.key_tail_seconds)

    @property
    def session_idle(self) -> timedelta:
        """How long an unused session lasts."""
        return timedelta(hours=self.session_idle_hours)
