"""The status service with accounts: bodies that issue and receive, and people with rights at places."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec

from contracts.events import Grant, InvoiceSubmitted, Payload
from deploy.local import Stack
from services.common import account_replica
from services.common.access import Access
from tests.accounts import Signer, account
from tests.integration.status_service import Instance, Tables, instances, relayed, tables
from tests.servers import fresh_database
from tests.unit.status.samples import event, header, routed, submitted

#: Two bodies of two tenants, which also issue invoices, a third one that receives them, and a company.
A, B, C, FIRM = "22060001900016", "22310001700423", "20002983300015", "73282932000074"
TENANT_OF = {A: "cd06", B: "cd31", C: "cd83"}
BOTH = (Grant(role="FOURNISSEUR", structure=A), Grant(role="COMPTABLE", structure=B, tenant="cd31"))


@dataclass
class World:
    """Who issued to whom; and accounts that the service knows."""

    tables: Tables
    http: Instance
    access: Access
    signer: Signer
    kafka: str
    dsn: str
    invoices: dict[tuple[str, str], UUID]

    def of(self, *pairs: tuple[str, str]) -> set[UUID]:
        """The invoices from the one to the other."""
        return {self.invoices[pair] for pair in pairs}

    async def knows(self, *entries: Payload) -> None:
        """Put entries into the copy, as one batch."""
        async with self.tables.pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, "status", entries)

    async def person(self, *grants: Grant, subject: str | None = None, **fields: Any) -> str:
        """A token of somebody with these rights."""
        name = subject or f"p-{uuid4().hex[:8]}"
        await self.knows(account(name, 1, *grants, **fields))
        return self.signer.token(name)

    async def get(self, token: str, path: str, **query: Any) -> Any:
        """One request under ``/api/v1/invoices``."""
        async with self.http.bearing(token) as client:
            return await client.get(f"/api/v1/invoices{path}", params=query)

    async def listed(self, token: str, **query: Any) -> set[UUID]:
        """The invoices of a list."""
        answer = await self.get(token, "", limit=200, **query)
        assert answer.status_code == 200, answer.text
        return {UUID(item["id"]) for item in answer.json()["invoices"]}


def deposit(supplier: str, recipient: str, depositor: str = "user-1") -> InvoiceSubmitted:
    """A deposit of an invoice from the one to the other."""
    given = msgspec.structs.replace(header(f"F-{uuid4().hex[:8]}", supplier, recipient), payable=Decimal("120.00"))
    return msgspec.structs.replace(submitted(), invoice=given, depositor=depositor)


async def arrive(found: Tables, data: InvoiceSubmitted) -> UUID:
    """Deposited and routed to its recipient."""
    invoice, body = uuid4(), data.invoice.recipient_siret
    answer = msgspec.structs.replace(routed(tenant=TENANT_OF[body]), structure_siret=body)
    await found.take(event(data, invoice), event(answer, invoice))
    return invoice


@asynccontextmanager
async def grants_world(stack: Stack) -> AsyncIterator[World]:
    """One database and one instance that knows accounts."""
    async with (
        fresh_database(stack, "status") as dsns,
        tables(dsns) as found,
        instances(found, dsns["status"], stack.kafka.bootstrap, feed_heartbeat_seconds=30) as (http,),
        relayed(dsns["status"], stack.kafka.bootstrap),
    ):
        access = http.app.state.access = Access(found.pool, dsns["status"].worker, "status")
        running = asyncio.create_task(access.run())
        pairs = ((FIRM, A), (FIRM, B), (A, C), (B, C), (FIRM, C))
        invoices = {pair: await arrive(found, deposit(*pair)) for pair in pairs}
        made = World(found, http, access, Signer(), stack.kafka.bootstrap, dsns["status"].worker, invoices)
        await made.knows(made.signer.entry())
        yield made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
