"""Makes the mails that carry several messages, when their time has come."""

import asyncio
import itertools
from collections.abc import Sequence
from uuid import UUID, uuid5

import asyncpg

from contracts.codec import codec
from services.common.db import Connection, Pool
from services.common.loops import tried, until_done
from services.notify import metrics
from services.notify.domain import Facts
from services.notify.store import CARRIERS, WAKE_CHANNEL

_facts = codec(Facts)
#: A mail of five hundred lines is still read; the rest of a flood goes into the next one.
ITEMS_AT_MOST = 500
_GROUPS = 20
_LOOKS_TO_FORGET = 2000
_KINDS = {gathering: kind for kind, gathering in CARRIERS.items()}


class Gatherer:
    """Looks every ``every`` seconds. ``domain`` is the right part of every Message-ID."""

    def __init__(self, pool: Pool, domain: str, every: float = 0.5) -> None:
        self._pool = pool
        self._domain = domain
        self._every = every

    async def run(self) -> None:
        """Gather until cancelled."""
        for looked in itertools.count(1):
            made = await until_done(self.gather, "notify.gather_failed")
            if looked % _LOOKS_TO_FORGET == 0:
                await tried(self._forget, "notify.gather_failed")
            if not made:
                await asyncio.sleep(self._every)

    async def _forget(self) -> None:
        await self._pool.execute("delete from address_window where opened_at < now() - interval '1 day'")

    async def gather(self) -> int:
        """Make the carriers that are due, notices before digests; returns how many groups were looked at."""
        async with self._pool.acquire() as connection, connection.transaction():
            groups = await connection.fetch(
                "select address, audience, gathering from gathering where due_at <= now()"
                " order by gathering <> 'notice', due_at limit $1 for update skip locked",
                _GROUPS,
            )
            for group in groups:
                await self._carry(connection, group)
            if groups:
                await connection.execute("select pg_notify($1, '')", WAKE_CHANNEL)
            return len(groups)

    async def _carry(self, connection: Connection, group: asyncpg.Record) -> None:
        key = (group["address"], group["audience"], group["gathering"])
        rows = await connection.fetch(
            "select id, legal, tenant, structure, language, traceparent, lane, now() as at from message"
            " where state = 'held' and address = $1 and audience = $2 and gathering = $3"
            " order by created_at, id limit $4",
            *key,
            ITEMS_AT_MOST,
        )
        if len(rows) < ITEMS_AT_MOST:
            await connection.execute(
                "delete from gathering where address = $1 and audience = $2 and gathering = $3", *key
            )
        if len(rows) == 1:  # alone it needs no carrier: it leaves as the letter that it is
            await connection.execute(
                "update message set state = 'created', next_attempt_at = now() where id = $1", rows[0]["id"]
            )
        elif rows:
            await self._make(connection, group, rows)
            metrics.GATHERED.labels(gathering=group["gathering"]).inc(len(rows))

    async def _make(self, connection: Connection, group: asyncpg.Record, rows: Sequence[asyncpg.Record]) -> None:
        first = rows[0]
        identity = uuid5(first["id"], "carrier")
        await connection.execute(
            "insert into message (id, subject, kind, audience, address, language, data, message_id_header, traceparent,"
            " legal, tenant, structure, lane, state, next_attempt_at, created_at, settled)"
            " values ($1::uuid, $1::uuid::text, $2, $3, $4, $5, $6::jsonb, '<' || $1::uuid || '@' || $7::text || '>',"
            " $8, $9, $10, $11, $12, 'created', now(), now(), true)",
            identity,
            _KINDS[group["gathering"]],
            group["audience"],
            group["address"],
            first["language"],
            _facts.encode(Facts(at=first["at"])).decode(),
            self._domain,
            first["traceparent"],
            first["legal"],
            first["tenant"],
            first["structure"],
            first["lane"],
        )
        held: list[UUID] = [row["id"] for row in rows]
        await connection.execute(
            "update message set state = 'carried', carried_by = $2 where id = any($1)", held, identity
        )
