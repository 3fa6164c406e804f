"""In whose trail an operator's look stands: that of the tenant whose body the invoice is at, or goes to."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from services.common.db import Connection, Pool
from services.common.looks import Looking

_TENANTS: Final = (
    "select i.id, coalesce(i.tenant, b.tenant) as tenant from invoice i left join known_body b on b.siret = i.recipient"
    " where i.id = any($1::uuid[])"
)


async def tenant_of(connection: Connection, invoice: UUID) -> str | None:
    """In whose trail a look at this invoice stands; ``connection`` is the worker's."""
    row = await connection.fetchrow(_TENANTS, [invoice])
    return None if row is None else row["tenant"]


class Trail(msgspec.Struct, frozen=True):
    """``pool`` is the worker's, which knows whose a body is; ``api_pool`` that of the API's role, which writes."""

    pool: Pool
    api_pool: Pool

    async def opened(self, looking: Looking, invoice: UUID) -> None:
        """One invoice is about to be shown."""
        if looking.reason is not None:
            for row in await self.pool.fetch(_TENANTS, [invoice]):
                await looking.at(self.api_pool, row["tenant"], invoice)

    async def listed(self, looking: Looking, invoices: Iterable[UUID]) -> None:
        """These are about to be shown, as a list gave them."""
        if looking.reason is not None:
            rows = await self.pool.fetch(_TENANTS, list(invoices))
            await looking.among(self.api_pool, [(row["tenant"], row["id"]) for row in rows])
