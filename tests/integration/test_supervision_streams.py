"""The figures are those of the events, whatever happens to who counts them: compared with counts made apart."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import NodeNotReadyError, StaleMetadata
from faust.transport.drivers import aiokafka as driver

from contracts.events import StatusChanged
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal, mint
from services.common.db import open_pool
from services.supervision.counting import Counting
from services.supervision.lag import Lag
from services.supervision.sketch import percentile
from services.supervision.streams import Streams, StreamSettings
from services.supervision.sums import HOUR, LIVE
from tests.integration.supervision_apart import count_apart, unread_apart
from tests.integration.supervision_world import World, publish, world_from_here
from tests.processes import ROOT, Service
from tests.records import event, eventually
from tests.supervised import Lives, exact, example, now

PATIENCE = 90.0
#: So many seconds the figures may be late; the bench measures by how much they are under load.
LATE = 2.0
OPERATOR = Principal(subject="op", roles=("OPERATEUR",))


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with world_from_here(stack, dsns) as found:
        yield found


@pytest.fixture
async def instances(world: World) -> AsyncIterator[list[Service]]:
    """Those that a test starts; none outlives it."""
    found: list[Service] = []
    yield found
    for service in found:
        await service.kill()


async def _start(world: World, instances: list[Service]) -> Service:
    service = Service("supervision", world.stack, world.own)
    instances.append(service)
    await service.start()
    await service.ready(within=PATIENCE)
    return service


async def _same(world: World, lives: Lives) -> None:
    """Every window sum is what the lives come to: no event is missing, none counts twice."""
    told = lives.told
    for size in (LIVE, HOUR):
        assert await world.stages(size) == dict(told.stages)
        found = await world.times(size)
        assert {key: sum(buckets.values()) for key, buckets in found.items()} == {
            key: len(values) for key, values in told.times.items()
        }
        for key, values in told.times.items():
            for share in (0.5, 0.95, 0.99):
                assert percentile(found[key], share) == pytest.approx(exact(values, share), rel=0.05)
    assert await world.fields() == {key: count for key, count in told.fields.items() if count}


async def _some(world: World, submitted: int) -> bool:
    """Whether so many invoices are counted."""
    return (await world.stages(HOUR)).get(("*", "submitted"), 0) >= submitted


async def _unready(service: Service) -> bool:
    """Whether it says that it cannot work."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        return (await client.get("/health/ready")).status_code == 503


async def test_figures_survive_kills_a_second_instance_and_events_sent_twice(
    world: World, instances: list[Service]
) -> None:
    lives, chance = Lives("storm", now()), Random(7)
    first = await _start(world, instances)
    await publish(world.stack, lives.some(60), chance=chance)
    second = await _start(world, instances)  # half of the partitions move
    sending = asyncio.create_task(publish(world.stack, lives.some(300), chance=chance))
    await eventually(lambda: _some(world, 61), within=PATIENCE)  # in the middle of them
    await first.kill()
    await sending
    third = await _start(world, instances)
    await publish(world.stack, lives.some(100), chance=chance)
    await second.kill()
    await publish(world.stack, lives.some(40), chance=chance)
    await eventually(world.counted, within=PATIENCE)
    await _same(world, lives)
    await eventually(lambda: _in_time(world, third), within=PATIENCE)
    await third.stop(within=20)


async def _in_time(world: World, service: Service) -> bool:
    """Whether an event of this instant was counted as soon as the product says, as the service itself reports."""
    await publish(world.stack, [event(example(StatusChanged, "minimal"), str(uuid4()))])
    await eventually(world.counted, within=PATIENCE)
    async with httpx.AsyncClient(base_url=service.url) as client:
        [late] = re.findall(r"^chorale_supervision_late_seconds (\S+)$", (await client.get("/metrics")).text, re.M)
    return float(late) < LATE


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_broker_and_a_database_that_are_killed_cost_no_event(world: World, instances: list[Service]) -> None:
    lives = Lives("servers", now())
    await _start(world, instances)
    await publish(world.stack, lives.some(50))
    await asyncio.to_thread(world.stack.kill, "postgres")
    await publish(world.stack, lives.some(50))
    await asyncio.to_thread(world.stack.start, "postgres")
    await asyncio.to_thread(world.stack.kill, "kafka")
    await eventually(lambda: _unready(instances[0]), within=PATIENCE)
    await asyncio.to_thread(world.stack.start, "kafka")
    await publish(world.stack, lives.some(50))
    await eventually(world.counted, within=PATIENCE)
    await _same(world, lives)
    assert instances[0].process.returncode is None


