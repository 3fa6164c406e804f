"""Every instance reads all of ``chorale.account`` by itself, from positions that are kept with the service's copy.

What is read twice changes nothing, and no instance waits for another one, for a rebalance of the group, or for the
service's own events: a right that is withdrawn is gone even while a day of invoices waits, or an instance is killed.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts.registry import ServiceName
from services.common import deadletter, inbox, telemetry
from services.common.account_replica import TOPIC, apply
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import Transient, backoff, is_transient
from services.common.header_names import read_any_header_name
from services.common.loops import let_go
from services.common.record import Arrival, Record, read

_SILENCE_SECONDS: Final = 5.0
_POSITIONS: Final = (
    "insert into account_position as p select * from unnest($1::int[], $2::bigint[]) order by 1"
    " on conflict (kafka_partition) do update set next_offset = greatest(p.next_offset, excluded.next_offset)"
)


class Follower:
    """Reads the topic into the copy for as long as the process lives. ``problem``: why it does not, or None.

    ``caught_up``: what stood on the topic when this process began is in the copy.
    """

    def __init__(self, pool: Pool, service: ServiceName, kafka: str) -> None:
        self._pool = pool
        self._service = service
        self._kafka = kafka
        self.problem: str | None = "rights are not read yet"
        self.caught_up = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled; whatever fails starts over from the positions that are kept."""
        failures = 0
        while True:
            try:
                async with aclosing(followed(self._kafka, TOPIC, await self._positions())) as batches:
                    async for records, whole in batches:
                        await self._take(records)
                        failures = 0
                        if whole:
                            self.problem = None
                            self.caught_up.set()
            except Exception as error:
                if is_transient(error):
                    telemetry.logger().warning("accounts.away", error=str(error) or type(error).__name__)
                else:
                    telemetry.logger().exception("accounts.failed")
            failures += 1
            self.problem = "rights are not followed"
            await asyncio.sleep(backoff(failures, ceiling=1.0))

    async def _positions(self) -> Mapping[int, int]:
        rows = await self._pool.fetch("select kafka_partition, next_offset from account_position")
        return {row["kafka_partition"]: row["next_offset"] for row in rows}

    async def _take(self, records: Sequence[Record]) -> None:
        """Apply what can be applied and park the rest: it holds nothing up, as the next entry says everything again."""
        try:
            await self._write(records)
            return
        except Exception as error:
            if is_transient(error):
                raise
            telemetry.logger().exception("accounts.split", records=len(records))
        for record in records:
            try:
                await self._write([record])
            except Exception as error:
                if is_transient(error):
                    raise
                await self._write([record], deadletter.Reason("bug", "BUG", type(error).__name__))

    async def _write(self, records: Sequence[Record], broken: deadletter.Reason | None = None) -> None:
        """Entries and positions in one transaction. ``broken``: why none of these can be applied."""
        if not records:
            return
        arrivals = [read(record) for record in records if not _taken_off(record)]
        parked = {arrival.id: arrival for arrival in arrivals if broken or arrival.poison is not None}
        async with transaction(self._pool, self._service) as tx:
            fresh = await inbox.take(tx.conn, parked) if parked else set()
            letters = [(arrival, broken or _poison(arrival)) for arrival in parked.values() if arrival.id in fresh]
            tx.outgoing += await deadletter.park(tx.conn, self._service, letters)
            if broken is None:
                await apply(tx.conn, self._service, (a.event.data for a in arrivals if a.event is not None))
            ends = {r.partition: r.offset + 1 for r in records if r.partition is not None and r.offset is not None}
            await tx.conn.execute(_POSITIONS, list(ends), list(ends.values()))
        telemetry.CONSUMED.labels(outcome="parked").inc(len(letters))


def _taken_off(record: Record) -> bool:
    """Whether the record only says that its key is no more on the topic: a session that is long over anyway."""
    return record.value is None and (record.key or b"").startswith(b"session/")


def _poison(arrival: Arrival) -> deadletter.Reason:
    assert arrival.poison is not None
    return deadletter.Reason("poison", arrival.poison.code, arrival.poison.detail)


async def followed(
    kafka: str, topic: str, positions: Mapping[int, int]
) -> AsyncGenerator[tuple[list[Record], bool], None]:
    """All that a topic holds and will hold, in batches, without a group: each partition from its position on.

    Beside each batch stands whether everything has come that was there at the beginning, or when the broker was last
    asked, which it is when nothing has come for a while: silence alone does not say that nothing is there. A partition
    without a position, or with one that the broker no longer has, is read from its beginning. Raises
    :class:`~services.common.failures.Transient` or ``TimeoutError`` when the broker is lost.
    """
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=500,
        client_id=f"chorale-{topic}",
    )
    try:
        await asyncio.wait_for(consumer.start(), 30)
        for partition in consumer.assignment():
            if partition.partition in positions:
                consumer.seek(partition, positions[partition.partition])
        places = list(consumer.assignment())
        ends = await consumer.end_offsets(places)
        heard = time.monotonic()
        while True:
            found = await consumer.getmany(timeout_ms=100 if ends else 500, max_records=500)
            if found:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    ends = await consumer.end_offsets(places)
                heard = time.monotonic()
            # Positions also pass what compaction removed and the ends of transactions.
            ends = {place: end for place, end in ends.items() if await consumer.position(place) < end}
            records = [
                Record(
                    topic=each.topic,
                    partition=each.partition,
                    offset=each.offset,
                    key=each.key,
                    headers=[(name, value or b"") for name, value in each.headers],
                    value=each.value,
                )
                for batch in found.values()
                for each in batch
            ]
            yield records, not ends
    except UnicodeDecodeError as error:
        read_any_header_name()
        raise Transient("header name") from error
    except KafkaError as error:
        raise Transient(type(error).__name__) from error
    finally:
        await let_go(consumer.stop())
