"""The platform under fault: a supervised stack, what was accepted, and what travelled on every topic."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import asyncpg
import psutil

from contracts.registry import SERVICES, TOPICS
from deploy.demo.prepare import prepare
from deploy.local import DATABASE, Stack
from services.common.consumer import tail
from services.common.db import Connection
from services.common.record import Arrival, Record, read

Kind = Literal["good", "refused", "wrong_sum", "again"]
SETTINGS: Mapping[str, str] = {
    "CHORALE_IDLE_IN_TRANSACTION_SECONDS": "5",
    "CHORALE_RELAY_IDLE_SECONDS": "5",
    "CHORALE_LOG_LEVEL": "WARNING",
    "CHORALE_LEASE_SECONDS": "8",
    "CHORALE_DIGEST_SECONDS": "1",
    "CHORALE_GATHER_SECONDS": "1",
}


@dataclass
class World:
    """One stack and everything that happened on it. ``accepted`` are the deposits answered 201."""

    stack: Stack
    rng: random.Random
    accepted: dict[UUID, Kind] = field(default_factory=dict)
    originals: dict[UUID, tuple[str, bytes]] = field(default_factory=dict)
    travelled: list[Arrival] = field(default_factory=list)
    poison: set[tuple[str, int, int]] = field(default_factory=set)
    next_number: int = 0
    _tails: list[asyncio.Task[None]] = field(default_factory=list)

    async def open(self) -> None:
        """Load the directory and begin to listen to every topic from its start."""
        await asyncio.to_thread(prepare, self.stack)
        self._tails = [asyncio.create_task(self._listen())]

    async def close(self) -> None:
        """Stop listening."""
        for task in self._tails:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def _listen(self) -> None:
        """Keep every record once; a broker that dies is followed again from the start."""
        seen: set[tuple[str, int, int]] = set()
        while True:
            try:
                async for record in tail(self.stack.kafka.bootstrap, [t.name for t in TOPICS], from_start=True):
                    place = (record.topic, record.partition or 0, record.offset or 0)
                    if place not in seen:
                        seen.add(place)
                        self.travelled.append(read(record))
            except Exception:
                await asyncio.sleep(0.5)

    async def connect(self) -> Connection:
        """An administrator's connection to the platform's database."""
        base = self.stack.postgres.admin_dsn.rpartition("/")[0]
        return await asyncpg.connect(f"{base}/{DATABASE}", timeout=10)

    def instances(self, service: str) -> list[str]:
        """Names of the running instances of a service."""
        found = [name for name, unit in self.stack.services.items() if unit.wanted]
        return [name for name in found if name.partition("#")[0] == service]

    def reader_workers(self) -> list[int]:
        """Process ids of ocr's reader processes."""
        return [
            process.pid
            for name in self.instances("ocr")
            for root in self.stack.services[name].pids()[:1]
            for process in _children(root)
            if "services.ocr.worker" in " ".join(_command(process))
        ]

    def any_service(self) -> str:
        """A service by chance."""
        return self.rng.choice(SERVICES)

    def records(self) -> list[Record]:
        """Records of events seen so far, in the order in which they were read."""
        return [arrival.record for arrival in self.travelled if arrival.event is not None]


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
