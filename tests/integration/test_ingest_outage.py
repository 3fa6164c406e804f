"""A store or a database that is away: a clear answer in bounded time, nothing half kept, and on again afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from tests.integration.ingest_world import World, open_world
from tests.unit.ingest.samples import pdf

PATIENCE = 3.0


@pytest.fixture
async def world(stack: Stack, dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[World]:
    async with open_world(stack, dsns, store_seconds=PATIENCE) as found:
        yield found


@contextmanager
def mended(mend: Callable[[str], None], server: str) -> Iterator[None]:
    try:
        yield
    finally:
        mend(server)


async def refused_for_now(world: World, content: bytes, key: str) -> None:
    """A deposit is answered 503 within the bound, in words that say what to do."""
    began = time.monotonic()
    answer = await world.post(content, key=key)
    assert (answer.status_code, answer.json()["code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0
    assert time.monotonic() - began < PATIENCE + 3


async def taken_at_last(world: World, content: bytes, key: str) -> None:
    """The same request again is taken, once; a server that has just come back may still say no for a moment."""
    answer = await world.post(content, key=key)
    deadline = time.monotonic() + 30
    while answer.status_code == 503 and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        answer = await world.post(content, key=key)
    assert answer.status_code == 201
    assert await world.pool.fetchval("select count(*) from deposit where idempotency_key = $1", key) == 1
    assert [sent.subject for sent in await world.sent()].count(answer.json()["id"]) == 1


@pytest.mark.parametrize(("harm", "mend"), [("kill", "start"), ("pause", "resume")])
async def test_without_the_object_store_nothing_is_accepted_and_nothing_kept(
    world: World, stack: Stack, harm: str, mend: str
) -> None:
    earlier = await world.deposit(pdf("before"))
    with mended(getattr(stack, mend), "s3"):
        await asyncio.to_thread(getattr(stack, harm), "s3")
        await refused_for_now(world, pdf(), "k")
        assert await world.pool.fetchval("select count(*) from deposit") == 1
        assert (await world.get(f"/{earlier}")).status_code == 200
        document = await world.get(f"/{earlier}/document")
        assert document.json()["code"] == "TEMPORARILY_UNAVAILABLE"
    await taken_at_last(world, pdf(), "k")


@pytest.mark.parametrize(("harm", "mend"), [("kill", "start"), ("pause", "resume")])
async def test_without_the_database_nothing_is_accepted_and_readers_are_told(
    world: World, stack: Stack, harm: str, mend: str
) -> None:
    earlier = await world.deposit(pdf("before"))
    with mended(getattr(stack, mend), "postgres"):
        await asyncio.to_thread(getattr(stack, harm), "postgres")
        await refused_for_now(world, pdf(), "k")
        for path in ("", f"/{earlier}", f"/{earlier}/document"):
            assert (await world.get(path)).json()["code"] == "TEMPORARILY_UNAVAILABLE"
    await taken_at_last(world, pdf(), "k")
