"""What status keeps of an invoice, and what becomes of it when something is applied: values only."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from contracts.events import RoutingRequested
from invoice import model
from invoice.clock import State, Terms
from invoice.findings import Finding
from invoice.lifecycle import AlreadyApplied, Forbidden, NotYet
from invoice.model import InvoiceHeader, Works
from invoice.policies import DEFAULT, Circuit, Policy, choose

Visibility = Literal["all", "body"]
EntryKind = Literal["status", "notice", "delay", "action", "solicitation"]
Role = Literal["FOURNISSEUR", "DESTINATAIRE", "VALIDATEUR", "MOE", "MOA"]
Source = Literal["notice", "portal", "service_done", "agreement", "tacit", "moe"]
#: The clock's state, or that the invoice has no payment delay at all (already paid, credit note).
DelayState = State | Literal["none"]


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """When the payment delay started and when it ends: legal days (Paris), the instant, and what proves the start.

    ``started_at`` is the acceptance or the making available where that is the proof, else the start of the day.
    ``due_on`` is None while the delay is interrupted.
    """

    started_on: date
    started_at: datetime
    source: Source
    due_on: date | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What status knows of a structure: its tenant's policy, its delay in days, whether it reports payments.

    ``services``: code → the same for those of its services that say otherwise.
    """

    policy: Policy = DEFAULT
    days: int = 30
    reported: bool | None = None
    services: dict[str, bool] = {}


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as it stands. ``entries`` counts its history; ``available_entry`` made it available to the body.

    ``version`` is the last entry that is a status or an action, and what an action names as the one it was decided on.
    ``trial``: the sandbox that it was deposited to, if it was. ``held_by``: the structure that has it now;
    ``available_structure``: the one that had it last, which recycling compares with. ``transfer_attempt``:
    the attempt of a transfer that routing has not answered yet. ``policy`` is its body's tenant's as it is today,
    ``terms`` those of the payment delay since it was at a body's disposal. ``read_as``: the deposit that its pages
    were drawn for, where it is not the invoice itself.
    """

    id: UUID
    header: InvoiceHeader
    depositor: str
    submitted_at: datetime
    status: str
    status_at: datetime
    entries: int
    version: int
    trial: str | None = None
    attempt: int
    recipient_name: str | None = None
    service_code: str | None = None
    service_label: str | None = None
    tenant: str | None = None
    available_entry: int | None = None
    available_at: datetime | None = None
    delay: Delay | None = None
    delay_state: DelayState = "not_started"
    held_by: str | None = None
    available_structure: str | None = None
    transfer_attempt: int | None = None
    validators: tuple[model.Party, ...] = ()
    works: Works | None = None
    terms: Terms | None = None
    assigned_to: str | None = None
    policy: Policy = DEFAULT
    read_as: UUID | None = None

    @property
    def circuit(self) -> Circuit:
        """The circuit it follows."""
        found = choose(self.header.cadre_code, len(self.validators), self.policy)
        return found if isinstance(found, Circuit) else _SIMPLE

    @property
    def was_available(self) -> bool:
        """Whether a recipient has had it once, after which its sender may not withdraw it (decisions.md 16)."""
        return self.available_structure is not None


_FALLBACK = choose("A1")
assert isinstance(_FALLBACK, Circuit)
_SIMPLE: Final[Circuit] = _FALLBACK


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An e-mail about the invoice that a relay took, or that was given up. ``about`` is the entry it tells of.

    ``role``: who precisely on that side, where the event says so (:class:`contracts.events.NotificationAccepted`).
    """

    message: str
    kind: str
    audience: Literal["supplier", "body"]
    outcome: Literal["accepted", "failed"]
    about: int
    cause: str | None = None
    role: str | None = None


class FieldChange(msgspec.Struct, frozen=True):
    """A field that an action changed: what it held and what it holds."""

    field: str
    before: str | None
    after: str | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an invoice's history. ``number`` counts from 1 without a gap; ``cause`` is the event's id.

    ``action`` names what was done, ``by`` the subject who did it, where that was a person or a program. ``structure``:
    the SIRET at whose disposal the entry puts the invoice.
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
    structure: str | None = None

    def value(self, field: str) -> str | None:
        """What the entry wrote into a field, if it did."""
        return next((change.after for change in self.changes if change.field == field), None)


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who may see an invoice, from the history's entry ``since`` on. Only a body belongs to a tenant.

    ``rank`` is a validator's: the first is asked before the second. ``depositor`` stands beside the supplier.
    """

    invoice: UUID
    structure: str
    role: Role
    since: int
    submitted_at: datetime
    service: str | None = None
    tenant: str | None = None
    rank: int | None = None
    depositor: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """The body that had the invoice has it no longer: it keeps what it saw up to the entry ``until``."""

    invoice: UUID
    structure: str
    service: str | None
    until: int


class Gone(msgspec.Struct, frozen=True):
    """Somebody was named by mistake: he sees nothing of the invoice any more."""

    invoice: UUID
    structure: str
    role: Role


class Moved(msgspec.Struct, frozen=True):
    """The body keeps the invoice and another of its services has it: the party stays, its service changes."""

    invoice: UUID
    structure: str
    service: str | None


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was applied: the invoice after it, the entry it wrote, what became of its parties, what routing is asked.

    ``then``: what the platform does right after it, in the same transaction.
    """

    invoice: Invoice
    entry: Entry
    party: Party | None = None
    parties: tuple[Party, ...] = ()
    ended: Ended | None = None
    gone: tuple[Gone, ...] = ()
    moved: Moved | None = None
    asks: RoutingRequested | None = None
    then: "Applied | None" = None

    @property
    def steps(self) -> "Iterator[Applied]":
        """This and all that follows from it, in order."""
        step: Applied | None = self
        while step is not None:
            yield step
            step = step.then

    @property
    def last(self) -> Invoice:
        """The invoice when all is done."""
        return self.invoice if self.then is None else self.then.last


Outcome = Applied | AlreadyApplied | NotYet | Forbidden
