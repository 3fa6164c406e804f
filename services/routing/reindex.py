"""Brings entries into the search that were stored before it: once, after an update."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from invoice.directory import Service, Structure
from services.common import telemetry
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import backoff
from services.routing import entries, search, words
from services.routing.entries import LOCK

_CHUNK = 500


def once(pool: Pool) -> Callable[[], Awaitable[None]]:
    """A job that indexes what is not, then rests for the life of the process."""

    async def run() -> None:
        attempt = 0
        while True:
            try:
                while await chunk(pool):
                    pass
                break
            except Exception as error:
                attempt += 1
                telemetry.logger().warning("search.away", error=type(error).__name__)
                await asyncio.sleep(backoff(attempt))
        await asyncio.Event().wait()

    return run


async def chunk(pool: Pool) -> int:
    """Index some entries that are not; returns how many."""
    async with transaction(pool, "routing", keys=[LOCK]) as tx:
        rows = await tx.conn.fetch(
            "(select 'structure:' || siret as key, siret, null as code, entry::text from structure"
            " where words is null limit $1) union all"
            " (select 'service:' || siret || '/' || code, siret, code, entry::text from service"
            " where words is null limit $1)",
            _CHUNK,
        )
        if not rows:
            return 0
        said: Counter[str] = Counter()
        for row in rows:
            match entries.decode(row["key"], row["entry"]):
                case Structure() as structure:
                    spoken = words.structure_words(structure)
                    await tx.conn.execute(
                        "update structure set label = $2, words = $3 where siret = $1",
                        structure.siret,
                        search.label(structure),
                        spoken,
                    )
                case Service() as service:
                    spoken = words.service_words(service)
                    await tx.conn.execute(
                        "update service set words = $3 where siret = $1 and code = $2",
                        row["siret"],
                        row["code"],
                        spoken,
                    )
                case _:
                    continue
            said.update(spoken.split())
        await search.learn(tx.conn, said)
        await search.index(tx.conn, sorted({row["siret"] for row in rows}))
        return len(rows)
