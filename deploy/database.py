"""One database, one schema and two roles per service, made by an administrator before any service starts.

``chorale_<service>`` owns its schema and runs the migrations; ``chorale_<service>_api`` may use it, and row-level
security applies to it. What it may read or write is granted by the migrations, table by table.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from contracts.registry import SERVICES
from deploy.servers.errors import StackError

_LOCK = 0x43484F52  # "CHOR"; roles belong to the whole cluster, so every bootstrap takes it in the admin's database


@dataclass(frozen=True)
class ServiceDsns:
    """How a service reaches its schema: ``worker`` as its owner, ``api`` under row-level security."""

    worker: str
    api: str


async def bootstrap(admin_dsn: str, database: str, services: Sequence[str] = SERVICES) -> Mapping[str, ServiceDsns]:
    """Create the database, roles and schemas that are missing, and say how to connect.

    Safe to run again and by several at once. Passwords follow from the administrator's, so nothing has to be kept.
    Raises StackError when the server cannot be reached or the administrator may not do this.
    """
    try:
        admin = await asyncpg.connect(admin_dsn, timeout=20)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise StackError(f"PostgreSQL cannot be reached as administrator: {type(error).__name__} {error}") from error
    try:
        async with admin.transaction():
            await admin.execute("select pg_advisory_xact_lock($1)", _LOCK)
            for role in _roles(services):
                await _make_role(admin, role, _password(admin_dsn, role))
        await _make_database(admin, database)
    except asyncpg.InsufficientPrivilegeError as error:
        raise StackError(f"The administrator may not create roles and databases: {error}") from error
    finally:
        await admin.close()
    await _make_schemas(_dsn(admin_dsn, database), database, services)
    return _dsns(admin_dsn, database, services)


async def copy(
    admin_dsn: str, template: str, database: str, services: Sequence[str] = SERVICES
) -> Mapping[str, ServiceDsns]:
    """The new database ``database`` with all that a bootstrapped one holds; nobody may be connected to that one."""
    admin = await asyncpg.connect(admin_dsn, timeout=20)
    try:
        await admin.execute(f"create database {_name(database)} template {_name(template)}")
        # Who may connect belongs to a database, not to what is in it.
        await admin.execute(_connecting(database, services))
    finally:
        await admin.close()
    return _dsns(admin_dsn, database, services)


def _dsns(admin_dsn: str, database: str, services: Sequence[str]) -> Mapping[str, ServiceDsns]:
    return {
        service: ServiceDsns(
            worker=_as_role(admin_dsn, database, f"chorale_{service}"),
            api=_as_role(admin_dsn, database, f"chorale_{service}_api"),
        )
        for service in services
    }


def _connecting(database: str, services: Sequence[str]) -> str:
    roles, name = ", ".join(map(_name, _roles(services))), _name(database)
    return f"revoke all on database {name} from public; grant connect on database {name} to {roles}"


async def drop(admin_dsn: str, database: str) -> None:
    """Drop a database with whoever is connected to it; nothing happens when it is not there."""
    admin = await asyncpg.connect(admin_dsn, timeout=20)
    try:
        await admin.execute(f"drop database if exists {_name(database)} with (force)")
    finally:
        await admin.close()


def _roles(services: Sequence[str]) -> list[str]:
    return [role for service in services for role in (f"chorale_{service}", f"chorale_{service}_api")]


async def _make_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    exists = await admin.fetchval("select true from pg_roles where rolname = $1", role)
    verb = "alter" if exists else "create"
    limits = "login nosuperuser nobypassrls nocreatedb nocreaterole noreplication"
    await admin.execute(f"{verb} role {_name(role)} {limits} password '{password}'")


async def _make_database(admin: asyncpg.Connection, database: str) -> None:
    if await admin.fetchval("select true from pg_database where datname = $1", database):
        return
    try:
        await admin.execute(f"create database {_name(database)}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        return  # somebody else was quicker


async def _make_schemas(dsn: str, database: str, services: Sequence[str]) -> None:
    admin = await asyncpg.connect(dsn, timeout=20)
    try:
        async with admin.transaction():
            await admin.execute("select pg_advisory_xact_lock($1)", _LOCK)
            await admin.execute(_connecting(database, services))
            await admin.execute("revoke all on schema public from public")
            for service in services:
                owner, api = _name(f"chorale_{service}"), _name(f"chorale_{service}_api")
                await admin.execute(f"create schema if not exists {_name(service)} authorization {owner}")
                await admin.execute(f"grant usage on schema {_name(service)} to {api}")
    finally:
        await admin.close()


def _password(admin_dsn: str, role: str) -> str:
    secret = unquote(urlsplit(admin_dsn).password or "")
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()


def _dsn(admin_dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{quote(database)}"))


def _as_role(admin_dsn: str, database: str, role: str) -> str:
    parts = urlsplit(_dsn(admin_dsn, database))
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{_password(admin_dsn, role)}@{server}"))


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