async def test_an_error_of_the_broker_ends_no_counting(
    world: World, dsns: Mapping[str, ServiceDsns], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, failures = driver.AIOKafkaConsumerThread._fetch_records, [NodeNotReadyError(), StaleMetadata()]

    async def failing(*given: Any, **named: Any) -> Any:
        if failures:
            raise failures.pop()
        return await fetch(*given, **named)

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", failing)
    lives = Lives("broker", now())
    pool = await open_pool(dsns["supervision"].worker, "supervision")
    settings = StreamSettings(kafka=world.stack.kafka.bootstrap)
    reading = asyncio.create_task(Streams(settings, Counting(pool)).run())
    try:
        await publish(world.stack, lives.some(12))
        await eventually(world.counted, within=PATIENCE)
        await _same(world, lives)
        assert not failures
        assert not reading.done()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await pool.close()


async def test_records_behind_a_transactions_end_are_seen_whenever_they_come(stack: Stack) -> None:
    """A group stands before the marker alone; then somebody writes."""
    kafka, topic = stack.kafka.bootstrap, f"markers-{uuid4().hex[:8]}"
    place, asked = TopicPartition(topic, 0), Lag(kafka)
    try:
        admin, consumer = await asked._open()
        await admin.create_topics([NewTopic(topic, 1, 1)])
        async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=topic) as producer:
            async with producer.transaction():
                await producer.send_and_wait(topic, b"read", partition=0)

            async def unread() -> int:
                ends = await consumer.end_offsets([place])
                await asked._look(consumer, {(place, 1)}, ends)
                return asked._behind({place: 1}, ends).unread

            async def caught_up() -> bool:
                return await unread() == 0

            await eventually(caught_up, within=PATIENCE)
            async with producer.transaction():
                await producer.send_and_wait(topic, b"new", partition=0)

            async def behind() -> bool:
                return await unread() > 0

            await eventually(behind, within=PATIENCE)
    finally:
        await asked.close()


async def test_an_event_of_an_unknown_kind_stops_nothing(world: World, instances: list[Service]) -> None:
    lives = Lives("poison", now())
    await _start(world, instances)
    async with AIOKafkaProducer(bootstrap_servers=world.stack.kafka.bootstrap) as producer:
        for topic in ("chorale.lifecycle.v1", "chorale.document.v1"):
            await producer.send_and_wait(topic, b"\xff{", key=b"x", headers=[("ce_id", b"\xff")])
            await producer.send_and_wait(topic, b"", key=None, headers=[("\u00e9", b"")])
    await publish(world.stack, lives.some(12))
    await eventually(world.counted, within=PATIENCE)
    await _same(world, lives)


async def test_windows_are_made_again_from_the_topics(world: World, instances: list[Service]) -> None:
    lives = Lives("rebuilt", now())
    service = await _start(world, instances)
    await publish(world.stack, lives.some(30))
    await eventually(world.counted, within=PATIENCE)
    assert await _rebuild(service) == (1, True)
    await service.stop(within=20)
    await world.sql("update stage_window set count = count + 5")
    await world.sql("delete from journey")
    code, _ = await _rebuild(service)
    assert code == 0
    await _start(world, instances)
    await eventually(world.counted, within=PATIENCE)
    apart = await count_apart(world.stack)
    counted = {stage: n for (tenant, stage), n in (await world.stages(HOUR)).items() if tenant == "*"}
    assert counted == dict(apart)
    assert counted["submitted"] >= lives.told.stages["*", "submitted"]


async def _rebuild(service: Service) -> tuple[int, bool]:
    """The command's exit code, and whether it asks for the instances to be stopped."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.supervision",
        "rebuild",
        cwd=ROOT,
        env=service.environment,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, b"stop every instance" in said


async def test_a_service_that_does_not_read_is_behind_by_what_it_has_not_read(
    world: World, instances: list[Service]
) -> None:
    lives = Lives("lag", now())
    service = await _start(world, instances)
    await publish(world.stack, lives.some(20))
    unread, oldest = await unread_apart(world.stack, "notify")
    assert unread
    header = {"Authorization": f"Bearer {mint(world.stack.token_secret, OPERATOR)}"}

    told: list[object] = []

    async def seen() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(base_url=service.url, headers=header) as client:
                answer = (await client.get("/api/v1/supervision/services")).json()
            by_name = {one["service"]: one for one in answer}
            notify, own = by_name["notify"], by_name["supervision"]
            waited, true_age = notify["oldest_unread_seconds"], now().timestamp() - oldest
            told[:] = [notify["unread"], unread, own["unread"], waited, true_age]
            return (notify["unread"], own["unread"]) == (unread, 0) and waited == pytest.approx(true_age, abs=30)
        return False

    with contextlib.suppress(TimeoutError):
        await eventually(seen, within=PATIENCE)
    assert await seen(), told
    async with httpx.AsyncClient(base_url=service.url) as client:
        text = (await client.get("/metrics")).text
    assert f'chorale_supervision_unread{{service="notify"}} {float(unread)}' in text
    assert 'chorale_supervision_service_away{service="notify"}' not in text  # it was given no address
