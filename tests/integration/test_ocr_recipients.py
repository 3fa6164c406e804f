"""What ocr keeps of the directory, and that its readers are told."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest

from contracts.events import StructurePublished
from deploy.database import ServiceDsns
from deploy.local import Stack
from invoice.directory import NumberFormat, Structure
from services.ocr.known import Known, known_from
from services.ocr.pool import ReaderPool
from services.ocr.recipients import Tell
from tests.documents import made_siret
from tests.integration.ocr_world import OcrWorld, open_world
from tests.records import event, record

SHAPE = NumberFormat(regex="CP[0-9]{4}", mask="CP2026")
FIRST, SECOND = made_siret(1), made_siret(2)


class Told(ReaderPool):
    """A pool without processes, which keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(workers=0)
        self.told: list[Known] = []

    def know(self, directory: bytes) -> None:
        self.told.append(known_from(directory))


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[OcrWorld]:
    async with open_world(stack, dsns) as found:
        yield found


def published(siret: str, version: int, *shapes: NumberFormat, deleted: bool = False) -> StructurePublished:
    structure = Structure(siret=siret, name="Département", tenant="d", kind="budget", engagement_formats=shapes)
    return StructurePublished(
        version=version, structure=structure, deleted=deleted, changed_by="op", changed_at=datetime.now(UTC)
    )


async def take(world: OcrWorld, *found: StructurePublished) -> None:
    await world.deliver.batch([record(event(data, f"structure:{data.structure.siret}")) for data in found])


async def test_the_latest_version_of_each_structure_is_told_once(world: OcrWorld) -> None:
    readers = Told()
    tell = Tell(world.pool, readers)
    assert not await tell.once()
    await take(world, published(FIRST, 3, SHAPE), published(FIRST, 1), published(SECOND, 2))
    assert await tell.once()
    assert not await tell.once()
    await take(world, published(SECOND, 1))  # late
    assert not await tell.once()
    [known] = readers.told
    assert known(FIRST)
    assert known(SECOND)
    assert not known(made_siret(3))
    fits = known.fits_engagement(FIRST)
    assert fits is not None
    assert fits("CP2026")
    assert not fits("4500123")
    assert known.fits_engagement(SECOND) is None


async def test_a_deleted_structure_is_known_no_more_and_no_older_version_brings_it_back(world: OcrWorld) -> None:
    readers = Told()
    tell = Tell(world.pool, readers)
    await take(world, published(FIRST, 1), published(SECOND, 2))
    await take(world, published(FIRST, 4, deleted=True))
    await take(world, published(FIRST, 3))
    assert await tell.once()
    assert not readers.told[-1](FIRST)
    assert readers.told[-1](SECOND)
