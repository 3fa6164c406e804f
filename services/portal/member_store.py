"""Memberships, roles and offices in SQL. Writes belong to a transaction that holds the lock of the structure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec

from services.common.db import Connection

Side = Literal["supplier", "body"]
How = Literal["proof", "vouched", "invited", "approved", "successor"]
Manager = Literal["principal", "secondaire"]
_COLUMNS: Final = "id, structure, subject, side, verified, verified_how, manager, since"


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A live membership."""

    id: UUID
    structure: UUID
    subject: str
    side: Side
    verified: bool
    verified_how: How | None
    manager: Manager | None
    since: datetime


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A role given at a structure or at one of its services."""

    role: str
    service: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _membership(row: asyncpg.Record) -> Membership:
    return Membership(**dict(row))


async def of(connection: Connection, structure: UUID, subject: str) -> Membership | None:
    """The membership of one person at one structure, or None."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from membership where structure = $1 and subject = $2 and left_at is null",
        structure,
        subject,
    )
    return None if row is None else _membership(row)


async def of_subject(connection: Connection, subject: str) -> list[Membership]:
    """All memberships of one person."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from membership where subject = $1 and left_at is null order by since, id", subject
    )
    return [_membership(row) for row in rows]


async def at(connection: Connection, structure: UUID) -> list[Membership]:
    """All members of one structure, the earliest first."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from membership where structure = $1 and left_at is null order by since, id", structure
    )
    return [_membership(row) for row in rows]


async def join(
    connection: Connection, structure: UUID, subject: str, side: Side, now: datetime, how: How | None, by: str | None
) -> Membership:
    """A new membership; ``how`` and ``by`` say who answers for him, None: nobody yet."""
    row = await connection.fetchrow(
        "insert into membership (id, structure, subject, side, verified, verified_how, verified_by, since)"
        f" values ($1, $2, $3, $4, $5, $6, $7, $8) returning {_COLUMNS}",
        uuid4(),
        structure,
        subject,
        side,
        how is not None,
        how,
        by,
        now,
    )
    assert row is not None
    return _membership(row)


async def verify(connection: Connection, membership: UUID, how: How, by: str) -> None:
    """Somebody, or a proof, answers for him from now on."""
    await connection.execute(
        "update membership set verified = true, verified_how = $2, verified_by = $3 where id = $1 and not verified",
        membership,
        how,
        by,
    )


async def set_side(connection: Connection, membership: UUID, side: Side) -> None:
    """The side on which he stands from now on. Who managed the other one manages nothing here."""
    await connection.execute("update membership set side = $2, manager = null where id = $1", membership, side)


async def set_manager(connection: Connection, membership: UUID, level: Manager | None) -> None:
    """Whether he manages the structure, and how."""
    await connection.execute("update membership set manager = $2 where id = $1", membership, level)


async def leave(connection: Connection, membership: UUID, now: datetime) -> None:
    """The membership ends."""
    await connection.execute("update membership set left_at = $2 where id = $1", membership, now)


async def roles_of(
    connection: Connection, structure: UUID, subjects: Sequence[str], now: datetime
) -> dict[str, list[Given]]:
    """The roles given to these people there, ended ones left out."""
    rows = await connection.fetch(
        "select subject, role, service, since, until from held_role where structure = $1 and subject = any($2::text[])"
        " and withdrawn_at is null and (until is null or until > $3) order by subject, role, service",
        structure,
        list(subjects),
        now,
    )
    found: dict[str, list[Given]] = {subject: [] for subject in subjects}
    for row in rows:
        given = Given(role=row["role"], service=row["service"], since=row["since"], until=row["until"])
        found[row["subject"]].append(given)
    return found


