"""When every address of a body has failed, others get its notice: nothing legal rests on one address (decisions.md 18).

First the body's other addresses, then the tenant's administrator; when nobody is left, the notice on the platform
stands alone: an alarm says so, and after 24 hours status lets the delay run from it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from contracts.codec import codec
from invoice.sandbox import is_sandbox
from services.common import telemetry
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.notify import correspondents, metrics, people
from services.notify.correspondents import Managers
from services.notify.desk import Desk, alive
from services.notify.domain import Facts, Message, message_id
from services.notify.matrix import TAKES_OVER, Rule, rule_of
from services.notify.people import Person

_facts = codec(Facts)
_AT_MOST = 200
_FAILED: Final = (
    "select distinct on (m.cause) m.cause, m.subject, m.kind, m.entry, m.tenant, m.structure, m.data, m.traceparent"
    " from message m where m.legal and m.audience in ('body', 'administrator') and not m.settled"
    " and (m.state <> 'accepted' or m.returned_at is not null)"
    " and (m.state in ('permanent', 'technical', 'no_address', 'accepted') or m.created_at < now() - $1::interval)"
    " and not exists (select from message s where s.cause = m.cause and s.legal and s.audience in"
    " ('body', 'administrator') and s.state in ('created', 'sending', 'held', 'carried')"
    " and s.created_at >= now() - $1::interval)"
    " limit $2"
)
_SIBLINGS: Final = (
    "select cause, address, state = 'accepted' and returned_at is null as reached from message"
    " where cause = any($1) and legal and audience in ('body', 'administrator') for update"
)


class Takeover:
    """Looks for notices that reached nobody. ``patience``: how long every address may stay silent before."""

    def __init__(self, pool: Pool, desk: Desk, patience: timedelta) -> None:
        self._pool = pool
        self._desk = desk
        self._patience = patience

    async def look(self) -> int:
        """Hand on what reached nobody; returns how many notices were looked at. Nothing is locked between the two
        statements of the search: what another instance settles meanwhile is seen as settled, and ids are fixed."""
        rows = await self._pool.fetch(_FAILED, self._patience, _AT_MOST)
        if not rows:
            return 0
        async with transaction(self._pool, "notify", keys={row["subject"] for row in rows}) as tx:
            await self._hand_on(tx, rows)
        return len(rows)

    async def _hand_on(self, tx: Tx, rows: Sequence[asyncpg.Record]) -> None:
        causes = [row["cause"] for row in rows]
        tried: dict[UUID, set[str]] = defaultdict(set)
        reached: set[UUID] = set()
        for sibling in await tx.conn.fetch(_SIBLINGS, causes):
            tried[sibling["cause"]].add(sibling["address"])
            if sibling["reached"]:
                reached.add(sibling["cause"])
        book = await _Book.read(tx.conn, rows)
        made: list[Message] = []
        for row in rows:
            if row["cause"] not in reached:
                made += self._next(row, tried[row["cause"]], book)
        await tx.conn.execute(
            "update message set settled = true where cause = any($1) and legal and not settled"
            " and audience in ('body', 'administrator')",
            causes,
        )
        await self._desk.write(tx, made, book.people)

    def _next(self, row: asyncpg.Record, tried: set[str], book: "_Book") -> list[Message]:
        if is_sandbox(row["tenant"]):
            return []  # a trial's mail goes to its depositor, or to nobody
        others = [one for one in book.others(row["structure"]) if one not in tried]
        if others:
            return self._messages(row, rule_of(row["kind"], "body"), others, "others")
        administrators = [one for one in book.administrators(row["tenant"]) if one not in tried]
        if administrators and row["kind"] in TAKES_OVER:
            return self._messages(row, TAKES_OVER[row["kind"]], administrators, "administrator")
        metrics.TAKEN_OVER.labels(by="portal").inc()
        telemetry.logger().error("notify.nobody_reached", kind=row["kind"], subject=row["subject"])
        return []

    def _messages(self, row: asyncpg.Record, rule: Rule, addresses: Sequence[str], by: str) -> list[Message]:
        metrics.TAKEN_OVER.labels(by=by).inc()
        telemetry.logger().warning("notify.taken_over", by=by, kind=row["kind"], subject=row["subject"])
        return [
            Message(
                id=message_id(row["cause"], rule.audience, address),
                subject=row["subject"],
                kind=row["kind"],
                audience=rule.audience,
                address=address,
                facts=_facts.decode(row["data"].encode()),
                cause=row["cause"],
                legal=True,
                tenant=row["tenant"],
                entry=row["entry"],
                traceparent=row["traceparent"],
            )
            for address in addresses
        ]


class _Book:
    """The addresses that may take over."""

    def __init__(
        self, managers: Managers, administrators: Mapping[str, Sequence[str]], known: Mapping[str, Person]
    ) -> None:
        self._managers = managers
        self._administrators = administrators
        self.people = known

    @classmethod
    async def read(cls, connection: Connection, rows: Sequence[asyncpg.Record]) -> "_Book":
        """All that these notices may need."""
        managers = await correspondents.managers(connection, {row["structure"] for row in rows} - {None})
        administrators = await correspondents.administrators(connection, {row["tenant"] for row in rows} - {None})
        everybody = [
            *set().union(*managers.of_structure.values(), *managers.of_service.values(), *administrators.values())
        ]
        return cls(managers, administrators, await people.load(connection, alive(everybody, {})))

    def others(self, siret: str | None) -> list[str]:
        """Every living address of a body."""
        if siret is None:
            return []
        return alive([*self._managers.told(siret, None), *self._managers.others(siret)], self.people)

    def administrators(self, tenant: str | None) -> list[str]:
        """Every living address of a tenant's administrators."""
        return alive(self._administrators.get(tenant or "", ()), self.people)
