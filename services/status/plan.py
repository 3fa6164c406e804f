"""Folds a batch of events into what is to be written: events of one invoice in order, in memory. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events import ActionRecorded, Changed, RoutingRequested, StatusChanged
from invoice.findings import Finding
from invoice.lifecycle import Forbidden, NotYet
from services.status.domain import Bodies, answer
from services.status.model import Applied, Ended, Entry, Gone, Invoice, Moved, Party

#: Actor → how he is named where his words are quoted.
_WRITES: Final = {
    "F": "Le fournisseur",
    "V1": "Le valideur",
    "V2": "Le valideur",
    "D": "Le destinataire",
    "C": "Le comptable",
    "MOE": "Le maître d'œuvre",
    "MOA": "Le maître d'ouvrage",
}


class Cause(Protocol):
    """What makes something be told: an event, a request, a timer."""

    @property
    def id(self) -> UUID: ...
    @property
    def traceparent(self) -> str | None: ...


class Told(msgspec.Struct, frozen=True):
    """Something to tell others about an invoice, and what caused it. ``index`` tells apart what one cause makes."""

    invoice: UUID
    cause: Cause
    index: int
    data: StatusChanged | ActionRecorded | RoutingRequested
    tenant: str | None


class Refusal(msgspec.Struct, frozen=True):
    """An event that the table forbids."""

    event: Event
    reason: str
    message: str


class Plan(msgspec.Struct, frozen=True):
    """What a batch comes to. ``created`` and ``changed`` hold each invoice once, as it is at the end."""

    created: list[Invoice] = msgspec.field(default_factory=list)
    changed: list[Invoice] = msgspec.field(default_factory=list)
    entries: list[Entry] = msgspec.field(default_factory=list)
    parties: list[Party] = msgspec.field(default_factory=list)
    told: list[Told] = msgspec.field(default_factory=list)
    not_yet: list[Event] = msgspec.field(default_factory=list)
    refused: list[Refusal] = msgspec.field(default_factory=list)
    ended: list[Ended] = msgspec.field(default_factory=list)
    gone: list[Gone] = msgspec.field(default_factory=list)
    moved: list[Moved] = msgspec.field(default_factory=list)


def fold(known: Mapping[UUID, Invoice], events: Iterable[Event], now: datetime, bodies: Bodies | None = None) -> Plan:
    """Answer every event. One that comes too early is asked again after each that could have brought its turn."""
    plan = Plan()
    by_invoice: dict[UUID, list[Event]] = {}
    for event in events:
        by_invoice.setdefault(UUID(event.subject), []).append(event)
    for identity, own in by_invoice.items():
        before = known.get(identity)
        after = _fold_one(plan, before, own, now, bodies or {})
        if after is not None and after is not before:
            (plan.created if before is None else plan.changed).append(after)
    return plan


def _fold_one(
    plan: Plan, invoice: Invoice | None, events: list[Event], now: datetime, bodies: Bodies
) -> Invoice | None:
    pending, progress = events, True
    while pending and progress:
        again: list[Event] = []
        progress = False
        for event in pending:
            outcome = answer(invoice, event, now, bodies)
            if isinstance(outcome, Applied):
                invoice, progress = outcome.last, True
                note(plan, outcome, event)
            elif isinstance(outcome, NotYet):
                again.append(event)
            elif isinstance(outcome, Forbidden):
                plan.refused.append(Refusal(event, outcome.reason, outcome.message))
        pending = again
    plan.not_yet.extend(pending)
    return invoice


def note(plan: Plan, outcome: Applied, cause: Cause) -> None:
    """Add to the plan what one thing that was applied writes and tells, but for the invoice itself."""
    for index, step in enumerate(outcome.steps):
        plan.entries.append(step.entry)
        plan.parties.extend(step.parties)
        plan.gone.extend(step.gone)
        if step.party is not None:
            plan.parties.append(step.party)
        if step.ended is not None:
            plan.ended.append(step.ended)
        if step.moved is not None:
            plan.moved.append(step.moved)
        tenant = step.invoice.tenant or step.invoice.trial
        if step.entry.kind == "status":
            plan.told.append(Told(step.invoice.id, cause, index, status_changed(step), tenant))
        elif step.entry.kind == "action":
            plan.told.append(Told(step.invoice.id, cause, index, action_recorded(step), tenant))
        if step.asks is not None:
            plan.told.append(Told(step.invoice.id, cause, index, step.asks, tenant))


def act(outcome: Applied, cause: Cause) -> Plan:
    """The plan of one thing that was done to one known invoice."""
    plan = Plan(changed=[outcome.last])
    note(plan, outcome, cause)
    return plan


def action_recorded(outcome: Applied) -> ActionRecorded:
    """What others are told of an act that leaves the status. A note of the body's own keeps its words to itself."""
    invoice, entry = outcome.invoice, outcome.entry
    header = invoice.header
    assert entry.action is not None
    return ActionRecorded(
        entry=entry.number,
        action=entry.action,
        actor=entry.actor,
        visibility=entry.visibility,
        recorded_at=entry.at,
        status=invoice.status,
        invoice_number=header.invoice_number,
        supplier_siret=header.supplier_siret,
        recipient_siret=header.recipient_siret,
        service_code=invoice.service_code,
        tenant=invoice.tenant,
        motif=entry.motif,
        comment=entry.comment if entry.visibility == "all" else None,
        changes=tuple(Changed(field=c.field, before=c.before, after=c.after) for c in entry.changes),
        reasons=_quoting(entry),
    )


def status_changed(outcome: Applied) -> StatusChanged:
    """What others are told of a status entry."""
    invoice, entry, ended = outcome.invoice, outcome.entry, outcome.ended
    header = invoice.header
    return StatusChanged(
        entry=entry.number,
        status_from=entry.status_from,
        status_to=entry.status_to or invoice.status,
        actor=entry.actor,
        visibility=entry.visibility,
        changed_at=entry.at,
        invoice_number=header.invoice_number,
        issue_date=header.issue_date,
        supplier_siret=header.supplier_siret,
        recipient_siret=header.recipient_siret,
        payable=header.payable,
        currency=header.currency,
        recipient_name=invoice.recipient_name,
        service_code=invoice.service_code,
        service_label=invoice.service_label,
        tenant=invoice.tenant,
        reasons=_quoting(entry),
        previous_siret=None if ended is None else ended.structure,
        previous_service_code=None if ended is None else ended.service,
        validator=_validator(invoice, entry.status_to),
    )


def _validator(invoice: Invoice, status: str | None) -> str | None:
    """The SIRET of whoever this status asks; the supplier may have named another one than on the deposit."""
    rank = {"A_VALIDER_1": 0, "A_VALIDER_2": 1}.get(status or "")
    return None if rank is None or rank >= len(invoice.validators) else invoice.validators[rank].siret


def _quoting(entry: Entry) -> tuple[Finding, ...]:
    """The reasons with the words of whoever gave them, for the mail to the other side.

    The history keeps the words apart, in the comment, where they can be erased.
    """
    if entry.comment is None or not entry.reasons or entry.actor not in _WRITES:
        return entry.reasons
    first, *others = entry.reasons
    quoted = f"{first.message} {_WRITES[entry.actor]} écrit : « {entry.comment} »"
    return (msgspec.structs.replace(first, message=quoted), *others)
