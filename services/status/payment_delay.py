"""The payment delay of an invoice: its history told to :mod:`invoice.clock`, and what a list keeps of it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

import msgspec

from invoice.clock import (
    NOTICE_PATIENCE,
    PARIS,
    Admitted,
    Clock,
    ClockEvent,
    Entered,
    FileStarted,
    Noticed,
    NoticeOverdue,
    Paid,
    ServiceDone,
    Settled,
    Terms,
    clock,
    paris_day,
)
from invoice.clock_terms import terms_of
from invoice.lifecycle import AVAILABLE
from services.status.model import Body, Delay, DelayState, Entry, Invoice

__all__ = [
    "NOTICE_PATIENCE",
    "PARIS",
    "Delay",
    "clock_of",
    "events_of",
    "paris_day",
    "reckoned",
    "suspension_without_effect",
    "terms_for",
]
#: Why a suspension does not interrupt the delay, as the clock's steps are named.
_NO_EFFECT: Final = frozenset(("second_suspension", "late_suspension", "mandated_suspension"))


def terms_for(invoice: Invoice, body: Body | None, *, restarts: bool) -> Terms:
    """The terms of the delay at a body's disposal, kept from then on. ``body`` None: status has not heard of it.

    Before the invoice is there, those of the body that it is addressed to.
    """
    terms = terms_of(invoice.header, invoice.circuit, None, policy=invoice.policy)
    terms = msgspec.structs.replace(terms, recycling_restarts_delay=restarts)
    if body is None:
        return terms
    service = invoice.service_code or invoice.header.service_code or ""
    reported = body.services.get(service, body.reported)
    return msgspec.structs.replace(terms, days=body.days, payment_reported=reported)


def clock_of(invoice: Invoice, entries: Iterable[Entry], *more: ClockEvent) -> Clock:
    """The clock of an invoice with this history; ``more``: what has not happened yet."""
    terms = invoice.terms or terms_of(invoice.header, invoice.circuit, None, policy=invoice.policy)
    return clock([*(event for entry in entries for event in events_of(entry)), *more], terms)


def events_of(entry: Entry) -> Iterator[ClockEvent]:
    """What an entry of the history is to the clock: nothing, one thing, or a status and what came with it."""
    number, at = entry.number, entry.at
    match entry.kind:
        case "status":
            assert entry.status_to is not None
            yield Entered(entry=number, at=at, status=entry.status_to, structure=entry.structure)
            yield from _with_status(entry)
        case "notice":
            notice = entry.notice
            assert notice is not None
            if (notice.audience, notice.outcome, notice.kind) == ("body", "accepted", AVAILABLE):
                yield Noticed(entry=number, at=at, about=notice.about)
        case "delay":
            yield NoticeOverdue(entry=number, at=at)
        case "action":
            yield from _without_status(entry)


def _with_status(entry: Entry) -> Iterator[ClockEvent]:
    done, paid, started = entry.value("done_on"), entry.value("paid_on"), entry.value("file_started_on")
    if started is not None:
        proof = entry.value("file_proof")
        yield FileStarted(
            entry=entry.number,
            at=entry.at,
            on=date.fromisoformat(started),
            proof="agreement" if proof == "agreement" else "tacit" if proof == "tacit" else "moe",
        )
    if done is not None:
        yield ServiceDone(entry=entry.number, at=entry.at, done_on=date.fromisoformat(done))
    if paid is not None:
        yield Paid(
            entry=entry.number, at=entry.at, paid_on=date.fromisoformat(paid), amount=_amount(entry, "paid_amount")
        )


def _without_status(entry: Entry) -> Iterator[ClockEvent]:
    number, at = entry.number, entry.at
    paid, admitted, settled = (_amount(entry, f"{name}_amount") for name in ("paid", "admitted", "settled"))
    paid_on = entry.value("paid_on")
    if paid_on is not None:
        yield Paid(entry=number, at=at, paid_on=date.fromisoformat(paid_on), amount=paid, final=False)
    if admitted is not None:
        yield Admitted(entry=number, at=at, amount=admitted)
    if settled is not None:
        yield Settled(entry=number, at=at, amount=settled)


def _amount(entry: Entry, field: str) -> Decimal | None:
    written = entry.value(field)
    return None if written is None else Decimal(written)


def reckoned(invoice: Invoice, entries: Sequence[Entry]) -> Invoice:
    """The invoice with the delay that its whole history comes to."""
    found = clock_of(invoice, entries)
    state: DelayState = "none" if found.terms.nothing_due is not None else found.state
    return msgspec.structs.replace(invoice, delay=_delay(invoice, entries, found), delay_state=state)


def _delay(invoice: Invoice, entries: Sequence[Entry], found: Clock) -> Delay | None:
    if found.started_on is None or found.proof is None:
        return None
    at = datetime.combine(found.started_on, time(), PARIS).astimezone(UTC)
    if found.proof == "notice":
        told = (event for entry in entries for event in events_of(entry) if isinstance(event, Noticed))
        accepted = (event.at for event in told if event.about >= (invoice.available_entry or 0))
        at = min((instant for instant in accepted if paris_day(instant) == found.started_on), default=at)
    elif found.proof == "portal" and invoice.available_at is not None:
        at = invoice.available_at
    return Delay(started_on=found.started_on, started_at=at, source=found.proof, due_on=found.due_on)


def suspension_without_effect(invoice: Invoice, entries: Iterable[Entry], now: datetime) -> str | None:
    """Why a suspension now would not interrupt the delay (decisions.md 6), as a French sentence; None if it would."""
    wanted = Entered(entry=invoice.entries + 1, at=now, status="SUSPENDUE")
    steps = clock_of(invoice, entries, wanted).steps
    last = steps[-1] if steps else None
    return last.text if last is not None and last.code in _NO_EFFECT else None
