"""What is done to the platform. Each fault leaves it whole again: what it stopped runs, what it froze goes on."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from contracts.registry import SERVICES, TOPICS
from tests.chaos.world import World

FREEZE_SECONDS = 60.0


class Fault(NamedTuple):
    """A named fault; ``weight`` is its share of a long run."""

    name: str
    strike: Callable[[World], Awaitable[None]]
    weight: int = 2


async def _kill(world: World, name: str) -> None:
    await asyncio.to_thread(world.stack.kill, name)


async def _back(world: World, name: str) -> None:
    await asyncio.to_thread(world.stack.wait_ready, name, 90)


def kill_service(service: str) -> Fault:
    """``kill -9`` a service; the supervisor starts it again."""

    async def strike(world: World) -> None:
        name = world.rng.choice(world.instances(service))
        await _kill(world, name)
        await _back(world, name)

    return Fault(f"kill {service}", strike, 5)


async def kill_again_and_again(world: World) -> None:
    """Kill one service as soon as it is back, three times."""
    service = world.any_service()
    for _ in range(3):
        name = world.instances(service)[0]
        await _kill(world, name)
        await asyncio.sleep(world.rng.uniform(0.5, 2.5))
    await _back(world, name)


async def kill_all_services(world: World) -> None:
    """Kill every service at once."""
    names = [name for service in SERVICES for name in world.instances(service)]
    await asyncio.gather(*[_kill(world, name) for name in names])
    for name in names:
        await _back(world, name)


async def kill_reader_workers(world: World) -> None:
    """Kill the processes that read PDFs, several times while they read."""
    for _ in range(5):
        for pid in world.reader_workers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(world.rng.uniform(0.2, 0.6))


async def kill_relay(world: World) -> None:
    """Cut the relays' database sessions at a random moment: their locks are gone, what they sent is unmarked."""
    connection = await world.connect()
    try:
        for _ in range(4):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'chorale-%-relay'"
            )
            await asyncio.sleep(world.rng.uniform(0.1, 0.8))
    finally:
        await connection.close()


def kill_server(server: str) -> Fault:
    """``kill -9`` a server and start it again on its data."""

    async def strike(world: World) -> None:
        await _kill(world, server)
        await asyncio.sleep(world.rng.uniform(0.2, 2.0))
        await asyncio.to_thread(world.stack.start, server)

    return Fault(f"kill {server}", strike, 5)


def freeze(seconds: float) -> Fault:
    """SIGSTOP one service for a while, then SIGCONT."""

    async def strike(world: World) -> None:
        name = world.rng.choice(world.instances(world.any_service()))
        await asyncio.to_thread(world.stack.pause, name)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(world.stack.resume, name)
        await _back(world, name)

    return Fault("freeze a service", strike, 2)


async def twins(world: World) -> None:
    """A second instance of every service joins, shares the partitions, and is killed."""
    names = [f"{service}#2" for service in SERVICES]
    for name in names:
        if name in world.stack.services:
            await asyncio.to_thread(world.stack.start, name)
        else:
            await asyncio.to_thread(world.stack.add, name)
    await asyncio.sleep(2)
    await asyncio.gather(*[_kill(world, name) for name in names])
    for name in names:
        await asyncio.to_thread(world.stack.stop, name)


async def repeat_and_reorder(world: World) -> None:
    """Send old and running events again, shuffled: late, doubled and out of order."""
    known = world.records()
    chosen = [*world.rng.sample(known, min(len(known), 150)), *known[-100:]]
    world.rng.shuffle(chosen)
    producer = AIOKafkaProducer(bootstrap_servers=world.stack.kafka.bootstrap, acks="all")
    await producer.start()
    try:
        sent = [
            await producer.send(
                record.topic, key=record.key, value=record.value, headers=record.headers, partition=record.partition
            )
            for record in chosen
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def poison(world: World) -> None:
    """Bytes that are no event, on every topic."""
    rng = world.rng
    producer = AIOKafkaProducer(bootstrap_servers=world.stack.kafka.bootstrap, acks="all")
    await producer.start()
    try:
        for topic in TOPICS:
            for _ in range(2):
                key = rng.choice([None, rng.randbytes(12), f"poison-{rng.random()}".encode()])
                if topic.compacted and key is None:
                    key = rng.randbytes(12)  # the broker itself refuses a record without a key there
                headers = rng.choice([[], [("ce_type", rng.randbytes(8))], [("ce_id", b"1"), ("ce_time", b"never")]])
                place = await producer.send_and_wait(topic.name, key=key, value=rng.randbytes(300), headers=headers)
                world.poison.add((topic.name, place.partition, place.offset))
    finally:
        await producer.stop()


FAULTS: tuple[Fault, ...] = (
    *(kill_service(service) for service in SERVICES),
    *(kill_server(server) for server in ("kafka", "postgres", "s3", "smtp")),
    Fault("kill again and again", kill_again_and_again, 4),
    Fault("kill all services", kill_all_services, 4),
    Fault("kill reader workers", kill_reader_workers, 4),
    Fault("kill the relays", kill_relay, 5),
    Fault("two instances, one dies", twins, 5),
    Fault("doubled and reordered events", repeat_and_reorder, 5),
    Fault("poison on every topic", poison, 4),
)
