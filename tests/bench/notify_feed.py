"""Events for the notify service as the other services write them, its API, and the stack it runs in."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event, encode, headers
from contracts.events import Payload
from contracts.registry import TOPIC_OF
from deploy.local import Stack
from deploy.servers.process import launcher
from services.common.auth import Principal, mint

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    """A producer as the relay's."""
    made = AIOKafkaProducer(
        bootstrap_servers=stack.kafka.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=262_144,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def publish(to: AIOKafkaProducer, events: Iterable[tuple[str, Payload]]) -> int:
    """Send events, each with its subject, as fast as the broker takes them; returns how many."""
    waiting: list[Any] = []
    sent = 0
    for subject, data in events:
        topic = TOPIC_OF[type(data)]
        event = Event(
            id=uuid4(),
            type=data.TYPE,
            source=f"/chorale/{topic.writer}",
            subject=subject,
            time=datetime.now(UTC),
            data=data,
        )
        waiting.append(await to.send(topic.name, value=encode(data), key=subject.encode(), headers=headers(event)))
        sent += 1
        if len(waiting) >= 2000:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    return sent


def client(stack: Stack, principal: Principal) -> httpx.AsyncClient:
    """The service's API as this principal."""
    token = mint(stack.token_secret, principal, ttl_seconds=7200)
    return httpx.AsyncClient(
        base_url=stack.base_url("notify"),
        headers={"Authorization": f"Bearer {token}", "X-Chorale-Reason": "banc de mesure"},
        timeout=30,
    )


@contextmanager
def receiver(file: Path) -> Iterator[int]:
    """A receiver of webhooks in a process of its own; its port."""
    command = [*launcher(None), sys.executable, "-m", "tests.integration.webhook_receiver", "0", str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()
