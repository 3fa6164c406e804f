"""PostgreSQL: pools, migrations, key locks, scopes for row-level security."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool


class _Pooled(asyncpg.Connection):
    """A pool's connection. Nothing of the session outlives a transaction, so giving it back costs no round trip.

    Locks and settings are the transaction's own (``_xact_``, ``set_config(…, true)``); whoever listens or holds a
    session lock has a connection of its own. An open transaction is still rolled back.
    """

    def get_reset_query(self) -> str:
        return ""


async def open_pool(
    dsn: str, schema: str, *, max_size: int = 8, min_size: int = 1, idle_in_transaction_seconds: float = 15.0
) -> Pool:
    """A pool whose connections see ``schema``. A frozen process's transaction is ended by the server."""
    return await asyncpg.create_pool(
        dsn,
        connection_class=_Pooled,
        min_size=min_size,
        max_size=max_size,
        timeout=10,
        command_timeout=60,
        server_settings={
            "search_path": schema,
            "application_name": f"chorale-{schema}",
            "timezone": "UTC",
            "jit": "off",
            "idle_in_transaction_session_timeout": str(int(idle_in_transaction_seconds * 1000)),
        },
    )


def lock_number(scope: str, key: str) -> int:
    """A signed 64-bit advisory lock number. ``scope`` keeps services of one database apart."""
    return int.from_bytes(hashlib.blake2b(f"{scope}\0{key}".encode(), digest_size=8).digest(), "big", signed=True)


async def lock_keys(connection: Connection, scope: str, keys: Iterable[str]) -> None:
    """Take the transaction's locks for these keys, sorted, so that two transactions never cross."""
    numbers = sorted({lock_number(scope, key) for key in keys})
    if numbers:
        await connection.execute(
            "select pg_advisory_xact_lock(n) from unnest($1::bigint[]) n",
            numbers,
        )


@asynccontextmanager
async def scoped(pool: Pool, scope: dict[str, str]) -> AsyncIterator[Connection]:
    """A read transaction seen through row-level security: each entry becomes the setting ``chorale.<name>``."""
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        await set_scope(connection, scope)
        yield connection


async def set_scope(connection: Connection, scope: dict[str, str]) -> None:
    """Set ``chorale.<name>`` for the running transaction; policies read them."""
    await connection.execute(
        "select set_config('chorale.' || name, value, true) from unnest($1::text[], $2::text[]) t(name, value)",
        list(scope),
        list(scope.values()),
    )


class MigrationChanged(Exception):
    """A migration that was applied before has been edited since: write a new one instead."""


def migration_files(package: str) -> list[tuple[str, str]]:
    """Names and texts of the migrations of common and of one service, in the order they are applied."""
    found: list[tuple[str, str]] = []
    for origin in ("services.common", package):
        folder = Path(str(resources.files(origin))) / "migrations"
        for path in sorted(folder.glob("*.sql")):
            found.append((f"{origin.rpartition('.')[2]}/{path.name}", path.read_text(encoding="utf-8")))
    return found


async def migrate(dsn: str, schema: str, package: str) -> list[str]:
    """Apply what is missing, each file in its own transaction, one process at a time. Returns the names applied.

    Raises :class:`MigrationChanged` when an applied file differs from the one shipped.
    """
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": schema})
    applied: list[str] = []
    try:
        await connection.execute("select pg_advisory_lock($1)", lock_number(f"{schema}/migrations", ""))
        await connection.execute(
            "create table if not exists migration"
            " (name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
        )
        known = {row["name"]: row["sha256"] for row in await connection.fetch("select name, sha256 from migration")}
        for name, text in migration_files(package):
            digest = hashlib.sha256(text.encode()).hexdigest()
            if name in known:
                if known[name] != digest:
                    raise MigrationChanged(f"{schema}: {name} was edited after it was applied")
                continue
            async with connection.transaction():
                await connection.execute(text)
                await connection.execute("insert into migration (name, sha256) values ($1, $2)", name, digest)
            applied.append(name)
    finally:
        await connection.close()
    return applied
