"""Kafka in: a batch of records, delivered, then acknowledged. The only importer of ``AIOKafkaConsumer``."""

import asyncio
import faulthandler
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.common import telemetry
from services.common.deliver import Deliver
from services.common.failures import Transient, backoff
from services.common.header_names import read_any_header_name
from services.common.loops import let_go
from services.common.record import Record

STALLED_EXIT_CODE = 70
_BUSY_SECONDS = 0.1


class ConsumerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a group consumes. ``stall_seconds`` is the watchdog's patience.

    ``linger_ms`` lets a small batch fill up; ``busy_linger_ms`` does while batches follow each other closely: fewer
    and larger transactions cost every server less, and then there is enough to fill them.
    """

    kafka: str
    group: str
    topics: tuple[str, ...]
    batch_size: int = 200
    linger_ms: int = 5
    busy_linger_ms: int = 25
    stall_seconds: float = 60.0
    session_timeout_ms: int = 6_000


class Consumer:
    """Takes batches and commits their offsets once what they caused is durable.

    A transient failure keeps the batch and backs off: the partition waits, which is back-pressure. A commit refused
    after a rebalance is harmless: the next owner gets the records again and the inbox drops them.
    """

    def __init__(self, settings: ConsumerSettings, deliver: Deliver) -> None:
        self._settings = settings
        self._deliver = deliver
        self._progress = time.monotonic()
        self._in_hand = 0
        self._last_batch = 0.0
        self._stopping = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self.joined = False

    @property
    def problem(self) -> str | None:
        """Why this consumer is not ready, or ``None``."""
        if self._deliver.limit.tripped:
            return f"consuming stopped: {self._deliver.limit.tripped}"
        return None if self.joined else "not joined to the broker yet"

    async def run(self) -> None:
        """Consume until :meth:`stop`; a lost broker starts over."""
        watchdog = asyncio.create_task(self._watch())
        failures = 0
        try:
            while not self._stopping.is_set():
                try:
                    await self._session()
                    failures = 0
                except UnicodeDecodeError:
                    telemetry.logger().error("consumer.header_name")
                    read_any_header_name()
                except (KafkaError, OSError) as error:
                    telemetry.logger().warning("consumer.away", error=type(error).__name__)
                    failures += 1
                    self._progress = time.monotonic()
                    await asyncio.sleep(backoff(failures))
        finally:
            watchdog.cancel()

    def stop(self) -> None:
        """Stop fetching; the batch in hand is finished and acknowledged."""
        self._stopping.set()

    async def _session(self) -> None:
        settings = self._settings
        consumer = AIOKafkaConsumer(
            *settings.topics,
            bootstrap_servers=settings.kafka,
            group_id=settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 3,
            max_poll_interval_ms=600_000,
            fetch_max_wait_ms=500,
            client_id=f"chorale-{settings.group}",
        )
        self._consumer = consumer
        try:
            await asyncio.wait_for(consumer.start(), 30)
            self.joined = True
            while not self._stopping.is_set():
                await self._round(consumer)
        finally:
            self.joined = False
            self._consumer = None
            await let_go(consumer.stop())

    async def _round(self, consumer: AIOKafkaConsumer) -> None:
        if self._deliver.limit.tripped:
            telemetry.STOPPED.set(1)
            self._progress = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stopping.wait()
            return
        found = await self._fetch(consumer)
        if not found:
            self._progress = time.monotonic()
            return
        records = [record for _, batch in found for record in batch]
        telemetry.BATCH_SIZE.observe(len(records))
        self._in_hand = len(records)
        done = await self._deliver_until_done([_record(r) for r in records])
        self._in_hand = 0
        self._last_batch = time.monotonic()
        self._progress = time.monotonic()
        if done:
            offsets = {partition: batch[-1].offset + 1 for partition, batch in found}
            with suppress(CommitFailedError, IllegalStateError):
                async with asyncio.timeout(15):  # while the broker is away it would wait for ever
                    await consumer.commit(offsets)

    async def _fetch(self, consumer: AIOKafkaConsumer) -> list[tuple[TopicPartition, list[ConsumerRecord]]]:
        """Records by partition in offset order; a partition may come twice, its later part last."""
        size = self._settings.batch_size
        first = await consumer.getmany(timeout_ms=500, max_records=size)
        found = [(partition, batch) for partition, batch in first.items() if batch]
        count = sum(len(batch) for _, batch in found)
        if found and count < size and self._settings.linger_ms:
            busy = time.monotonic() - self._last_batch < _BUSY_SECONDS
            await asyncio.sleep((self._settings.busy_linger_ms if busy else self._settings.linger_ms) / 1000)
            more = await consumer.getmany(timeout_ms=0, max_records=size - count)
            found += [(partition, batch) for partition, batch in more.items() if batch]
        return found

    async def _deliver_until_done(self, records: Sequence[Record]) -> bool:
        """True once the batch is durable; False when stopping came first."""
        attempt = 0
        while True:
            try:
                await self._deliver.batch(records)
                return True
            except Transient as error:
                attempt += 1
                telemetry.RETRIES.labels(error=str(error)).inc()
                telemetry.logger().warning("batch.retry", attempt=attempt, error=str(error))
                self._progress = time.monotonic()
                if self._stopping.is_set():
                    return False
                with suppress(TimeoutError):
                    async with asyncio.timeout(backoff(attempt)):
                        await self._stopping.wait()

    async def _watch(self) -> None:
        """Dump every stack and exit when there is lag and nothing has moved for too long: a supervisor restarts us."""
        nap = min(5.0, self._settings.stall_seconds / 4)
        while True:
            before = time.monotonic()
            await asyncio.sleep(nap)
            if time.monotonic() - before > 2 * nap:
                # The whole process stood still (a frozen machine): that is no stall of ours, give it a fresh chance.
                self._progress = time.monotonic()
            lag = self._lag() + self._in_hand
            telemetry.LAG.set(lag)
            if lag and time.monotonic() - self._progress > self._settings.stall_seconds:
                telemetry.logger().error("consumer.stalled", lag=lag)
                faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
                sys.stderr.write(telemetry.waiting_tasks())
                sys.stderr.flush()
                os._exit(STALLED_EXIT_CODE)

    def _lag(self) -> int:
        consumer = self._consumer
        if consumer is None:
            return 0
        total = 0
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            state = consumer._subscription.subscription.assignment.state_value(
                partition
            )  # position without a round trip
            if end is not None and state is not None and state.has_valid_position:
                total += max(0, end - state.position)
        return total


def _record(found: ConsumerRecord) -> Record:
    return Record(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        key=found.key,
        headers=[(name, value or b"") for name, value in found.headers],  # Kafka also knows headers without a value
        value=found.value,
    )


async def tail(
    kafka: str, topics: Sequence[str], *, from_start: bool = False, on_ready: Callable[[], None] = lambda: None
) -> AsyncGenerator[Record, None]:
    """Follow topics without a group, for demonstrations, tests and operators. ``on_ready`` is called once following."""
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if from_start else "latest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        if not from_start:
            await consumer.seek_to_end()
            for partition in consumer.assignment():
                await consumer.position(partition)
        on_ready()
        async for found in consumer:
            yield _record(found)
    finally:
        await let_go(consumer.stop())


async def read_to_end(kafka: str, topic: str, *, quiet_seconds: float) -> AsyncGenerator[list[Record], None]:
    """Everything a topic holds, in batches, without a group; ends when nothing was added for ``quiet_seconds``.

    Positions also pass end markers of transactions and what compaction removed, which a group's offsets do not.
    Raises :class:`Transient` or ``TimeoutError`` where the broker is away.
    """
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    try:
        await asyncio.wait_for(consumer.start(), 30)
        seen: dict[TopicPartition, int] = {}
        while True:
            ends = await consumer.end_offsets(list(consumer.assignment()))
            if any([await consumer.position(partition) < end for partition, end in ends.items()]):
                found = await consumer.getmany(timeout_ms=500, max_records=500)
                if found:
                    yield [_record(record) for batch in found.values() for record in batch]
            elif ends == seen:
                return
            else:
                seen = ends
                await asyncio.sleep(quiet_seconds)
    except KafkaError as error:
        raise Transient(type(error).__name__) from error
    finally:
        await let_go(consumer.stop())
