"""A service's copy of the rights and one instance that reads it, for tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contracts.events import Grant, Payload
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common import account_replica
from services.common.access import Access
from services.common.auth import Principal
from services.common.db import Pool, migrate, open_pool
from services.common.tokens import Refused
from tests.accounts import SUPPLIER, TOWN, Signer
from tests.integration.plumbing.process import until
from tests.servers import fresh_database

SUPPLIES = Grant(role="FOURNISSEUR", structure=SUPPLIER)
MANAGES = Grant(role="GESTIONNAIRE", structure=TOWN, tenant="demo")
_TABLES = "account_right, revoked_session, signing_key, account_position"


@dataclass
class World:
    """The tables of one service, and one instance that reads them."""

    pool: Pool
    dsn: str
    access: Access
    signer: Signer

    async def take(self, *entries: Payload) -> None:
        """Into the copy, as one batch."""
        async with self.pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, "ocr", entries)

    async def of(self, subject: str, **claims: Any) -> Principal:
        """The principal of a fresh token."""
        return await self.access.principal(self.signer.token(subject, **claims))

    async def counts(self, token: str) -> bool:
        """Whether a token counts for something now."""
        try:
            await self.access.principal(token)
        except Refused:
            return False
        return True

    async def becomes(self, counts: bool, token: str) -> float:
        """Until a token counts, or does no more; the seconds it took."""
        started = time.monotonic()

        async def done() -> bool:
            return await self.counts(token) is counts

        await until(done, f"{counts} for the token")
        return time.monotonic() - started


def kept(stack: Stack) -> Iterator[ServiceDsns]:
    """One migrated schema for all tests of a module."""
    loop, database = asyncio.new_event_loop(), fresh_database(stack, "ocr")
    try:
        found = loop.run_until_complete(database.__aenter__())["ocr"]
        loop.run_until_complete(migrate(found.worker, "ocr", "services.ocr"))
        yield found
    finally:
        loop.run_until_complete(database.__aexit__(None, None, None))
        loop.close()


@asynccontextmanager
async def opened(own: ServiceDsns) -> AsyncIterator[World]:
    """Empty tables, and an instance that knows one key."""
    dsn = own.worker
    pool = await open_pool(dsn, "ocr")
    await pool.execute(f"truncate {_TABLES}, dead_letter cascade")
    found = Access(pool, dsn, "ocr")
    running = asyncio.create_task(found.run())
    signer = Signer()
    result = World(pool, dsn, found, signer)
    await result.take(signer.entry())
    try:
        yield result
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await pool.close()
