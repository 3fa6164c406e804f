"""A batch through: locks, inbox, handler and outbox in one transaction. Needs no broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.envelope import Event, encode, event_id
from contracts.envelope import headers as event_headers
from contracts.events import Payload
from contracts.registry import TOPIC_OF, ServiceName
from services.common import clock, deadletter, inbox, outbox, telemetry, waiting
from services.common.db import Connection, Pool, lock_keys, set_scope
from services.common.failures import Rejected, Transient, is_transient
from services.common.record import Arrival, Record, read
from services.common.trace import child

BUG_ATTEMPTS = 3


class Cause(Protocol):
    """What makes an event be emitted: an event, or a request's or worker's minted id."""

    @property
    def id(self) -> UUID: ...
    @property
    def traceparent(self) -> str | None: ...


class Tx:
    """One database transaction and the messages that leave with it."""

    def __init__(self, service: ServiceName, connection: Connection, now: datetime) -> None:
        self.service = service
        self.conn = connection
        self.now = now
        self.outgoing: list[outbox.Outgoing] = []

    def emit(
        self,
        data: Payload,
        *,
        key: str,
        cause: Cause,
        index: int = 0,
        tenant: str | None = None,
        partition_key: str | None = None,
        lane: str = outbox.MAIN_LANE,
    ) -> UUID:
        """Queue an event for the outbox; the same cause, type and ``index`` always give the same id.

        Raises ``ValueError`` when this service may not write the type's topic, or the value is too large.
        """
        topic = TOPIC_OF[type(data)]
        if topic.writer != self.service:
            raise ValueError(f"{topic.name} is written by {topic.writer} alone, not by {self.service}")
        value = encode(data)
        if len(value) > outbox.MAX_VALUE_BYTES:
            raise ValueError(f"{data.TYPE} of {len(value)} bytes: large content travels by claim check")
        event = Event(
            id=event_id(cause.id, data.TYPE, index),
            type=data.TYPE,
            source=f"/chorale/{self.service}",
            subject=key,
            time=self.now,
            data=data,
            tenant=tenant,
            traceparent=child(cause.traceparent),
        )
        self.outgoing.append(
            outbox.Outgoing(
                topic=topic.name,
                key=key,
                headers=event_headers(event),
                value=value,
                lane=lane,
                partition_key=partition_key,
            )
        )
        return event.id


Handler = Callable[[Tx, Sequence[Event]], Awaitable[Sequence[Event]]]


@asynccontextmanager
async def transaction(
    pool: Pool, service: ServiceName, *, keys: Iterable[str] = (), scope: dict[str, str] | None = None
) -> AsyncIterator[Tx]:
    """A transaction that holds the locks of ``keys`` and ends by writing its events to the outbox."""
    async with pool.acquire() as connection, connection.transaction():
        if scope is not None:
            await set_scope(connection, scope)
        await lock_keys(connection, service, keys)
        tx = Tx(service, connection, clock.of(service))
        yield tx
        await outbox.write(connection, service, tx.outgoing)


class Deliver:
    """Takes batches of records to a service's handler, effectively once.

    A batch that fails is tried one record at a time, so that one bad event harms no other. What the service has no use
    for (``skips``) leaves no trace: a topic may bring a whole country beside the few entries that concern it.
    """

    def __init__(
        self,
        pool: Pool,
        service: ServiceName,
        handler: Handler,
        limit: deadletter.Limit | None = None,
        *,
        skips: Callable[[Payload], bool] = lambda data: False,
    ) -> None:
        self._pool = pool
        self._service = service
        self._handler = handler
        self._skips = skips
        self.limit = limit or deadletter.Limit()

    async def batch(self, records: Sequence[Record]) -> None:
        """Handle every record or park it. Raises :class:`Transient` when the batch must be offered again."""
        offered = [read(record) for record in records]
        arrivals = [a for a in offered if a.event is None or not self._skips(a.event.data)]
        telemetry.CONSUMED.labels(outcome="skipped").inc(len(offered) - len(arrivals))
        if not arrivals:
            return
        try:
            await self._together(arrivals)
            return
        except Exception as error:
            if is_transient(error):
                raise Transient(type(error).__name__) from error
            telemetry.logger().warning("batch.split", records=len(records), error=type(error).__name__)
        for arrival in arrivals:
            await self._alone(arrival)

    async def _together(self, arrivals: Sequence[Arrival], *, with_waiting: bool = True) -> None:
        with telemetry.BATCH_SECONDS.time():
            async with transaction(self._pool, self._service, keys=keys_of(arrivals)) as tx:
                fresh_ids = await inbox.take(tx.conn, (arrival.id for arrival in arrivals))
                fresh = [a for a in {a.id: a for a in arrivals}.values() if a.id in fresh_ids]
                parked = await self._handle_fresh(tx, fresh, with_waiting)
        telemetry.CONSUMED.labels(outcome="repeated").inc(len(arrivals) - len(fresh))
        telemetry.CONSUMED.labels(outcome="handled").inc(len(fresh) - parked)
        telemetry.CONSUMED.labels(outcome="parked").inc(parked)
        self.limit.count(handled=len(fresh) - parked, parked=parked)

    async def _handle_fresh(self, tx: Tx, fresh: Sequence[Arrival], with_waiting: bool) -> int:
        """Park what is poisonous or behind a parked key, handle the rest; returns how many were parked."""
        blocked, queued = await waiting.look_up(tx.conn, keys_of(fresh))
        good: list[Arrival] = []
        parked: list[tuple[Arrival, deadletter.Reason]] = []
        for arrival in fresh:
            if arrival.poison is not None:
                reason = deadletter.Reason("poison", arrival.poison.code, arrival.poison.detail)
                parked.append((arrival, reason))
                blocked.update({arrival.key} if arrival.key else ())
            elif arrival.key in blocked:
                parked.append(
                    (arrival, deadletter.Reason("behind", "BEHIND", "an earlier event of this key is parked"))
                )
            else:
                good.append(arrival)
        tx.outgoing += await deadletter.park(tx.conn, self._service, parked)
        brought = [a for a in queued if with_waiting and a.key not in blocked]
        await apply(tx, self._handler, [*good, *brought], queued)
        return len(parked)

    async def _alone(self, arrival: Arrival) -> None:
        try:
            await self._together([arrival])
            return
        except Exception as error:
            if is_transient(error):
                raise Transient(type(error).__name__) from error
        # What waited for this key may be to blame: once more without it, the sweeper tries that by itself.
        reason = await attempt(lambda: self._together([arrival], with_waiting=False), BUG_ATTEMPTS - 1)
        if reason is not None:
            await self._park(arrival, reason)

    async def _park(self, arrival: Arrival, reason: deadletter.Reason) -> None:
        try:
            async with transaction(self._pool, self._service, keys=keys_of([arrival])) as tx:
                if await inbox.take(tx.conn, [arrival.id]):
                    tx.outgoing += await deadletter.park(tx.conn, self._service, [(arrival, reason)])
        except Exception as error:
            if is_transient(error):
                raise Transient(type(error).__name__) from error
            raise
        telemetry.CONSUMED.labels(outcome="parked").inc()
        self.limit.count(handled=0, parked=1)


async def attempt(work: Callable[[], Awaitable[None]], times: int = BUG_ATTEMPTS) -> deadletter.Reason | None:
    """``None`` when it went well, else why it never will: rejected, or a bug every time. Raises :class:`Transient`."""
    reason = None
    for number in range(times):
        if number:
            await asyncio.sleep(0.05)
        try:
            await work()
            return None
        except Rejected as error:
            return deadletter.Reason("rejected", error.code, error.detail)
        except Exception as error:
            if is_transient(error):
                raise Transient(type(error).__name__) from error
            reason = deadletter.Reason("bug", "BUG", type(error).__name__, telemetry.where(error).replace("\0", ""))
    return reason


async def apply(tx: Tx, handler: Handler, arrivals: Sequence[Arrival], queued: Sequence[Arrival]) -> None:
    """Run the handler until nothing more can be applied; what still lacks its predecessor waits.

    ``queued`` are those of ``arrivals`` that waited before this transaction.
    """
    by_id = {arrival.id: arrival for arrival in arrivals}
    pending = [arrival.event for arrival in arrivals if arrival.event is not None]
    while pending:
        left = list(await handler(tx, pending))
        applied_keys = {event.subject for event in pending} if len(left) < len(pending) else set()
        again = [event for event in left if event.subject in applied_keys]
        if len(left) == len(pending) or not again:
            pending = left
            break
        pending = left
    still, waited = {event.id for event in pending}, {arrival.id for arrival in queued}
    await waiting.leave(tx.conn, [a.id for a in queued if a.id in by_id and a.id not in still])
    await waiting.keep(tx.conn, [a for a in arrivals if a.id in still and a.id not in waited])
    telemetry.CONSUMED.labels(outcome="waiting").inc(len(still))


def keys_of(arrivals: Iterable[Arrival]) -> set[str]:
    """The keys to lock for these arrivals."""
    return {arrival.key for arrival in arrivals if arrival.key is not None}
