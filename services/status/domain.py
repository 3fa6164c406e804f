"""What an event does to an invoice: state × event, as ``lifecycle.yaml`` allows it. Pure."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events import (
    InvoiceRouted,
    InvoiceSubmitted,
    InvoiceUnroutable,
    NotificationAccepted,
    NotificationFailed,
    Payload,
)
from invoice.findings import Finding, refusals
from invoice.lifecycle import AVAILABLE, AlreadyApplied, Apply, Forbidden, NotYet, decide
from invoice.model import InvoiceHeader
from services.status.payment_delay import NOTICE_PATIENCE, Delay, delay_after_notice, delay_without_notice

Visibility = Literal["all", "body"]
EntryKind = Literal["status", "notice", "delay"]
Role = Literal["FOURNISSEUR", "DESTINATAIRE"]


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as it stands. ``entries`` counts its history; ``available_entry`` made it available to the body."""

    id: UUID
    header: InvoiceHeader
    depositor: str
    submitted_at: datetime
    status: str
    status_at: datetime
    entries: int
    attempt: int
    recipient_name: str | None = None
    service_code: str | None = None
    service_label: str | None = None
    tenant: str | None = None
    available_entry: int | None = None
    available_at: datetime | None = None
    delay: Delay | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An e-mail about the invoice that a relay took, or that was given up. ``about`` is the entry it tells of."""

    message: str
    kind: str
    audience: Literal["supplier", "body"]
    outcome: Literal["accepted", "failed"]
    about: int
    cause: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an invoice's history. ``number`` counts from 1 without a gap; ``cause`` is the event's id."""

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


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Who may see an invoice, from the history's entry ``since`` on. A supplier belongs to no tenant."""

    invoice: UUID
    structure: str
    role: Role
    since: int
    submitted_at: datetime
    service: str | None = None
    tenant: str | None = None


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """The event was applied: the invoice after it, the entry it wrote, the party it brought."""

    invoice: Invoice
    entry: Entry
    party: Party | None = None


Outcome = Applied | AlreadyApplied | NotYet | Forbidden


class Move(msgspec.Struct, frozen=True):
    """The status that an event asks for, and in whose name."""

    target: str
    actor: str


#: Event → the move it asks for. Whether the invoice's status allows it is ``lifecycle.yaml``'s table.
MOVES: Final[dict[type[Payload], Move]] = {
    InvoiceSubmitted: Move("DEPOSEE", "F"),
    InvoiceRouted: Move(AVAILABLE, "S"),
    InvoiceUnroutable: Move("A_RECYCLER", "S"),
}
NOTICES: Final[tuple[type[Payload], ...]] = (NotificationAccepted, NotificationFailed)


def concerns_invoice(data: Payload) -> bool:
    """Whether an event says something about an invoice. Drafts and refused deposits, and mail about them, do not."""
    if isinstance(data, NotificationAccepted | NotificationFailed):
        return data.entry is not None
    return type(data) in MOVES


def answer(invoice: Invoice | None, event: Event, now: datetime) -> Outcome:
    """What ``event`` does to ``invoice`` (None while there is none). Changes nothing and never raises."""
    match event.data:
        case InvoiceSubmitted() as data:
            return _submitted(invoice, event, data)
        case InvoiceRouted() as data:
            return _decided(invoice, event, data, now)
        case InvoiceUnroutable() as data:
            return _decided(invoice, event, data, now)
        case NotificationAccepted() as data:
            return _noticed(invoice, event, data, data.entry, data.accepted_at)
        case NotificationFailed() as data:
            return _noticed(invoice, event, data, data.entry, data.failed_at)
        case _:
            return AlreadyApplied()


def _submitted(invoice: Invoice | None, event: Event, data: InvoiceSubmitted) -> Outcome:
    """The first round only: later rounds of an invoice are asked for by its own history, never by a deposit."""
    if invoice is not None:
        same = invoice.header == data.invoice and data.attempt <= invoice.attempt
        return AlreadyApplied() if same else _refused("Cette facture existe déjà avec d'autres données.")
    move = MOVES[InvoiceSubmitted]
    verdict = decide(None, move.target, move.actor)
    if not isinstance(verdict, Apply):
        return verdict
    created = Invoice(
        id=UUID(event.subject),
        header=data.invoice,
        depositor=data.depositor,
        submitted_at=data.submitted_at,
        status=move.target,
        status_at=data.submitted_at,
        entries=1,
        attempt=data.attempt,
    )
    party = Party(
        invoice=created.id,
        structure=data.invoice.supplier_siret,
        role="FOURNISSEUR",
        since=1,
        submitted_at=data.submitted_at,
    )
    return Applied(invoice=created, entry=_status_entry(created, None, move, event), party=party)


