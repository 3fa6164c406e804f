"""Ends of sessions and of secrets of software, of which every service hears alike: taken over from the topic, or told
again."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from services.common import timers
from services.common.db import Connection
from services.common.deliver import Cause, Tx
from services.portal import audit, session_store, software
from services.portal.software import NOTICE

_PLATFORM: Final = "platform"
_OPEN: Final = (
    "select id from session where id = any($1::uuid[]) and revoked_at is null"
    " union all select id from software_secret where id = any($1::uuid[]) and revoked_at is null order by 1"
)
_SESSIONS: Final = (
    "update session set revoked_at = $2, revoked_why = 'restored', provider_token = null where id = any($1::uuid[])"
    " and revoked_at is null"
)
_SECRETS: Final = (
    "update software_secret s set revoked_at = $2, revoked_by = $3 from software a where s.id = any($1::uuid[])"
    " and s.revoked_at is null and a.id = s.software returning s.id, a.subject, a.structure, a.tenant"
)
_LATELY: Final = (
    "select id as session, subject, revoked_at as ended_at, false as secret from session where revoked_at > $1"
    " union all select s.id, a.subject, s.revoked_at, true from software_secret s join software a on a.id = s.software"
    " where s.revoked_at > $1 order by 1"
)


class End(msgspec.Struct, frozen=True, kw_only=True):
    """A session, or the secret whose tokens are one, and when it ended."""

    session: UUID
    subject: str
    ended_at: datetime
    secret: bool


async def adopt(tx: Tx, ids: Collection[UUID], *, apply: bool) -> list[UUID]:
    """Those of these that are still open here; where ``apply``, they are open no more."""
    found = [row["id"] for row in await tx.conn.fetch(_OPEN, list(ids))]
    if not apply or not found:
        return found
    await tx.conn.execute(_SESSIONS, found, tx.now)
    for row in await tx.conn.fetch(_SECRETS, found, tx.now, _PLATFORM):
        await timers.cancel(tx.conn, [str(row["id"])], NOTICE)
        await audit.write(
            tx.conn,
            at=tx.now,
            actor=_PLATFORM,
            action="software.secret_revoked",
            about=row["subject"],
            structure=row["structure"],
            tenant=row["tenant"],
            details={"secret": str(row["id"])},
        )
    return found


async def lately(connection: Connection, now: datetime) -> list[End]:
    """Those that ended so lately that a token of theirs may still be about."""
    longest = session_store.tokens_end(now) - now
    found = [End(**dict(row)) for row in await connection.fetch(_LATELY, now - longest)]
    return [end for end in found if _until(end) > now]


def _until(end: End) -> datetime:
    return software.tokens_end(end.ended_at) if end.secret else session_store.tokens_end(end.ended_at)


async def publish(tx: Tx, end: End, cause: Cause) -> None:
    """Tell every service."""
    tell = software.publish_end if end.secret else session_store.publish_end
    await tell(tx, end.subject, end.session, end.ended_at, cause)
