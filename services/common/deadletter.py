"""Dead letters: parked in the consumer's own database, visible, replayed or dropped by a person.

``park`` runs in the transaction that marks the event as processed. The command line is in
:mod:`services.common.deadletter_cli`; the running service does what it asks for.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from contracts.registry import ServiceName, dead_letter_topic
from services.common import outbox
from services.common.db import Connection
from services.common.record import Arrival, Record, pack_headers, read, unpack_headers


class Reason(msgspec.Struct, frozen=True):
    """Why a record is parked: its ``kind``, a stable ``code``, a detail without content, a scrubbed traceback."""

    kind: str
    code: str
    detail: str
    traceback: str | None = None


class Limit:
    """Stops consuming when too much is parked: a bad deploy must not drain a day of invoices.

    Trips after ``in_a_row`` records parked with none handled between, or when more than ``share`` of the last
    ``window`` records (100 at least) were parked. It stays tripped until a person restarts the process.
    """

    def __init__(self, in_a_row: int = 50, share: float = 0.5, window: int = 500) -> None:
        self._in_a_row = in_a_row
        self._share = share
        self._recent: deque[tuple[int, int]] = deque()
        self._window = window
        self._row = 0
        self.tripped: str | None = None

    def count(self, *, handled: int, parked: int) -> None:
        """Record the outcome of one transaction."""
        if not handled and not parked:
            return
        self._row = 0 if handled else self._row + parked
        self._recent.append((handled, parked))
        while sum(h + p for h, p in self._recent) > self._window and len(self._recent) > 1:
            self._recent.popleft()
        total = sum(h + p for h, p in self._recent)
        bad = sum(p for _, p in self._recent)
        if self._row >= self._in_a_row:
            self.tripped = f"{self._row} records parked in a row"
        elif total >= 100 and bad > self._share * total:
            self.tripped = f"{bad} of the last {total} records parked"


async def park(
    connection: Connection, service: ServiceName, letters: Sequence[tuple[Arrival, Reason]]
) -> list[outbox.Outgoing]:
    """Park letters in the running transaction; returns their mirror messages for the outbox."""
    if not letters:
        return []
    await connection.execute(
        "insert into dead_letter (event_id, topic, kafka_partition, kafka_offset, key, type, headers, value,"
        " kind, reason, detail, traceback, tenant)"
        " select * from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::bytea[],"
        " $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[]) on conflict (event_id) do update"
        # A letter that was replayed, had to wait for its predecessor and goes wrong now takes its old place again.
        " set state = 'parked', settled_at = null, attempts = dead_letter.attempts + 1, kind = excluded.kind,"
        " reason = excluded.reason, detail = excluded.detail, traceback = excluded.traceback"
        " where dead_letter.state = 'replayed'",
        [a.id for a, _ in letters],
        [a.record.topic for a, _ in letters],
        [a.record.partition for a, _ in letters],
        [a.record.offset for a, _ in letters],
        [a.key for a, _ in letters],
        [a.event.type if a.event else None for a, _ in letters],
        [pack_headers(a.record.headers) for a, _ in letters],
        [a.record.value for a, _ in letters],
        [r.kind for _, r in letters],
        [_clean(r.code) for _, r in letters],
        [_clean(r.detail) for _, r in letters],
        [r.traceback for _, r in letters],
        [a.event.tenant if a.event else None for a, _ in letters],
    )
    return [_mirror(service, arrival, reason) for arrival, reason in letters]


def _clean(text: str) -> str:
    return text.replace("\0", "\\x00")[:500]


def _mirror(service: ServiceName, arrival: Arrival, reason: Reason) -> outbox.Outgoing:
    record = arrival.record
    size = sum(len(name.encode()) + len(value or b"") + 10 for name, value in record.headers)
    fits = size < 32_000 and len(record.value or b"") <= outbox.MAX_VALUE_BYTES
    return outbox.Outgoing(
        topic=dead_letter_topic(service),
        key=arrival.key,
        headers=[
            *(record.headers if fits else []),
            ("chorale_reason", _clean(reason.code).encode()),
            ("chorale_origin", f"{record.topic}/{record.partition}/{record.offset}".encode()),
        ],
        value=record.value if fits else None,
    )


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A parked letter that a person asked to replay."""

    id: int
    arrival: Arrival


async def keys_to_replay(connection: Connection, limit: int = 50) -> list[str]:
    """Keys (or ``#id`` for letters without one) with letters to replay, oldest first.

    What is only parked behind goes on by itself once nothing before it stays parked.
    """
    rows = await connection.fetch(
        "select coalesce(key, '#' || id) as name from dead_letter l where state in ('parked', 'replay')"
        " and (state = 'replay' or kind = 'behind' and not exists (select from dead_letter b where b.key = l.key"
        "  and b.id < l.id and b.state = 'parked' and b.kind <> 'behind'))"
        " group by 1 order by min(id) limit $1",
        limit,
    )
    return [row["name"] for row in rows]


async def to_replay(connection: Connection, name: str) -> list[Letter]:
    """The letters of one key to replay, in order, stopping before the first that stays parked. They are locked."""
    rows = await connection.fetch(
        "select id, topic, kafka_partition, kafka_offset, key, headers, value, state, kind from dead_letter"
        " where coalesce(key, '#' || id) = $1 and state in ('parked', 'replay') order by id for update",
        name,
    )
    letters: list[Letter] = []
    for row in rows:
        if row["state"] == "parked" and row["kind"] != "behind":
            break
        record = Record(
            topic=row["topic"],
            partition=row["kafka_partition"],
            offset=row["kafka_offset"],
            key=None if row["key"] is None else row["key"].encode(),
            headers=unpack_headers(row["headers"]),
            value=row["value"],
        )
        letters.append(Letter(id=row["id"], arrival=read(record)))
    return letters


async def settle(connection: Connection, letter: int, state: str, reason: Reason | None = None) -> None:
    """Mark a letter ``replayed``, or ``parked`` again with the reason of the new failure."""
    await connection.execute(
        "update dead_letter set state = $2, settled_at = case when $2 = 'replayed' then now() end,"
        " attempts = attempts + 1, kind = coalesce($3, kind), reason = coalesce($4, reason),"
        " detail = coalesce($5, detail), traceback = coalesce($6, traceback) where id = $1",
        letter,
        state,
        reason and reason.kind,
        reason and _clean(reason.code),
        reason and _clean(reason.detail),
        reason and reason.traceback,
    )
    await connection.execute(
        "insert into dead_letter_audit (dead_letter_id, action, operator) values ($1, $2, 'service')", letter, state
    )


async def park_rest(connection: Connection, name: str) -> None:
    """Letters of this key that were to be replayed behind a failure go back to being parked."""
    await connection.execute(
        "update dead_letter set state = 'parked' where coalesce(key, '#' || id) = $1 and state = 'replay'", name
    )


if __name__ == "__main__":
    from services.common.deadletter_cli import main

    raise SystemExit(main())
