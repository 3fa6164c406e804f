"""The real path: a PDF over HTTP, read, routed, at the body's disposal, its e-mail accepted."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from contracts.events import NotificationAccepted
from contracts.registry import SERVICES
from deploy.demo.prepare import prepare
from deploy.local import Stack
from services.common.consumer import tail
from services.common.record import read
from tests.bench.measure import cores
from tests.bench.report import Figure

SERVERS = ("kafka", "postgres", "s3", "smtp")
#: Each invoice is timed to a mail of its own: none is gathered with others, however many go to one body.
SETTINGS = {
    "CHORALE_LOG_LEVEL": "WARNING",
    "CHORALE_NOTICES_A_MINUTE": "1000000",
    "CHORALE_OPTIONAL_AN_HOUR": "1000000",
    "CHORALE_DOMAIN_RATE": "0",
}


class Run(msgspec.Struct, kw_only=True):
    """One run: documents a second, and milliseconds from request to the body's accepted e-mail."""

    rate: float
    p50: float
    p99: float
    seconds: float


async def _accepted(kafka: str, count: int, limit: float, ready: asyncio.Event) -> dict[str, float]:
    """Wall-clock instant at which the body's first e-mail was accepted, per invoice."""
    seen: dict[str, float] = {}
    async with asyncio.timeout(limit):
        stream = tail(kafka, ["chorale.notification.v1"], on_ready=ready.set)
        async for record in stream:
            event = read(record).event
            if event and isinstance(event.data, NotificationAccepted) and event.data.audience == "body":
                seen.setdefault(event.subject, event.data.accepted_at.timestamp())
                if len(seen) == count:
                    break
        await stream.aclose()
    return seen


async def run(stack: Stack, first: int, count: int, rate: float | None) -> Run:
    """Deposit ``count`` documents from a client process, as fast as it goes or at ``rate`` a second."""
    ready = asyncio.Event()
    limit = 60 + count / (rate or 20)
    collecting = asyncio.create_task(_accepted(stack.kafka.bootstrap, count, limit, ready))
    await asyncio.wait_for(ready.wait(), 30)
    client = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.client",
        stack.base_url("ingest"),
        stack.token_secret,
        str(first),
        str(count),
        str(rate or 0),
        stdout=subprocess.PIPE,
        env=dict(os.environ),
    )
    output, _ = await client.communicate()
    if client.returncode:
        raise RuntimeError("the bench client failed")
    sent: dict[str, float] = msgspec.json.decode(output)
    seen = await collecting
    delays = sorted(1000 * (seen[key] - sent[key]) for key in sent)
    seconds = max(seen.values()) - min(sent.values())
    return Run(
        rate=count / seconds, p50=statistics.median(delays), p99=delays[int(len(delays) * 0.99)], seconds=seconds
    )


def measure(repeats: int = 3, count: int = 1500) -> Sequence[Figure]:
    """Throughput as fast as it goes, then latency at half the goal's rate; medians of ``repeats``."""
    fast: list[Run] = []
    half: list[Run] = []
    cpu: dict[str, float] = {}
    growth: dict[str, float] = {}
    names = (*SERVICES, *SERVERS)
    for _ in range(repeats):
        with Stack(services=SERVICES, settings=SETTINGS) as stack:
            prepare(stack)
            asyncio.run(run(stack, 0, 200, None))
            rss, before = {n: stack.rss(n) for n in names}, {n: stack.cpu_seconds(n) for n in names}
            started = time.monotonic()
            fast.append(asyncio.run(run(stack, 200, count, None)))
            cpu = cores(before, {n: stack.cpu_seconds(n) for n in names}, time.monotonic() - started)
            half.append(asyncio.run(run(stack, 200 + count, count // 2, 30.0)))
            growth = {n: (stack.rss(n) - rss[n]) / 2**20 for n in names}
            print(
                f"  pipeline: {fast[-1].rate:.1f} documents/s; at 30/s p50 {half[-1].p50:.0f} p99 {half[-1].p99:.0f} ms"
            )
            print("  cores: " + ", ".join(f"{n} {c:.2f}" for n, c in cpu.items()))
            print("  memory growth MB: " + ", ".join(f"{n} {g:+.0f}" for n, g in growth.items()))
    rates = [found.rate for found in fast]
    return [
        Figure(
            bench="pipeline",
            figure="one-page PDFs, HTTP deposit to e-mail accepted",
            value=statistics.median(rates),
            unit="documents/s",
            at_least=60,
            runs=rates,
        ),
        Figure(
            bench="pipeline",
            figure="p50 at 30 documents/s",
            value=statistics.median(r.p50 for r in half),
            unit="ms",
        ),
        Figure(
            bench="pipeline",
            figure="p99 at 30 documents/s",
            value=statistics.median(r.p99 for r in half),
            unit="ms",
            at_most=1000,
            runs=[r.p99 for r in half],
        ),
        Figure(
            bench="pipeline",
            figure="largest growth of one service's memory over the run",
            value=max(growth[n] for n in SERVICES),
            unit="MB",
            at_most=40,
        ),
        *[Figure(bench="pipeline", figure=f"cores used: {n}", value=c, unit="cores") for n, c in cpu.items()],
    ]
