"""The pages with a million invoices: first byte and whole lists at 50 requests a second, through the gateway.

All services run, each a process, behind Caddy. People with sessions of their own ask (the largest suppliers and bodies,
ordinary ones, clerks), and people without an account. A request leaves at its time whether the earlier ones have been
answered or not, and is timed from the moment it was due. A page on which a service did not answer is an error.

``CHORALE_BENCH_PORTAL_INVOICES``, ``CHORALE_BENCH_PORTAL_SECONDS`` and ``CHORALE_BENCH_PORTAL_RATE`` make it smaller.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from contracts.registry import SERVICES
from deploy.demo.prepare import prepare
from deploy.local import DATABASE, Stack
from deploy.servers import postgres
from tests.bench import lifecycle_load
from tests.bench.portal_load import Answer, ask, told
from tests.bench.portal_pages import KINDS, LISTED, requests
from tests.bench.portal_people import furnish
from tests.bench.report import Figure

NAME = "portal"
INVOICES = int(os.environ.get("CHORALE_BENCH_PORTAL_INVOICES", "1000000"))
SECONDS = float(os.environ.get("CHORALE_BENCH_PORTAL_SECONDS", "60"))
RATE = float(os.environ.get("CHORALE_BENCH_PORTAL_RATE", "50"))
#: Before it counts: connections, statements and templates are made once.
WARM_SECONDS = 10.0
BUFFERS = "1GB"


def admin_dsn(stack: Stack) -> str:
    """The superuser's way to the services' database."""
    return urlunsplit(urlsplit(stack.postgres.admin_dsn)._replace(path=f"/{DATABASE}"))


async def load(stack: Stack) -> float:
    """Fill what belongs to status, which is stopped meanwhile; returns the seconds."""
    begun = time.perf_counter()
    await asyncio.to_thread(stack.stop, "status")
    await lifecycle_load.load(admin_dsn(stack), INVOICES)
    await asyncio.to_thread(stack.start, "status")
    return time.perf_counter() - begun


async def _measure(stack: Stack) -> list[Figure]:
    took = await load(stack)
    admin = await asyncpg.connect(admin_dsn(stack), command_timeout=600)
    try:
        people = await furnish(stack, admin)
    finally:
        await admin.close()
    warm = await ask(stack.url, requests(people, int(RATE * WARM_SECONDS), seed=1), RATE)
    before = _cpu(stack)
    answers = await ask(stack.url, requests(people, int(RATE * SECONDS)), RATE)
    used = {name: 1000 * (seconds - before[name]) / len(answers) for name, seconds in _cpu(stack).items()}
    for line in told([*warm, *answers]):
        print(f"  {line}")
    loaded = Figure(bench=NAME, figure=f"loading {INVOICES:,} invoices", value=took, unit="s")
    return [loaded, *_figures(answers), *_kinds(answers), _cpu_figure(used)]


def _cpu(stack: Stack) -> dict[str, float]:
    """CPU seconds of each server and service, and of whoever asks."""
    return {**{name: stack.cpu_seconds(name) for name in stack.units}, "client": _own_cpu()}


def _own_cpu() -> float:
    return time.process_time()


def _figures(answers: Sequence[Answer]) -> Iterator[Figure]:
    lists = [each.whole for each in answers if each.kind in LISTED]
    yield _latency(f"first byte, p99 at {RATE:g} requests/s", [each.first for each in answers], at_most=100)
    yield _latency("list pages whole, p99", lists, at_most=300)
    wrong = sum(1 for each in answers if each.wrong)
    yield Figure(
        bench=NAME,
        figure="pages that were not whole",
        value=wrong,
        unit="pages",
        at_most=0,
        baseline={"asked": len(answers)},
    )


def _kinds(answers: Sequence[Answer]) -> Iterator[Figure]:
    for kind in KINDS:
        found = [each for each in answers if each.kind == kind.name]
        if found:
            sizes = {"kB": statistics.mean(each.size for each in found) / 1000}
            yield _latency(f"{kind.name}, p99", [each.whole for each in found], beside=sizes)


def _latency(
    name: str, found: Sequence[float], *, at_most: float | None = None, beside: dict[str, float] | None = None
) -> Figure:
    ordered = sorted(found)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    baseline = {"p50": at(0.5), "p95": at(0.95), "max": ordered[-1], "of": len(ordered), **(beside or {})}
    return Figure(bench=NAME, figure=name, value=at(0.99), unit="ms", at_most=at_most, baseline=baseline)


def _cpu_figure(used: dict[str, float]) -> Figure:
    largest = dict(sorted(used.items(), key=lambda pair: -pair[1]))
    return Figure(
        bench=NAME, figure="CPU of a page, of all processes", value=sum(used.values()), unit="ms", baseline=largest
    )


def measure() -> Sequence[Figure]:
    """Start everything, load, let people in, ask."""
    postgres.SETTINGS["shared_buffers"] = BUFFERS
    with Stack(services=SERVICES, gateway=True, settings={"CHORALE_LOG_LEVEL": "WARNING"}) as stack:
        prepare(stack)
        return asyncio.run(_measure(stack))
