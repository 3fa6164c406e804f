"""Sends again what an owner asks for, invoice by invoice: one that was replayed keeps the order of its events."""

from uuid import UUID

import asyncpg

from services.common.db import Connection, Pool
from services.common.deliver import transaction
from services.notify import webhook_store

_CHUNK = 300
_BOUNDS = (
    "update webhook_replay r set from_position = b.f, to_position = b.t, next_position = b.f from"
    " (select coalesce(x.from_position, (select min(e.position) from webhook_event e where e.recorded_at >= x.since),"
    " 1) as f, case when x.from_position is null and not exists (select from webhook_event e where e.recorded_at >="
    " x.since) then 0 else coalesce((select max(position) from webhook_event), 0) end as t"
    " from webhook_replay x where x.id = $1) b where r.id = $1 and r.next_position is null"
)
_ENQUEUE = (
    "insert into webhook_delivery (webhook, event, position, subject, type, state, next_attempt_at, created_at, replay)"
    " select w.id, e.id, e.position, e.subject, e.type, 'behind', now(), now(), $3 from webhook w"
    " join webhook_owner o on o.subject = w.owner join webhook_event e on e.subject = any($2)"
    " and e.position between $4 and $5 and webhook_wants(w, e) and webhook_scope(o, e) is not null"
    " where w.id = $1 and w.state in ('active', 'paused')"
    " on conflict (webhook, event) do update set replay = excluded.replay, created_at = excluded.created_at,"
    " failures = 0, state = case when webhook_delivery.state = 'sending' then 'sending' else 'behind' end,"
    " next_attempt_at = case when webhook_delivery.state = 'sending' then webhook_delivery.next_attempt_at else now()"
    " end, done_at = null where webhook_delivery.replay is distinct from excluded.replay"
)
#: What was waiting behind nothing may now have an earlier event before it.
_DEMOTE = (
    "update webhook_delivery d set state = 'behind' where d.webhook = $1 and d.subject = any($2)"
    " and d.state = 'waiting' and exists (select from webhook_delivery e where e.webhook = d.webhook"
    " and e.subject = d.subject"
    " and e.position < d.position and e.state in ('behind', 'waiting', 'sending'))"
)


async def replay_some(pool: Pool) -> bool:
    """Do a stretch of a replay that is not done, of one or another by chance; False when there is none."""
    async with pool.acquire() as connection:
        row = await connection.fetchrow("select id from webhook_replay where done_at is null order by random() limit 1")
        if row is None:
            return False
        await connection.execute(_BOUNDS, row["id"])
        replay = await connection.fetchrow("select * from webhook_replay where id = $1", row["id"])
        assert replay is not None
        found = await connection.fetch(
            "select position, subject from webhook_event where position between $1 and $2 order by position limit $3",
            replay["next_position"],
            replay["to_position"],
            _CHUNK,
        )
    subjects = sorted({row["subject"] for row in found})
    async with transaction(pool, "notify", keys=subjects) as tx:
        await _stretch(tx.conn, replay, subjects, found[-1]["position"] + 1 if len(found) == _CHUNK else None)
    return True


async def _stretch(connection: Connection, replay: asyncpg.Record, subjects: list[str], following: int | None) -> None:
    """One stretch: the whole of each invoice met in it. Another instance may have done it meanwhile."""
    ours = await connection.fetchval(
        "select id from webhook_replay where id = $1 and next_position = $2 and done_at is null for update",
        replay["id"],
        replay["next_position"],
    )
    if ours is None:
        return
    webhook: UUID = replay["webhook"]
    await webhook_store.recheck_owners(connection)
    status = await connection.execute(
        _ENQUEUE, webhook, subjects, replay["id"], replay["from_position"], replay["to_position"]
    )
    await connection.execute(_DEMOTE, webhook, subjects)
    await webhook_store.promote(connection, {(webhook, subject) for subject in subjects})
    await connection.execute(
        "update webhook_replay set events = events + $2, next_position = coalesce($3, next_position),"
        " done_at = case when $3::bigint is null then now() end where id = $1",
        replay["id"],
        int(status.rpartition(" ")[2]),
        following,
    )
    await webhook_store.wake(connection)
