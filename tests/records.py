"""Kafka records without a broker: what :class:`services.common.deliver.Deliver` takes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from contracts.envelope import Event, encode, headers
from contracts.events import Payload
from services.common.record import Record


def event(data: Payload, subject: str, *, id: UUID | None = None, traceparent: str | None = None) -> Event:
    """An event as another service emits it."""
    return Event(
        id=id or uuid4(),
        type=data.TYPE,
        source="/chorale/test",
        subject=subject,
        time=datetime.now(UTC),
        data=data,
        traceparent=traceparent,
    )


def record(found: Event, *, offset: int = 0) -> Record:
    """The event as it stands on a topic."""
    return Record(
        topic="test",
        partition=0,
        offset=offset,
        key=found.subject.encode(),
        headers=headers(found),
        value=encode(found.data),
    )


async def eventually(true: Callable[[], Awaitable[bool]], *, within: float = 60.0) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 (the condition is on a server)
            await asyncio.sleep(0.05)
