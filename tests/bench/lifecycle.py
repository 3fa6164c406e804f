"""Lists, figures and writes of the status service with a million invoices and eight million entries.

Reads go over HTTP to the service's API, one at a time, as callers of every kind. Writes go the way of the consumer, in
batches of 200 events, on an empty database and on the full one in turn. The slowest queries' plans are written to
``.local/lifecycle_plans.txt``. ``CHORALE_BENCH_INVOICES`` makes it smaller. PostgreSQL gets the memory that the working
set of a million invoices needs (indexes of lists, parties, newest invoices).
"""

import asyncio
import os
import random
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from pydantic import validate_call

from deploy.database import bootstrap, drop
from deploy.local import Stack
from deploy.servers import postgres
from services.common.auth import Principal
from services.common.db import scoped
from services.common.record import Record
from services.ingest.identity import uuid7
from services.status import figures, queries, sides
from services.status.api_search import wanted
from services.status.folding import Folding
from services.status.search import Search
from tests.bench.lifecycle_load import SUPPLIERS, TENANTS, load, structure, supplier
from tests.bench.report import LINES, Figure
from tests.integration.status_service import Instance, Tables, instances, tables
from tests.unit.status.samples import accepted, event, header, record, routed, submitted

NAME = "lifecycle"
INVOICES = int(os.environ.get("CHORALE_BENCH_INVOICES", "1000000"))
WRITTEN, BATCH, TURNS = 2_000, 200, 3
REPEATS = 4
BUFFERS = "1GB"
PLANS = LINES.parent / "lifecycle_plans.txt"
CALLERS = {
    "operator": Principal(subject="op", roles=("OPERATEUR",)),
    "largest tenant": Principal(subject="admin", tenants=("t1",), roles=("TENANT_ADMIN",)),
    "small tenant": Principal(subject="small", tenants=("t20",), roles=("TENANT_ADMIN",)),
    "main structure": Principal(
        subject="manager", structures=(structure(1, 0),), tenants=("t1",), roles=("GESTIONNAIRE",)
    ),
    "largest service": Principal(subject="clerk", services=(f"{structure(1, 0)}/S0",)),
    "ten services": Principal(subject="clerk10", services=tuple(f"{structure(1, 0)}/S{n}" for n in range(40, 50))),
    "largest supplier": Principal(subject="big", structures=(supplier(0),)),
    "ordinary supplier": Principal(subject="ordinary", structures=(supplier(20_000),)),
}
_DAY = datetime.now(UTC)


def asked() -> dict[str, dict[str, Any]]:
    """What people look for, by name."""
    number = random.Random(3).randrange(INVOICES)
    return {
        "newest": {},
        "paid": {"status": "MISE_EN_PAIEMENT"},
        "suspended": {"status": "SUSPENDUE"},
        "abandoned": {"status": "ABANDONNEE"},
        "my turn": {"turn": "D"},
        "the supplier's turn": {"turn": "F"},
        "number": {"number": f"F{_DAY.year}-{number}"},
        "supplier": {"supplier": supplier(0)},
        "ordinary supplier": {"supplier": supplier(20_000)},
        "structure": {"structure": structure(1, 7)},
        "service": {"service": f"{structure(1, 0)}/S30"},
        "engagement": {"engagement": f"ej{number // 3}"},
        "market": {"market": "M1000"},
        "one amount": {"amount_from": "1234.50", "amount_to": "1234.60"},
        "amounts": {"amount_from": "1000", "amount_to": "3000"},
        "deposited then": {
            "since": (_DAY - timedelta(days=400)).isoformat(),
            "until": (_DAY - timedelta(days=370)).isoformat(),
        },
        "issued then": {
            "issued_from": (_DAY - timedelta(days=401)).date().isoformat(),
            "issued_to": (_DAY - timedelta(days=400)).date().isoformat(),
        },
        "late": {"late": "true", "sort": "due"},
        "late, newest first": {"late": "true"},
        "due soon": {"due_within": 5, "sort": "due"},
        "unchanged": {"unchanged_days": 30},
        "words of a service": {"q": "numéro 42"},
        "words of a number": {"q": f"F{_DAY.year}-{number // 100}"},
        "a common beginning": {"q": "F20"},
        "words of nothing": {"q": "introuvable"},
        "several": {"turn": "D", "amount_from": "5000", "market": "M15", "unchanged_days": 3},
        "late ones of a service": {"late": "true", "service": "S3", "sort": "due"},
    }


