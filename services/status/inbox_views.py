"""What the API of finance systems takes and answers."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.status.views import InvoiceItem

_REFERENCE = r"^[^\x00-\x1f\x7f]+$"
Reference = Annotated[str, Field(min_length=1, max_length=100, pattern=_REFERENCE)]


class ChangeOut(BaseModel):
    """An invoice that has changed. ``left``: it is no longer this structure's, and nothing more of it is shown.

    ``entry`` is the last entry of its history that this change stands for; ``fetched_entry`` the one by which the
    structure's software acknowledged it, null while it has not.
    """

    id: UUID
    structure: str
    entry: int
    left: bool
    fetched_entry: int | None
    invoice: InvoiceItem | None


class Changes(BaseModel):
    """Oldest change first. ``next`` is where to go on, also on an empty page: keep it. ``more``: ask again at once."""

    changes: list[ChangeOut]
    next: str
    more: bool


class DocumentOut(BaseModel):
    """A file of an invoice: ``invoice`` is the deposited one, the others are its attachments.

    ``href`` opens with the caller's token; ``link`` opens without one until ``link_expires_at`` (attachments only).
    """

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    href: str
    link: str | None
    link_expires_at: datetime | None


class InvoiceData(BaseModel):
    """The invoice as data: the canonical header, the cadre in short, where it stands, and its files.

    A deposit in a structured format (UBL, CII, Factur-X) is among the files as it came, lines and all.
    """

    id: UUID
    cadre: str
    header: dict[str, str]
    status: str
    status_since: datetime
    service_code: str | None
    service_label: str | None
    tenant: str | None
    payment_delay_started_on: date | None
    documents: list[DocumentOut]


class Receipt(BaseModel):
    """The acknowledgement. ``reference``: what the finance system calls the invoice, shown in its history."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reference": "EJ-2026-004217"}]})

    reference: Reference | None = None


class Receipts(BaseModel):
    """Acknowledgements of several invoices."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"invoices": ["0190e8a0-0000-7000-8000-000000000042"]}]},
    )

    invoices: Annotated[list[UUID], Field(min_length=1, max_length=200)]


class Acknowledged(BaseModel):
    """What came of an acknowledgement: ``repeated`` when it was known already; ``entry`` of the history says so."""

    id: UUID
    outcome: Literal["recorded", "repeated", "not_found", "not_yours"]
    entry: int | None
    message: str


class AcknowledgedAll(BaseModel):
    """One report per invoice, in the order asked."""

    receipts: list[Acknowledged]
