"""What a decision about dead letters reads, and what a repeat of it does."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from deploy.local import Stack
from services.common.deadletter_desk import Choice, Decided, settle
from tests.integration.plumbing.events import records, step
from tests.integration.plumbing.world import World, emptied_world


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


class Watched:
    """A connection that remembers which columns came back."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.columns: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, *given: Any) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._connection.fetch(*given)
        for row in found:
            self.columns |= set(row.keys())
        return found


@pytest.mark.parametrize("action", ["replay", "drop"])
@pytest.mark.parametrize("decided", [None, Decided(by="ada", note="mended")])
async def test_a_decision_reads_no_content(world: World, action: str, decided: Decided | None) -> None:
    await world.deliver().batch(records(step("a", 1, number="bug"), step("a", 2), step("b", 1, number="rejected")))
    async with world.pool.acquire() as connection, connection.transaction():
        watched: Any = Watched(connection)
        found = await settle(watched, Choice(reason="BUG"), action, decided)
    assert [row["id"] for row in found.rows] == ([1, 2] if action == "replay" else [1])
    assert watched.columns == {"id", "key", "kind", "reason"}


async def test_a_drop_that_is_repeated_changes_nothing(world: World) -> None:
    await world.deliver().batch(records(step("a", 1, number="bug"), step("a", 2), step("b", 1, number="rejected")))

    async def dropped() -> tuple[list[int], list[tuple[str, str]], int]:
        async with world.pool.acquire() as connection, connection.transaction():
            found = await settle(connection, Choice(reason="BUG"), "drop", Decided(by="ada", note="x"))
        steps = await world.pool.fetchval("select count(*) from dead_letter_audit")
        return [row["id"] for row in found.rows], await world.states(), steps

    first = await dropped()
    assert first[0] == [1]
    assert await dropped() == ([], *first[1:])
