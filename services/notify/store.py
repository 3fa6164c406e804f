"""Messages and attempts in PostgreSQL, once they are written: claimed, sent, done."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from contracts.codec import codec
from services.common.db import Connection
from services.notify.domain import Answer, Facts, Gathering, Language, State
from services.notify.matrix import Audience

_facts = codec(Facts)
WAKE_CHANNEL = "chorale_notify_messages"
#: What a mail is that carries several messages.
CarrierKind = Literal["GATHERED", "FLOOD", "DAILY", "WEEKLY"]
CARRIERS: dict[str, Gathering] = {"GATHERED": "notice", "FLOOD": "flood", "DAILY": "daily", "WEEKLY": "weekly"}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One message as its mail says it."""

    id: UUID
    subject: str
    entry: int | None
    kind: str
    audience: Audience
    facts: Facts
    traceparent: str | None


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that this process may send. ``n`` numbers the attempt and fences off whoever claimed it before.

    ``items`` are the messages it carries, itself when it is no carrier. ``reserved``: its turn at its domain has come.
    ``reply_to``: where the tenant that it speaks for reads answers.
    """

    id: UUID
    kind: str
    audience: Audience
    address: str
    language: Language
    legal: bool
    message_id_header: str
    traceparent: str | None
    n: int
    failures: int
    created_at: datetime
    reserved: bool
    items: Sequence[Item]
    reply_to: str | None = None


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt came to: the relay's answer and where the mail stands after it."""

    message: Claimed
    answer: Answer
    state: State
    wait: float | None


#: Lanes are found by their index one after the other, then served in turn: the first of each, the second of each, …
_CLAIM = """
with recursive lanes (lane) as (
    (select lane from message where state in ('created', 'sending') order by lane limit 1)
    union all
    select (select m.lane from message m where m.state in ('created', 'sending') and m.lane > l.lane
            order by m.lane limit 1)
    from lanes l where l.lane is not null
), turn as (
    select m.id, row_number() over (partition by l.lane order by m.next_attempt_at) as nth, m.next_attempt_at
    from lanes l cross join lateral (
        select id, next_attempt_at from message
        where lane = l.lane and state in ('created', 'sending') and next_attempt_at <= now() and id <> all($3::uuid[])
        order by next_attempt_at limit $1) m
    where l.lane is not null
)
update message set state = 'sending', attempts = attempts + 1, next_attempt_at = now() + $2::interval
where id in (
    select id from message
    where id in (select id from turn order by nth, next_attempt_at limit $1)
        and state in ('created', 'sending') and next_attempt_at <= now()
    for update skip locked)
returning id, subject, entry, kind, audience, address, language, data, message_id_header, traceparent, legal,
    attempts, failures, created_at, reserved,
    (select sender from tenant_sender s where s.tenant = message.tenant) as reply_to
"""


async def claim(connection: Connection, limit: int, lease: timedelta, held: Collection[UUID]) -> list[Claimed]:
    """Take up to ``limit`` due mails for ``lease``, lane by lane in turn; never one of ``held``."""
    rows = await connection.fetch(_CLAIM, limit, lease, list(held))
    carried: dict[UUID, list[Item]] = defaultdict(list)
    carriers = [row["id"] for row in rows if row["kind"] in CARRIERS]
    if carriers:
        for row in await connection.fetch(
            "select carried_by, id, subject, entry, kind, audience, data, traceparent from message"
            " where carried_by = any($1) order by created_at, id",
            carriers,
        ):
            carried[row["carried_by"]].append(_item(row))
    found = [_claimed(row, carried[row["id"]] if row["kind"] in CARRIERS else [_item(row)]) for row in rows]
    return sorted(found, key=lambda claimed: (not claimed.legal, claimed.created_at))


def _item(row: asyncpg.Record) -> Item:
    return Item(
        id=row["id"],
        subject=row["subject"],
        entry=row["entry"],
        kind=row["kind"],
        audience=row["audience"],
        facts=_facts.decode(row["data"].encode()),
        traceparent=row["traceparent"],
    )


def _claimed(row: asyncpg.Record, items: Sequence[Item]) -> Claimed:
    return Claimed(
        id=row["id"],
        kind=row["kind"],
        audience=row["audience"],
        address=row["address"],
        language=row["language"],
        legal=row["legal"],
        message_id_header=row["message_id_header"],
        traceparent=row["traceparent"],
        n=row["attempts"],
        failures=row["failures"],
        created_at=row["created_at"],
        reserved=row["reserved"],
        items=items,
        reply_to=None if row["kind"] in CARRIERS else row["reply_to"],
    )


