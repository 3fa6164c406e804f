"""Dead letters for the demo: records that no service can use, put on the topics as a wrong program would.

They are readings of other bytes than were deposited, of invoices whose life is over: nothing waits behind them.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

import httpx
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event, encode, headers
from contracts.events import DocumentRead, Payload
from contracts.registry import TOPIC_OF
from deploy.demo.desk import good
from deploy.demo.people import TENANT
from deploy.demo.prepare import OPERATOR, bearer
from deploy.local import Stack
from tests.supervised import example

_NAMES: Final = UUID("5f0b2a52-7a4f-4d2b-9d0c-0d7b1c9a6e21")
#: How many, and how many of them name a tenant.
MANY, OF_TENANT = 4, 2


def park(stack: Stack) -> None:
    """Put them there. The ids are the same each time: what was parked once is not parked again.

    Without a year there are no invoices: they are then of documents that nobody has deposited.
    """
    over = _over(stack)
    nobody = [str(uuid5(_NAMES, f"deposit {number}")) for number in range(MANY)]
    subjects = over if len(over) == MANY else nobody
    asyncio.run(_send(stack.kafka.bootstrap, [_wrong(*each) for each in enumerate(subjects)]))


def _over(stack: Stack) -> list[str]:
    """Invoices whose status is the last one."""
    path = f"{stack.url}/api/v1/invoices?limit=200"
    answer = httpx.get(path, headers=bearer(stack, OPERATOR), timeout=30)
    return [each["id"] for each in good(answer)["invoices"] if each["status"]["terminal"]][:MANY]


def _wrong(number: int, subject: str) -> Event:
    data: Payload = example(DocumentRead, "minimal")
    return Event(
        id=uuid5(_NAMES, f"reading {number}"),
        type=data.TYPE,
        source="/chorale/demo",
        subject=subject,
        time=datetime.now(UTC),
        data=data,
        tenant=TENANT if number < OF_TENANT else None,
    )


async def _send(kafka: str, events: Sequence[Event]) -> None:
    sender = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await sender.start()
    try:
        for each in events:
            await sender.send_and_wait(
                TOPIC_OF[type(each.data)].name,
                value=encode(each.data),
                key=each.subject.encode(),
                headers=headers(each),
            )
    finally:
        await sender.stop()
