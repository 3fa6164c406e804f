"""How long one change waits behind a great import: while that is being written, and while its events are sent."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import chain

import asyncpg
import httpx

from deploy.local import Stack
from invoice.directory import Entry
from services.common.auth import Principal, mint
from services.routing.imports import import_lines
from services.routing.load import opened
from services.routing.sources import Line
from tests import directory_variety as variety
from tests.bench.report import Figure

NAME = "directory_queue"
_KINDS = {"Tenant": "tenant", "Structure": "structure", "Service": "service"}
_PATH = "/api/v1/directory/import"


def lines(structures: int, services: int) -> Iterator[Line]:
    """The import, the tenant and the structure that changes left out."""
    found: Iterator[Entry] = chain(
        variety.tenants(), variety.structures(structures), variety.services(services, structures)
    )
    for number, entry in enumerate(found, 1):
        yield Line(number=number, kind=_KINDS[type(entry).__name__], entry=entry)


async def _measure(stack: Stack, structures: int, services: int) -> list[Figure]:
    token = mint(stack.token_secret, Principal(subject="bench", roles=("OPERATEUR",)))
    replica = await asyncpg.connect(stack.dsns["ingest"].worker, server_settings={"search_path": "ingest"})
    pool = await opened(stack.dsns["routing"].worker)
    siret = variety.siret(structures + 1)
    try:
        async with httpx.AsyncClient(
            base_url=stack.base_url("routing"), headers={"authorization": f"Bearer {token}"}, timeout=900
        ) as client:

            async def change(name: str) -> float:
                begun = time.perf_counter()
                entry = {"siret": siret, "name": name, "tenant": "bench", "kind": "commune"}
                tenant = {"id": "bench", "name": "Bench"}
                answer = await client.post(_PATH, json={"tenants": [tenant], "structures": [entry]})
                answer.raise_for_status()
                while name != await replica.fetchval(  # noqa: ASYNC110 (the condition is on a server)
                    "select data->>'name' from directory_entry where kind = 'structure' and owner = $1", siret
                ):
                    await asyncio.sleep(0.01)
                return time.perf_counter() - begun

            await change("avant")
            begun = time.perf_counter()
            great = asyncio.create_task(import_lines(pool, lines(structures, services), by="bench"))
            await asyncio.sleep(0.2)
            during = asyncio.create_task(change("pendant"))
            report = await great
            written = time.perf_counter() - begun
            waited = await during
            while await pool.fetchval("select exists (select from outbox)"):  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.02)
            sent = time.perf_counter() - begun - written
    finally:
        await pool.close()
        await replica.close()
    baseline = {"import": written, "sending": sent}
    figure = f"one change during an import of {report.added:,} entries"
    return [Figure(bench=NAME, figure=figure, value=waited, unit="s", baseline=baseline)]


def measure(structures: int = variety.STRUCTURES, services: int = variety.SERVICES) -> Sequence[Figure]:
    """Start routing and ingest, import a country, change one name meanwhile."""
    with Stack(services=["routing", "ingest"]) as stack:
        return asyncio.run(_measure(stack, structures, services))
