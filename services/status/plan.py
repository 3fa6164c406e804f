"""Folds a batch of events into what is to be written: events of one invoice in order, in memory. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events import StatusChanged
from invoice.lifecycle import Forbidden, NotYet
from services.status.domain import answer
from services.status.model import Applied, Ended, Entry, Invoice, Moved, Party


class Change(msgspec.Struct, frozen=True):
    """A status entry to tell others about, and the event that caused it."""

    event: Event
    data: StatusChanged


class Refusal(msgspec.Struct, frozen=True):
    """An event that the table forbids."""

    event: Event
    reason: str
    message: str


class Plan(msgspec.Struct, frozen=True):
    """What a batch comes to. ``created`` and ``changed`` hold each invoice once, as it is at the end."""

    created: list[Invoice]
    changed: list[Invoice]
    entries: list[Entry]
    parties: list[Party]
    changes: list[Change]
    not_yet: list[Event]
    refused: list[Refusal]
    ended: list[Ended] = msgspec.field(default_factory=list)
    moved: list[Moved] = msgspec.field(default_factory=list)


def fold(known: Mapping[UUID, Invoice], events: Iterable[Event], now: datetime) -> Plan:
    """Answer every event. One that comes too early is asked again after each that could have brought its turn."""
    plan = Plan([], [], [], [], [], [], [])
    by_invoice: dict[UUID, list[Event]] = {}
    for event in events:
        by_invoice.setdefault(UUID(event.subject), []).append(event)
    for identity, own in by_invoice.items():
        before = known.get(identity)
        after = _fold_one(plan, before, own, now)
        if after is not None and after is not before:
            (plan.created if before is None else plan.changed).append(after)
    return plan


def _fold_one(plan: Plan, invoice: Invoice | None, events: list[Event], now: datetime) -> Invoice | None:
    pending, progress = events, True
    while pending and progress:
        again: list[Event] = []
        progress = False
        for event in pending:
            outcome = answer(invoice, event, now)
            if isinstance(outcome, Applied):
                invoice, progress = outcome.invoice, True
                _write_down(plan, event, outcome)
            elif isinstance(outcome, NotYet):
                again.append(event)
            elif isinstance(outcome, Forbidden):
                plan.refused.append(Refusal(event, outcome.reason, outcome.message))
        pending = again
    plan.not_yet.extend(pending)
    return invoice


def _write_down(plan: Plan, event: Event, outcome: Applied) -> None:
    note(plan, outcome)
    if outcome.entry.kind == "status":
        plan.changes.append(Change(event, status_changed(outcome)))


def note(plan: Plan, outcome: Applied) -> None:
    """Add to the plan what one thing that was applied writes, but for the invoice itself."""
    plan.entries.append(outcome.entry)
    if outcome.party is not None:
        plan.parties.append(outcome.party)
    if outcome.ended is not None:
        plan.ended.append(outcome.ended)
    if outcome.moved is not None:
        plan.moved.append(outcome.moved)


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
        reasons=entry.reasons,
        previous_siret=None if ended is None else ended.structure,
        previous_service_code=None if ended is None else ended.service,
    )