async def guests_at(connection: Connection, structure: UUID, now: datetime) -> list[str]:
    """Who has a role there without belonging to it."""
    rows = await connection.fetch(
        "select distinct h.subject from held_role h where h.structure = $1 and h.withdrawn_at is null"
        " and (h.until is null or h.until > $2) and not exists (select from membership m"
        "  where m.structure = h.structure and m.subject = h.subject and m.left_at is null) order by 1",
        structure,
        now,
    )
    return [row["subject"] for row in rows]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the list of people: its place in it. Guests come last, by subject alone."""

    guest: bool
    since: datetime
    subject: str


async def page(
    connection: Connection, structure: UUID, after: tuple[bool, datetime, str] | None, limit: int, now: datetime
) -> list[Listed]:
    """Who belongs to a structure, the earliest first, then who only has a role there; behind ``after``."""
    rows = await connection.fetch(
        "select guest, since, subject from (select false as guest, since, subject from membership"
        "  where structure = $1 and left_at is null"
        " union select true, to_timestamp(0), h.subject from held_role h where h.structure = $1"
        "  and h.withdrawn_at is null and (h.until is null or h.until > $2) and not exists (select from membership m"
        "   where m.structure = $1 and m.subject = h.subject and m.left_at is null)) people"
        " where $3::boolean is null or (guest, since, subject) > ($3, $4::timestamptz, $5::text)"
        " order by guest, since, subject limit $6",
        structure,
        now,
        *(after or (None, None, None)),
        limit,
    )
    return [Listed(**dict(row)) for row in rows]


async def among(connection: Connection, structure: UUID, subjects: Sequence[str]) -> list[Membership]:
    """The memberships that these people have there."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from membership where structure = $1 and subject = any($2::text[]) and left_at is null",
        structure,
        list(subjects),
    )
    return [_membership(row) for row in rows]


async def give(
    connection: Connection, structure: UUID, subject: str, side: Side, given: Sequence[Given], by: str, now: datetime
) -> None:
    """Give these roles; one that he has already takes the new dates. ``side``: of the managers who give them."""
    if not given:
        return
    await connection.execute(
        "insert into held_role as held (id, structure, subject, side, role, service, since, until, given_by, given_at)"
        " select gen_random_uuid(), $1, $2, $9, n.role, n.service, n.since, n.until, $3, $4"
        " from unnest($5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[]) n(role, service, since, until)"
        " on conflict (structure, subject, role, coalesce(service, '')) where withdrawn_at is null do update"
        " set side = excluded.side, since = excluded.since, until = excluded.until, given_by = excluded.given_by,"
        " given_at = excluded.given_at",
        structure,
        subject,
        by,
        now,
        [each.role for each in given],
        [each.service for each in given],
        [each.since for each in given],
        [each.until for each in given],
        side,
    )


async def withdraw_roles(
    connection: Connection, structure: UUID, subject: str, now: datetime, but: Sequence[Given] = ()
) -> None:
    """Withdraw the roles that he has there, but those named."""
    await connection.execute(
        "update held_role set withdrawn_at = $3 where structure = $1 and subject = $2 and withdrawn_at is null"
        " and not (role || '/' || coalesce(service, '')) = any($4::text[])",
        structure,
        subject,
        now,
        [f"{each.role}/{each.service or ''}" for each in but],
    )


async def take_back_invitations(connection: Connection, structure: UUID, by: str, now: datetime) -> None:
    """What somebody invited others to there ends with what he may do."""
    await connection.execute(
        "update invitation set state = 'cancelled', ended_at = $3, address = null where structure = $1"
        " and invited_by = $2 and state = 'sent'",
        structure,
        by,
        now,
    )


async def give_office(
    connection: Connection, subject: str, role: str, tenant: str | None, by: str, now: datetime
) -> bool:
    """A right outside any structure; whether he had it not."""
    status: str = await connection.execute(
        "insert into held_office (id, subject, role, tenant, given_by, given_at) values ($1, $2, $3, $4, $5, $6)"
        " on conflict (subject, role, coalesce(tenant, '')) where withdrawn_at is null do nothing",
        uuid4(),
        subject,
        role,
        tenant,
        by,
        now,
    )
    return status.endswith(" 1")


async def withdraw_office(connection: Connection, subject: str, role: str, tenant: str | None, now: datetime) -> bool:
    """Withdraw a right outside any structure; whether he had it."""
    status: str = await connection.execute(
        "update held_office set withdrawn_at = $4 where subject = $1 and role = $2"
        " and coalesce(tenant, '') = coalesce($3::text, '') and withdrawn_at is null",
        subject,
        role,
        tenant,
        now,
    )
    return status.endswith(" 1")


async def administrators(connection: Connection, tenant: str) -> list[str]:
    """The administrators of a tenant."""
    rows = await connection.fetch(
        "select subject from held_office where role = 'TENANT_ADMIN' and tenant = $1 and withdrawn_at is null"
        " order by subject",
        tenant,
    )
    return [row["subject"] for row in rows]


async def managers(connection: Connection, structure: UUID, side: Side) -> list[Membership]:
    """The managers of a structure, principals first."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from membership where structure = $1 and left_at is null and manager is not null"
        " and side = $2 order by manager, since, id",
        structure,
        side,
    )
    return [_membership(row) for row in rows]