FIGURES = ("/synthesis", "/figures")


async def _read(http: Instance) -> tuple[dict[tuple[str, str], list[float]], dict[tuple[str, str], list[float]]]:
    """Milliseconds per caller and question, of lists and of figures. The first of each is not counted: it prepares."""
    lists: dict[tuple[str, str], list[float]] = {}
    sums: dict[tuple[str, str], list[float]] = {}
    for caller, principal in CALLERS.items():
        async with http.client(principal) as client:
            client.timeout = 60
            for turn in range(REPEATS + 1):
                for name, query in asked().items():
                    took = await _timed(client, "", query)
                    lists.setdefault((caller, name), []).extend([took] if turn else [])
                for path in FIGURES:
                    took = await _timed(client, path, {})
                    sums.setdefault((caller, path), []).extend([took] if turn else [])
    return lists, sums


async def _timed(client: Any, path: str, query: dict[str, Any]) -> float:
    begun = time.perf_counter()
    answer = await client.get(f"/api/v1/invoices{path}", params=query)
    took = 1000 * (time.perf_counter() - begun)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} {query}: {answer.status_code} {answer.text[:500]}")
    return took


def _events(count: int) -> list[list[Record]]:
    """Deposits, then routings, then acceptances, in batches; of suppliers and bodies like those that are there."""
    dice = random.Random(5)
    told: list[list[Record]] = [[], [], []]
    for number in range(count):
        invoice, tenant = uuid7(datetime.now(UTC)), dice.randrange(1, TENANTS + 1)
        body, service = structure(tenant, dice.randrange(21)), f"S{dice.randrange(100)}"
        data = header(f"B-{invoice}-{number}", supplier(dice.randrange(SUPPLIERS)), body)
        now = datetime.now(UTC)
        deposit = msgspec.structs.replace(submitted(), invoice=data, submitted_at=now)
        to = msgspec.structs.replace(routed(tenant=f"t{tenant}", service=service), structure_siret=body)
        for part, what in zip(told, (deposit, to, accepted(2, at=now)), strict=True):
            part.append(record(event(what, invoice)))
    return [part[n : n + BATCH] for part in told for n in range(0, count, BATCH)]


async def _write(found: Tables) -> float:
    """Events a second, the folding of figures included."""
    batches = _events(WRITTEN)
    begun = time.perf_counter()
    for number, batch in enumerate(batches):
        await found.deliver.batch(batch)
        if number % 10 == 9:
            await Folding(found.pool, 60).fold()
    return 3 * WRITTEN / (time.perf_counter() - begun)


