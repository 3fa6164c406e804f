"""Outbox: events leave in the transaction of the state they tell of; one ordered relay per lane sends them."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

import asyncpg
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.envelope import Headers
from services.common import telemetry
from services.common.db import Connection, lock_number
from services.common.failures import backoff, is_transient
from services.common.record import pack_headers, unpack_headers

MAIN_LANE = "main"
MAX_VALUE_BYTES = 900_000
_RELAY_BATCH = 500


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send. ``partition_key`` replaces the key when choosing the partition."""

    topic: str
    key: str | None
    headers: Headers
    value: bytes | None
    lane: str = MAIN_LANE
    partition_key: str | None = None


def channel(schema: str) -> str:
    """The LISTEN channel that wakes a service's relays and feeds."""
    return f"chorale_{schema}_outbox"


async def write(connection: Connection, schema: str, messages: Sequence[Outgoing]) -> None:
    """Write messages in the running transaction, in order, and wake the relay at commit."""
    if not messages:
        return
    await connection.execute(
        "with wake as (select pg_notify($7, ''))"
        " insert into outbox (lane, topic, key, partition_key, headers, value)"
        " select lane, topic, key, partition_key, headers, value"
        " from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])"
        " with ordinality t(lane, topic, key, partition_key, headers, value, o), wake order by o",
        [m.lane for m in messages],
        [m.topic for m in messages],
        [m.key for m in messages],
        [m.partition_key for m in messages],
        [pack_headers(m.headers) for m in messages],
        [m.value for m in messages],
        channel(schema),
    )


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How one relay works. ``keep`` retains sent rows for live feeds; ``transactional_id`` fences a frozen twin.

    Once woken it waits ``gather_ms`` for what is written at the same time.
    """

    schema: str
    dsn: str
    kafka: str
    lane: str = MAIN_LANE
    keep: timedelta | None = None
    transactional_id: str | None = None
    idle_seconds: float = 15.0
    poll_seconds: float = 1.0
    gather_ms: int = 5


class Relay:
    """Sends one lane of one service's outbox in order. Only the holder of the advisory lock sends.

    Rows are chosen by "not sent yet", never by "id above the last": ids commit out of order. A crash between the
    broker's answer and the mark sends again; consumers drop the repeat by its id.
    """

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._producer: AIOKafkaProducer | None = None
        self._wake = asyncio.Event()
        self._failures = 0
        self.healthy = False

    async def run(self) -> None:
        """Relay until cancelled; any failure starts over with a new connection and producer."""
        try:
            while True:
                try:
                    await self._open()
                    await self._relay_forever()
                except Exception as error:
                    if not is_transient(error) and not isinstance(error, KafkaError):
                        telemetry.logger().exception("relay.failed", lane=self._settings.lane)
                    else:
                        telemetry.logger().warning("relay.away", lane=self._settings.lane, error=type(error).__name__)
                    self._failures += 1
                self.healthy = False
                await self._close()
                await asyncio.sleep(backoff(self._failures))
        finally:
            await self._close()

    async def _open(self) -> None:
        settings = self._settings
        connection = await asyncpg.connect(
            settings.dsn,
            timeout=10,
            command_timeout=30,
            server_settings={
                "search_path": settings.schema,
                "application_name": f"chorale-{settings.schema}-relay",
                "timezone": "UTC",
                "idle_session_timeout": str(int(settings.idle_seconds * 1000)),
            },
        )
        self._connection = connection
        await connection.add_listener(channel(settings.schema), lambda *_: self._wake.set())
        number = lock_number(f"{settings.schema}/relay", settings.lane)  # apart from the keys of events
        while not await connection.fetchval("select pg_try_advisory_lock($1)", number):
            self.healthy = True
            await asyncio.sleep(settings.poll_seconds)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            request_timeout_ms=15_000,
            max_request_size=MAX_VALUE_BYTES + 100_000,
            transactional_id=settings.transactional_id,
            client_id=f"chorale-{settings.schema}-{settings.lane}",
        )
        await asyncio.wait_for(self._producer.start(), 30)
        self.healthy = True

    async def _close(self) -> None:
        if self._producer is not None:
            with suppress(Exception):
                await asyncio.wait_for(_abandon(self._producer), 5)
            self._producer = None
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(timeout=2)
            self._connection = None

    async def _relay_forever(self) -> None:
        while True:
            self._wake.clear()
            sent = await self._relay_once()
            if sent < _RELAY_BATCH:
                with suppress(TimeoutError):
                    # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the waking.
                    async with asyncio.timeout(self._settings.poll_seconds):
                        await self._wake.wait()
                    await asyncio.sleep(self._settings.gather_ms / 1000)

    async def _relay_once(self) -> int:
        assert self._connection is not None
        rows = await self._connection.fetch(
            "select id, topic, key, partition_key, headers, value from outbox"
            " where lane = $1 and sequence is null order by id limit $2",
            self._settings.lane,
            _RELAY_BATCH,
        )
        if not rows:
            self._failures = 0
            return 0
        await self._send(rows)
        await self._mark([row["id"] for row in rows])
        self._failures = 0
        telemetry.RELAYED.labels(lane=self._settings.lane).inc(len(rows))
        return len(rows)

    async def _send(self, rows: Sequence[asyncpg.Record]) -> None:
        producer = self._producer
        assert producer is not None
        if self._settings.transactional_id is not None:
            async with producer.transaction():
                await self._send_all(producer, rows)
        else:
            await self._send_all(producer, rows)

    async def _send_all(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> None:
        waiting = [
            await producer.send(
                row["topic"],
                value=row["value"],
                key=None if row["key"] is None else row["key"].encode(),
                partition=await self._partition(producer, row["topic"], row["partition_key"]),
                headers=unpack_headers(row["headers"]),
            )
            for row in rows
        ]
        async with asyncio.timeout(60):
            await asyncio.gather(*waiting)

    async def _partition(self, producer: AIOKafkaProducer, topic: str, partition_key: str | None) -> int | None:
        if partition_key is None:
            return None
        partitions = await producer.partitions_for(topic)
        return int(lock_number("partition", partition_key) % len(partitions))

    async def _mark(self, ids: Iterable[int]) -> None:
        assert self._connection is not None
        if self._settings.keep is None:
            await self._connection.execute("delete from outbox where id = any($1::bigint[])", list(ids))
            return
        # One relay holds the lane, so the sequence grows in the order of sending and of commit: a feed misses nothing.
        await self._connection.execute(
            "update outbox set sequence = s.number, sent_at = now() from"
            " (select id, nextval('outbox_sequence_counter') as number from"
            "  (select unnest($1::bigint[]) as id order by 1) ordered) s where outbox.id = s.id",
            list(ids),
        )
        await self._connection.execute("select pg_notify($1, '')", channel(self._settings.schema) + "_sent")


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Let a producer go with what it has not sent: its rows are still in the outbox.

    ``AIOKafkaProducer.stop()`` first sends what is buffered, for as long as the broker is away; left behind by a
    timeout it would send old rows once the broker is back. So its sender is ended instead.
    """
    producer._closed = True
    if producer._sender is not None:
        await producer._sender.close()
    await producer.client.close()


async def prune(connection: Connection, keep: timedelta | None) -> int:
    """Delete rows sent longer ago than ``keep``; returns how many."""
    if keep is None:
        return 0
    status: str = await connection.execute("delete from outbox where sent_at < now() - $1::interval", keep)
    return int(status.rpartition(" ")[2])
