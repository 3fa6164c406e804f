"""Migrations and scopes on a real database."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.db import MigrationChanged, Pool, migrate, open_pool, scoped
from services.common.deliver import transaction
from services.common.failures import is_transient
from tests.integration.plumbing.world import PACKAGE, SERVICE, World, emptied_world

ADA, BOB = {"subject": "ada"}, {"subject": "bob"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations of a package ``shifting``, which a test may edit."""
    found = tmp_path / "shifting" / "migrations"
    found.mkdir(parents=True)
    (found.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shifting", raising=False)
    (found / "0001_a.sql").write_text("create table a (n int);")
    return found


async def test_migrations_started_by_several_at_once_are_applied_once(dsns: Mapping[str, ServiceDsns]) -> None:
    found = await asyncio.gather(*(migrate(dsns[SERVICE].worker, SERVICE, PACKAGE) for _ in range(5)))
    applied = [name for names in found for name in names]
    assert "common/0001_plumbing.sql" in applied
    assert len(applied) == len(set(applied))
    assert sorted(map(bool, found)) == [False, False, False, False, True]
    assert await migrate(dsns[SERVICE].worker, SERVICE, PACKAGE) == []


async def test_an_edited_migration_is_refused_and_a_new_one_is_applied(
    dsns: Mapping[str, ServiceDsns], folder: Path
) -> None:
    dsn = dsns[SERVICE].worker
    assert "shifting/0001_a.sql" in await migrate(dsn, SERVICE, "shifting")
    (folder / "0002_b.sql").write_text("create table b (n int);")
    assert await migrate(dsn, SERVICE, "shifting") == ["shifting/0002_b.sql"]
    (folder / "0001_a.sql").write_text("create table a (n bigint);")
    with pytest.raises(MigrationChanged, match=r"0001_a\.sql was edited"):
        await migrate(dsn, SERVICE, "shifting")


async def test_a_migration_that_fails_leaves_nothing_and_can_be_mended(
    dsns: Mapping[str, ServiceDsns], folder: Path
) -> None:
    dsn = dsns[SERVICE].worker
    (folder / "0002_b.sql").write_text("create table b (n int); select 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(dsn, SERVICE, "shifting")
    (folder / "0002_b.sql").write_text("create table b (n int);")
    assert await migrate(dsn, SERVICE, "shifting") == ["shifting/0002_b.sql"]


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    async with emptied_world(stack) as found:
        yield found


@pytest.fixture
async def one(world: World) -> AsyncIterator[Pool]:
    """The API role's pool, of one connection, so that the next user gets the same."""
    pool = await open_pool(world.dsns.api, SERVICE, max_size=1)
    yield pool
    await pool.close()


async def _seen(pool: Pool, scope: dict[str, str]) -> list[str]:
    async with scoped(pool, scope) as connection:
        return [row["owner"] for row in await connection.fetch("select owner from owned")]


async def _left(pool: Pool) -> tuple[list[str], str]:
    """What somebody without any scope sees on the pool's connection."""
    rows = await pool.fetch("select owner from owned")
    setting = await pool.fetchval("select coalesce(current_setting('chorale.subject', true), '')")
    return [row["owner"] for row in rows], setting


async def test_a_scope_ends_with_its_transaction(one: Pool) -> None:
    assert await _seen(one, ADA) == ["ada"]
    assert await _left(one) == ([], "")
    assert await _seen(one, BOB) == ["bob"]
    assert await _seen(one, {"structures": "x"}) == []


async def test_a_scope_ends_when_the_request_fails_or_is_given_up(one: Pool) -> None:
    async def fail() -> None:
        async with scoped(one, ADA):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await _left(one) == ([], "")

    async def hang() -> None:
        async with transaction(one, SERVICE, scope=ADA) as tx:
            assert await tx.conn.fetchval("select owner from owned") == "ada"
            await tx.conn.execute("select pg_sleep(30)")

    hanging = asyncio.create_task(hang())
    await asyncio.sleep(0.3)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert await _left(one) == ([], "")


async def test_a_scoped_read_cannot_write(one: Pool) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with scoped(one, ADA) as connection:
            await connection.execute("insert into outbox (lane, topic, headers) values ('main', 't', '')")


async def test_a_frozen_transaction_is_ended_by_the_server_and_its_locks_are_free(world: World) -> None:
    pool = await open_pool(world.dsns.worker, SERVICE, idle_in_transaction_seconds=0.3)

    async def freeze() -> None:
        async with transaction(pool, SERVICE, keys=["k"]) as tx:
            await tx.conn.execute("insert into effect (event_id, key, entry) values (gen_random_uuid(), 'k', 1)")
            async with asyncio.timeout(20), transaction(world.pool, SERVICE, keys=["k"]):
                pass

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)) as caught:
        await freeze()
    assert is_transient(caught.value)
    await pool.close()
    assert await world.empty("effect")
