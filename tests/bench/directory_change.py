"""How soon a change counts: from the answer to an import until ingest's replica holds it, through the topic."""

import asyncio
import time
from collections.abc import Sequence

import asyncpg
import httpx

from deploy.local import Stack
from services.common.auth import Principal, mint
from tests import directory_variety as variety
from tests.bench.report import Figure

NAME = "directory_change"
CHANGES = 25
_PATH = "/api/v1/directory/import"


async def _measure(stack: Stack) -> list[Figure]:
    token = mint(stack.token_secret, Principal(subject="bench", roles=("OPERATEUR",)))
    replica = await asyncpg.connect(stack.dsns["ingest"].worker, server_settings={"search_path": "ingest"})
    siret = variety.siret(1)
    start = {
        "tenants": [{"id": "bench", "name": "Bench"}],
        "structures": [{"siret": siret, "name": "0", "tenant": "bench", "kind": "commune"}],
    }
    took: list[float] = []
    try:
        async with httpx.AsyncClient(
            base_url=stack.base_url("routing"), headers={"authorization": f"Bearer {token}"}, timeout=30
        ) as client:
            (await client.post(_PATH, json=start)).raise_for_status()
            for number in range(1, CHANGES + 1):
                line = f"entree;siret;nom\r\nstructure;{siret};Nom {number}\r\n"
                answer = await client.post(_PATH, content=line, headers={"content-type": "text/csv"})
                answer.raise_for_status()
                begun = time.perf_counter()
                await _until(replica, siret, f"Nom {number}")
                took.append((time.perf_counter() - begun) * 1000)
    finally:
        await replica.close()
    ordered = sorted(took)
    figure = "a change counts in ingest, slowest"
    baseline = {"p50": ordered[len(ordered) // 2]}
    return [Figure(bench=NAME, figure=figure, value=ordered[-1], unit="ms", at_most=1000, baseline=baseline)]


async def _until(replica: asyncpg.Connection, siret: str, name: str) -> None:
    async with asyncio.timeout(30):
        while name != await replica.fetchval(  # noqa: ASYNC110 (the condition is on a server)
            "select data->>'name' from directory_entry where kind = 'structure' and owner = $1", siret
        ):
            await asyncio.sleep(0.005)


def measure() -> Sequence[Figure]:
    """Start routing and ingest, change a name again and again."""
    with Stack(services=["routing", "ingest"]) as stack:
        return asyncio.run(_measure(stack))
