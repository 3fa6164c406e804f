"""Kafka is let go of, whatever its client makes of that."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from services.common import consumer
from services.supervision.lag import Lag


class _Away:
    """A consumer whose broker is away: its stop ends as if whoever waits had been cancelled."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.closed = False
        self._client = self

    async def start(self) -> None:
        raise KafkaConnectionError("away")

    async def stop(self) -> None:
        raise asyncio.CancelledError

    async def close(self) -> None:
        self.closed = True
        raise OSError("no connection")


async def test_a_stop_that_is_broken_off_ends_nobody_who_waits_for_it() -> None:
    lag, away = Lag("nowhere"), _Away()
    lag._consumer, lag._admin = away, away  # type: ignore[assignment]
    await lag.close()
    assert away.closed
    assert lag._consumer is None


async def test_a_services_consumer_begins_anew_after_such_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "AIOKafkaConsumer", _Away)
    nothing: Any = None
    settings = consumer.ConsumerSettings(kafka="nowhere", group="ocr", topics=("t",))
    with pytest.raises(KafkaConnectionError):
        await consumer.Consumer(settings, nothing)._session()