async def renew(connection: Connection, held: Sequence[Claimed], lease: timedelta) -> set[UUID]:
    """Hold on to messages that are being sent; returns those that are still ours."""
    rows = await connection.fetch(
        "update message m set next_attempt_at = now() + $3::interval from unnest($1::uuid[], $2::int[]) t(id, n)"
        " where m.id = t.id and m.attempts = t.n and m.state = 'sending' returning m.id",
        [c.id for c in held],
        [c.n for c in held],
        lease,
    )
    return {row["id"] for row in rows}


async def release(connection: Connection, untouched: Sequence[tuple[Claimed, float]]) -> None:
    """Give back mails that were claimed and not tried; each with the seconds until its turn at its domain."""
    if untouched:
        await connection.execute(
            "update message m set state = 'created', attempts = m.attempts - 1,"
            " next_attempt_at = now() + make_interval(secs => t.wait), reserved = t.wait > 0"
            " from unnest($1::uuid[], $2::int[], $3::float[]) t(id, n, wait)"
            " where m.id = t.id and m.attempts = t.n and m.state = 'sending'",
            [c.id for c, _ in untouched],
            [c.n for c, _ in untouched],
            [wait for _, wait in untouched],
        )


async def finish(connection: Connection, done: Sequence[Finished]) -> set[UUID]:
    """Record attempts and where their mails stand; returns the mails that ended here, each once.

    An acceptance always counts, whoever holds the mail by now; any other answer only from its holder. What a mail
    carries ends with it.
    """
    await _record(connection, done)
    rows = await connection.fetch(
        "update message m set state = t.state, failures = m.failures + t.failed, reserved = false,"
        " next_attempt_at = now() + make_interval(secs => t.wait),"
        " done_at = case when t.state = 'created' then null else t.at end"
        " from unnest($1::uuid[], $2::int[], $3::text[], $4::float[], $5::timestamptz[], $6::int[])"
        " t(id, n, state, wait, at, failed)"
        " where m.id = t.id and m.state in ('created', 'sending') and (t.state = 'accepted' or m.attempts = t.n)"
        " returning m.id, m.state",
        [f.message.id for f in done],
        [f.message.n for f in done],
        [f.state for f in done],
        [f.wait or 0.0 for f in done],
        [f.answer.at for f in done],
        [int(f.state != "accepted") for f in done],
    )
    ended = {row["id"] for row in rows if row["state"] != "created"}
    await _blank(connection, ended)
    carriers = [f.message.id for f in done if f.message.id in ended and f.message.kind in CARRIERS]
    if carriers:
        await connection.execute(
            "update message i set state = c.state, done_at = c.done_at from message c"
            " where c.id = any($1) and i.carried_by = c.id and i.state = 'carried'",
            carriers,
        )
    return ended


async def _blank(connection: Connection, ended: Collection[UUID]) -> None:
    """What a letter showed that opens something has been read by whom it was for, or never will be."""
    if ended:
        await connection.execute(
            "update message set data = data - 'link' where id = any($1) and data ? 'link'", list(ended)
        )


async def _record(connection: Connection, done: Sequence[Finished]) -> None:
    await connection.execute(
        "insert into attempt (message, n, at, host, result, code, answer, tls, tls_version, tls_cipher)"
        " select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::int[],"
        " $7::text[], $8::bool[], $9::text[], $10::text[]) on conflict do nothing",
        [f.message.id for f in done],
        [f.message.n for f in done],
        [f.answer.at for f in done],
        [f.answer.host for f in done],
        [f.answer.result for f in done],
        [f.answer.code for f in done],
        [f.answer.text for f in done],
        [f.answer.tls for f in done],
        [f.answer.tls_version for f in done],
        [f.answer.tls_cipher for f in done],
    )


async def due(connection: Connection) -> tuple[int, float]:
    """How many messages are due, and the age in seconds of the oldest."""
    row = await connection.fetchrow(
        "select count(*) as n, coalesce(extract(epoch from now() - min(next_attempt_at)), 0)::float as age"
        " from message where state in ('created', 'sending') and next_attempt_at <= now()"
    )
    assert row is not None
    return row["n"], row["age"]
