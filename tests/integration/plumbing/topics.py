"""What the tests write to and read from topics of their own."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.envelope import Event
from services.common.consumer import read_to_end
from services.common.record import Record
from tests.integration.plumbing.events import record, step


async def read_all(kafka: str, topic: str) -> list[Record]:
    """Everything on a topic; the records of a partition in their order."""
    return [found async for batch in read_to_end(kafka, topic, quiet_seconds=0.3) for found in batch]


async def ids_on(kafka: str, topic: str, keys: set[str]) -> list[UUID]:
    """Ids of the events of these keys, as often as they stand there."""
    return [
        UUID(dict(found.headers)["ce_id"].decode())
        for found in await read_all(kafka, topic)
        if (found.key or b"").decode() in keys
    ]


async def send(kafka: str, topic: str, given: Sequence[Event | Record]) -> None:
    """Send in order and wait for the broker."""
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        for one in given:
            found = record(one) if isinstance(one, Event) else one
            await producer.send(topic, found.value, found.key, headers=found.headers)


class Feeder:
    """Sends numbered steps of many keys until told to stop, over whatever happens to the broker."""

    def __init__(self, kafka: str, topic: str, *, per_second: int, keys: int = 40) -> None:
        self._kafka = kafka
        self._topic = topic
        self._pause = 10 / per_second
        self._keys = [f"{topic}/{number}" for number in range(keys)]
        self._stopping = False
        self.sent: list[Event] = []

    @property
    def keys(self) -> set[str]:
        """Of everything sent."""
        return {event.subject for event in self.sent}

    async def run(self) -> None:
        """Feed; an event counts as sent once it is certain that it will be: it is offered until the broker has it."""
        producer = AIOKafkaProducer(bootstrap_servers=self._kafka, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            while not self._stopping:
                for _ in range(10):
                    number = len(self.sent)
                    event = step(self._keys[number % len(self._keys)], number // len(self._keys) + 1)
                    self.sent.append(event)
                    await self._offer(producer, event)
                await asyncio.sleep(self._pause)
        finally:
            await producer.stop()  # sends what is left

    async def _offer(self, producer: AIOKafkaProducer, event: Event) -> None:
        found = record(event)
        while True:
            with suppress(KafkaError):
                await producer.send(self._topic, found.value, found.key, headers=found.headers)
                return

    def stop(self) -> None:
        """The run ends after the round in hand."""
        self._stopping = True
