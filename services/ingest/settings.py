"""Settings of ingest."""

from datetime import timedelta

from pydantic import Field, SecretStr

from services.ingest.flow_settings import FlowSettings


class IngestSettings(FlowSettings):
    """What ingest needs beside the common settings. Sizes in bytes; ``uploads_each``: of one subject at once.

    ``max_deposit_bytes``: a document with its attachments (chorus-pro.md 5).
    """

    max_file_bytes: int = Field(default=30_000_000, gt=0)
    max_attachment_bytes: int = Field(default=10_000_000, gt=0)
    max_deposit_bytes: int = Field(default=120_000_000, gt=0)
    max_attachments: int = Field(default=50, gt=0)
    max_drafts: int = Field(default=1000, gt=0)
    spool_bytes: int = Field(default=1_048_576, gt=0)
    upload_stall_seconds: float = Field(default=30.0, gt=0)
    uploads_each: int = Field(default=50, gt=0)
    store_seconds: float = Field(default=20.0, gt=0)
    reading_overdue_seconds: float = Field(default=600.0, gt=0)
    sweep_every_seconds: float = Field(default=3600.0, gt=0)
    sweep_age_seconds: float = Field(default=86_400.0, gt=0)
    directory_quiet_seconds: float = Field(default=1.0, gt=0)

    #: ``host:port`` of a clamd; empty: no antivirus, which health says.
    clamd: str = Field(default="", pattern=r"^(\S+:\d{1,5})?$")
    #: Wraps the private keys of certificates in the database; the token secret does where none is given.
    certificate_secret: SecretStr | None = None

    @property
    def reading_overdue(self) -> timedelta:
        """How long a reading may take before the depositor is told that it takes longer than usual."""
        return timedelta(seconds=self.reading_overdue_seconds)

    @property
    def certificate_wrapping(self) -> str:
        """The secret that the keys of certificates are wrapped by."""
        return (self.certificate_secret or self.token_secret).get_secret_value()

    @property
    def sweep_age(self) -> timedelta:
        """How old a stored document without a deposit must be before the sweep deletes it."""
        return timedelta(seconds=self.sweep_age_seconds)