class _Explained:
    """A connection that keeps the plan of everything it is asked."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def fetch(self, query: str, *values: Any) -> Any:
        rows = await self._connection.fetch(f"explain (analyze, buffers) {query}", *values)
        self.plans.append(f"{query}\n" + "\n".join(row[0] for row in rows))
        return await self._connection.fetch(query, *values)

    async def fetchval(self, query: str, *values: Any) -> Any:
        rows = await self.fetch(query, *values)
        return rows[0][0] if rows else None


async def _plans(found: Tables, slowest: Sequence[tuple[str, str]]) -> str:
    """The plans of these, one after the other."""
    texts = []
    for caller, name in slowest:
        principal, now = CALLERS[caller], datetime.now(UTC)
        async with scoped(found.api_pool, principal.scope()) as connection:
            explained: Any = _Explained(connection)
            if name == "/figures":
                await figures.figures(explained, sides.side_of(principal), now)
            elif name == "/synthesis":
                await figures.synthesis(explained, sides.side_of(principal), now, 8)
            else:
                await queries.search(explained, principal, await _search(asked()[name]), 51, now)
        texts.append(f"=== {caller}: {name}\n" + "\n\n".join(explained.plans))
    return "\n\n".join(texts)


async def _search(query: dict[str, Any]) -> Search:
    """The conditions as the API reads them."""
    given: dict[str, Any] = {name: [value] if name == "status" else value for name, value in query.items()}
    found: Search = await validate_call(wanted)(**given)
    return found


async def _measure(stack: Stack) -> list[Figure]:
    async with AsyncExitStack() as opened:
        full, empty = [await _database(opened, stack, name) for name in ("bench_full", "bench_empty")]
        begun = time.perf_counter()
        await load(full[1], INVOICES)
        took = time.perf_counter() - begun
        (http,) = await opened.enter_async_context(instances(full[0], full[2], stack.kafka.bootstrap))
        lists, sums = await _read(http)
        rates: dict[str, list[float]] = {"full": [], "empty": []}
        await _write(empty[0])  # the first one prepares statements
        await _write(full[0])
        for _ in range(TURNS):
            rates["empty"].append(await _write(empty[0]))
            rates["full"].append(await _write(full[0]))
        ranked = [sorted(found, key=lambda one: -statistics.median(found[one])) for found in (lists, sums)]
        _keep(await _plans(full[0], [*ranked[0][:8], *ranked[1][:4]]))
    return [
        _loaded(took),
        *_latencies("lists", lists, ranked[0]),
        *_latencies("figures", sums, ranked[1]),
        _ratio(rates),
    ]


async def _database(opened: AsyncExitStack, stack: Stack, name: str) -> tuple[Tables, str, Any]:
    await drop(stack.postgres.admin_dsn, name)
    dsns = await bootstrap(stack.postgres.admin_dsn, name, ("status",))
    opened.push_async_callback(drop, stack.postgres.admin_dsn, name)
    found = await opened.enter_async_context(tables(dsns))
    admin = urlunsplit(urlsplit(stack.postgres.admin_dsn)._replace(path=f"/{name}"))
    return found, admin, dsns["status"]


def _keep(plans: str) -> None:
    PLANS.parent.mkdir(exist_ok=True)
    PLANS.write_text(plans, encoding="utf-8")
    print(f"  the plans of the slowest: {PLANS}")


def _loaded(took: float) -> Figure:
    return Figure(bench=NAME, figure=f"loading {INVOICES:,} invoices, {8 * INVOICES:,} entries", value=took, unit="s")


def _latencies(what: str, found: dict[tuple[str, str], list[float]], ranked: list[tuple[str, str]]) -> list[Figure]:
    every = sorted(took for times in found.values() for took in times)
    p99 = every[min(len(every) - 1, int(len(every) * 0.99))]
    slowest = {f"{caller} · {name}": statistics.median(found[caller, name]) for caller, name in ranked[:6]}
    beside = {"p50": statistics.median(every), "max": every[-1], **slowest}
    return [
        Figure(bench=NAME, figure=f"{what}: p99 of {len(every)}", value=p99, unit="ms", at_most=100, baseline=beside)
    ]


def _ratio(rates: dict[str, list[float]]) -> Figure:
    full, empty = (statistics.median(rates[name]) for name in ("full", "empty"))
    return Figure(
        bench=NAME,
        figure="writes: full tables over empty ones",
        value=full / empty,
        unit="×",
        at_least=0.8,
        baseline={"full, events/s": full, "empty": empty},
        runs=[*rates["full"], *rates["empty"]],
    )


def measure() -> Sequence[Figure]:
    """Start the servers, load, read, write."""
    postgres.SETTINGS["shared_buffers"] = BUFFERS
    with Stack() as stack:
        return asyncio.run(_measure(stack))
