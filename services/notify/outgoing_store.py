"""Files of the outgoing folders in PostgreSQL: planned with their events, then marked as written."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.common.db import Connection
from services.notify import webhook_store
from services.notify.outgoing_format import Format, Line, file_name
from services.notify.webhook_rules import Known

_DUE = (
    "select d.event, webhook_scope(o, e) as scope from webhook_delivery d join webhook w on w.id = d.webhook"
    " join webhook_owner o on o.subject = w.owner left join webhook_event e on e.id = d.event where d.webhook = $1"
    " and d.state in ('waiting', 'behind') and d.created_at < $2 order by d.position limit $3"
)


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is to be written: its place and its number are taken, its events are fixed."""

    webhook: UUID
    structure: str
    format: Format
    sequence: int
    name: str
    key: str
    planned_at: datetime


async def folders(connection: Connection) -> list[asyncpg.Record]:
    """Folders with a file to write or with events that wait; whoever cannot be worked on now is left out."""
    return await connection.fetch(
        "select w.id, w.structure, w.format, w.rhythm from webhook w where w.kind = 'folder' and w.state <> 'deleted'"
        " and (exists (select from outgoing_file f where f.webhook = w.id and f.written_at is null)"
        " or w.state = 'active' and exists (select from webhook_delivery d where d.webhook = w.id"
        " and d.state in ('waiting', 'behind'))) order by w.id"
    )


async def planned(connection: Connection, folder: asyncpg.Record) -> Planned | None:
    """The file that is planned and not written: it comes before any other."""
    row = await connection.fetchrow(
        "select sequence, name, key, planned_at from outgoing_file where webhook = $1 and written_at is null"
        " order by sequence limit 1",
        folder["id"],
    )
    return None if row is None else _planned(folder, **dict(row))


async def plan(
    connection: Connection, folder: asyncpg.Record, before: datetime, limit: int, now: datetime
) -> Planned | None:
    """Take what waits from before that instant into the next file; None when nothing does.

    The caller holds the folder's lock, and no other file of it is open.
    """
    webhook = folder["id"]
    await webhook_store.recheck_owners(connection)
    rows = await connection.fetch(_DUE, webhook, before, limit)
    lost = [row["event"] for row in rows if row["scope"] is None]
    await _end(connection, webhook, lost, "dropped", now)
    lines = [row for row in rows if row["scope"] is not None]
    if not lines:
        return None
    sequence: int = await connection.fetchval(
        "update webhook set last_sequence = last_sequence + 1 where id = $1 returning last_sequence", webhook
    )
    name = file_name(folder["format"], folder["structure"], sequence)
    key = f"outgoing/{folder['structure']}/{webhook}/{name}"
    events = [row["event"] for row in lines]
    await connection.execute(
        "insert into outgoing_file (webhook, sequence, name, key, events, planned_at) values ($1, $2, $3, $4, $5, $6)",
        webhook,
        sequence,
        name,
        key,
        len(lines),
        now,
    )
    await connection.execute(
        "insert into outgoing_line (webhook, sequence, line, event, scope)"
        " select $1, $2, t.o, t.event, t.scope from unnest($3::uuid[], $4::text[]) with ordinality t(event, scope, o)",
        webhook,
        sequence,
        events,
        [row["scope"] for row in lines],
    )
    await connection.execute(
        "update webhook_delivery set state = 'sending', attempts = attempts + 1 where webhook = $1 and event = any($2)",
        webhook,
        events,
    )
    return _planned(folder, sequence=sequence, name=name, key=key, planned_at=now)


def _planned(folder: asyncpg.Record, *, sequence: int, name: str, key: str, planned_at: datetime) -> Planned:
    return Planned(
        webhook=folder["id"],
        structure=folder["structure"],
        format=folder["format"],
        sequence=sequence,
        name=name,
        key=key,
        planned_at=planned_at,
    )


async def lines(connection: Connection, file: Planned) -> list[Line]:
    """The file's events, in order."""
    rows = await connection.fetch(
        "select e.id, e.type, e.subject, e.time, e.data, l.scope from outgoing_line l"
        " join webhook_event e on e.id = l.event where l.webhook = $1 and l.sequence = $2 order by l.line",
        file.webhook,
        file.sequence,
    )
    return [
        Line(
            Known(id=row["id"], type=row["type"], subject=row["subject"], time=row["time"], data=row["data"]),
            row["scope"],
        )
        for row in rows
    ]


async def written(
    connection: Connection, file: Planned, *, sha256: str, size: int, left_out: int, now: datetime
) -> bool:
    """Mark the file and its events; False when that was done before."""
    found = await connection.fetchval(
        "update outgoing_file set written_at = $3, sha256 = $4, size = $5, left_out = $6"
        " where webhook = $1 and sequence = $2 and written_at is null returning events",
        file.webhook,
        file.sequence,
        now,
        sha256,
        size,
        left_out,
    )
    if found is None:
        return False
    rows = await connection.fetch(
        "delete from outgoing_line where webhook = $1 and sequence = $2 returning event", file.webhook, file.sequence
    )
    events = [row["event"] for row in rows]
    await connection.execute(
        "insert into webhook_attempt (webhook, event, n, at, duration_ms, result, answer)"
        " select webhook, event, attempts, $3, 0, 'delivered', $4 from webhook_delivery"
        " where webhook = $1 and event = any($2) on conflict do nothing",
        file.webhook,
        events,
        now,
        file.name,
    )
    await _end(connection, file.webhook, events, "delivered", now)
    return True


async def _end(connection: Connection, webhook: UUID, events: Sequence[UUID], state: str, now: datetime) -> None:
    if events:
        await connection.execute(
            "update webhook_delivery set state = $3, done_at = $4 where webhook = $1 and event = any($2)"
            " and state in ('behind', 'waiting', 'sending')",
            webhook,
            list(events),
            state,
            now,
        )
