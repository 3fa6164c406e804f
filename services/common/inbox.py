"""Inbox: an event's id is taken in the transaction of its effects, so that a second delivery does nothing."""

from collections.abc import Iterable
from uuid import UUID

from services.common.db import Connection


async def take(connection: Connection, event_ids: Iterable[UUID]) -> set[UUID]:
    """Take these ids; returns those that nobody had taken before."""
    rows = await connection.fetch(
        "insert into processed_event (event_id) select unnest($1::uuid[]) on conflict do nothing returning event_id",
        sorted(set(event_ids)),
    )
    return {row["event_id"] for row in rows}


async def prune(connection: Connection, days: int) -> int:
    """Forget ids older than any topic's retention; returns how many."""
    status: str = await connection.execute(
        "delete from processed_event where processed_at < now() - make_interval(days => $1)", days
    )
    return int(status.rpartition(" ")[2])
