"""Decisions per second: the rules alone, and from ingest's replica in PostgreSQL, from a thousand entries to a million.

In batches on one connection, as ingest makes them. Counted are the CPU seconds of the client and of its backend in the
database, so that a busy machine says the same as a quiet one. Of the invoices 70 % are addressed well, 20 % have a
wrong service code or engagement, 10 % a wrong SIRET. Those to a body with thousands of services are measured by
themselves. Flat means less than 2.5 times from a thousand entries, which lie in the cache and of which a batch repeats
some, to a million, which do neither.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice

import asyncpg

from contracts.events import ServicePublished, StructurePublished, TenantPublished
from deploy.database import bootstrap, drop
from deploy.local import Stack
from invoice.addressing import Address, Decision, decide
from invoice.directory import Service
from invoice.identifiers import normalise_code
from invoice.model import InvoiceHeader
from services.common.db import Connection, migrate
from services.ingest import replica
from services.ingest.directory import Published, entry
from services.ingest.domain import references_of
from tests import directory_variety as variety
from tests.bench.measure import cpu_seconds
from tests.bench.report import Figure

SIZES = (1_000, 30_000, 1_000_000)
BATCH = 200
BATCHES = 200
GOAL = 5_000
DAY = date(2026, 11, 22)
SUPPLIER = "00099900300015"
NAME = "directory_decisions"
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def split(entries: int) -> tuple[int, int]:
    """How many structures and services make up a directory of that size, in the proportion of a country's."""
    structures = entries * 3 // 13
    return structures, entries - structures


def published(entries: int) -> Iterator[tuple[str, Published]]:
    """The directory as its topic tells it."""
    structures, services = split(entries)
    for tenant in variety.tenants():
        yield f"tenant:{tenant.id}", TenantPublished(version=1, tenant=tenant, changed_by="bench", changed_at=_AT)
    for structure in variety.structures(structures):
        yield (
            f"structure:{structure.siret}",
            StructurePublished(version=1, structure=structure, changed_by="bench", changed_at=_AT),
        )
    for service in variety.services(services, structures):
        key = f"service:{service.siret}/{normalise_code(service.code)}"
        yield key, ServicePublished(version=1, service=service, changed_by="bench", changed_at=_AT)


def invoices(entries: int, *, great: bool = False) -> Iterator[InvoiceHeader]:
    """Invoices to structures and services of that directory, at random, without an end; ``great``: to its greatest."""
    structures, services = split(entries)
    some = islice(variety.services(services, structures), 0, None, max(1, services // 50_000))
    addressed = [(service.siret, service.code) for service in some]
    addressed = [pair for pair in addressed if (pair[0] == variety.siret(0)) is great]
    dice = random.Random(41)
    while True:
        siret, code = dice.choice(addressed)
        fault = dice.random()
        engagement = "AP2020/1234" if dice.random() < 0.7 else None
        if fault < 0.1:
            siret = siret[:12] + siret[13] + siret[12]
        elif fault < 0.2:
            code = code[:-1]
        elif fault < 0.3:
            engagement = "ap 2020-1234"
        yield InvoiceHeader(
            invoice_number="F-1",
            issue_date=DAY,
            supplier_siret=SUPPLIER,
            recipient_siret=siret,
            total_excl_tax=Decimal("100.00"),
            tax=Decimal("20.00"),
            total_incl_tax=Decimal("120.00"),
            payable=Decimal("120.00"),
            service_code=code,
            engagement=engagement,
        )


async def _fill(connection: Connection, entries: int) -> None:
    """The replica as it is when the topic has been read. Rows are copied: how fast it is read is another bench's."""
    await connection.execute("truncate directory_entry")
    rows = (entry(subject, data) for subject, data in published(entries))
    columns = ("kind", "entry", "owner", "version", "deleted", "data", "name", "supplier")
    while records := [tuple(getattr(row, name) for name in columns) for row in islice(rows, 20_000)]:
        await connection.copy_records_to_table("directory_entry", records=records, columns=columns)
    await connection.execute("analyze directory_entry")


async def _decide(connection: Connection, headers: Sequence[InvoiceHeader]) -> list[Decision]:
    known = await replica.load(connection, headers)
    decisions = []
    for header in headers:
        structure = known.structures.get(header.recipient_siret)
        decisions.append(
            decide(
                Address.of(header),
                structure,
                known.services.get(header.recipient_siret, {}),
                DAY,
                tenant=known.tenants[structure.tenant] if structure else None,
                around=known.around[references_of(header)],
            )
        )
    return decisions


async def _from_replica(dsn: str) -> list[Figure]:
    await migrate(dsn, "ingest", "services.ingest")
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "ingest", "jit": "off"})
    figures = []
    try:
        for entries in SIZES:
            await _fill(connection, entries)
            figures.append(await _rate(connection, f"from the replica of {entries:,} entries", invoices(entries)))
        services = await connection.fetchval(
            "select count(*) from directory_entry where owner = $1 and kind = 'service'", variety.siret(0)
        )
        great = await _rate(connection, f"at one body of {services:,} services", invoices(SIZES[-1], great=True))
    finally:
        await connection.close()
    slowest, fastest = min(f.value for f in figures), max(f.value for f in figures)
    flat = Figure(
        bench="directory",
        figure="fastest over slowest of these sizes",
        value=fastest / slowest,
        unit="times",
        at_most=2.5,
    )
    return [*figures, flat, great]


