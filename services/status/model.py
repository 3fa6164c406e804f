"""What status keeps of an invoice, and what becomes of it when something is applied: values only."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from contracts.events import RoutingRequested
from invoice.findings import Finding
from invoice.lifecycle import AlreadyApplied, Forbidden, NotYet
from invoice.model import InvoiceHeader
from services.status.payment_delay import Delay

Visibility = Literal["all", "body"]
EntryKind = Literal["status", "notice", "delay", "action"]
Role = Literal["FOURNISSEUR", "DESTINATAIRE"]


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as it stands. ``entries`` counts its history; ``available_entry`` made it available to the body.

    ``version`` is the last entry that is a status or an action, and what an action names as the one it was decided on.
    ``held_by``: the structure that has it now; ``available_structure``: the one that had it last, which recycling
    compares with. ``transfer_attempt``: the attempt of a transfer that routing has not answered yet.
    """

    id: UUID
    header: InvoiceHeader
    depositor: str
    submitted_at: datetime
    status: str
    status_at: datetime
    entries: int
    version: int
    attempt: int
    recipient_name: str | None = None
    service_code: str | None = None
    service_label: str | None = None
    tenant: str | None = None
    available_entry: int | None = None
    available_at: datetime | None = None
    delay: Delay | None = None
    held_by: str | None = None
    available_structure: str | None = None
    transfer_attempt: int | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An e-mail about the invoice that a relay took, or that was given up. ``about`` is the entry it tells of."""

    message: str
    kind: str
    audience: Literal["supplier", "body"]
    outcome: Literal["accepted", "failed"]
    about: int
    cause: str | None = None


class FieldChange(msgspec.Struct, frozen=True):
    """A field that an action changed: what it held and what it holds."""

    field: str
    before: str | None
    after: str | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an invoice's history. ``number`` counts from 1 without a gap; ``cause`` is the event's id.

    ``action`` names what was done, ``by`` the subject who did it, where that was a person or a program.
    """

    invoice: UUID
    number: int
    kind: EntryKind
    actor: str
    at: datetime
    visibility: Visibility
    cause: UUID
    status_from: str | None = None
    status_to: str | None = None
    reasons: tuple[Finding, ...] = ()
    notice: Notice | None = None
    action: str | None = None
    motif: str | None = None
    comment: str | None = None
    by: str | None = None
    changes: tuple[FieldChange, ...] = ()


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who may see an invoice, from the history's entry ``since`` on. A supplier belongs to no tenant."""

    invoice: UUID
    structure: str
    role: Role
    since: int
    submitted_at: datetime
    service: str | None = None
    tenant: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """The body that had the invoice has it no longer: it keeps what it saw up to the entry ``until``."""

    invoice: UUID
    structure: str
    service: str | None
    until: int


class Moved(msgspec.Struct, frozen=True):
    """The body keeps the invoice and another of its services has it: the party stays, its service changes."""

    invoice: UUID
    structure: str
    service: str | None


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was applied: the invoice after it, the entry it wrote, what became of its parties, what routing is asked."""

    invoice: Invoice
    entry: Entry
    party: Party | None = None
    ended: Ended | None = None
    moved: Moved | None = None
    asks: RoutingRequested | None = None


Outcome = Applied | AlreadyApplied | NotYet | Forbidden
