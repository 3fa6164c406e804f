"""Delegations in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from services.common.db import Connection

_COLUMNS: Final = "id, structure, giver, receiver, since, until, made_by, made_at, ended_at"


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody stands in for another at one structure. ``receiver`` None: he is invited and has not come yet."""

    id: UUID
    structure: UUID
    giver: str
    receiver: str | None
    since: datetime
    until: datetime
    made_by: str
    made_at: datetime
    ended_at: datetime | None = None


async def make(connection: Connection, new: Delegation) -> None:
    """Keep a delegation."""
    await connection.execute(
        "insert into delegation (id, structure, giver, receiver, since, until, made_by, made_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.id,
        new.structure,
        new.giver,
        new.receiver,
        new.since,
        new.until,
        new.made_by,
        new.made_at,
    )


async def one(connection: Connection, structure: UUID, identity: UUID) -> Delegation | None:
    """The delegation, or None."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from delegation where structure = $1 and id = $2", structure, identity
    )
    return None if row is None else Delegation(**dict(row))


async def at(
    connection: Connection, structure: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Delegation]:
    """Those of a structure that the caller may see, the newest first, behind ``after``: when one was made, its id."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from delegation where structure = $1"
        " and ($2::timestamptz is null or (made_at, id) < ($2, $3::uuid)) order by made_at desc, id desc limit $4",
        structure,
        *(after or (None, None)),
        limit,
    )
    return [Delegation(**dict(row)) for row in rows]


async def receive(connection: Connection, identity: UUID, receiver: str) -> bool:
    """The invited person has come; whether the delegation still stands and is not his own."""
    status: str = await connection.execute(
        "update delegation set receiver = $2 where id = $1 and receiver is null and ended_at is null and giver <> $2",
        identity,
        receiver,
    )
    return status.endswith(" 1")


async def end(connection: Connection, identity: UUID, now: datetime) -> None:
    """The delegation ends before its time."""
    await connection.execute("update delegation set ended_at = $2 where id = $1 and ended_at is null", identity, now)


async def end_of(connection: Connection, structure: UUID, subject: str, now: datetime) -> list[str]:
    """End what somebody lent or was lent there; returns who stood in, or was stood in for."""
    rows = await connection.fetch(
        "update delegation set ended_at = $3 where structure = $1 and $2 in (giver, receiver) and ended_at is null"
        " returning receiver",
        structure,
        subject,
        now,
    )
    return sorted({row["receiver"] for row in rows if row["receiver"]})
