"""Messages written to PostgreSQL, to be sent at once or held until their mail gathers them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from contracts.codec import codec
from services.common.db import Connection
from services.notify.domain import Facts, Gathering, Message, State
from services.notify.gathering import Place
from services.notify.store import WAKE_CHANNEL

_facts = codec(Facts)


async def write(
    connection: Connection, messages: Sequence[tuple[Message, Place]], domain: str, now: datetime
) -> set[UUID]:
    """Write what is new, wake the workers at commit, and return the ids that are new."""
    if not messages:
        return set()
    rows = await connection.fetch(
        "with wake as (select pg_notify($1::text, '')) insert into message (id, subject, entry, kind, audience,"
        " address, language, data, message_id_header, traceparent, cause, legal, tenant, structure, lane, gathering,"
        " state, next_attempt_at, created_at, done_at)"
        " select t.id, t.subject, t.entry, t.kind, t.audience, t.address, t.language, t.data,"
        " '<' || t.id || '@' || $2::text || '>', t.traceparent, t.cause, t.legal, t.tenant, t.structure, t.lane,"
        " t.gathering, t.state, t.due_at, $3::timestamptz, case when t.state = 'no_address' then $3 end"
        " from unnest($4::uuid[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[],"
        " $11::jsonb[], $12::text[], $13::uuid[], $14::bool[], $15::text[], $16::text[], $17::text[], $18::text[],"
        " $19::text[], $20::timestamptz[], $21::int[]) t(id, subject, entry, kind, audience, address, language, data,"
        " traceparent, cause, legal, tenant, structure, lane, gathering, state, due_at, o), wake"
        " order by t.o on conflict do nothing returning id",
        WAKE_CHANNEL,
        domain,
        now,
        *_columns(messages),
    )
    return {row["id"] for row in rows}


def _columns(messages: Sequence[tuple[Message, Place]]) -> list[list[object]]:
    rows = [
        (
            m.id,
            m.subject,
            m.entry,
            m.kind,
            m.audience,
            m.address,
            m.language,
            _facts.encode(m.facts).decode(),
            m.traceparent,
            m.cause,
            m.legal,
            m.tenant,
            m.facts.recipient_siret,
            m.lane,
            place.gathering,
            _state(m, place),
            place.due_at,
            order,
        )
        for order, (m, place) in enumerate(messages)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _state(message: Message, place: Place) -> State:
    if not message.address:
        return "no_address"
    return "created" if place.gathering is None else "held"


async def gather(connection: Connection, due: Mapping[tuple[str, str, Gathering], datetime]) -> None:
    """See to it that what is held is carried. Locks the carriers-to-be, so that none is made past what is held now."""
    if due:
        keys = sorted(due)
        await connection.execute(
            "insert into gathering as g (address, audience, gathering, due_at)"
            " select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) order by 1, 2, 3"
            " on conflict (address, audience, gathering) do update set due_at = least(g.due_at, excluded.due_at)",
            *[list(column) for column in zip(*keys, strict=True)],
            [due[key] for key in keys],
        )
