"""What an event does to an invoice: state × event, as ``lifecycle.yaml`` allows it. Pure."""

from datetime import datetime
from typing import Final
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
from services.status.model import Applied, Entry, Invoice, Notice, Outcome, Party
from services.status.payment_delay import NOTICE_PATIENCE, delay_after_notice, delay_without_notice
from services.status.rerouting import ADDRESS_FIELDS, made_available, recipient_party, transfer_answered

__all__ = ["Applied", "Entry", "Invoice", "Move", "Notice", "Outcome", "Party", "answer", "concerns_invoice", "overdue"]


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
        same = _as_deposited(invoice, data.invoice) and data.attempt <= invoice.attempt
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
        version=1,
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


def _as_deposited(invoice: Invoice, deposited: InvoiceHeader) -> bool:
    """Whether these are the data of the deposit. Recycling may have changed the address since, and nothing else."""
    held = invoice.header
    if invoice.attempt > 1:
        held = msgspec.structs.replace(held, **{name: getattr(deposited, name) for name in ADDRESS_FIELDS})
    return held == deposited


def _decided(invoice: Invoice | None, event: Event, data: InvoiceRouted | InvoiceUnroutable, now: datetime) -> Outcome:
    """Routing's answer counts for the attempt it was asked for; an older one is stale, a later one comes too early."""
    if invoice is None or data.attempt > invoice.attempt:
        return NotYet(f"attempt {data.attempt} has not been submitted yet")
    if data.attempt < invoice.attempt:
        return AlreadyApplied()
    if data.attempt == invoice.transfer_attempt:
        return transfer_answered(invoice, event, data, now)
    move = MOVES[type(data)]
    verdict = decide(invoice.status, move.target, move.actor)
    if not isinstance(verdict, Apply):
        return verdict
    reasons = refusals(data.findings) if isinstance(data, InvoiceUnroutable) else ()
    if verdict.transition.comment == "required" and not reasons:
        return _refused(f"Le statut {move.target} demande une raison et l'événement n'en donne aucune.")
    number = invoice.entries + 1
    after = msgspec.structs.replace(invoice, status=move.target, status_at=now, entries=number, version=number)
    if isinstance(data, InvoiceUnroutable):
        return Applied(invoice=after, entry=_status_entry(after, invoice.status, move, event, reasons))
    after = made_available(after, data, now)
    party, moved = recipient_party(invoice, data, number)
    return Applied(invoice=after, entry=_status_entry(after, invoice.status, move, event), party=party, moved=moved)


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
    if accepted and _makes_available(invoice, data.audience, data.kind, about) and invoice.available_at is not None:
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


def _makes_available(invoice: Invoice, audience: str, kind: str, about: int) -> bool:
    """Whether a notice told the body that the invoice is at its disposal, where the delay starts or later.

    Recycling within one structure does not start the delay anew, so a later notice counts for the first one too; the
    notices of a body that the invoice has left do not.
    """
    first = invoice.available_entry
    return audience == "body" and kind == AVAILABLE and first is not None and about >= first


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
