"""How far each service is behind: its group's offsets against the ends of its topics, and the oldest event it has not
read. Beside the streams the only place of supervision that talks to Kafka.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.registry import SERVICES, ServiceName, topics_shared_by
from services.common.loops import let_go

_LOOK_SECONDS: Final = 3.0
#: How many partitions are looked into for their oldest event in one round; the others keep what is known of them.
_LOOKS: Final = 36


class GroupActive(Exception):
    """The offsets of a group cannot be moved while an instance of it runs."""


class LagUnknown(Exception):
    """Kafka does not say."""


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """What a service has still to read: ``unread`` offsets to the ends, where a record stands among them (the ends of
    transactions count along), the oldest record written at ``oldest``."""

    unread: int
    oldest: datetime | None = None


class Lag:
    """Asks Kafka; one at a time. An error closes it, and the next question opens it again."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        #: When the first record from a place on was written; a number: up to that end there are only the markers that
        #: transactions leave.
        self._seen: dict[tuple[TopicPartition, int], datetime | int] = {}

    async def read(self) -> Mapping[str, Behind]:
        """By service. Raises :class:`LagUnknown`."""
        try:
            async with asyncio.timeout(15):
                return await self._read()
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise LagUnknown(type(error).__name__) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the broker."""
        consumer, admin, self._consumer, self._admin = self._consumer, self._admin, None, None
        if consumer is not None:
            # Where its stop is broken off, its connections would stay.
            await let_go(consumer.stop(), consumer._client.close(), seconds=3)
        if admin is not None:
            await let_go(admin.close(), seconds=3)

    async def _read(self) -> dict[str, Behind]:
        admin, consumer = await self._open()
        committed = {service: await self._committed(admin, service) for service in SERVICES}
        places = sorted({place for found in committed.values() for place in found})
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
        positions: dict[ServiceName, dict[TopicPartition, int]] = {}
        for service, found in committed.items():
            begun = {place: max(offset, starts[place]) for place, offset in found.items()}
            positions[service] = {place: offset for place, offset in begun.items() if offset < ends[place]}
        await self._look(consumer, {pair for found in positions.values() for pair in found.items()}, ends)
        return {service: self._behind(found, ends) for service, found in positions.items()}

    async def _open(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka, request_timeout_ms=10_000)
            await self._admin.start()
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._kafka,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_partition_fetch_bytes=65_536,
                fetch_max_wait_ms=100,
            )
            await self._consumer.start()
        return self._admin, self._consumer

    async def _committed(self, admin: AIOKafkaAdminClient, service: ServiceName) -> dict[TopicPartition, int]:
        """Where the service's group goes on, of every partition it reads; 0 where it has not begun."""
        places = await self._places(admin, service)
        found = await admin.list_consumer_group_offsets(service, partitions=places)
        return {place: max(0, found[place].offset) if place in found else 0 for place in places}

    async def _places(self, admin: AIOKafkaAdminClient, service: ServiceName) -> list[TopicPartition]:
        topics = await admin.describe_topics(list(topics_shared_by(service)))
        return [TopicPartition(t["topic"], p["partition"]) for t in topics for p in t["partitions"]]

    async def _look(
        self,
        consumer: AIOKafkaConsumer,
        places: set[tuple[TopicPartition, int]],
        ends: Mapping[TopicPartition, int],
    ) -> None:
        """Find out when the first unread records were written; what is known from before is not asked again."""
        self._seen = {
            (place, offset): at
            for (place, offset), at in self._seen.items()
            if (place, offset) in places and (isinstance(at, datetime) or at >= ends[place])
        }
        wanted: dict[TopicPartition, int] = {}
        again: list[tuple[TopicPartition, int]] = []
        for place, offset in sorted(places - self._seen.keys())[:_LOOKS]:
            if wanted.setdefault(place, offset) != offset:
                again.append((place, offset))  # another group stands elsewhere in the same partition
        await self._look_at(consumer, wanted, ends)
        for place, offset in again:
            await self._look_at(consumer, {place: offset}, ends)

    async def _look_at(
        self, consumer: AIOKafkaConsumer, wanted: dict[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> None:
        if not wanted:
            return
        consumer.assign(list(wanted))
        for place, offset in wanted.items():
            consumer.seek(place, offset)
        left, until = set(wanted), asyncio.get_running_loop().time() + _LOOK_SECONDS
        while left and asyncio.get_running_loop().time() < until:
            for place, records in (await consumer.getmany(*left, timeout_ms=200)).items():
                if records:
                    self._seen[place, wanted[place]] = datetime.fromtimestamp(records[0].timestamp / 1000, UTC)
                    left.discard(place)
            for place in [place for place in left if await consumer.position(place) >= ends[place]]:
                self._seen[place, wanted[place]] = ends[place]
                left.discard(place)

    def _behind(self, found: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> Behind:
        unread, oldest = 0, None
        for place, offset in found.items():
            at = self._seen.get((place, offset))
            if isinstance(at, int):
                continue  # nothing but the marker of a transaction
            unread += ends[place] - offset
            if at is not None:
                oldest = at if oldest is None else min(oldest, at)
        return Behind(unread=unread, oldest=oldest)


async def rewind(kafka: str, group: str) -> int:
    """Let a group begin again at the start of its topics; returns how many partitions.

    Raises :class:`GroupActive` while an instance of the group runs.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        topics = await admin.describe_topics(list(topics_shared_by("supervision")))
        places = [TopicPartition(t["topic"], p["partition"]) for t in topics for p in t["partitions"]]
        consumer.assign(places)
        await consumer.commit(await consumer.beginning_offsets(places))
        return len(places)
    except KafkaError as error:
        raise GroupActive(type(error).__name__) from error
    finally:
        await consumer.stop()
        await admin.close()


async def ends(kafka: str) -> dict[tuple[str, int], int]:
    """The ends of the partitions that supervision reads."""
    lag = Lag(kafka)
    try:
        admin, consumer = await lag._open()
        found = await consumer.end_offsets(await lag._places(admin, "supervision"))
        return {(place.topic, place.partition): end for place, end in found.items()}
    finally:
        await lag.close()