def _decided(invoice: Invoice | None, event: Event, data: InvoiceRouted | InvoiceUnroutable, now: datetime) -> Outcome:
    """Routing's answer counts for the attempt it was asked for; an older one is stale, a later one comes too early."""
    if invoice is None or data.attempt > invoice.attempt:
        return NotYet(f"attempt {data.attempt} has not been submitted yet")
    if data.attempt < invoice.attempt:
        return AlreadyApplied()
    move = MOVES[type(data)]
    verdict = decide(invoice.status, move.target, move.actor)
    if not isinstance(verdict, Apply):
        return verdict
    reasons = refusals(data.findings) if isinstance(data, InvoiceUnroutable) else ()
    if verdict.transition.comment == "required" and not reasons:
        return _refused(f"Le statut {move.target} demande une raison et l'événement n'en donne aucune.")
    number = invoice.entries + 1
    after = msgspec.structs.replace(invoice, status=move.target, status_at=now, entries=number)
    party = None
    if isinstance(data, InvoiceRouted):
        after = _available(after, data, number, now)
        party = Party(
            invoice=invoice.id,
            structure=data.structure_siret,
            service=data.service_code,
            role="DESTINATAIRE",
            tenant=data.tenant,
            since=number,
            submitted_at=invoice.submitted_at,
        )
    return Applied(invoice=after, entry=_status_entry(after, invoice.status, move, event, reasons), party=party)


def _status_entry(
    after: Invoice, status_from: str | None, move: Move, event: Event, reasons: tuple[Finding, ...] = ()
) -> Entry:
    return Entry(
        invoice=after.id,
        number=after.entries,
        kind="status",
        status_from=status_from,
        status_to=move.target,
        actor=move.actor,
        at=after.status_at,
        visibility="all",
        reasons=reasons,
        cause=event.id,
    )


def _refused(message: str) -> Forbidden:
    return Forbidden("NOT_IN_TABLE", message)


def _available(invoice: Invoice, data: InvoiceRouted, number: int, now: datetime) -> Invoice:
    return msgspec.structs.replace(
        invoice,
        recipient_name=data.structure_name,
        service_code=data.service_code,
        service_label=data.service_label,
        tenant=data.tenant,
        available_entry=number,
        available_at=now,
    )


def _noticed(
    invoice: Invoice | None,
    event: Event,
    data: NotificationAccepted | NotificationFailed,
    about: int | None,
    at: datetime,
) -> Outcome:
    """A notice is history, not a status. The first one accepted for the body starts the payment delay."""
    if about is None:
        return AlreadyApplied()
    if invoice is None or about > invoice.entries:
        return NotYet("the entry that this notice tells of is not written yet")
    accepted = isinstance(data, NotificationAccepted)
    after = msgspec.structs.replace(invoice, entries=invoice.entries + 1)
    if accepted and data.audience == "body" and about == invoice.available_entry and invoice.available_at is not None:
        delay = delay_after_notice(invoice.available_at, at, invoice.delay)
        after = msgspec.structs.replace(after, delay=delay)
    notice = Notice(
        message=data.message,
        kind=data.kind,
        audience=data.audience,
        outcome="accepted" if accepted else "failed",
        about=about,
        cause=None if isinstance(data, NotificationAccepted) else data.cause,
    )
    entry = Entry(
        invoice=invoice.id,
        number=after.entries,
        kind="notice",
        actor="S",
        at=at,
        # That a body's own addresses fail is nobody else's business.
        visibility="body" if data.audience == "body" and not accepted else "all",
        cause=event.id,
        notice=notice,
    )
    return Applied(invoice=after, entry=entry)


def overdue(invoice: Invoice, cause: UUID, now: datetime) -> Applied | None:
    """Start the delay from the portal when no notice was accepted in time; None when there is nothing to do."""
    if invoice.available_at is None or invoice.delay is not None or now <= invoice.available_at + NOTICE_PATIENCE:
        return None
    after = msgspec.structs.replace(
        invoice, entries=invoice.entries + 1, delay=delay_without_notice(invoice.available_at)
    )
    entry = Entry(
        invoice=invoice.id,
        number=after.entries,
        kind="delay",
        actor="S",
        at=now,
        visibility="all",
        cause=cause,
    )
    return Applied(invoice=after, entry=entry)
