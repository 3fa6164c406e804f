"""SQL of supervision: a batch into the windows, and what sweeps them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from services.common import clock
from services.common.db import Connection, Pool
from services.supervision.domain import Journey
from services.supervision.sums import HOUR, LIVE, FieldKey, StageKey, Sums, TimeKey

#: Live windows are kept for three hours, the others as long as the topics: what goes further back is history, in SQL.
LIVE_HOURS: Final = 3
DAYS: Final = 31
DONE_HOURS: Final = 2
_json = msgspec.json.Encoder()
_journey = msgspec.json.Decoder(Journey)

_THROUGH: Final = (
    "select topic, kafka_partition, kafka_offset from read_through"
    " where (topic, kafka_partition) in (select * from unnest($1::text[], $2::int[])) order by 1, 2 for update"
)
_FIRST: Final = (
    "insert into read_through (topic, kafka_partition, kafka_offset)"
    " select t, p, -1 from unnest($1::text[], $2::int[]) x(t, p) order by 1, 2 on conflict do nothing"
)
_ADVANCE: Final = (
    "update read_through r set kafka_offset = x.o from unnest($1::text[], $2::int[], $3::bigint[]) x(t, p, o)"
    " where r.topic = x.t and r.kafka_partition = x.p"
)
_STAGES: Final = (
    "insert into stage_window as w (size, start, tenant, stage, count)"
    " select s, to_timestamp(b), t, g, n from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])"
    " x(s, b, t, g, n) order by 1, 3, 2, 4"
    " on conflict (size, tenant, start, stage) do update set count = w.count + excluded.count"
)
_TIMES: Final = (
    "insert into time_window as w (size, start, tenant, measure, bucket, count)"
    " select s, to_timestamp(b), t, m, k, n"
    " from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::bigint[]) x(s, b, t, m, k, n)"
    " order by 1, 3, 2, 4, 5"
    " on conflict (size, tenant, start, measure, bucket) do update set count = w.count + excluded.count"
)
_FIELDS: Final = (
    "insert into field_window as w (start, tenant, supplier, source, field, outcome, count)"
    " select to_timestamp(b), t, u, r, f, o, n"
    " from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])"
    " x(b, t, u, r, f, o, n) order by 2, 1, 3, 4, 5, 6"
    " on conflict (tenant, start, supplier, source, field, outcome) do update set count = w.count + excluded.count"
)
_JOURNEYS: Final = (
    "insert into journey as j (invoice, state, done, seen_at)"
    " select i, s::jsonb, d, now() from unnest($1::text[], $2::text[], $3::bool[]) x(i, s, d) order by 1"
    " on conflict (invoice) do update set state = excluded.state, done = excluded.done, seen_at = excluded.seen_at"
)
#: Points older than two days are thinned to the highest of each hour, which stands at its beginning.
_THIN: Final = (
    "with old as (delete from sample where at < date_trunc('hour', now() - interval '2 days', 'UTC')"
    "  and at <> date_trunc('hour', at, 'UTC') returning *)"
    " insert into sample as s (at, service, unread, oldest_unread_seconds, outbox, outbox_seconds, waiting,"
    "  dead_letters)"
    " select date_trunc('hour', at, 'UTC'), service, max(unread), max(oldest_unread_seconds), max(outbox),"
    "  max(outbox_seconds), max(waiting), max(dead_letters) from old group by 1, 2"
    " on conflict (service, at) do update set unread = greatest(s.unread, excluded.unread),"
    "  oldest_unread_seconds = greatest(s.oldest_unread_seconds, excluded.oldest_unread_seconds),"
    "  outbox = greatest(s.outbox, excluded.outbox),"
    "  outbox_seconds = greatest(s.outbox_seconds, excluded.outbox_seconds),"
    "  waiting = greatest(s.waiting, excluded.waiting),"
    "  dead_letters = greatest(s.dead_letters, excluded.dead_letters)"
)
#: A way whose end is known but for the e-mail, or of which only late or nameless events came, ends after a day.
_JOURNEYS_SWEPT: Final = (
    "delete from journey where done and seen_at < now() - make_interval(hours => $1)"
    " or not done and seen_at < now() - make_interval(days => $2)"
    " or not done and seen_at < now() - make_interval(days => 1)"
    "  and (state ?| array['available', 'told'] or not state ?| array['received', 'submitted', 'drafted'])"
)
K = TypeVar("K")
Place = tuple[str, int]


async def through(connection: Connection, places: Iterable[Place]) -> dict[Place, int]:
    """The last offset counted of these partitions; they stay locked, so that nobody else counts the same."""
    topics, partitions = zip(*sorted(places), strict=True)
    await connection.execute(_FIRST, list(topics), list(partitions))
    rows = await connection.fetch(_THROUGH, list(topics), list(partitions))
    return {(row["topic"], row["kafka_partition"]): row["kafka_offset"] for row in rows}


async def advance(connection: Connection, offsets: Mapping[Place, int]) -> None:
    """These offsets are counted."""
    places = sorted(offsets)
    await connection.execute(_ADVANCE, [p[0] for p in places], [p[1] for p in places], [offsets[p] for p in places])


async def journeys(connection: Connection, invoices: Iterable[str]) -> dict[str, Journey]:
    """What is known of these invoices."""
    rows = await connection.fetch(
        "select invoice, state::text from journey where invoice = any($1::text[])", list(invoices)
    )
    return {row["invoice"]: _journey.decode(row["state"]) for row in rows}


async def keep(connection: Connection, found: Mapping[str, Journey]) -> None:
    """Write journeys down."""
    if found:
        states = [_json.encode(journey).decode() for journey in found.values()]
        await connection.execute(_JOURNEYS, list(found), states, [journey.done for journey in found.values()])


async def add(connection: Connection, sums: Sums) -> None:
    """Add a batch's sums to the windows."""
    stages: list[tuple[StageKey, int]] = _left(sums.stages)
    times: list[tuple[TimeKey, int]] = _left(sums.times)
    fields: list[tuple[FieldKey, int]] = _left(sums.fields)
    for sql, rows in ((_STAGES, stages), (_TIMES, times), (_FIELDS, fields)):
        if rows:
            await connection.execute(sql, *_columns([(*key, count) for key, count in rows]))


def _left(counted: "Counter[K]") -> list[tuple[K, int]]:
    return [(key, count) for key, count in counted.items() if count]


def _columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def sweep(pool: Pool) -> None:
    """Forget windows and journeys that are too old to be shown or to go on."""
    for table, size, hours in (
        ("stage_window", LIVE, LIVE_HOURS),
        ("time_window", LIVE, LIVE_HOURS),
        ("stage_window", HOUR, DAYS * 24),
        ("time_window", HOUR, DAYS * 24),
    ):
        await pool.execute(
            f"delete from {table} where size = $1 and start < now() - make_interval(hours => $2)", size, hours
        )
    await pool.execute("delete from field_window where start < now() - make_interval(days => $1)", DAYS)
    await pool.execute("delete from refused_flow where finished_at < now() - make_interval(days => $1)", DAYS)
    await pool.execute(_THIN)
    await pool.execute("delete from sample where at < now() - make_interval(days => $1)", DAYS)
    await pool.execute(_JOURNEYS_SWEPT, DONE_HOURS, DAYS)


async def forget_everything(connection: Connection) -> None:
    """Empty the windows, so that the topics fill them again."""
    await connection.execute(
        "truncate stage_window, time_window, field_window, refused_flow, journey, read_through, processed_event"
    )


def now() -> datetime:
    """The instant that windows are asked for: the platform's time, as events have it."""
    return clock.now()
