"""A thousand live feeds open at once in one process: what it weighs, and how soon everybody has what is his.

The service runs as its own process with its relay; the readers are plain sockets here. Suppliers, an administrator of
each tenant and operators follow; some read nothing at all until the end.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import uuid4

import msgspec

from contracts.envelope import Event
from deploy.database import bootstrap, drop
from deploy.local import Stack
from services.common.auth import Principal, mint
from tests.bench.lifecycle_load import structure, supplier
from tests.bench.measure import cpu_seconds, rss_mb
from tests.bench.report import Figure
from tests.integration.status_service import SECRET, tables, until
from tests.processes import Service
from tests.unit.status.samples import event, header, routed, submitted

NAME = "feed"
SUPPLIERS, EACH, TENANTS, OPERATORS, LAZY = 300, 3, 50, 30, 20
READERS = SUPPLIERS * EACH + TENANTS + OPERATORS + LAZY
_PATH = "/api/v1/invoices/events"
_WHY = "X-Chorale-Reason: banc de mesure"


class Reader:
    """One client. ``expected`` events are his; ``seen`` are the instants at which they came."""

    def __init__(self, principal: Principal, expected: int, lazy: bool = False) -> None:
        self.principal, self.expected, self.lazy = principal, expected, lazy
        self.seen: list[float] = []
        self._task: asyncio.Task[None] | None = None

    async def open(self, port: int) -> None:
        """Connect; the first block has come when this returns."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
        token = mint(SECRET, self.principal)
        writer.write(f"GET {_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{_WHY}\r\n\r\n".encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"{status!r} {await reader.read(500)!r}")
        await reader.readuntil(b"id: ")
        self._writer = writer
        if not self.lazy:
            self._task = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(b"event:"):
                self.seen.append(time.perf_counter())

    def close(self) -> None:
        """Leave."""
        if self._task is not None:
            self._task.cancel()
        self._writer.close()


def readers(rounds: int) -> list[Reader]:
    """Everybody, with what he is to get: every invoice has two statuses, of which a body sees the second."""
    made = [
        Reader(Principal(subject=f"s{number}-{n}", structures=(supplier(number),)), 2 * rounds)
        for number in range(SUPPLIERS)
        for n in range(EACH)
    ]
    made += [
        Reader(
            Principal(subject=f"t{tenant}", tenants=(f"t{tenant}",), roles=("TENANT_ADMIN",)),
            rounds * len(range(tenant, SUPPLIERS, TENANTS)),
        )
        for tenant in range(TENANTS)
    ]
    everything = 2 * rounds * SUPPLIERS
    made += [Reader(Principal(subject=f"o{n}", roles=("OPERATEUR",)), everything) for n in range(OPERATORS)]
    return made + [Reader(Principal(subject="lazy", roles=("OPERATEUR",)), 0, lazy=True) for n in range(LAZY)]


def told() -> list[Event]:
    """An invoice of every supplier, to a tenant in turn."""
    made: list[Event] = []
    for number in range(SUPPLIERS):
        invoice, tenant = uuid4(), number % TENANTS
        data = header(f"F-{invoice}", supplier(number), structure(tenant, 0))
        to = msgspec.structs.replace(routed(tenant=f"t{tenant}"), structure_siret=structure(tenant, 0))
        made += [event(msgspec.structs.replace(submitted(), invoice=data), invoice), event(to, invoice)]
    return made


async def _measure(stack: Stack, rounds: int = 5) -> list[Figure]:
    dsns = await bootstrap(stack.postgres.admin_dsn, NAME, ("status",))
    own = {"CHORALE_LOG_LEVEL": "WARNING", "CHORALE_TOKEN_SECRET": SECRET}
    service = Service("status", stack, dsns["status"], **own)
    await service.start(quiet=False)
    pids, port = {"status": service.process.pid}, service.port
    everybody = readers(rounds)
    try:
        await service.ready()
        alone = rss_mb(pids)["status"]
        for first in range(0, len(everybody), 50):
            await asyncio.gather(*(reader.open(port) for reader in everybody[first : first + 50]))
        memory, latencies = [rss_mb(pids)["status"]], []
        cpu = cpu_seconds(pids)["status"]
        async with tables(dsns) as found:
            for number in range(1, rounds + 1):
                sent = time.perf_counter()
                await found.take(*told())
                await _all_have(everybody, number, rounds)
                latencies.append(1000 * (max(reader.seen[-1] for reader in everybody if reader.seen) - sent))
                memory.append(rss_mb(pids)["status"])
        spent = cpu_seconds(pids)["status"] - cpu
        too_many = sum(len(reader.seen) - reader.expected for reader in everybody if not reader.lazy)
    finally:
        for reader in everybody:
            with suppress(AttributeError):
                reader.close()
        await service.stop(within=20)
        await drop(stack.postgres.admin_dsn, NAME)
    return [
        Figure(
            bench=NAME,
            figure=f"memory with {len(everybody)} feeds open",
            value=max(memory),
            unit="MB",
            at_most=300,
            baseline={"before": alone, "open": memory[0]},
        ),
        Figure(bench=NAME, figure="events too many or too few", value=too_many, unit="events", at_most=0),
        Figure(
            bench=NAME,
            figure=f"{2 * SUPPLIERS} statuses written and with everybody",
            value=statistics.median(latencies),
            unit="ms",
            runs=latencies,
            baseline={"CPU s a round": spent / rounds},
        ),
    ]


async def _all_have(everybody: Sequence[Reader], number: int, rounds: int, limit: float = 60) -> None:
    async def had() -> bool:
        return all(len(reader.seen) >= reader.expected * number // rounds for reader in everybody)

    await until(had, limit)


def measure() -> Sequence[Figure]:
    """Start the servers, open the feeds, send."""
    with Stack() as stack:
        return asyncio.run(_measure(stack))
