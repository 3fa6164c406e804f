"""What may be deleted because its term is over (invoice/data/retention.yaml), and its deletion: never a day earlier.

Of an accepted invoice the files go; its row stays with number, hash and header, so that its number stays taken and a
certificate of deposit can still be compared. Of a deposit that was refused everything goes, twelve months after its
verdict (decisions.md 14). Nothing goes by itself: an operator asks, sees what would go, and then says so.

An object of the store may carry several invoices (a flow's pack) or be reused: it goes with the last that stands on it.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

import msgspec

from invoice.retention import first_free_day, refused_first_free_day
from services.common import telemetry
from services.common.blobs import Blobs
from services.common.db import Pool
from services.common.deliver import transaction
from services.ingest.domain import paris_day
from services.ingest.flow_segments import folder

_AT_ONCE: Final = 500
_ACCEPTED: Final = (
    "select d.id, d.decided_at, d.header->>'recipient_siret' as recipient, s.data->>'kind' as kind from deposit d"
    " left join directory_entry s on s.kind = 'structure' and s.owner = d.header->>'recipient_siret'"
    " where d.state = 'submitted' and d.expired_at is null and d.decided_at < $1 and d.id > $2 order by d.id limit $3"
)
_REFUSED: Final = (
    "select id, decided_at from deposit where state = 'refused' and decided_at < $1 and id > $2 order by id limit $3"
)
_LEFT: Final = "select id from deposit where expired_at is not null and files_deleted_at is null order by id limit $1"
#: Objects that an expired deposit and its attachments stood on, and nobody else stands on.
_FREE: Final = """
with gone as (select id from deposit where id = any($1::uuid[])),
keys as (
    select object_key from deposit where id in (select id from gone)
    union select object_key from attachment where deposit_id in (select id from gone)
)
select object_key from keys k where object_key is not null
    and not exists (select from deposit o where o.object_key = k.object_key and o.expired_at is null
        and o.state <> 'duplicate' and o.id not in (select id from gone))
    and not exists (select from attachment a join deposit o on o.id = a.deposit_id where a.object_key = k.object_key
        and o.expired_at is null and o.id not in (select id from gone))
"""
#: Flows that are over and of which no deposit is kept any more; their own bytes are still there.
_FLOWS: Final = (
    "select f.id, f.depositor, f.finished_at from flow f where f.finished_at < $1 and f.id > $2"
    " and exists (select from flow_segment s where s.flow_id = f.id)"
    " and not exists (select from flow_item i join deposit d on d.id = i.deposit_id"
    "  where i.flow_id = f.id and d.expired_at is null) order by f.id limit $3"
)
_STOOD_ON: Final = (
    "select object_key from deposit where object_key = any($1::text[]) and expired_at is null and state <> 'duplicate'"
    " union select a.object_key from attachment a join deposit o on o.id = a.deposit_id"
    " where a.object_key = any($1::text[]) and o.expired_at is null"
)


class Due(msgspec.Struct, frozen=True):
    """A deposit whose term is over. ``what``: ``accepted`` or ``refused``; ``since``: the first day on which it was."""

    id: UUID
    what: str
    since: date


class Expiry:
    """Finds and deletes what is due, as of a Paris day."""

    def __init__(self, pool: Pool, blobs: Blobs) -> None:
        self._pool = pool
        self._blobs = blobs

    async def due(self, on: date) -> list[Due]:
        """All that may go on that day."""
        found: list[Due] = []
        for what, statement in (("accepted", _ACCEPTED), ("refused", _REFUSED)):
            after = UUID(int=0)
            while rows := await self._pool.fetch(statement, _last_instant(on), after, _AT_ONCE):
                after = rows[-1]["id"]
                for row in rows:
                    day = paris_day(row["decided_at"])
                    since = first_free_day(day, row["kind"]) if what == "accepted" else refused_first_free_day(day)
                    if since <= on:
                        found.append(Due(row["id"], what, since))
        return found

    async def delete(self, due: Iterable[Due], now: datetime) -> int:
        """Delete these; returns how many objects of the store went. Raises ValueError for one that is not due now."""
        wanted = list(due)
        early = [one.id for one in wanted if one.since > paris_day(now)]
        if early:
            raise ValueError(f"not due yet: {early[0]}")
        accepted = [one.id for one in wanted if one.what == "accepted"]
        await self._pool.execute(
            "update deposit set expired_at = $2 where (id = any($1::uuid[]) and state = 'submitted')"
            " or (duplicate_of = any($1::uuid[]) and expired_at is null)",
            accepted,
            now,
        )
        deleted = await self._finish(now)
        refused = [one.id for one in wanted if one.what == "refused"]
        for start in range(0, len(refused), _AT_ONCE):
            deleted += await self._drop(refused[start : start + _AT_ONCE])
        deleted += await self._flows(now)
        telemetry.logger().info("originals.expired", accepted=len(accepted), refused=len(refused), objects=deleted)
        return deleted

    async def _finish(self, now: datetime) -> int:
        """Delete the files of what has expired, those that an earlier run left behind included."""
        deleted = 0
        while rows := await self._pool.fetch(_LEFT, _AT_ONCE):
            ids = [row["id"] for row in rows]
            for row in await self._pool.fetch(_FREE, ids):
                await self._blobs.delete(row["object_key"])
                deleted += 1
            await self._pool.execute("update deposit set files_deleted_at = $2 where id = any($1::uuid[])", ids, now)
        return deleted

    async def _drop(self, ids: list[UUID]) -> int:
        """Delete refused deposits. Their objects are free once the rows are gone: the sweep takes what this misses."""
        async with transaction(self._pool, "ingest") as tx:
            keys = [row["object_key"] for row in await tx.conn.fetch(_FREE, ids)]
            await tx.conn.execute("delete from attachment where deposit_id = any($1::uuid[])", ids)
            await tx.conn.execute("delete from deposit where duplicate_of = any($1::uuid[])", ids)
            await tx.conn.execute("delete from deposit where id = any($1::uuid[]) and state = 'refused'", ids)
        for key in keys:
            await self._blobs.delete(key)
        return len(keys)

    async def _flows(self, now: datetime) -> int:
        """Delete the files in which expired and refused invoices came, the months of a refused one after their end."""
        deleted, after = 0, UUID(int=0)
        while rows := await self._pool.fetch(_FLOWS, now, after, _AT_ONCE):
            after = rows[-1]["id"]
            for row in rows:
                if refused_first_free_day(paris_day(row["finished_at"])) <= paris_day(now):
                    deleted += await self._flow(row["id"], folder(row["depositor"], row["id"]), now)
        return deleted

    async def _flow(self, flow: UUID, prefix: str, now: datetime) -> int:
        deleted, last = 0, ""
        while keys := await self._blobs.older_than(prefix, now, _AT_ONCE, after=last):
            last = keys[-1]
            kept = {row["object_key"] for row in await self._pool.fetch(_STOOD_ON, keys)}
            for key in keys:
                if key not in kept:
                    await self._blobs.delete(key)
                    deleted += 1
        await self._pool.execute("delete from flow_segment where flow_id = $1", flow)
        return deleted


def _last_instant(on: date) -> datetime:
    """After every instant of that Paris day."""
    return datetime.combine(on + timedelta(days=2), time(), UTC)
