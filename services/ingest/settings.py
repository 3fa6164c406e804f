"""Settings of ingest."""

from datetime import timedelta

from pydantic import Field

from services.common.settings import BlobSettings


class IngestSettings(BlobSettings):
    """What ingest needs beside the common settings. Sizes in bytes; ``uploads_each``: of one subject at once.

    ``max_deposit_bytes``: a document with its attachments (chorus-pro.md 5).
    """

    max_file_bytes: int = Field(default=30_000_000, gt=0)
    max_attachment_bytes: int = Field(default=10_000_000, gt=0)
    max_deposit_bytes: int = Field(default=120_000_000, gt=0)
    max_attachments: int = Field(default=50, gt=0)
    spool_bytes: int = Field(default=1_048_576, gt=0)
    upload_stall_seconds: float = Field(default=30.0, gt=0)
    uploads_each: int = Field(default=50, gt=0)
    store_seconds: float = Field(default=20.0, gt=0)
    reading_overdue_seconds: float = Field(default=600.0, gt=0)
    sweep_every_seconds: float = Field(default=3600.0, gt=0)
    sweep_age_seconds: float = Field(default=86_400.0, gt=0)
    directory_quiet_seconds: float = Field(default=1.0, gt=0)

    @property
    def reading_overdue(self) -> timedelta:
        """How long a reading may take before the depositor is told that it takes longer than usual."""
        return timedelta(seconds=self.reading_overdue_seconds)

    @property
    def sweep_age(self) -> timedelta:
        """How old a stored document without a deposit must be before the sweep deletes it."""
        return timedelta(seconds=self.sweep_age_seconds)
