"""What stands between two steps of one ceremony: one use, a few minutes, bound to whoever holds its word."""

import secrets
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from services.common.db import Connection
from services.common.web import Problem
from services.portal.session_store import digest

Kind = Literal["second", "passkey_add", "passkey_sign_in", "provider"]
_MOST_FAILURES = 5


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A step that waits for the next."""

    id: UUID
    subject: str | None
    data: dict[str, Any]


async def make(
    connection: Connection, kind: Kind, subject: str | None, data: dict[str, Any], now: datetime, minutes: float
) -> str:
    """A new one; returns its word."""
    word = secrets.token_urlsafe(32)
    await connection.execute(
        "insert into ticket (id, digest, kind, subject, data, expires_at) values ($1, $2, $3, $4, $5, $6)",
        uuid4(),
        digest(word),
        kind,
        subject,
        msgspec.json.encode(data),
        now + timedelta(minutes=minutes),
    )
    return word


async def take(connection: Connection, kind: Kind, word: str, now: datetime) -> Ticket:
    """The ticket of this word, locked until the transaction ends. Raises a 410 problem."""
    row = await connection.fetchrow(
        "select id, subject, data from ticket where digest = $1 and kind = $2 and expires_at > $3 and failures < $4"
        " for update",
        digest(word),
        kind,
        now,
        _MOST_FAILURES,
    )
    if row is None:
        raise Problem(
            410,
            "STEP_OVER",
            "Étape dépassée",
            "Cette étape a déjà servi, a échoué trop souvent ou a pris trop de temps : recommencez depuis le début.",
        )
    return Ticket(id=row["id"], subject=row["subject"], data=msgspec.json.decode(row["data"]))


async def spend(connection: Connection, ticket: Ticket) -> None:
    """It has served."""
    await connection.execute("delete from ticket where id = $1", ticket.id)


async def failed(connection: Connection, ticket: Ticket) -> None:
    """What was shown with it was wrong: a few times are allowed."""
    await connection.execute("update ticket set failures = failures + 1 where id = $1", ticket.id)
