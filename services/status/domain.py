"""What an event does to an invoice: state × event, as ``lifecycle.yaml`` allows it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
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
    SolicitationRecorded,
)
from invoice import cadres, model, policies
from invoice.clock import NOTICE_PATIENCE
from invoice.findings import Finding, refusals
from invoice.lifecycle import AVAILABLE, WITHDRAWN, AlreadyApplied, Apply, Forbidden, NotYet, decide
from invoice.model import InvoiceHeader
from invoice.policies import Circuit
from invoice.sandbox import is_sandbox
from services.status import solicited
from services.status.model import Applied, Body, Entry, FieldChange, Invoice, Notice, Outcome, Party
from services.status.moves import followed, party
from services.status.payment_delay import terms_for
from services.status.rerouting import ADDRESS_FIELDS, made_available, recipient_party, transfer_answered

__all__ = ["Applied", "Entry", "Invoice", "Move", "Notice", "Outcome", "Party", "answer", "concerns_invoice", "overdue"]


class Move(msgspec.Struct, frozen=True):
    """The status that an event asks for, and in whose name."""

    target: str
    actor: str


#: SIRET → what status knows of the structure.
Bodies = Mapping[str, Body]
_NOBODY: Final[Bodies] = MappingProxyType({})
#: Routing's answer → the move it asks for. Whether the invoice's status allows it is ``lifecycle.yaml``'s table.
MOVES: Final[dict[type[Payload], Move]] = {
    InvoiceRouted: Move(AVAILABLE, "S"),
    InvoiceUnroutable: Move("A_RECYCLER", "S"),
}
NOTICES: Final[tuple[type[Payload], ...]] = (NotificationAccepted, NotificationFailed)


def concerns_invoice(data: Payload) -> bool:
    """Whether an event says something about an invoice. Drafts and refused deposits, and mail about them, do not."""
    if isinstance(data, NotificationAccepted | NotificationFailed):
        return data.entry is not None
    if isinstance(data, SolicitationRecorded):
        return solicited.concerns(data)
    return isinstance(data, InvoiceSubmitted) or type(data) in MOVES


def answer(invoice: Invoice | None, event: Event, now: datetime, bodies: Bodies = _NOBODY) -> Outcome:
    """What ``event`` does to ``invoice`` (None while there is none). Changes nothing and never raises."""
    match event.data:
        case InvoiceSubmitted() as data:
            return submitted(invoice, event, data, now, bodies)
        case InvoiceRouted() as data:
            return _decided(invoice, event, data, now, bodies)
        case InvoiceUnroutable() as data:
            return _decided(invoice, event, data, now, bodies)
        case NotificationAccepted() as data:
            return _noticed(invoice, event, data, data.entry, data.accepted_at)
        case NotificationFailed() as data:
            return _noticed(invoice, event, data, data.entry, data.failed_at)
        case SolicitationRecorded() as data if solicited.concerns(data):
            return NotYet("the invoice is not here yet") if invoice is None else solicited.told(invoice, event, data)
        case _:
            return AlreadyApplied()


def submitted(
    invoice: Invoice | None,
    event: Event,
    data: InvoiceSubmitted,
    now: datetime,
    bodies: Bodies = _NOBODY,
    changes: tuple[FieldChange, ...] = (),
) -> Outcome:
    """The first round only: later rounds of an invoice are asked for by its own history, never by a deposit.

    The circuit follows from the cadre, the validators and the policy of the recipient's tenant. ``changes``: what the
    billing file says of a works piece.
    """
    if invoice is not None:
        same = _as_deposited(invoice, data.invoice) and data.attempt <= invoice.attempt
        return AlreadyApplied() if same else _refused("Cette facture existe déjà avec d'autres données.")
    body = bodies.get(data.invoice.recipient_siret, Body())
    circuit = policies.choose(data.invoice.cadre_code, len(data.validators), body.policy)
    if not isinstance(circuit, Circuit):
        return _refused(circuit[0].message)
    move = Move(policies.entry(circuit), cadres.of(data.invoice).by)
    verdict = decide(None, move.target, move.actor, table=circuit.table)
    if not isinstance(verdict, Apply):
        return verdict
    created = Invoice(
        id=UUID(event.subject),
        header=data.invoice,
        depositor=data.depositor,
        submitted_at=data.submitted_at,
        trial=event.tenant if is_sandbox(event.tenant) else None,
        status=move.target,
        status_at=data.submitted_at,
        entries=1,
        version=1,
        attempt=data.attempt,
        validators=data.validator_parties or tuple(model.Party(siret=siret) for siret in data.validators),
        works=data.works,
        policy=body.policy,
        read_as=None if data.read_as is None else UUID(data.read_as),
    )
    # What the body pays by and reports is said from the first day; routing's answer settles it.
    known = bodies.get(data.invoice.recipient_siret)
    terms = terms_for(created, known, restarts=body.policy.recycling_restarts_delay)
    created = msgspec.structs.replace(created, terms=terms)
    entry = _status_entry(created, None, move, event, changes=changes)
    return followed(Applied(invoice=created, entry=entry, parties=_depositors(created, move.actor)), now)


def _depositors(created: Invoice, actor: str) -> tuple[Party, ...]:
    """The supplier, and the MOE or MOA who has deposited the piece."""
    supplier = party(created, model.Party(siret=created.header.supplier_siret), "FOURNISSEUR", 1)
    supplier = msgspec.structs.replace(supplier, depositor=created.depositor)
    works = created.works
    if actor == "MOE" and works is not None and works.moe is not None:
        return supplier, party(created, works.moe, "MOE", 1)
    if actor == "MOA" and works is not None and works.moa is not None:
        return supplier, party(created, works.moa, "MOA", 1)
    return (supplier,)


def _as_deposited(invoice: Invoice, deposited: InvoiceHeader) -> bool:
    """Whether these are the data of the deposit. Recycling may have changed the address since, and nothing else."""
    held = invoice.header
    if invoice.attempt > 1:
        held = msgspec.structs.replace(held, **{name: getattr(deposited, name) for name in ADDRESS_FIELDS})
    return held == deposited


def _decided(
    invoice: Invoice | None, event: Event, data: InvoiceRouted | InvoiceUnroutable, now: datetime, bodies: Bodies
) -> Outcome:
    """Routing's answer counts for the attempt it was asked for; an older one is stale, a later one comes too early.

    One that finds the invoice withdrawn comes too late, and nobody has done anything wrong.
    """
    if invoice is None or data.attempt > invoice.attempt:
        return NotYet(f"attempt {data.attempt} has not been submitted yet")
    if data.attempt < invoice.attempt or invoice.status == WITHDRAWN:
        return AlreadyApplied()
    if data.attempt == invoice.transfer_attempt:
        return transfer_answered(invoice, event, data, now)
    move = MOVES[type(data)]
    verdict = decide(
        invoice.status, move.target, move.actor, was_available=invoice.was_available, table=invoice.circuit.table
    )
    if not isinstance(verdict, Apply):
        return verdict
    reasons = refusals(data.findings) if isinstance(data, InvoiceUnroutable) else ()
    if verdict.transition.comment == "required" and not reasons:
        return _refused(f"Le statut {move.target} demande une raison et l'événement n'en donne aucune.")
    number = invoice.entries + 1
    after = msgspec.structs.replace(invoice, status=move.target, status_at=now, entries=number, version=number)
    if isinstance(data, InvoiceUnroutable):
        return Applied(invoice=after, entry=_status_entry(after, invoice.status, move, event, reasons))
    after = made_available(after, data, now, bodies.get(data.structure_siret))
    body, moved = recipient_party(invoice, data, number)
    entry = _status_entry(after, invoice.status, move, event, structure=data.structure_siret)
    return Applied(invoice=after, entry=entry, party=body, moved=moved)


def _status_entry(
    after: Invoice,
    status_from: str | None,
    move: Move,
    event: Event,
    reasons: tuple[Finding, ...] = (),
    *,
    changes: tuple[FieldChange, ...] = (),
    structure: str | None = None,
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
        changes=changes,
        structure=structure,
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
    """A notice is history, not a status. What it means for the payment delay is the clock's to say."""
    if about is None:
        return AlreadyApplied()
    if invoice is None or about > invoice.entries:
        return NotYet("the entry that this notice tells of is not written yet")
    accepted = isinstance(data, NotificationAccepted)
    after = msgspec.structs.replace(invoice, entries=invoice.entries + 1)
    notice = Notice(
        message=data.message,
        kind=data.kind,
        audience=data.audience,
        outcome="accepted" if accepted else "failed",
        about=about,
        cause=None if isinstance(data, NotificationAccepted) else data.cause,
        role=data.role,
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
    """Say that no notice was accepted in time, so that the day of the portal counts (decisions.md 18).

    None when there is nothing to say: the delay has a start, or none is due, or the 24 hours are not over.
    """
    waits = invoice.delay_state == "not_started" and invoice.delay is None
    if not waits or invoice.available_at is None or now <= invoice.available_at + NOTICE_PATIENCE:
        return None
    after = msgspec.structs.replace(invoice, entries=invoice.entries + 1)
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
