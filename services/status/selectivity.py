"""What only the database knows of a condition: whether it leaves so few invoices that they are looked through."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from services.common.db import Connection
from services.status.search import OPEN

#: Above so many open invoices of a body it is quicker to go by the day to pay than through all of them.
_MANY_OPEN: Final = 3_000
#: More places than these have a word in common: it is looked for in the rows instead.
MANY_PLACES: Final = 500
#: Above so many invoices in the places found, the newest are looked at instead.
_MANY_HELD: Final = 10_000


async def places(
    connection: Connection, word: str, others: list[str], tenants: list[str] | None, structures: list[str] | None
) -> list[asyncpg.Record]:
    """The places in whose names, of now or before, the word stands; ``all``: and the others. One too many at most."""
    return await connection.fetch(
        'select structure, service, "all" from places_named($1, $2, $3, $4, $5)',
        word,
        others,
        tenants,
        structures,
        MANY_PLACES + 1,
    )


async def few_held(connection: Connection, found: Sequence[asyncpg.Record]) -> bool:
    """Whether these places hold few invoices, as the figures of a body or of the operator tell."""
    held: int = await connection.fetchval(
        "select coalesce(sum(count), 0) from tally where kind = 'service' and (structure, service) in"
        " (select * from unnest($1::text[], $2::text[]))",
        [place["structure"] for place in found],
        [place["service"] for place in found],
    )
    return held <= _MANY_HELD


async def many_open(connection: Connection, tenants: list[str]) -> bool:
    """Whether the caller's tenants have many open invoices."""
    found: int = await connection.fetchval(
        "select coalesce(sum(count), 0) from tally where kind = 'service' and status = any ($1) and scope = any ($2)",
        list(OPEN),
        tenants,
    )
    return found > _MANY_OPEN


async def few_keys(connection: Connection, low: str, high: str) -> bool:
    """Whether hardly any number, engagement or market lies between these."""
    for name in ("number", "engagement", "contract"):
        if not await few(connection, name, low, high):
            return False
    return True


async def few(connection: Connection, what: str, low: str, high: str) -> bool:
    """Whether few invoices of the platform lie in this range."""
    found: bool = await connection.fetchval("select few($1, $2, $3)", what, low, high)
    return found
