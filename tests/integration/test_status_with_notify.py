"""The two services as processes of their own, over Kafka: from the deposit's event to the start of the delay."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event
from deploy.demo.prepare import bearer
from deploy.local import Stack
from services.common.auth import Principal
from tests.unit.status import samples
from tests.unit.status.samples import event, record, routed, submitted, unroutable

OPERATOR = Principal(subject="op", roles=("OPERATEUR",))
MANAGER = {"siret": samples.BODY, "service_code": None, "name": "Camille", "email": "factures@dept.example"}
COUNT = 40


async def send(bootstrap: str, events: list[Event]) -> None:
    """Write events as their services would."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for sent in map(record, events):
            await producer.send(sent.topic, value=sent.value, key=sent.key, headers=sent.headers)
    finally:
        await producer.stop()


async def follow(url: str, headers: dict[str, str], wanted: int) -> list[dict[str, Any]]:
    """The feed's events from the beginning, until there are so many."""
    found: list[dict[str, Any]] = []
    async with (
        httpx.AsyncClient(headers=headers, timeout=60) as client,
        client.stream("GET", f"{url}/api/v1/invoices/events?from=0") as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                found.append(json.loads(line[5:]))
                if len(found) == wanted:
                    break
    return found


async def settled(client: httpx.AsyncClient, url: str, invoices: list[UUID]) -> list[dict[str, Any]]:
    """The invoices, once all their notices are in their histories."""
    async with asyncio.timeout(60):
        while True:
            answers = [await client.get(f"{url}/api/v1/invoices/{invoice}") for invoice in invoices]
            details = [answer.json() for answer in answers if answer.status_code == 200]
            notices = sum(entry["kind"] == "notice" for detail in details for entry in detail["history"])
            if len(details) == len(invoices) and notices == 3 * COUNT + 2:
                return details
            await asyncio.sleep(1)


async def test_two_instances_of_each_carry_invoices_from_deposit_to_the_start_of_the_delay() -> None:
    with Stack(services=["status", "status#2", "notify", "notify#2"], synced=False) as stack:
        headers = bearer(stack, OPERATOR)
        available, back = [uuid4() for _ in range(COUNT)], uuid4()
        async with httpx.AsyncClient(headers=headers, timeout=30) as client:
            managers = f"{stack.base_url('notify')}/api/v1/messages/managers"
            (await client.put(managers, json={"managers": [MANAGER]})).raise_for_status()
            feed = asyncio.create_task(follow(stack.base_url("status#2"), headers, 2 * (COUNT + 1)))
            events = [event(routed(), invoice) for invoice in available] + [event(unroutable(), back)]
            events += [event(submitted(f"F-{i}"), invoice) for i, invoice in enumerate([*available, back])]
            await send(stack.kafka.bootstrap, [*events, *events[:COUNT]])
            details = await settled(client, stack.base_url("status"), [*available, back])
            mails = (await client.get(f"{stack.smtp.url}/api/messages")).json()
            told = await asyncio.wait_for(feed, 30)
            outside = await client.get(f"{stack.base_url('notify#2')}/api/v1/messages", params={"invoice": str(back)})
    assert [[e["status_to"] for e in d["history"] if e["kind"] == "status"] for d in details] == [
        ["DEPOSEE", "MISE_A_DISPOSITION"]
    ] * COUNT + [["DEPOSEE", "A_RECYCLER"]]
    assert all(detail["payment_delay"]["source"] == "notice" for detail in details[:-1])
    assert details[-1]["payment_delay"] is None
    assert len({mail["message_id"] for mail in mails}) == len(mails) < COUNT  # most notices are gathered
    assert len({(t["invoice"], t["changed"]["entry"]) for t in told}) == 2 * (COUNT + 1)
    assert sorted((m["kind"], m["attempts"][0]["result"]) for m in outside.json()["messages"]) == [
        ("A_RECYCLER", "accepted"),
        ("DEPOSEE", "accepted"),
    ]
