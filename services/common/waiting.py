"""Not yet: events whose predecessor has not come are kept, and applied in the transaction that brings it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.common.db import Connection
from services.common.record import Arrival, Record, pack_headers, read, unpack_headers


async def look_up(connection: Connection, keys: Iterable[str]) -> tuple[set[str], list[Arrival]]:
    """For locked ``keys``: those with an open dead letter, and the arrivals that wait, oldest first."""
    wanted = list(keys)
    if not wanted:
        return set(), []
    rows = await connection.fetch(
        "select distinct key, null::text as topic, null::bytea as headers, null::bytea as value,"
        " null::bigint as position"
        " from dead_letter where key = any($1::text[]) and state in ('parked', 'replay')"
        " union all"
        " select key, topic, headers, value, position from waiting_event where key = any($1::text[])"
        " order by position",
        wanted,
    )
    blocked = {row["key"] for row in rows if row["topic"] is None}
    return blocked, [_arrival(row["key"], row["topic"], row["headers"], row["value"]) for row in rows if row["topic"]]


def _arrival(key: str, topic: str, headers: bytes, value: bytes | None) -> Arrival:
    return read(
        Record(topic=topic, partition=None, offset=None, key=key.encode(), headers=unpack_headers(headers), value=value)
    )


async def keep(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    """Let these arrivals wait."""
    if not arrivals:
        return
    await connection.execute(
        "insert into waiting_event (event_id, key, topic, headers, value)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) on conflict do nothing",
        [a.id for a in arrivals],
        [a.key for a in arrivals],
        [a.record.topic for a in arrivals],
        [pack_headers(a.record.headers) for a in arrivals],
        [a.record.value for a in arrivals],
    )


async def leave(connection: Connection, event_ids: Sequence[UUID]) -> None:
    """These have been applied."""
    if event_ids:
        await connection.execute("delete from waiting_event where event_id = any($1::uuid[])", list(event_ids))


async def oldest_keys(connection: Connection, older_than_seconds: float, limit: int = 100) -> list[str]:
    """Keys whose events wait longer than that, for the sweeper: some, by lot, so that none keeps others out.

    Those with an open dead letter are left out: their events stay until it is settled.
    """
    rows = await connection.fetch(
        "select key from waiting_event where since < now() - make_interval(secs => $1) and not exists"
        " (select from dead_letter d where d.key = waiting_event.key and d.state in ('parked', 'replay'))"
        " group by key order by random() limit $2",
        older_than_seconds,
        limit,
    )
    return [row["key"] for row in rows]
