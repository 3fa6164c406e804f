"""A service's copy of ``chorale.account``: rights, sessions that are over, signing keys. Versions are never lowered."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import msgspec

from contracts.envelope import Event
from contracts.events import AccountPublished, Payload, SessionRevoked, SigningKeyPublished
from contracts.registry import TOPIC_OF, ServiceName
from services.common.db import Connection, Pool
from services.common.deliver import Handler, Tx, transaction
from services.common.outbox import Outgoing

E = TypeVar("E", AccountPublished, SessionRevoked, SigningKeyPublished)
AccountEntry = AccountPublished | SessionRevoked | SigningKeyPublished
TOPIC: Final = TOPIC_OF[AccountPublished].name
#: What is told on :func:`channel`: a subject, or one of these.
KEYS: Final = "\x01keys"
EVERYTHING: Final = "\x01everything"
_NAMED: Final = 50
#: An end that lies further back than any clock can be wrong.
_LONG_OVER: Final = timedelta(hours=1)
_MAX_LIMIT: Final = 2**31 - 1
_ACCOUNTS: Final = (
    "insert into account_right as r (subject, version, kind, state, grants, scopes, sessions_from, writes_each_minute,"
    " writes_each_day) select subject, version, kind, state, grants::jsonb,"
    " array(select jsonb_array_elements_text(scopes::jsonb)), sessions_from, a_minute, a_day"
    " from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],"
    " $8::int[], $9::int[]) n(subject, version, kind, state, grants, scopes, sessions_from, a_minute, a_day)"
    " order by subject on conflict (subject) do update set version = excluded.version, kind = excluded.kind,"
    " state = excluded.state, grants = excluded.grants, scopes = excluded.scopes,"
    " sessions_from = excluded.sessions_from, writes_each_minute = excluded.writes_each_minute,"
    " writes_each_day = excluded.writes_each_day where r.version < excluded.version returning subject"
)
_SESSIONS: Final = (
    "insert into revoked_session as r (session, subject, version, expires_at)"
    " select * from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) order by 1"
    " on conflict (session) do update set version = excluded.version, expires_at = excluded.expires_at"
    " where r.version < excluded.version returning subject"
)
_SIGNING_KEYS: Final = (
    "insert into signing_key as k (kid, public_key, version, valid_from, until)"
    " select * from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[]) order by 1"
    " on conflict (kid) do update set public_key = excluded.public_key, version = excluded.version,"
    " valid_from = excluded.valid_from, until = excluded.until where k.version < excluded.version returning kid"
)


def channel(service: str) -> str:
    """The LISTEN channel on which every instance hears whose rights have changed."""
    return f"chorale_{service}_account"


async def apply(connection: Connection, service: ServiceName, entries: Iterable[Payload]) -> None:
    """Take these entries into the copy, in the running transaction; at its commit every instance hears of it."""
    accounts: dict[str, AccountPublished] = {}
    sessions: dict[str, SessionRevoked] = {}
    keys: dict[str, SigningKeyPublished] = {}
    over = datetime.now(UTC) - _LONG_OVER  # tokens end by the real time
    for entry in entries:
        match entry:
            case AccountPublished():
                _newest(accounts, entry.subject, entry)
            case SessionRevoked() if entry.expires_at > over:
                _newest(sessions, entry.session, entry)
            case SigningKeyPublished():
                _newest(keys, entry.kid, entry)
            case _:
                pass
    changed = await _apply_accounts(connection, accounts) | await _apply_sessions(connection, sessions)
    told = [EVERYTHING] if len(changed) > _NAMED else sorted(changed)
    if await _apply_keys(connection, keys):
        told.append(KEYS)
    if told:
        await connection.execute("select pg_notify($1, name) from unnest($2::text[]) name", channel(service), told)


def _newest(into: dict[str, E], key: str, entry: E) -> None:
    known = into.get(key)
    if known is None or known.version < entry.version:
        into[key] = entry


async def _apply_accounts(connection: Connection, found: Mapping[str, AccountPublished]) -> set[str]:
    if not found:
        return set()
    entries = found.values()
    rows = await connection.fetch(
        _ACCOUNTS,
        [e.subject for e in entries],
        [e.version for e in entries],
        [e.kind for e in entries],
        [e.state for e in entries],
        [msgspec.json.encode(e.grants).decode() for e in entries],
        [msgspec.json.encode(e.scopes).decode() for e in entries],
        [e.sessions_from for e in entries],
        [_limit(e.writes_each_minute) for e in entries],
        [_limit(e.writes_each_day) for e in entries],
    )
    return {row["subject"] for row in rows}


def _limit(given: int | None) -> int | None:
    return None if given is None else max(0, min(given, _MAX_LIMIT))


async def _apply_sessions(connection: Connection, found: Mapping[str, SessionRevoked]) -> set[str]:
    if not found:
        return set()
    entries = found.values()
    rows = await connection.fetch(
        _SESSIONS,
        [e.session for e in entries],
        [e.subject for e in entries],
        [e.version for e in entries],
        [e.expires_at for e in entries],
    )
    return {row["subject"] for row in rows}


async def _apply_keys(connection: Connection, found: Mapping[str, SigningKeyPublished]) -> bool:
    if not found:
        return False
    entries = found.values()
    rows = await connection.fetch(
        _SIGNING_KEYS,
        [e.kid for e in entries],
        [e.public_key for e in entries],
        [e.version for e in entries],
        [e.valid_from for e in entries],
        [e.until for e in entries],
    )
    return bool(rows)


async def sweep(pool: Pool, service: ServiceName) -> int:
    """Forget sessions of which every token has ended; returns how many. Their writer takes them off the topic, too."""
    over = datetime.now(UTC) - _LONG_OVER
    async with transaction(pool, service) as tx:
        rows = await tx.conn.fetch("delete from revoked_session where expires_at < $1 returning session, subject", over)
        if service == TOPIC_OF[SessionRevoked].writer:
            tx.outgoing += [
                Outgoing(
                    topic=TOPIC, key=f"session/{row['session']}", headers=[], value=None, partition_key=row["subject"]
                )
                for row in rows
            ]
    return len(rows)


def first(handler: Handler) -> Handler:
    """``handler``, which never sees entries of accounts: they are applied before it gets the rest."""

    async def handle(tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        rest = [event for event in events if not isinstance(event.data, AccountEntry)]
        if len(rest) < len(events):
            await apply(tx.conn, tx.service, (event.data for event in events))
        return await handler(tx, rest) if rest else ()

    return handle
