"""E-mails: how many a second the relay accepts, and what an import for one body does to everybody else's."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from contracts.events import Payload
from deploy.local import Stack
from services.common.auth import Principal
from tests.bench.measure import cores, cpu_seconds
from tests.bench.notify_feed import client, producer, publish
from tests.bench.report import Figure
from tests.unit.notify import samples as notify_samples
from tests.unit.status import samples as status_samples

NAME = "notify"
DOMAINS, MAILS = 100, 3_000
IMPORTED, OTHERS = 100_000, 30
BUSY, QUIET = "22060001900016", "22310001700423"
OPERATOR = Principal(subject="bench", roles=("OPERATEUR",))


def drafts(count: int) -> Iterator[tuple[str, Payload]]:
    """Each makes one mail at once, to an address of its own."""
    for number in range(count):
        contact = f"c{number}@d{number % DOMAINS}.example"
        yield str(uuid4()), notify_samples.draft(contact=contact, saved_at=datetime.now(UTC))


def available(body: str, tenant: str, count: int, supplier: str) -> Iterator[tuple[str, Payload]]:
    """Invoices that come to the disposal of one body: the notice that starts its delay."""
    for number in range(count):
        subject, now = str(uuid4()), datetime.now(UTC)
        about: dict[str, Any] = {"recipient_siret": body, "tenant": tenant, "invoice_number": f"B-{number}"}
        yield subject, status_samples.submitted(f"B-{number}", supplier)
        yield subject, notify_samples.changed("MISE_A_DISPOSITION", 2, changed_at=now, supplier_siret=supplier, **about)


async def _accepted(http: httpx.AsyncClient) -> int:
    found: int = (await http.get("/api/count")).json()["count"]
    return found


async def _rate(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """Mails a second from the first event to the last acceptance."""
    async with producer(stack) as to:
        await publish(to, drafts(50))
        await _reach(http, 50, 60)
        pids = {name: stack.unit(name).pids()[0] for name in ("notify", "postgres", "smtp")}
        cpu, began = cpu_seconds(pids), time.perf_counter()
        await publish(to, drafts(MAILS))
        await _reach(http, 50 + MAILS, 300)
        took = time.perf_counter() - began
        used = cores(cpu, cpu_seconds(pids), took)
    return [
        Figure(bench=NAME, figure="e-mails accepted", value=MAILS / took, unit="e-mails/s", at_least=150),
        *(Figure(bench=NAME, figure=f"cores used by mail: {name}", value=used[name], unit="cores") for name in used),
    ]


async def _reach(http: httpx.AsyncClient, count: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await _accepted(http) >= count:
                return
            await asyncio.sleep(0.1)


async def _import(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """One body gets all at once; another gets a single invoice every two seconds meanwhile."""
    people = [{"siret": siret, "name": "M.", "email": f"m@{siret}.example"} for siret in (BUSY, QUIET)]
    async with client(stack, OPERATOR) as api:
        (await api.put("/api/v1/messages/managers", json={"managers": people})).raise_for_status()
    before, began = await _accepted(http), time.perf_counter()
    async with producer(stack) as to:

        async def others() -> None:
            for number in range(OTHERS):
                # Suppliers of their own: that one gets a digest is not what is measured.
                await publish(to, available(QUIET, "cd31", 1, f"{number:014}"))
                await asyncio.sleep(2)

        beside = asyncio.create_task(others())
        await publish(to, available(BUSY, "cd06", IMPORTED, status_samples.SUPPLIER))
        await beside
    connection = await asyncpg.connect(stack.dsns["notify"].worker, server_settings={"search_path": "notify"})
    try:
        await _proved(connection, IMPORTED + OTHERS, 900)
        took = time.perf_counter() - began
        worst: float = await connection.fetchval(
            "select max(extract(epoch from done_at - (data->>'at')::timestamptz))::float from message"
            " where audience = 'body' and data->>'recipient_siret' = $1",
            QUIET,
        )
    finally:
        await connection.close()
    mails = await _accepted(http) - before
    return [
        Figure(bench=NAME, figure="worst notice of another tenant meanwhile", value=worst, unit="s", at_most=5),
        Figure(bench=NAME, figure=f"e-mails for {IMPORTED:,} invoices at once", value=mails, unit="e-mails"),
        Figure(bench=NAME, figure="until each invoice has its proof", value=took, unit="s"),
    ]


async def _proved(connection: asyncpg.Connection, count: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = await connection.fetchval(
                "select count(*) from message where kind = 'MISE_A_DISPOSITION' and audience = 'body'"
                " and state = 'accepted'"
            )
            if found >= count:
                return
            await asyncio.sleep(1)


async def _measure(stack: Stack) -> list[Figure]:
    async with httpx.AsyncClient(base_url=stack.smtp.url or "", timeout=30) as http:
        return [*await _rate(stack, http), *await _import(stack, http)]


def measure() -> Sequence[Figure]:
    """One stack with the notify service and the inbox."""
    with Stack(services=("notify",)) as stack:
        return asyncio.run(_measure(stack))
