"""Sessions in PostgreSQL: opened, found by the cookie's secret, listed, ended; and the events that end their tokens."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4, uuid5

import msgspec

from contracts.events import SessionRevoked
from services.common.db import Connection
from services.common.deliver import Cause, Tx
from services.common.trace import RequestCause
from services.portal import publishing
from services.portal.settings import PortalSettings

_NAMESPACE: Final = UUID("5b0a3a52-7f3e-5c55-9a4e-0d3f8e6a1c77")
#: How an account was opened: with what.
Means = Literal["password", "totp", "recovery", "passkey", "provider", "link"]
Why = Literal["signed_out", "revoked", "password", "renewed", "closed", "factor", "restored"]
#: Means that show a second factor; a passkey is two by itself.
FACTORS: Final[frozenset[str]] = frozenset({"totp", "recovery", "passkey"})
#: A use is written down once a minute, not at each request.
_TOUCH: Final = timedelta(minutes=1)


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Who has signed in. ``proved_at``: when he last showed who he is; ``factor_at``: when by a second factor too."""

    id: UUID
    subject: str
    email: str
    name: str
    language: Literal["fr", "en"]
    state: str
    created_at: datetime
    proved_at: datetime
    factor_at: datetime | None
    last_used_at: datetime
    means: tuple[str, ...]


class Opened(msgspec.Struct, frozen=True):
    """A new session and the secret for its cookie, which is shown once."""

    id: UUID
    secret: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its owner sees it."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    means: tuple[str, ...]
    network: str
    agent: str


def digest(secret: str) -> bytes:
    """What is stored of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


async def open_session(
    connection: Connection,
    subject: str,
    means: Sequence[Means],
    *,
    network: str,
    agent: str,
    now: datetime,
    lasts: timedelta,
    provider_token: bytes | None = None,
    proved_at: datetime | None = None,
) -> Opened:
    """A new session, always with a new secret. ``proved_at``: when it was shown whose it is, if not just now."""
    made = Opened(uuid4(), secrets.token_urlsafe(32))
    await connection.execute(
        "insert into session (id, subject, digest, created_at, last_used_at, expires_at, means, network,"
        " agent, provider_token, factor_at, proved_at) values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11)",
        made.id,
        subject,
        digest(made.secret),
        now,
        now + lasts,
        list(means),
        network,
        agent,
        provider_token,
        None if FACTORS.isdisjoint(means) else now,
        proved_at or now,
    )
    return made


async def find(connection: Connection, secret: str, now: datetime, settings: PortalSettings) -> Signed | None:
    """Whose session this is; None for one that is over, unused for too long, or of an account that is not open."""
    row = await connection.fetchrow(
        "select s.id, s.subject, a.email, a.name, a.language, a.state, s.created_at, s.proved_at, s.factor_at,"
        " s.last_used_at, s.means from session s join account a on a.subject = s.subject"
        " where s.digest = $1 and s.revoked_at is null and s.expires_at > $2 and s.last_used_at > $3"
        " and a.state = 'active'",
        digest(secret),
        now,
        now - settings.session_idle,
    )
    if row is None:
        return None
    if row["last_used_at"] < now - _TOUCH:
        await connection.execute("update session set last_used_at = $2 where id = $1", row["id"], now)
    return Signed(**{**dict(row), "means": tuple(row["means"])})


async def renew(
    connection: Connection, session: UUID, means: Sequence[str], now: datetime, *, proved: bool = True
) -> str:
    """A new secret for a session whose owner has shown anew who he is, or gained rights: the old one is worthless.

    ``proved`` false: a second factor was shown, which is no proof by itself.
    """
    secret = secrets.token_urlsafe(32)
    await connection.execute(
        "update session set digest = $2, proved_at = case when $5 then $3 else proved_at end, last_used_at = $3,"
        " factor_at = case when $6 then $3 else factor_at end,"
        " means = array(select distinct unnest(means || $4::text[])) where id = $1",
        session,
        digest(secret),
        now,
        list(means),
        proved,
        not FACTORS.isdisjoint(means),
    )
    return secret


async def live(connection: Connection, subject: str, now: datetime, settings: PortalSettings) -> list[Listed]:
    """The sessions that are open, last used first."""
    rows = await connection.fetch(
        "select id, created_at, last_used_at, expires_at, means, network, agent from session where subject = $1"
        " and revoked_at is null and expires_at > $2 and last_used_at > $3 order by last_used_at desc, id",
        subject,
        now,
        now - settings.session_idle,
    )
    return [Listed(**{**dict(row), "means": tuple(row["means"])}) for row in rows]


async def revoke(
    tx: Tx, subject: str, why: Why, cause: Cause, *, only: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """End sessions of a subject (``only`` one, all ``but`` one) everywhere; returns those that were open."""
    rows = await tx.conn.fetch(
        "update session set revoked_at = $2, revoked_why = $3, provider_token = null where subject = $1"
        " and revoked_at is null and expires_at > $2 and ($4::uuid is null or id = $4) and id is distinct from $5"
        " returning id",
        subject,
        tx.now,
        why,
        only,
        but,
    )
    for row in rows:
        await publish_end(tx, subject, row["id"], tx.now, cause)
    return [row["id"] for row in rows]


def tokens_end(ended_at: datetime) -> datetime:
    """When the last token of a session that ended then has ended. One may have been made a moment after it by another
    instance: a minute more than the longest one."""
    return ended_at + timedelta(hours=1, minutes=1)


async def publish_end(tx: Tx, subject: str, session: UUID, ended_at: datetime, cause: Cause) -> None:
    """Tell every service that a session is over."""
    entry = SessionRevoked(subject=subject, session=str(session), version=1, expires_at=tokens_end(ended_at))
    made = RequestCause(uuid5(_NAMESPACE, str(session)), cause.traceparent)
    await publishing.emit(tx, entry, key=f"session/{session}", partition_key=subject, cause=made)


async def sweep(connection: Connection, now: datetime) -> None:
    """Rows of sessions that ended three months ago, and of tickets and links that nobody took."""
    await connection.execute(
        "delete from session where least(expires_at, coalesce(revoked_at, expires_at)) < $1", now - timedelta(days=90)
    )
    await connection.execute("delete from ticket where expires_at < $1", now)
    await connection.execute("delete from mail_link where expires_at < $1", now - timedelta(days=90))
