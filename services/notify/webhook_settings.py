"""Settings of the ways out: webhooks and folders."""

from pydantic import SecretStr, field_validator, model_validator

from services.common.settings import DEVELOPMENT_SECRET, BlobSettings, ServiceSettings
from services.notify.webhook_address import networks


class WaysOutSettings(ServiceSettings):
    """How receivers are called, and where files are put.

    ``webhook_keys``: what seals secrets at rest, separated by commas; the first seals, all of them open, so that a key
    is changed by putting a new one in front. ``webhook_networks``: private networks that may be called all the same
    (``10.1.0.0/16,fd00::/8``). ``webhook_hours``: how long a delivery is tried. ``webhook_window``: deliveries under
    way to one receiver at the most. Without ``s3_endpoint`` there are no folders.
    """

    webhook_keys: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    webhook_networks: str = ""
    webhook_http: bool = False
    webhook_ca_file: str | None = None
    webhook_each: int = 20
    webhook_connections: int = 500
    webhook_window: int = 32
    webhook_lease_seconds: float = 30.0
    webhook_connect_seconds: float = 5.0
    webhook_answer_seconds: float = 15.0
    webhook_hours: float = 72.0
    webhook_base_seconds: float = 2.0
    webhook_ceiling_seconds: float = 3600.0
    webhook_circuit_failures: int = 5
    webhook_circuit_base_seconds: float = 5.0
    webhook_circuit_ceiling_seconds: float = 600.0
    webhook_keep_days: int = 30
    webhook_house_seconds: float = 2.0

    s3_endpoint: str | None = None
    s3_access_key: str = ""
    s3_secret_key: SecretStr | None = None
    s3_bucket: str = "chorale-notify"
    s3_threads: int = 4
    outgoing_every_seconds: float = 5.0
    outgoing_lines: int = 5_000

    @field_validator("webhook_networks")
    @classmethod
    def _readable(cls, value: str) -> str:
        networks(value.split(","))
        return value

    @model_validator(mode="after")
    def _long_keys(self) -> "WaysOutSettings":
        if not self.sealing_keys or min(map(len, self.sealing_keys)) < 32:
            raise ValueError("CHORALE_WEBHOOK_KEYS: each key has 32 characters or more; keys are separated by commas")
        return self

    @property
    def sealing_keys(self) -> list[str]:
        """The keys, the sealing one first."""
        return [key.strip() for key in self.webhook_keys.get_secret_value().split(",") if key.strip()]

    @property
    def https_only(self) -> bool:
        """Whether a receiver must speak TLS: always in production, unless the operator says otherwise."""
        return self.environment == "production" and not self.webhook_http

    @property
    def blobs(self) -> BlobSettings | None:
        """The object store of the folders, if there is one."""
        if self.s3_endpoint is None or self.s3_secret_key is None:
            return None
        return BlobSettings(**{name: value for name, value in self if name in BlobSettings.model_fields})
