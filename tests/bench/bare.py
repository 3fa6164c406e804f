"""A bare loop to compare with: the same topics, events and durability, none of the plumbing's guards."""

import asyncio
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.envelope import Event, decode, encode, event_id, headers
from contracts.registry import TOPIC_OF
from services.common.db import Pool, open_pool
from services.common.record import pack_headers, unpack_headers
from tests.bench.hops import HOPS


async def bare_hop(service: str, dsn: str, kafka: str) -> None:
    """Inbox, state and outbox in one statement per batch, and a relay loop beside it."""
    _, topic, make = next(hop for hop in HOPS if hop[0] == service)
    pool = await open_pool(dsn, service)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka,
        group_id=f"{service}-bench",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=2)
    await consumer.start()
    await producer.start()
    relay = asyncio.create_task(_relay(pool, producer))
    try:
        while True:
            found = await consumer.getmany(timeout_ms=500, max_records=200)
            if sum(len(batch) for batch in found.values()) < 200:
                await asyncio.sleep(0.005)
            events = [decode(list(r.headers), r.value) for batch in found.values() for r in batch]
            if events:
                await _store(pool, service, events, make)
                await consumer.commit({partition: batch[-1].offset + 1 for partition, batch in found.items()})
    finally:
        relay.cancel()
        await consumer.stop()
        await producer.stop()


async def _store(pool: Pool, service: str, events: list[Event], make) -> None:  # type: ignore[no-untyped-def]
    made = []
    for event in events:
        data = make(event.data)
        made.append(
            Event(
                id=event_id(event.id, data.TYPE),
                type=data.TYPE,
                source=f"/chorale/{service}",
                subject=event.subject,
                time=event.time,
                data=data,
                traceparent=event.traceparent,
            )
        )
    await pool.execute(
        "with fresh as (insert into processed_event (event_id) select unnest($1::uuid[])"
        " on conflict do nothing returning event_id),"
        " state as (insert into bench_state (invoice, step) select distinct unnest($2::uuid[]), $3"
        " on conflict (invoice) do update set step = excluded.step, seen = now())"
        " insert into outbox (lane, topic, key, headers, value)"
        " select 'main', $4, key, headers, value from"
        " unnest($1::uuid[], $5::text[], $6::bytea[], $7::bytea[]) t(cause, key, headers, value)"
        " join fresh on fresh.event_id = t.cause",
        [event.id for event in events],
        [UUID(event.subject) for event in events],
        events[0].type,
        TOPIC_OF[type(made[0].data)].name,
        [event.subject for event in events],
        [pack_headers(headers(event)) for event in made],
        [encode(event.data) for event in made],
    )


async def _relay(pool: Pool, producer: AIOKafkaProducer) -> None:
    while True:
        rows = await pool.fetch("select id, topic, key, headers, value from outbox order by id limit 500")
        if not rows:
            await asyncio.sleep(0.005)
            continue
        sent = [
            await producer.send(
                r["topic"], value=r["value"], key=r["key"].encode(), headers=unpack_headers(r["headers"])
            )
            for r in rows
        ]
        await asyncio.gather(*sent)
        await pool.execute("delete from outbox where id = any($1::bigint[])", [r["id"] for r in rows])
