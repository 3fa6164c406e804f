"""What the tests of a tenant's parts share: a service's tables, two tenants, and what the directory asks."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from contracts.envelope import Event
from contracts.events import ClaimCheck, Payload, StructurePublished, TenantPublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.directory import NumberFormat, Structure, Tenant, bare
from services.common.blobs import Blobs
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Deliver, Handler
from services.common.tenants import Part, Request, TenantWork, export_key
from services.notify.addresses import Manager, replace
from tests.integration import ingest_world
from tests.records import event, record
from tests.unit.status import samples as invoices

OURS, THEIRS = "cd06", "cd98"
BODY, OTHER_BODY = invoices.BODY, "22310001700423"
FORMATS = (NumberFormat(regex="CP[0-9]+", mask="CP…", examples=("CP1",)),)
STRUCTURES = (
    Structure(siret=BODY, name="Budget principal", tenant=OURS, kind="budget_principal", engagement_formats=FORMATS),
    Structure(siret=OTHER_BODY, name="Régie", tenant=THEIRS, kind="regie", engagement_formats=FORMATS),
)


def directory() -> list[Event]:
    """Two tenants, a structure of each."""
    now = datetime.now(UTC)
    tenants = [
        TenantPublished(version=n, tenant=Tenant(id=id_, name=id_), changed_by="agnès", changed_at=now)
        for n, id_ in enumerate((OURS, THEIRS), start=1)
    ]
    bodies = [
        StructurePublished(version=n, structure=one, changed_by="agnès", changed_at=now)
        for n, one in enumerate(STRUCTURES, start=3)
    ]
    return [
        *(event(data, f"tenant:{data.tenant.id}") for data in tenants),
        *(event(data, f"structure:{data.structure.siret}") for data in bodies),
    ]


def export_asked(version: int = 10) -> Event:
    """An export is asked for."""
    data = TenantPublished(
        version=version,
        tenant=Tenant(id=OURS, name=OURS),
        changed_by="agnès",
        changed_at=datetime.now(UTC),
        export_request=str(uuid4()),
    )
    return event(data, f"tenant:{OURS}")


def end(version: int = 20) -> list[Event]:
    """A tenant that leaves. Its structure's end has the lower version, and may be heard before or after."""
    gone = bare(STRUCTURES[0])
    assert isinstance(gone, Structure)
    now = datetime.now(UTC)
    said: list[tuple[Payload, str]] = [
        (
            StructurePublished(version=version - 1, structure=gone, changed_by="a", changed_at=now, deleted=True),
            f"structure:{BODY}",
        ),
        (
            TenantPublished(
                version=version, tenant=Tenant(id=OURS, name=OURS), changed_by="a", changed_at=now, deleted=True
            ),
            f"tenant:{OURS}",
        ),
    ]
    return [event(data, subject) for data, subject in said]


class World:
    """One service's tables, its handler, and its work on tenants."""

    def __init__(self, pool: Pool, api_pool: Pool, name: Any, handler: Handler, part: Part, blobs: Blobs) -> None:
        self.pool, self.api_pool, self.name, self.blobs = pool, api_pool, name, blobs
        self.deliver = Deliver(pool, name, handler)
        self.work = TenantWork(pool, name, part, blobs)

    async def take(self, *events: Event) -> None:
        """One batch."""
        await self.deliver.batch([record(found) for found in events])

    async def outcome(self, kind: str) -> dict[str, Any]:
        """Work until nothing is due; the last outcome of this kind."""
        while await self.work.once():
            pass
        row = await self.pool.fetchrow(
            "select state, trouble, outcome::text from tenant_request where kind = $1 order by version desc", kind
        )
        assert row is not None
        assert (row["state"], row["trouble"]) == ("done", None)
        found: dict[str, Any] = json.loads(row["outcome"])
        return found

    async def exported(self, asked: Event) -> list[dict[str, Any]]:
        """The lines of the export, read back from the store and verified."""
        outcome = await self.outcome("export")
        claim = msgspec.convert(outcome["document"], ClaimCheck)
        assert isinstance(asked.data, TenantPublished)
        request = Request(
            id=UUID(asked.data.export_request), tenant=OURS, kind="export", asked_at=asked.data.changed_at
        )
        assert claim.key == export_key(request, self.name)
        lines = [json.loads(line) for line in (await self.blobs.get(claim)).splitlines()]
        assert len(lines) == outcome["lines"]
        assert (lines[0]["service"], lines[0]["tenant"]) == (self.name, OURS)
        return lines[1:]


@asynccontextmanager
async def opened(
    stack: Stack, dsns: Mapping[str, ServiceDsns], name: str, handler: Handler, part: Any
) -> AsyncIterator[World]:
    """A service without its process, which knows the directory."""
    await migrate(dsns[name].worker, name, f"services.{name}")
    pool = await open_pool(dsns[name].worker, name)
    api_pool = await open_pool(dsns[name].api, name)
    blobs = Blobs(ingest_world.settings_for(stack, dsns, s3_bucket="tenant-tests"))
    await blobs.open()
    try:
        found = World(pool, api_pool, name, handler, part if isinstance(part, Part) else part(blobs), blobs)
        await found.take(*directory())
        yield found
    finally:
        await blobs.close()
        await api_pool.close()
        await pool.close()


async def load_managers(pool: Pool, managers: Sequence[Manager]) -> None:
    """Replace the managers of their structures."""
    async with pool.acquire() as connection, connection.transaction():
        await replace(connection, managers)
