"""Webhooks: how many a second a receiver gets, alone and beside receivers that hang, and how soon it gets one."""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from contracts.events import Payload
from deploy.local import Stack
from services.common.auth import Principal
from tests.bench.measure import cores, cpu_seconds
from tests.bench.notify_feed import client, producer, publish, receiver
from tests.bench.report import Figure
from tests.unit.notify.samples import SUPPLIER, changed

NAME = "notify"
OWNERS, INVOICES, ENTRIES, HANGING = 4, 1_500, 3, 20
PACE, PACED = 50, 500


class Taken:
    """What the receiver wrote down, read as it grows."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._place = 0
        self.lines: list[dict[str, str]] = []

    def look(self) -> int:
        """How many events it has taken."""
        with self._file.open("rb") as source:
            source.seek(self._place)
            for line in source:
                if not line.endswith(b"\n"):
                    break
                self._place += len(line)
                self.lines.append(json.loads(line))
        return len(self.lines)

    async def reach(self, count: int, seconds: float) -> None:
        """Wait until it has so many. Raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            while True:
                if self.look() >= count:
                    return
                await asyncio.sleep(0.05)


def histories(count: int) -> Iterator[tuple[str, Payload]]:
    """Status changes that no mail tells of, ``ENTRIES`` an invoice, the invoices side by side."""
    subjects = [str(uuid4()) for _ in range(count)]
    for entry in range(1, ENTRIES + 1):
        for subject in subjects:
            at = datetime.now(UTC)
            yield subject, changed("EN_COURS_ACHEMINEMENT", entry, changed_at=at, tenant=None)


async def _hook(stack: Stack, subject: str, url: str) -> None:
    async with client(
        stack, Principal(subject=subject, structures=(SUPPLIER,), contact=f"{subject}@x.example")
    ) as http:
        (await http.post("/api/v1/webhooks", json={"url": url})).raise_for_status()


async def _burst(stack: Stack, to: AIOKafkaProducer, taken: Taken) -> tuple[float, dict[str, float]]:
    """Webhooks a second from the first event to the last delivery, and the cores used."""
    before = taken.look()
    expected = before + INVOICES * ENTRIES * OWNERS
    pids = {"notify": stack.unit("notify").pids()[0], "postgres": stack.unit("postgres").pids()[0]}
    cpu, began = cpu_seconds(pids), time.perf_counter()
    await publish(to, histories(INVOICES))
    await taken.reach(expected, 300)
    took = time.perf_counter() - began
    return (expected - before) / took, cores(cpu, cpu_seconds(pids), took)


async def _pace(to: AIOKafkaProducer, taken: Taken) -> list[float]:
    """Milliseconds from the event to the receiver, one owner's, at an even pace."""
    before, sent = taken.look(), {}
    began = time.perf_counter()
    for number in range(PACED):
        await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
        subject = str(uuid4())
        sent[subject] = time.time()
        await publish(to, [(subject, changed("EN_COURS_ACHEMINEMENT", 1, tenant=None))])
    await taken.reach(before + PACED * OWNERS, 60)
    delays = []
    for line in taken.lines[before:]:
        event = json.loads(line["body"])
        stamp = float(line["taken_at"])
        delays.append(1000 * (stamp - sent[event["subject"]]))
    return sorted(delays)


async def _measure(stack: Stack, file: Path, port: int) -> list[Figure]:
    for number in range(OWNERS):
        await _hook(stack, f"owner-{number}", f"http://127.0.0.1:{port}/ok/{number}")
    taken = Taken(file)
    async with producer(stack) as to:
        await publish(to, histories(20))
        await taken.reach(20 * ENTRIES * OWNERS, 60)
        rate, used = await _burst(stack, to, taken)
        delays = await _pace(to, taken)
        for number in range(HANGING):
            await _hook(stack, f"dead-{number}", f"http://127.0.0.1:{port}/hang/{number}")
        beside, _ = await _burst(stack, to, taken)
    ids = {(line["path"], line["id"]) for line in taken.lines}
    assert len(ids) == len(taken.lines), "an event came twice though nothing was killed"
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    return [
        Figure(bench=NAME, figure=f"webhooks, {OWNERS} receivers", value=rate, unit="webhooks/s", at_least=500),
        Figure(bench=NAME, figure=f"… beside {HANGING} receivers that hang", value=beside, unit="webhooks/s"),
        Figure(
            bench=NAME,
            figure=f"event to receiver p99 at {PACE * OWNERS}/s",
            value=p99,
            unit="ms",
            baseline={"p50": p50},
        ),
        *(Figure(bench=NAME, figure=f"cores used: {name}", value=used[name], unit="cores") for name in used),
    ]


def measure() -> Sequence[Figure]:
    """One stack with the notify service, one receiver."""
    with tempfile.TemporaryDirectory() as folder, Stack(services=("notify",)) as stack:
        file = Path(folder) / "taken.jsonl"
        file.touch()
        with receiver(file) as port:
            return asyncio.run(_measure(stack, file, port))
