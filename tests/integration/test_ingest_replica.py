"""The replica of the directory: the highest version of each entry, whatever order they come in."""

from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.directory import Tenant
from services.ingest import directory
from tests.integration.ingest_world import World, open_world
from tests.unit.ingest.samples import (
    RECIPIENT,
    SERVICE,
    STRICT_RECIPIENT,
    STRUCTURE,
    TENANT,
    directory_events,
    event,
    service_published,
    structure_published,
    tenant_published,
)


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns) as found:
        yield found


async def test_a_replica_never_goes_back_to_an_older_version(world: World) -> None:
    old, new = Tenant(id="cd06", name="Ancien"), Tenant(id="cd06", name="Nouveau")

    async def known() -> str | None:
        async with world.pool.acquire() as connection:
            found = await directory.load(connection, {RECIPIENT}, set())
        return found.tenants["cd06"].name if "cd06" in found.tenants else None

    await world.take(event(RECIPIENT, structure_published()), event("cd06", tenant_published(3, new)))
    await world.take(event("cd06", tenant_published(2, old)))
    assert await known() == "Nouveau"
    await world.take(event("cd06", tenant_published(5, new, deleted=True)), event("cd06", tenant_published(4, old)))
    assert await known() is None
    await world.take(event("cd06", tenant_published(4, old)))
    assert await known() is None
    await world.take(event("cd06", tenant_published(6, old)), event("cd06", tenant_published(7, new)))
    assert await known() == "Nouveau"


async def test_the_same_directory_in_any_order_is_the_same_replica(world: World) -> None:
    versions = [
        event(RECIPIENT, structure_published(version, msgspec.structs.replace(STRUCTURE, name=f"v{version}")))
        for version in (1, 2, 3)
    ]
    services = [event("s", service_published(n, msgspec.structs.replace(SERVICE, label=f"v{n}"))) for n in (1, 2)]
    await world.take(versions[2], services[1], versions[0], versions[1], services[0])
    async with world.pool.acquire() as connection:
        found = await directory.load(connection, {RECIPIENT, STRICT_RECIPIENT}, set())
    assert found.structures[RECIPIENT].name == "v3"
    assert found.services[STRICT_RECIPIENT]["DRH"].label == "v2"


async def test_the_supplier_that_is_a_public_structure_is_known_as_one(world: World) -> None:
    await world.take(*directory_events())
    async with world.pool.acquire() as connection:
        found = await directory.load(connection, {STRICT_RECIPIENT}, {RECIPIENT})
    assert set(found.structures) == {RECIPIENT, STRICT_RECIPIENT}
    assert set(found.services) == {STRICT_RECIPIENT}
    assert found.tenants == {"cd06": TENANT}
