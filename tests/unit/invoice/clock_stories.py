"""Short sentences for what happens to an invoice, so that a table of cases can be read: ``2026-03-02 available A``."""

from datetime import UTC, date, datetime
from decimal import Decimal

from invoice.clock import (
    Admitted,
    ClockEvent,
    Entered,
    FileStarted,
    Noticed,
    NoticeOverdue,
    Paid,
    ServiceDone,
    Settled,
)

AVAILABLE = "MISE_A_DISPOSITION"


def instant(text: str) -> datetime:
    """``2026-03-02`` is that day at 10:00 UTC; with a time, it carries its offset (``2026-03-02T23:30+01:00``)."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T10:00+00:00").astimezone(UTC)


def story(*lines: str) -> list[ClockEvent]:
    """The events of a story, numbered from 1. Words: a status code, ``available [structure]``, ``notice [entry]``,
    ``overdue``, ``done DAY``, ``file DAY [proof]``, ``admits``, ``settles``, ``partial`` and ``pays`` (DAY [AMOUNT]).
    """
    events: list[ClockEvent] = []
    about = 0
    for entry, line in enumerate(lines, 1):
        when, what, *rest = line.split()
        if what == "available":
            about = entry
        events.append(_event(entry, instant(when), what, rest, about))
    return events


def _event(entry: int, at: datetime, what: str, rest: list[str], about: int) -> ClockEvent:
    match what:
        case "available":
            return Entered(entry=entry, at=at, status=AVAILABLE, structure=rest[0] if rest else "A")
        case "notice":
            return Noticed(entry=entry, at=at, about=int(rest[0]) if rest else about)
        case "overdue":
            return NoticeOverdue(entry=entry, at=at)
        case "done":
            return ServiceDone(entry=entry, at=at, done_on=date.fromisoformat(rest[0]))
        case "file":
            proof = rest[1] if len(rest) > 1 else "moe"
            return FileStarted(entry=entry, at=at, on=date.fromisoformat(rest[0]), proof=proof)  # type: ignore[arg-type]
        case "admits":
            return Admitted(entry=entry, at=at, amount=Decimal(rest[0]))
        case "settles":
            return Settled(entry=entry, at=at, amount=Decimal(rest[0]))
        case "partial" | "pays":
            amount = Decimal(rest[1]) if len(rest) > 1 else None
            return Paid(entry=entry, at=at, paid_on=date.fromisoformat(rest[0]), amount=amount, final=what == "pays")
        case _:
            assert what.isupper(), what
            return Entered(entry=entry, at=at, status=what)
