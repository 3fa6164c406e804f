"""Messages, attempts, addresses in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from contracts.codec import codec
from invoice.identifiers import normalise_code
from services.common.db import Connection
from services.notify.domain import Answer, Audience, Facts, Message, State

_facts = codec(Facts)
WAKE_CHANNEL = "chorale_notify_messages"


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A message that this process may send. ``n`` numbers the attempt and fences off whoever claimed it before."""

    id: UUID
    subject: str
    entry: int | None
    kind: str
    audience: Audience
    address: str
    language: str
    facts: Facts
    message_id_header: str
    traceparent: str | None
    n: int
    failures: int
    created_at: datetime


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt came to: the relay's answer and where the message stands after it."""

    message: Claimed
    answer: Answer
    state: State
    wait: float | None


async def keep_contacts(connection: Connection, contacts: Mapping[str, str]) -> None:
    """Remember the supplier's address of each invoice."""
    if contacts:
        await connection.execute(
            "insert into invoice_contact (invoice, contact) select * from unnest($1::text[], $2::text[])"
            " on conflict (invoice) do update set contact = excluded.contact"
            " where invoice_contact.contact <> excluded.contact",
            list(contacts),
            list(contacts.values()),
        )


async def contacts(connection: Connection, invoices: Iterable[str]) -> dict[str, str]:
    """The supplier's addresses that are known."""
    wanted = list(invoices)
    if not wanted:
        return {}
    rows = await connection.fetch("select invoice, contact from invoice_contact where invoice = any($1)", wanted)
    return {row["invoice"]: row["contact"] for row in rows}


class Managers(msgspec.Struct, frozen=True):
    """Addresses by structure, and by structure and service."""

    of_structure: Mapping[str, Sequence[str]]
    of_service: Mapping[tuple[str, str], Sequence[str]]

    def told(self, siret: str, service_code: str | None) -> list[str]:
        """Those of the structure, then those of the service."""
        found = list(self.of_structure.get(siret, ()))
        if service_code is not None:
            found += self.of_service.get((siret, normalise_code(service_code)), ())
        return found


async def managers(connection: Connection, sirets: Collection[str]) -> Managers:
    """The managers of these structures and of all their services."""
    structure: dict[str, list[str]] = defaultdict(list)
    service: dict[tuple[str, str], list[str]] = defaultdict(list)
    if sirets:
        rows = await connection.fetch(
            "select siret, service_key, email from manager where siret = any($1) order by id", list(sirets)
        )
        for row in rows:
            if row["service_key"] is None:
                structure[row["siret"]].append(row["email"])
            else:
                service[row["siret"], row["service_key"]].append(row["email"])
    return Managers(structure, service)


async def write(connection: Connection, messages: Sequence[Message], domain: str, now: datetime) -> set[UUID]:
    """Write what is new, wake the workers at commit, and return the ids that are new."""
    if not messages:
        return set()
    rows = await connection.fetch(
        "with wake as (select pg_notify($13::text, ''))"
        " insert into message (id, subject, entry, kind, audience, address, data, message_id_header, traceparent,"
        " state, next_attempt_at, created_at, done_at)"
        " select t.id, t.subject, t.entry, t.kind, t.audience, t.address, t.data,"
        " '<' || t.id || '@' || $11::text || '>', t.traceparent, t.state, $12::timestamptz, $12,"
        " case when t.state = 'no_address' then $12 end"
        " from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[],"
        " $9::text[], $10::int[]) t(id, subject, entry, kind, audience, address, data, traceparent, state, o), wake"
        " order by t.o on conflict do nothing returning id",
        [m.id for m in messages],
        [m.subject for m in messages],
        [m.entry for m in messages],
        [m.kind for m in messages],
        [m.audience for m in messages],
        [m.address for m in messages],
        [_facts.encode(m.facts).decode() for m in messages],
        [m.traceparent for m in messages],
        [m.state for m in messages],
        list(range(len(messages))),
        domain,
        now,
        WAKE_CHANNEL,
    )
    return {row["id"] for row in rows}


async def claim(connection: Connection, limit: int, lease: timedelta, held: Collection[UUID]) -> list[Claimed]:
    """Take up to ``limit`` due messages for ``lease``, oldest first; never one of ``held``."""
    rows = await connection.fetch(
        "update message set state = 'sending', attempts = attempts + 1, next_attempt_at = now() + $2::interval"
        " where id in (select id from message where state in ('created', 'sending') and next_attempt_at <= now()"
        " and id <> all($3::uuid[]) order by next_attempt_at limit $1 for update skip locked)"
        " returning id, subject, entry, kind, audience, address, language, data, message_id_header, traceparent,"
        " attempts, failures, created_at",
        limit,
        lease,
        list(held),
    )
    return sorted((_claimed(row) for row in rows), key=lambda claimed: claimed.created_at)


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(
        id=row["id"],
        subject=row["subject"],
        entry=row["entry"],
        kind=row["kind"],
        audience=row["audience"],
        address=row["address"],
        language=row["language"],
        facts=_facts.decode(row["data"].encode()),
        message_id_header=row["message_id_header"],
        traceparent=row["traceparent"],
        n=row["attempts"],
        failures=row["failures"],
        created_at=row["created_at"],
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


async def release(connection: Connection, untouched: Sequence[Claimed]) -> None:
    """Give back messages that were claimed and not tried."""
    if untouched:
        await connection.execute(
            "update message m set state = 'created', attempts = m.attempts - 1, next_attempt_at = now()"
            " from unnest($1::uuid[], $2::int[]) t(id, n)"
            " where m.id = t.id and m.attempts = t.n and m.state = 'sending'",
            [c.id for c in untouched],
            [c.n for c in untouched],
        )


async def finish(connection: Connection, done: Sequence[Finished]) -> set[UUID]:
    """Record attempts and where their messages stand; returns the messages that ended here, each once.

    An acceptance always counts, whoever holds the message by now; any other answer only from its holder.
    """
    await _record(connection, done)
    rows = await connection.fetch(
        "update message m set state = t.state, failures = m.failures + t.failed,"
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
    return {row["id"] for row in rows if row["state"] != "created"}


async def _record(connection: Connection, done: Sequence[Finished]) -> None:
    await connection.execute(
        "insert into attempt (message, n, at, host, result, code, answer, tls)"
        " select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::int[],"
        " $7::text[], $8::bool[]) on conflict do nothing",
        [f.message.id for f in done],
        [f.message.n for f in done],
        [f.answer.at for f in done],
        [f.answer.host for f in done],
        [f.answer.result for f in done],
        [f.answer.code for f in done],
        [f.answer.text for f in done],
        [f.answer.tls for f in done],
    )


async def due(connection: Connection) -> tuple[int, float]:
    """How many messages are due, and the age in seconds of the oldest."""
    row = await connection.fetchrow(
        "select count(*) as n, coalesce(extract(epoch from now() - min(next_attempt_at)), 0)::float as age"
        " from message where state in ('created', 'sending') and next_attempt_at <= now()"
    )
    assert row is not None
    return row["n"], row["age"]
