"""What the facts of an invoice come to: start, interruption and end of its delay (:mod:`invoice.clock`).

Nothing is decided for good while facts come in: a start that becomes known late moves all that hangs on it.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from invoice.clock_shapes import NEW_DELAY_DAYS, Paid, Proof, State, Terms, paris_day


class Suspension(msgspec.Struct):
    """A suspension: its day, whether it came after the mandate, how and when it ended."""

    day: date
    mandated: bool
    end: Literal["open", "completed", "lifted"] = "open"
    ended_on: date | None = None


class Facts(msgspec.Struct):
    """What is known so far. ``notices`` are the entries of *mise à disposition* whose notices count for the start."""

    status: str | None = None
    structure: str | None = None
    available_at: datetime | None = None
    notices: set[int] = msgspec.field(default_factory=set)
    notice_at: datetime | None = None
    portal: bool = False
    asked_on: date | None = None
    agreement: tuple[date, Proof] | None = None
    moe_on: date | None = None
    file: tuple[date, Proof] | None = None
    done_on: date | None = None
    mandated: bool = False
    suspensions: list[Suspension] = msgspec.field(default_factory=list)
    closed: bool = False
    handed_on: bool = False
    put_on: date | None = None
    admitted: Decimal | None = None
    settled: Decimal | None = None
    payments: list[Paid] = msgspec.field(default_factory=list)


class Reckoning(msgspec.Struct, frozen=True):
    """What the facts come to: start, end, the one interruption that counts."""

    state: State
    days: int
    start: date | None = None
    proof: Proof | None = None
    due: date | None = None
    first_due: date | None = None
    interruption: Suspension | None = None
    balance: int | None = None
    paid_on: date | None = None


def reckon(facts: Facts, terms: Terms) -> Reckoning:
    """Start, length, interruption and end, by the articles that :mod:`invoice.clock` names."""
    paid_on = _paid_on(facts)
    started = _start(facts, terms)
    if started is None:
        suspended = next((s for s in facts.suspensions if not s.mandated and s.end != "lifted"), None)
        state: State = "closed" if facts.closed else "stopped" if paid_on is not None else "not_started"
        return Reckoning(state, terms.days, interruption=suspended, balance=terms.days, paid_on=paid_on)
    start, proof = started
    first_due = start + timedelta(days=terms.days)
    interruption = _interruption(facts, first_due)
    due: date | None = first_due
    days, balance = terms.days, None
    if interruption is not None:
        balance = min(terms.days, (first_due - interruption.day).days)
        due, days = _after(interruption, balance, terms, facts)
    state = "interrupted" if due is None else "running"
    if paid_on is not None:
        state = "stopped"
    if facts.closed:
        state = "closed"
    return Reckoning(state, days, start, proof, due, first_due, interruption, balance, paid_on)


def _paid_on(facts: Facts) -> date | None:
    """The day of the last payment: as stated with it, else the day of the status.

    None again where the parties then agreed on more than was paid: the difference is still due (R2192-34).
    """
    final = [payment.paid_on for payment in facts.payments if payment.final]
    amounts = [payment.amount for payment in facts.payments]
    if final and facts.settled is not None and None not in amounts:
        paid = sum((amount for amount in amounts if amount is not None), Decimal(0))
        if paid < facts.settled:
            return None
        return max(payment.paid_on for payment in facts.payments)
    return final[-1] if final else facts.put_on


def _start(facts: Facts, terms: Terms) -> tuple[date, Proof] | None:
    base = None if terms.nothing_due is not None else _reception(facts, terms)
    if base is not None and facts.done_on is not None and facts.done_on > base[0]:
        return facts.done_on, "service_done"
    return base


def _reception(facts: Facts, terms: Terms) -> tuple[date, Proof] | None:
    """The day on which the request counts as received, by the first rule that fits."""
    if facts.file is not None and terms.kind != "works_balance":
        return facts.file
    reached = facts.available_at is not None or facts.moe_on is not None
    if terms.kind == "subcontractor" and facts.agreement is not None and reached:
        return facts.agreement
    if facts.moe_on is not None:
        return facts.moe_on, "moe"
    if facts.available_at is None:
        return None
    if facts.notice_at is not None:
        return paris_day(facts.notice_at), "notice"
    return (paris_day(facts.available_at), "portal") if facts.portal else None


def _interruption(facts: Facts, first_due: date) -> Suspension | None:
    """The one suspension that counts: the first that the law allows and that still found a delay to interrupt."""
    found = (s for s in facts.suspensions if not s.mandated and s.end != "lifted" and s.day <= first_due)
    return next(found, None)


def _after(interruption: Suspension, balance: int, terms: Terms, facts: Facts) -> tuple[date | None, int]:
    """The end and the length of the delay that the reception of the pieces opens (R2192-29); no end before it."""
    days = max(NEW_DELAY_DAYS, balance)
    if interruption.end != "completed" or interruption.ended_on is None:
        return None, terms.days
    due = interruption.ended_on + timedelta(days=days)
    if facts.done_on is not None:
        due = max(due, facts.done_on + timedelta(days=terms.days))
    return due, days
