"""The plumbing alone: five hops, each a process, on real Kafka and PostgreSQL, everything durable."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event, encode, headers
from deploy.local import Stack
from services.common.consumer import tail
from tests.bench.hops import FIRST, HOPS, LAST, received
from tests.bench.measure import cores, cpu_seconds, rss_mb
from tests.bench.report import Figure


class Hops:
    """The five processes, started against a stack and ended by their ids."""

    def __init__(self, stack: Stack, kind: str) -> None:
        self._processes = {
            name: subprocess.Popen(
                [sys.executable, "-m", "tests.bench.hop", name, kind],
                env={**os.environ, "CHORALE_DSN": stack.dsns[name].worker, "CHORALE_KAFKA": stack.kafka.bootstrap},
            )
            for name, _, _ in HOPS
        }

    def pids(self) -> Mapping[str, int]:
        """Process id per hop."""
        return {name: process.pid for name, process in self._processes.items()}

    def stop(self) -> None:
        """End them; a hop that does not listen is killed."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


async def feed(kafka: str, count: int, rate: float | None, sent: dict[str, float]) -> None:
    """Send ``count`` events, as fast as possible or at ``rate`` a second; ``sent`` gets the instant per key."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    started = time.perf_counter()
    data = received()
    value = encode(data)
    try:
        waiting = []
        for number in range(count):
            if rate is not None and number % 10 == 0:
                await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            event = Event(
                id=uuid4(),
                type=data.TYPE,
                source="/chorale/ingest",
                subject=str(uuid4()),
                time=datetime.now(UTC),
                data=data,
            )
            sent[event.subject] = time.perf_counter()
            waiting.append(await producer.send(FIRST, value=value, key=event.subject.encode(), headers=headers(event)))
            if len(waiting) >= 2000:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


async def collect(
    kafka: str, expected: dict[str, float], count: int, limit: float, ready: asyncio.Event
) -> dict[str, float]:
    """The instant at which each key came out of the last topic. Raises ``TimeoutError`` after ``limit`` seconds."""
    seen: dict[str, float] = {}
    async with asyncio.timeout(limit):
        stream = tail(kafka, [LAST], on_ready=ready.set)
        async for record in stream:
            key = (record.key or b"").decode()
            if key in expected and key not in seen:
                seen[key] = time.perf_counter()
                if len(seen) == count:
                    break
        await stream.aclose()
    return seen


async def run(kafka: str, count: int, rate: float | None, limit: float) -> tuple[dict[str, float], dict[str, float]]:
    """Feed and collect; returns the instants of sending and of arrival."""
    sent: dict[str, float] = {}
    ready = asyncio.Event()
    collecting = asyncio.create_task(collect(kafka, sent, count, limit, ready))
    await asyncio.wait_for(ready.wait(), 30)
    await feed(kafka, count, rate, sent)
    return sent, await collecting


def percentiles(sent: dict[str, float], seen: dict[str, float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    delays = sorted(1000 * (seen[key] - sent[key]) for key in seen)
    return statistics.median(delays), delays[int(len(delays) * 0.99)]


class Held(msgspec.Struct, kw_only=True):
    """Invoices a second over the window, with what each process used of the cores and how its memory grew."""

    rate: float
    cores: dict[str, float]
    growth_mb: dict[str, float]


async def hold(kafka: str, backlog: int, seconds: float, pids: Mapping[str, int]) -> Held:
    """Feed a backlog, then count what comes out during ``seconds``. Raises if the backlog ran out before the end."""
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    ready = asyncio.Event()

    async def collecting() -> None:
        async for record in tail(kafka, [LAST], on_ready=ready.set):
            seen.setdefault((record.key or b"").decode(), time.perf_counter())

    task = asyncio.create_task(collecting())
    await asyncio.wait_for(ready.wait(), 30)
    await feed(kafka, backlog, None, sent)
    cpu, memory, began, before = cpu_seconds(pids), rss_mb(pids), time.perf_counter(), len(seen)
    await asyncio.sleep(seconds)
    count, took = len(seen) - before, time.perf_counter() - began
    used, grown = cores(cpu, cpu_seconds(pids), took), rss_mb(pids)
    task.cancel()
    if len(seen) >= backlog:
        raise RuntimeError(f"a backlog of {backlog} was too small to hold {seconds:.0f} s")
    return Held(rate=count / took, cores=used, growth_mb={name: grown[name] - memory[name] for name in memory})


def _once(kind: str, seconds: float, backlog: int, paced: bool) -> tuple[Held, tuple[float, float] | None]:
    with Stack() as stack:
        hops = Hops(stack, kind)
        try:
            time.sleep(5)
            delays = None
            if paced:
                asyncio.run(run(stack.kafka.bootstrap, 600, 300, 60))
                delays = percentiles(*asyncio.run(run(stack.kafka.bootstrap, 300 * 20, 300, 90)))
            pids = {**hops.pids(), "kafka": stack.unit("kafka").pids()[0], "postgres": stack.unit("postgres").pids()[0]}
            return asyncio.run(hold(stack.kafka.bootstrap, backlog, seconds, pids)), delays
        finally:
            hops.stop()


def measure(repeats: int = 3, seconds: float = 60.0, backlog: int = 260_000) -> Sequence[Figure]:
    """The plumbing and the bare loop, turn about in one run; medians of ``repeats``."""
    ours: list[Held] = []
    bare: list[Held] = []
    delays: list[tuple[float, float]] = []
    for _ in range(repeats):
        held, delay = _once("chorale", seconds, backlog, paced=True)
        ours.append(held)
        delays += [delay] if delay else []
        bare.append(_once("bare", seconds, backlog, paced=False)[0])
        print(
            f"  plumbing: {ours[-1].rate:,.0f}/s, bare loop {bare[-1].rate:,.0f}/s,"
            f" at 300/s p50 {delays[-1][0]:.0f} p99 {delays[-1][1]:.0f} ms"
        )
    rate, beside = statistics.median(h.rate for h in ours), statistics.median(h.rate for h in bare)
    middle = sorted(ours, key=lambda held: held.rate)[len(ours) // 2]
    servers = middle.cores["kafka"] + middle.cores["postgres"]
    p50, p99 = (statistics.median(d[n] for d in delays) for n in (0, 1))
    growth = max(middle.growth_mb[name] for name, _, _ in HOPS)
    held_for = f"five hops held for {seconds:.0f} s"
    figures = [
        _figure(
            held_for, rate, "invoices/s", at_least=1200, baseline={"bare loop": beside}, runs=[h.rate for h in ours]
        ),
        _figure("ratio to the bare loop", rate / beside, "×", at_least=0.7),
        _figure("p50 at 300/s", p50, "ms", at_most=250),
        _figure("p99 at 300/s", p99, "ms", at_most=600),
        _figure("ceiling if the servers alone had the 2 cores", 2 * rate / servers, "invoices/s"),
        _figure("largest growth of one hop's memory", growth, "MB", at_most=20),
    ]
    return figures + [_figure(f"cores used: {name}", used, "cores") for name, used in middle.cores.items()]


def _figure(name: str, value: float, unit: str, **more: Any) -> Figure:
    return Figure(bench="plumbing", figure=name, value=value, unit=unit, **more)