async def _rate(connection: Connection, what: str, asked: Iterator[InvoiceHeader]) -> Figure:
    """Decisions by second of CPU, the client's and its backend's together; beside it the time on the wall."""
    for _ in range(10):
        await _decide(connection, list(islice(asked, BATCH)))
    batches = [list(islice(asked, BATCH)) for _ in range(BATCHES)]
    backend = {"backend": await connection.fetchval("select pg_backend_pid()")}
    rates: list[float] = []
    routed = 0
    before, began = cpu_seconds(backend)["backend"], time.process_time()
    for headers in batches:
        start = time.perf_counter()
        decisions = await _decide(connection, headers)
        rates.append(BATCH / (time.perf_counter() - start))
        routed += sum(decision.outcome == "routed" for decision in decisions)
    mine, theirs = time.process_time() - began, cpu_seconds(backend)["backend"] - before
    assert theirs > 0, "the backend's CPU time cannot be seen: run this bench on servers of the same machine"
    total = BATCH * BATCHES
    assert 0.3 < routed / total < 0.95, "the invoices are not the mixture that is meant"
    return Figure(
        bench="directory",
        figure=f"decisions {what}",
        value=total / (mine + theirs),
        unit="a core-second",
        at_least=GOAL,
        baseline={"wall clock, median /s": sorted(rates)[BATCHES // 2], "database %": 100 * theirs / (mine + theirs)},
    )


def _rules_alone() -> Figure:
    """The rules on entries in memory: what a decision costs when nothing has to be looked up."""
    structures, services = split(SIZES[0])
    by_siret = {s.siret: s for s in variety.structures(structures)}
    coded: dict[str, dict[str, Service]] = {siret: {} for siret in by_siret}
    for service in variety.services(services, structures):
        coded[service.siret][normalise_code(service.code)] = service
    addresses = [Address.of(header) for header in islice(invoices(SIZES[0]), 5_000)]
    runs = []
    for _ in range(5):
        start = time.process_time()
        for address in addresses:
            decide(address, by_siret.get(address.recipient_siret), coded.get(address.recipient_siret, {}), DAY)
        runs.append(len(addresses) / (time.process_time() - start))
    runs.sort()
    return Figure(
        bench="directory",
        figure="decisions by the rules alone",
        value=runs[2],
        unit="decisions/s",
        at_least=GOAL,
        runs=runs,
    )


async def _measure(admin_dsn: str) -> list[Figure]:
    dsns = await bootstrap(admin_dsn, NAME)
    try:
        return await _from_replica(dsns["ingest"].worker)
    finally:
        await drop(admin_dsn, NAME)


def measure() -> Sequence[Figure]:
    """Start the servers, fill replicas of growing size, decide."""
    with Stack() as stack:
        return [_rules_alone(), *asyncio.run(_measure(stack.postgres.admin_dsn))]
