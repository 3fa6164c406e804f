"""A bounce is handed in: its address is dead, its structure is told, and its notices are taken over."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID, uuid5

import asyncpg

from services.common import telemetry
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.notify import correspondents, metrics, outcomes, returned
from services.notify.desk import Desk
from services.notify.domain import Facts, Message, message_id
from services.notify.matrix import Audience, side_of
from services.notify.outcomes import Whose
from services.notify.returned import Report
from services.notify.store import CARRIERS

#: ``dead``: the address takes nothing any more; ``noted``: kept, and nothing follows; ``unread``: no delivery report.
Outcome = Literal["dead", "noted", "unread"]


class Bounces:
    """Takes bounces in. ``secret`` signs the return addresses."""

    def __init__(self, pool: Pool, desk: Desk, secret: str) -> None:
        self._pool = pool
        self._desk = desk
        self._secret = secret

    async def take(self, raw: bytes, told: str | None) -> Outcome:
        """Handle one mail that came to a return address; ``told`` is that address, where the mail server says it.

        Raises :class:`services.notify.tokens.InvalidToken` for a bounce of something that we did not send.
        """
        message = returned.about(self._secret, returned.addressed_to(raw, told))
        report = returned.read(raw)
        if report is None:
            return "unread"
        async with transaction(self._pool, "notify", keys=[f"bounce/{message}"]) as tx:
            return await self._taken(tx, message, report)

    async def _taken(self, tx: Tx, identity: UUID, report: Report) -> Outcome:
        mail = await tx.conn.fetchrow(
            "select id, kind, audience, address, structure, tenant, state from message where id = $1", identity
        )
        if mail is None:
            return "unread"
        new = await tx.conn.fetchval(
            "insert into bounce (message, at, action, status, diagnostic) values ($1, $2, $3, $4, $5)"
            " on conflict do nothing returning true",
            identity,
            tx.now,
            report.action,
            report.status,
            report.diagnostic,
        )
        if not report.dead:
            return "noted"
        if new:
            await self._bury(tx, mail, report)
        return "dead"

    async def _bury(self, tx: Tx, mail: asyncpg.Record, report: Report) -> None:
        items = await _returned(tx.conn, mail)
        for item in items:
            of = Whose(*(item[name] for name in ("id", "kind", "audience", "subject", "entry", "traceparent")))
            outcomes.failed(tx, of, at=tx.now, cause="permanent", bounced=True)
        buried = await tx.conn.fetchval(
            "insert into person as p (address, dead_at, dead_reason) values ($1, $2, $3)"
            " on conflict (address) do update set dead_at = excluded.dead_at, dead_reason = excluded.dead_reason"
            " where p.dead_at is null returning true",
            mail["address"],
            tx.now,
            f"{report.status} {report.diagnostic}".strip(),
        )
        metrics.DEAD.labels(audience=mail["audience"]).inc()
        telemetry.logger().warning("notify.address_dead", message=str(mail["id"]), status=report.status)
        if buried:
            await self._desk.write(tx, await _tell_structure(tx, mail))


async def _returned(connection: Connection, mail: asyncpg.Record) -> Sequence[asyncpg.Record]:
    """Mark what came back; what a carrier carried came back with it."""
    column = "carried_by" if mail["kind"] in CARRIERS else "id"
    return await connection.fetch(
        f"update message set returned_at = now(), settled = false where {column} = $1 and returned_at is null"
        " returning id, kind, audience, subject, entry, traceparent",
        mail["id"],
    )


async def _tell_structure(tx: Tx, mail: asyncpg.Record) -> list[Message]:
    """One message to everybody else who may correct the address."""
    dead, side = mail["address"], side_of(mail["audience"])
    audience: Audience = "body" if side == "body" else "supplier"
    sirets = await tx.conn.fetch(
        "select siret, 'body' as side from manager where email = $1"
        " union select siret, 'supplier' from correspondent where email = $1 and siret is not null",
        dead,
    )
    mine = sorted({row["siret"] for row in sirets if row["side"] == side})
    if side == "body":
        book = await correspondents.managers(tx.conn, mine)
        others = [one for siret in mine for one in (*book.told(siret, None), *book.others(siret))]
        if not set(others) - {dead} and mail["tenant"]:
            others = (await correspondents.administrators(tx.conn, [mail["tenant"]])).get(mail["tenant"], [])
    else:
        roles = await correspondents.by_role(tx.conn, mine)
        others = [one for siret in mine for one in roles.get(("supplier", siret), ())]
    cause = uuid5(mail["id"], "dead")
    return [
        Message(
            id=message_id(cause, audience, address),
            subject=str(mail["id"]),
            kind="ADDRESS_DEAD",
            audience=audience,
            address=address,
            facts=Facts(at=tx.now, about=dead),
            cause=cause,
            tenant=mail["tenant"],
        )
        for address in dict.fromkeys(others)
        if address != dead
    ]
