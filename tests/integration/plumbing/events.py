"""Events of the tests: numbered steps of a key, as status writes them and notify reads them."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from contracts.envelope import Event, encode, event_id, headers
from contracts.events import NotificationAccepted, StatusChanged
from services.common.record import Record

INSTANT = datetime(2026, 11, 22, 8, tzinfo=UTC)
_offsets = itertools.count()


def step(key: str, entry: int, *, number: str = "fine", identity: UUID | None = None) -> Event:
    """Entry ``entry`` of ``key``. ``number`` may name what the handler does wrong with it."""
    data = StatusChanged(
        entry=entry,
        status_from="DEPOSEE",
        status_to="MISE_A_DISPOSITION",
        actor="S",
        visibility="all",
        changed_at=INSTANT,
        invoice_number=number,
        issue_date=date(2026, 11, 22),
        supplier_siret="10000000900015",
        recipient_siret="22060001900016",
        payable=Decimal("120.00"),
        currency="EUR",
    )
    source = "/chorale/status"
    return Event(id=identity or uuid4(), type=data.TYPE, source=source, subject=key, time=INSTANT, data=data)


def answer(entry: int, message: str = "m") -> NotificationAccepted:
    """What the handler emits for an entry."""
    return NotificationAccepted(message=message, kind="step", audience="body", accepted_at=INSTANT, entry=entry)


def answer_id(event: Event) -> UUID:
    """The id of what the handler emits for ``event``."""
    return event_id(event.id, NotificationAccepted.TYPE)


def record(event: Event, *, topic: str = "test.steps") -> Record:
    """The event as it stands on a topic."""
    return Record(
        topic=topic,
        partition=0,
        offset=next(_offsets),
        key=event.subject.encode(),
        headers=headers(event),
        value=encode(event.data),
    )


def records(*events: Event) -> list[Record]:
    """Several, in order."""
    return [record(event) for event in events]


def bad_record(
    *, key: bytes | None, value: bytes | None = b"{}", given: list[tuple[str, bytes]] | None = None, topic: str = "t"
) -> Record:
    """A message that is no event."""
    return Record(topic=topic, partition=0, offset=next(_offsets), key=key, headers=given or [], value=value)
