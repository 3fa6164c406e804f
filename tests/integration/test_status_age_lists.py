"""Lists of an age: what is older or younger is passed over in the index of the list, never fetched."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from deploy.local import Stack
from services.common.auth import Principal
from services.common.db import scoped
from services.status import queries
from services.status.search import Search
from tests.integration.status_service import OPERATOR, SUPPLIER, Tables, tables
from tests.servers import fresh_database
from tests.unit.status.samples import BODY, event, routed, submitted

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
CALLERS = {
    "operator": OPERATOR,
    "clerk": Principal(subject="clerk", services=(f"{BODY}/VOIRIE",)),
    "manager": Principal(subject="manager", structures=(BODY,), tenants=("cd06",), roles=("GESTIONNAIRE",)),
    "admin": Principal(subject="admin", tenants=("cd06",), roles=("TENANT_ADMIN",)),
    "supplier": SUPPLIER,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(stack: Stack) -> AsyncIterator[Tables]:
    async with fresh_database(stack, "status") as dsns, tables(dsns) as opened:
        for days in range(40):
            invoice, deposited = uuid4(), NOW - timedelta(days=days)
            await opened.take(event(msgspec.structs.replace(submitted(), submitted_at=deposited), invoice))
            to = msgspec.structs.replace(routed(tenant="cd06", service="VOIRIE"), structure_siret=BODY)
            await opened.take(event(to, invoice))
            await opened.pool.execute("update invoice set status_at = $2 where id = $1", invoice, deposited)
        await opened.pool.execute("vacuum analyze invoice")
        yield opened


class _Told:
    """A connection that tells how it would find what it is asked for, and by which index."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.scans: set[tuple[str, str]] = set()

    async def fetchval(self, query: str, *values: Any) -> Any:
        return await self.connection.fetchval(query, *values)

    async def fetch(self, query: str, *values: Any) -> Any:
        plan = await self.connection.fetchval(f"explain (format json) {query}", *values)
        nodes = [msgspec.json.decode(plan)[0]["Plan"]]
        for node in nodes:
            nodes += node.get("Plans", ())
            if node.get("Relation Name") == "invoice" and node.get("Alias") != "invoice":
                self.scans.add((node["Node Type"], node.get("Index Name", "")))
        return await self.connection.fetch(query, *values)


@pytest.mark.parametrize(
    ("who", "conditions", "indexes"),
    [
        ("operator", {}, {"invoice_status"}),
        ("clerk", {}, {"invoice_address"}),
        ("manager", {}, {"invoice_supplier", "invoice_recipient"}),
        ("manager", {"service": f"{BODY}/VOIRIE"}, {"invoice_address"}),
        ("admin", {}, {"invoice_tenant"}),
        ("supplier", {}, {"invoice_supplier"}),
    ],
)
async def test_invoices_of_another_age_are_passed_over_in_the_index(
    found: Tables, who: str, conditions: dict[str, Any], indexes: set[str]
) -> None:
    async with scoped(found.api_pool, CALLERS[who].scope()) as connection:
        await connection.execute("set local enable_seqscan = off")  # so few invoices are read whole more quickly
        told: Any = _Told(connection)
        wanted = Search(unchanged_days=8, unchanged_under=16, **conditions)
        listed = await queries.search(told, CALLERS[who], wanted, 51, NOW)
    assert [(NOW - row["status_at"]).days for row in listed] == [*range(8, 16)]
    alone = {index for how, index in told.scans if how == "Index Only Scan"}
    assert alone == indexes
    assert {index for how, index in told.scans if how != "Index Only Scan"} <= {"invoice_pkey"}
