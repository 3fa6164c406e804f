"""A batch of records into the windows, in one transaction with the places it was read from.

That place is what makes every record count once: after a crash, a rebalance, or a frozen process that wakes up, a
record that is offered again lies below it. What a writer sent twice is recognised by its event id.
"""

from collections.abc import Sequence
from uuid import UUID

from contracts.envelope import Event
from services.common import inbox, telemetry
from services.common.db import Pool, lock_keys
from services.common.failures import is_transient
from services.common.record import Arrival, Record, read
from services.supervision import domain, flows, metrics, store
from services.supervision.domain import Journey
from services.supervision.sums import Sums


class Counting:
    """Counts records. ``batch`` may be called by any number of instances at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def batch(self, records: Sequence[Record]) -> None:
        """Count every record that is not counted yet. Raises a transient error when the batch must be offered again.

        What cannot be counted is skipped, said and counted as such: a figure is no reason to stop, and each service
        parks what it cannot take by itself.
        """
        try:
            await self._together(records)
            return
        except Exception as error:
            if is_transient(error):
                raise
            telemetry.logger().warning("batch.split", records=len(records), error=type(error).__name__)
        for record in records:
            try:
                await self._together([record])
            except Exception as error:
                if is_transient(error):
                    raise
                telemetry.logger().error("event.not_counted", topic=record.topic, exc_info=error)
                metrics.SKIPPED.labels(reason="failed").inc()
                await self._together([record], skip=True)

    async def _together(self, records: Sequence[Record], *, skip: bool = False) -> None:
        places = {_place(record) for record in records}
        newest = None
        async with self._pool.acquire() as connection, connection.transaction():
            through = await store.through(connection, places)
            fresh = [record for record in records if _offset(record) > through[_place(record)]]
            if not fresh:
                return
            events = [] if skip else _events([read(record) for record in fresh])
            if events:
                taken = await inbox.take(connection, (event.id for event in events))
                events = list(_once(events, taken).values())
                subjects = domain.subjects(events)
                await lock_keys(connection, "supervision", subjects)
                known = await store.journeys(connection, subjects)
                sums = count(events, known)
                await store.keep(connection, known)
                await store.add(connection, sums)
                await flows.add(connection, events)
                newest = max((event.time for event in events), default=None)
            await store.advance(connection, {_place(record): _offset(record) for record in fresh})
        if newest is not None:
            metrics.LATE.set(max(0.0, (store.now() - newest).total_seconds()))


def count(events: Sequence[Event], known: dict[str, Journey]) -> Sums:
    """What these events add. ``known`` grows and goes on; pure but for that."""
    sums = Sums()
    for event in events:
        journey = known.get(event.subject) if domain.followed(event.data) else None
        if journey is None and domain.followed(event.data) and domain.opens(event):
            journey = known[event.subject] = Journey()
        domain.take(event, journey, sums)
    return sums


def _events(arrivals: Sequence[Arrival]) -> list[Event]:
    for arrival in arrivals:
        if arrival.poison is not None:
            metrics.SKIPPED.labels(reason=arrival.poison.code).inc()
    return [arrival.event for arrival in arrivals if arrival.event is not None]


def _once(events: Sequence[Event], taken: set[UUID]) -> dict[UUID, Event]:
    return {event.id: event for event in events if event.id in taken}


def _place(record: Record) -> store.Place:
    assert record.partition is not None
    return record.topic, record.partition


def _offset(record: Record) -> int:
    assert record.offset is not None
    return record.offset
