"""Announcements as they are kept: what is said to everybody, from when until when."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import msgspec

from services.common.db import Connection

Kind = Literal["maintenance", "code_closing", "news"]
_COLUMNS: Final = (
    "id, kind, tenant, structure, service, title, body, title_en, body_en, starts_at, ends_at, shown_from, shown_until,"
    " version, made_at, changed_at, withdrawn_at,"
    " (select t.name from public_tenant t where t.id = announcement.tenant) as tenant_name"
)
#: More than these at once nobody reads.
MOST: Final = 100
#: So many of one tenant may be planned or shown at a time.
EACH_TENANT: Final = 10


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What its writer gives. ``starts_at`` and ``ends_at``: of what it speaks of (the maintenance, the last day of a
    code). ``tenant`` None: the operator's, for everybody."""

    kind: Kind
    tenant: str | None
    structure: str | None
    service: str | None
    title: str
    body: str
    title_en: str | None
    body_en: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    shown_from: datetime
    shown_until: datetime


class Announcement(Said, frozen=True, kw_only=True):
    """A row."""

    id: UUID
    version: int
    made_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None
    tenant_name: str | None


def _row(row: asyncpg.Record) -> Announcement:
    return Announcement(**dict(row))


async def shown(connection: Connection, now: datetime) -> list[Announcement]:
    """What is shown now: the operator's before any tenant's, then maintenance, then by date. Anybody may see it."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from announcement where withdrawn_at is null and shown_from <= $1 and $1 < shown_until"
        " order by tenant is not null, kind <> 'maintenance', coalesce(starts_at, shown_from), id limit $2",
        now,
        MOST,
    )
    return [_row(row) for row in rows]


async def own(connection: Connection, after: UUID | None, limit: int) -> list[Announcement]:
    """All that the caller may write, the newest first; ``connection`` is scoped to him."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from announcement"
        " where (portal_operator() or tenant = any (portal_claimed('admin_tenants')))"
        " and ($1::uuid is null or (made_at, id) < (select made_at, id from announcement where id = $1))"
        " order by made_at desc, id desc limit $2",
        after,
        limit,
    )
    return [_row(row) for row in rows]


async def one(connection: Connection, identity: UUID) -> Announcement | None:
    """One of them."""
    row = await connection.fetchrow(f"select {_COLUMNS} from announcement where id = $1", identity)
    return None if row is None else _row(row)


async def write(connection: Connection, identity: UUID, said: Said, digest: str, by: str, now: datetime) -> None:
    """A new one. ``digest``: of what was asked."""
    names, values = _given(said)
    places = ", ".join(f"${n}" for n in range(5, 5 + len(values)))
    await connection.execute(
        f"insert into announcement (id, made_by, made_at, changed_at, asked_digest, {names})"
        f" values ($1, $2, $3, $3, $4, {places})",
        identity,
        by,
        now,
        digest,
        *values,
    )


async def asked(connection: Connection, identity: UUID) -> str | None:
    """The digest of what the one of this id was asked with, None where there is none of it."""
    row = await connection.fetchrow("select coalesce(asked_digest, '') from announcement where id = $1", identity)
    return None if row is None else str(row[0])


async def standing(connection: Connection, tenant: str, now: datetime) -> int:
    """How many of a tenant are planned or shown."""
    return int(
        await connection.fetchval(
            "select count(*) from announcement where tenant = $1 and withdrawn_at is null and shown_until > $2",
            tenant,
            now,
        )
    )


async def change(connection: Connection, identity: UUID, version: int, said: Said, now: datetime) -> bool:
    """Say it otherwise, where nobody else has since ``version``; whether that was so."""
    names, values = _given(said)
    places = ", ".join(f"${n}" for n in range(4, 4 + len(values)))
    done = await connection.fetchval(
        f"update announcement set ({names}) = ({places}), version = version + 1, changed_at = $3"
        " where id = $1 and version = $2 and withdrawn_at is null returning true",
        identity,
        version,
        now,
        *values,
    )
    return bool(done)


async def withdraw(connection: Connection, identity: UUID, now: datetime) -> None:
    """Say it no more."""
    await connection.execute(
        "update announcement set withdrawn_at = $2, changed_at = $2, version = version + 1 where id = $1"
        " and withdrawn_at is null",
        identity,
        now,
    )


def _given(said: Said) -> tuple[str, list[Any]]:
    given = msgspec.structs.asdict(said)
    return ", ".join(given), list(given.values())
