"""Status's tables and API, with the people around an invoice, for tests of lives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from contracts.events import InvoiceSubmitted
from deploy.local import Stack
from services.common.auth import Principal
from tests.integration.status_service import Instance, Tables, instances, tables
from tests.servers import fresh_database
from tests.unit.status.lives import deposit
from tests.unit.status.samples import BODY, SERVICE, TENANT, accepted, event, routed

V1, V2, MOE, MOA = "99900001100018", "99900002900010", "55208131766522", "44306184100047"
CLERK = Principal(subject="clerk", services=(f"{BODY}/{SERVICE}",))
MANAGER = Principal(subject="manager", structures=(BODY,), tenants=(TENANT,), roles=("GESTIONNAIRE",))
COMPTABLE = Principal(subject="comptable", structures=(BODY,), tenants=(TENANT,), roles=("COMPTABLE",))
NO = {"action": "refuse", "motif": "ST_CT_NON_DECLAR", "comment": "Ce sous-traitant n'est pas déclaré."}


def company(siret: str) -> Principal:
    """Somebody who acts for a company."""
    return Principal(subject=f"of {siret}", structures=(siret,))


@dataclass
class World:
    """The tables, the API, and everybody's way in."""

    tables: Tables
    http: Instance

    async def act(self, who: Principal, invoice: UUID, action: str, **body: Any) -> httpx.Response:
        """Act on the version that is read just before."""
        read = await self.http.get(who, f"/{invoice}")
        return await self.post(who, invoice, {"action": action, **body}, {"If-Match": read.headers.get("ETag", '"0"')})

    async def post(self, who: Principal, invoice: UUID | str, body: Any, headers: dict[str, str]) -> httpx.Response:
        """Act as the body and the headers say; on many when no invoice is named."""
        async with self.http.client(who) as client:
            path = f"/api/v1/invoices/{invoice}/actions" if invoice else "/api/v1/invoices/actions"
            return await client.post(path, json=body, headers=headers, timeout=120)

    async def done(self, who: Principal, invoice: UUID, action: str, **body: Any) -> dict[str, Any]:
        """The answer to an action that must be done."""
        answer = await self.act(who, invoice, action, **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def submitted(self, data: InvoiceSubmitted) -> UUID:
        """An invoice whose deposit has been told."""
        invoice = uuid4()
        await self.tables.take(event(data, invoice))
        return invoice

    async def available(self, *, at: datetime | None = None) -> UUID:
        """A simple invoice whose notice to the body was accepted."""
        invoice = await self.submitted(deposit())
        await self.tables.take(event(routed(), invoice))
        await self.tables.take(event(accepted(2, at=at or datetime.now(UTC)), invoice))
        return invoice

    async def story(self, invoice: UUID) -> list[str]:
        """Every status that it entered, in order."""
        rows = await self.tables.history(invoice)
        return [status for _, kind, status in rows if kind == "status" and status is not None]

    async def told(self, invoice: UUID) -> list[asyncpg.Record]:
        """What status said of it, in order."""
        return list(
            await self.tables.pool.fetch(
                "select convert_from(value, 'UTF8')::jsonb as told from outbox where key = $1 order by id", str(invoice)
            )
        )


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[World]:
    """Fresh tables, and one instance of the API over them."""
    async with (
        fresh_database(stack, "status") as dsns,
        tables(dsns) as found,
        instances(found, dsns["status"], stack.kafka.bootstrap) as (http,),
    ):
        yield World(found, http)
