"""Real servers for tests: one stack per session, a fresh database and fresh topics per test."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import asyncpg

from deploy import database, topics
from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.db import migrate

NewTopic = Callable[..., Awaitable[str]]


@asynccontextmanager
async def fresh_database(stack: Stack, *migrated: str) -> AsyncIterator[Mapping[str, ServiceDsns]]:
    """A database of its own with every schema and role, dropped at the end with whoever is connected.

    The schemas of the services named in ``migrated`` have their tables already.
    """
    name = f"test_{uuid.uuid4().hex}"
    dsns = await database.copy(stack.postgres.admin_dsn, await _template(stack, migrated), name)
    try:
        yield dsns
    finally:
        await database.drop(stack.postgres.admin_dsn, name)


_TEMPLATES: dict[tuple[str, tuple[str, ...]], str] = {}


async def _template(stack: Stack, migrated: tuple[str, ...]) -> str:
    """Made once in each server: to copy a database takes a third of what it takes to make one like it."""
    admin = stack.postgres.admin_dsn
    if (admin, migrated) not in _TEMPLATES:
        name = f"template_{uuid.uuid4().hex}"
        dsns = await database.bootstrap(admin, name)
        for service in migrated:
            await migrate(dsns[service].worker, service, f"services.{service}")
        _TEMPLATES[admin, migrated] = name
    return _TEMPLATES[admin, migrated]


async def fresh_topic(stack: Stack, hint: str = "topic", partitions: int = 12) -> str:
    """A topic of its own, empty; its name starts with ``hint``."""
    name = f"test.{hint}.{uuid.uuid4().hex}"
    await topics.create(stack.kafka.bootstrap, [topics.TopicPlan(name, partitions)])
    return name


async def emptied(own: ServiceDsns, schema: str) -> None:
    """Every table of a migrated schema as its migrations left it, append-only ones too."""
    connection = await asyncpg.connect(own.worker)
    try:
        async with connection.transaction():
            rows = await connection.fetch(
                "select c.oid::regclass::text as name, exists (select from pg_trigger t where t.tgrelid = c.oid"
                " and not t.tgisinternal) as guarded, has_table_privilege(c.oid, 'truncate') as mine"
                " from pg_class c where c.relnamespace = $1::regnamespace"
                " and c.relkind = 'r' and c.relname <> 'migration'",
                schema,
            )
            guarded = [row["name"] for row in rows if row["guarded"]]
            for name in guarded:
                await connection.execute(f"alter table {name} disable trigger user")
            given_up = [row["name"] for row in rows if not row["mine"]]
            for name in given_up:
                await connection.execute(f"grant truncate on {name} to current_user")
            await connection.execute(f"truncate {', '.join(row['name'] for row in rows)} restart identity")
            for name in guarded:
                await connection.execute(f"alter table {name} enable trigger user")
            for name in given_up:
                await connection.execute(f"revoke truncate on {name} from current_user")
    finally:
        await connection.close()
