"""Documents stored in vain go away after their time; a deposit's document never does."""

import io
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from contracts.events import ClaimCheck
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.blobs import BlobMissing
from services.ingest import attachments
from services.ingest.deposits import object_key
from services.ingest.kinds import PDF, XML
from services.ingest.sweep import Sweep
from tests.integration.ingest_world import World, open_world
from tests.unit.ingest.samples import pdf, sha256

AT_ONCE = timedelta(seconds=-60)


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns, s3_bucket="ingest-sweep-tests") as found:
        yield found


def sweep(world: World, age: timedelta = AT_ONCE, **more: int) -> Sweep:
    return Sweep(world.pool, world.blobs, age=age, every_seconds=3600, **more)


async def put(world: World, key: str) -> ClaimCheck:
    content = pdf(key)
    return await world.blobs.put(
        key, io.BytesIO(content), size=len(content), sha256=sha256(content), media_type="application/pdf"
    )


async def exists(world: World, claim: ClaimCheck) -> bool:
    try:
        await world.blobs.get(claim)
    except BlobMissing:
        return False
    return True


async def test_a_document_without_a_deposit_is_deleted_and_a_deposits_own_is_kept(world: World) -> None:
    deposit = await world.deposit()
    orphan = await put(world, object_key("supplier-1", uuid4(), XML))
    assert await sweep(world).once() >= 1
    assert not await exists(world, orphan)
    assert (await world.get(f"/{deposit}/document")).content == pdf()


async def test_a_document_that_is_young_is_kept(world: World) -> None:
    orphan = await put(world, object_key("supplier-1", uuid4(), XML))
    assert await sweep(world, timedelta(hours=24)).once() == 0
    assert await exists(world, orphan)


async def test_what_a_duplicate_left_behind_is_deleted_and_what_it_stands_on_is_kept(world: World) -> None:
    await world.deposit()
    duplicate = await world.deposit()
    left = await put(world, object_key("supplier-1", duplicate, PDF))
    await sweep(world).once()
    assert not await exists(world, left)
    assert (await world.get(f"/{duplicate}/document")).content == pdf()


async def test_an_attachment_without_a_row_is_deleted_and_one_with_a_row_is_kept(world: World) -> None:
    deposit = await world.deposit()
    answer = await world.client.post(
        f"/api/v1/deposits/{deposit}/attachments",
        files={"file": ("a.pdf", pdf("kept"))},
        data={"type": "DOCUMENT_ANNEXE", "label": "Pièce"},
        headers=world.headers(),
    )
    assert answer.status_code == 201
    orphan = await put(world, attachments.object_key("supplier-1", deposit, uuid4()))
    assert await sweep(world, timedelta(hours=24)).once() == 0
    await sweep(world).once()
    assert not await exists(world, orphan)
    assert (await world.client.get(answer.json()["href"])).content == pdf("kept")


FOREIGN = ("probe", "a/b/document.pdf", "0123456789abcdef/{}/attachments/x", "0123456789abcdef/{}/other.pdf")


@pytest.mark.parametrize(
    "key", [*FOREIGN, "x/{}/document.pdf", "x/{}/attachments/0e4e2c1e-0000-4000-8000-000000000000"]
)
async def test_what_is_no_document_of_a_deposit_is_left_alone(world: World, key: str) -> None:
    foreign = await put(world, key.format(uuid4()))
    await sweep(world).once()
    assert await exists(world, foreign)
    await world.blobs.delete(foreign.key)


async def test_a_pass_is_bounded_and_the_next_goes_on_where_it_ended(world: World) -> None:
    await sweep(world).once()
    kept = [await world.deposit(pdf(str(n))) for n in range(4)]
    orphans = [await put(world, object_key("supplier-1", UUID(int=n << 80), PDF if n % 2 else XML)) for n in range(5)]
    bounded = sweep(world, page=2, pages=1)
    assert await bounded.once() <= 2
    for _ in range(8):
        await bounded.once()
    assert not any([await exists(world, orphan) for orphan in orphans])
    assert all([(await world.get(f"/{deposit}/document")).status_code == 200 for deposit in kept])
