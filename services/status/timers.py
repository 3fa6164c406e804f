"""Which timers an invoice has, as it stands: the table ``timers.yaml``, asked of one invoice. Pure.

Timers are what follows from the invoice, so nobody sets or cancels one: whoever writes an entry writes the invoice, and
the timers that it should have are then made those that it has (``timer_store.py``), in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Final, Literal
from uuid import UUID, uuid5

import msgspec

from contracts.envelope import NAMESPACE
from invoice import packaged
from invoice.clock import PARIS, paris_day
from invoice.lifecycle import STATUSES, turn
from services.status.model import Invoice

_MORNING: Final = time(8)
#: A reminder is not set for a day further back; timers that have fired are kept for longer than that.
_REMEMBERED: Final = timedelta(days=30)
#: The family of which an invoice has only the next one: each fires, then sets the one after it.
PAYMENT: Final = "payment_"


class TimerRow(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from"}, forbid_unknown_fields=True):
    """A row of ``timers.yaml``, whose head explains the columns."""

    kind: str
    label: str
    since: Literal["status", "available", "due"]
    at: Literal["morning", "over", "instant"]
    does: Literal["remind", "move", "start_delay"]
    source: str
    statuses: tuple[str, ...] | Literal["waiting", "payable"] = ()
    cadres: tuple[str, ...] = ()
    days: int = 0
    hours: int = 0
    policy: Literal["unchanged_days"] | None = None
    tells: tuple[Literal["supplier", "validator", "body", "moa"], ...] = ()
    to: Mapping[str, str] = {}


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A timer that an invoice should have. The same cause gives the same id, so one that has fired is not set again."""

    id: UUID
    invoice: UUID
    kind: str
    due_at: datetime


def _load() -> dict[str, TimerRow]:
    text = resources.files("services.status").joinpath("timers.yaml").read_bytes()
    rows = msgspec.convert(packaged.parse(text), tuple[TimerRow, ...])
    return {row.kind: row for row in rows}


TIMERS: Final = _load()
#: Status → the timer that ends it when nobody answers.
_MOVING: Final = {status: row for row in TIMERS.values() if row.does == "move" for status in row.statuses}


def wanted(invoice: Invoice) -> tuple[Planned, ...]:
    """The timers of an invoice, all steps of a payment delay among them."""
    if STATUSES[invoice.status].terminal:
        return ()
    found = (_planned(row, invoice) for row in _rows(invoice.status))
    return tuple(each for each in found if each is not None)


@cache
def _rows(status: str) -> tuple[TimerRow, ...]:
    """The rows that may set something in a status: every change of an invoice asks."""
    return tuple(
        row for row in TIMERS.values() if row.since != "status" or row.statuses == "waiting" or status in row.statuses
    )


def next_steps(planned: Sequence[Planned], set_now: frozenset[UUID], now: datetime) -> tuple[Planned, ...]:
    """Of the steps of a payment delay only the next is set: the one that is set already, however late it is, else the
    first that lies ahead, else the last."""
    steps = [each for each in planned if each.kind.startswith(PAYMENT)]
    if not steps:
        return tuple(planned)
    ahead = next((each for each in steps if each.due_at > now), steps[-1])
    chosen = next((each for each in steps if each.id in set_now), ahead)
    return (*(each for each in planned if not each.kind.startswith(PAYMENT)), chosen)


def answer_by(status: str, since: datetime) -> date | None:
    """The last day (Europe/Paris) on which whoever is asked in a status still answers in time: after it the platform
    moves the invoice by itself. None where nothing is moved. ``since``: when it entered the status."""
    row = _MOVING.get(status)
    return None if row is None else paris_day(since) + timedelta(days=row.days)


def is_stale(planned: Planned, now: datetime) -> bool:
    """Whether a reminder is so old that nobody is helped by it: it has fired long ago, and that is forgotten by now.

    What moves an invoice is never too old: it ends by itself.
    """
    return TIMERS[planned.kind].does == "remind" and planned.due_at < now - _REMEMBERED


def last_day(invoice: Invoice) -> date | None:
    """The last day on which the body that has the invoice pays in time; None while no delay runs for it."""
    if invoice.delay is None or invoice.delay_state != "running" or invoice.held_by is None:
        return None
    return invoice.delay.due_on


def _planned(row: TimerRow, invoice: Invoice) -> Planned | None:
    if row.cadres and invoice.header.cadre_code not in row.cadres:
        return None
    anchor = _anchor(row, invoice)
    if anchor is None:
        return None
    own = max(invoice.policy.unchanged_days or 0, 0) if row.policy == "unchanged_days" else 0
    return Planned(
        id=uuid5(NAMESPACE, f"{invoice.id}/timer/{row.kind}/{anchor.isoformat()}"),
        invoice=invoice.id,
        kind=row.kind,
        due_at=_instant(row, anchor, own or row.days),
    )


def _anchor(row: TimerRow, invoice: Invoice) -> date | datetime | None:
    """What the timer counts from; None where the invoice has no such timer."""
    match row.since:
        case "available":
            waits = invoice.delay_state == "not_started" and invoice.delay is None
            return invoice.available_at if waits else None
        case "due":
            return last_day(invoice)
        case "status":
            if row.statuses == "waiting":
                return invoice.status_at if turn(invoice.status, invoice.circuit.table) not in (None, "S") else None
            return invoice.status_at if invoice.status in row.statuses else None


def _instant(row: TimerRow, anchor: date | datetime, days: int) -> datetime:
    if row.at == "instant":
        assert isinstance(anchor, datetime)
        return anchor + timedelta(days=days, hours=row.hours)
    day = (paris_day(anchor) if isinstance(anchor, datetime) else anchor) + timedelta(days=days)
    if row.at == "over":
        return datetime.combine(day + timedelta(days=1), time(0), PARIS)
    return datetime.combine(day, _MORNING, PARIS)
