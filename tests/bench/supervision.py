"""How late the figures are under a steady load, how fast a backlog goes into the windows, and what it weighs."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import uuid4

from contracts.events import StatusChanged
from deploy.database import bootstrap, drop
from deploy.local import Stack
from tests.bench.measure import cpu_seconds, rss_mb
from tests.bench.report import Figure
from tests.integration.supervision_world import World, publish, world_from_here
from tests.processes import Service
from tests.records import eventually
from tests.supervised import Life, Lives, exact, example, now

NAME = "supervision"
#: Invoices a second while the lateness is measured; each has seven events or so.
RATE, SECONDS = 100, 20
BACKLOG = 3_000


def measure() -> Sequence[Figure]:
    """The figures."""
    with Stack() as stack:
        return asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> list[Figure]:
    name = f"bench_{uuid4().hex}"
    dsns = await bootstrap(stack.postgres.admin_dsn, name)
    try:
        async with world_from_here(stack, dsns) as world:
            return await _with(world)
    finally:
        await drop(stack.postgres.admin_dsn, name)


async def _with(world: World) -> list[Figure]:
    service = Service("supervision", world.stack, world.own)
    await service.start()
    try:
        await service.ready()
        late = await _lateness(world)
        await service.stop(within=20)
        backlog = Lives("backlog", now()).some(BACKLOG)
        await publish(world.stack, backlog)
        service = Service("supervision", world.stack, world.own)
        await service.start()
        began = time.perf_counter()
        await eventually(world.counted, within=300)
        took = time.perf_counter() - began
        pids = {"supervision": service.process.pid}
        cpu, rss = cpu_seconds(pids)["supervision"], rss_mb(pids)["supervision"]
    finally:
        await service.kill()
    shares = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("most", 1.0)]
    return [
        *(
            _figure(f"late {name}, {RATE} invoices/s", exact(late, share), "s", at_most=2.0 if name == "p99" else None)
            for name, share in shares
        ),
        _figure("drain, with the start", len(backlog) / took, "events/s"),
        _figure("cpu", 1e6 * cpu / len(backlog), "µs/event"),
        _figure("memory", rss, "MB"),
    ]


def _figure(name: str, value: float, unit: str, *, at_most: float | None = None) -> Figure:
    return Figure(bench=NAME, figure=name, value=round(value, 3), unit=unit, at_most=at_most)


async def _lateness(world: World) -> list[float]:
    """Seconds from a marker's acknowledgement by the broker until its own tenant stands in the windows."""
    lives = Lives("steady", now())
    markers: dict[str, float] = {}
    late: list[float] = []
    watching = asyncio.create_task(_watch(world, markers, late))
    began = time.perf_counter()
    for number in range(SECONDS * 2):
        tenant = f"marker-{number}"
        life = Life(str(uuid4()), tenant)
        life.happens(example(StatusChanged, "minimal", tenant=tenant), now(), tenant)
        events = lives.some(RATE // 2)
        await publish(world.stack, [*events, *life.events])
        markers[tenant] = time.perf_counter()
        await asyncio.sleep(max(0.0, began + (number + 1) / 2 - time.perf_counter()))

    async def all_seen() -> bool:
        return len(late) == SECONDS * 2

    await eventually(all_seen, within=120)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return late


async def _watch(world: World, markers: dict[str, float], late: list[float]) -> None:
    seen: set[str] = set()
    while True:
        rows = await world.sql("select distinct tenant from stage_window where tenant like 'marker-%' and size = 10")
        at = time.perf_counter()
        for tenant in {row["tenant"] for row in rows} - seen:
            if tenant in markers:
                late.append(max(0.0, at - markers[tenant]))
                seen.add(tenant)
        await asyncio.sleep(0.02)
