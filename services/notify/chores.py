"""What is not brought by an event: announcements, addresses to confirm, notices to take over."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

import asyncpg

from services.common import telemetry
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.loops import tried
from services.notify import people
from services.notify.desk import Desk
from services.notify.domain import Facts, Message, clean_address, message_id
from services.notify.takeover import Takeover

_CHUNK = 500
_SELDOM = 30  # rounds of a second
_TO_ASK: Final = (
    "select subject, asked, asked_at, asked_id from contact where asked_id is distinct from mailed_id limit 100"
    " for update skip locked"
)
#: Everybody who is known, by audience. With a tenant: its bodies, and the suppliers that wrote to them.
_EVERYBODY: Final = {
    "bodies": "select email as address from manager m where $1::text is null or exists"
    " (select from recipient r where r.siret = m.siret and r.tenant = $1 and not r.deleted)"
    " union select email from correspondent where role = 'administrator' and ($1 is null or tenant = $1)",
    "suppliers": "select c.contact as address from invoice_contact c where $1::text is null or exists"
    " (select from message m where m.subject = c.invoice and m.tenant = $1)"
    " union select email from correspondent where role = 'supplier' and $1 is null",
}


class Chores:
    """Looks every second."""

    def __init__(self, pool: Pool, desk: Desk, patience: timedelta) -> None:
        self._pool = pool
        self._desk = desk
        self._takeover = Takeover(pool, desk, patience)

    async def run(self) -> None:
        """Do what there is to do, until cancelled. One chore that fails keeps none of the others from being done."""
        often: Sequence[Callable[[], Awaitable[object]]] = (self.confirm, self.announce, self._takeover.look)
        for turn in itertools.count():
            chores = often if turn % _SELDOM else (*often, self.revive)
            for chore in chores:
                await tried(chore, "notify.chore_failed")
            await asyncio.sleep(1)

    async def revive(self) -> None:
        """Write again to addresses that somebody has vouched for since they were declared dead."""
        async with transaction(self._pool, "notify") as tx:
            if revived := await people.revive(tx.conn):
                telemetry.logger().info("notify.addresses_revived", addresses=revived)

    async def confirm(self) -> None:
        """Ask whoever reads at an address whether it is his."""
        async with transaction(self._pool, "notify") as tx:
            rows = await tx.conn.fetch(_TO_ASK)
            made = [
                Message(
                    id=message_id(row["asked_id"], "person", row["asked"]),
                    subject=str(row["asked_id"]),
                    kind="CONTACT_CONFIRM",
                    audience="person",
                    address=row["asked"],
                    facts=Facts(at=row["asked_at"], about=row["subject"]),
                    cause=row["asked_id"],
                )
                for row in rows
                if row["asked"] is not None
            ]
            await self._desk.write(tx, made)
            await tx.conn.execute(
                "update contact set mailed_id = asked_id where subject = any($1)", [row["subject"] for row in rows]
            )

    async def announce(self) -> None:
        """Write the messages of one announcement. Cut short, it begins again: what is written stays written once."""
        row = await self._pool.fetchrow("select * from announcement where done_at is null order by at limit 1")
        if row is None:
            return
        wanted = ("bodies", "suppliers") if row["audience"] == "everybody" else (row["audience"],)
        found: set[str] = set()
        for audience in wanted:
            rows = await self._pool.fetch(_EVERYBODY[audience], row["tenant"])
            found |= {clean for one in rows if (clean := clean_address(one["address"]))}
        everybody = sorted(found)
        for start in range(0, len(everybody), _CHUNK):
            await self._announce(row, everybody[start : start + _CHUNK])
        await self._pool.execute(
            "update announcement set done_at = now(), sent_to = (select count(*) from message where cause = $1)"
            " where id = $1",
            row["id"],
        )

    async def _announce(self, row: asyncpg.Record, addresses: Sequence[str]) -> None:
        async with transaction(self._pool, "notify") as tx:
            facts = Facts(
                at=row["at"],
                heading=row["title"],
                words=row["body"],
                heading_en=row["title_en"],
                words_en=row["body_en"],
            )
            made = [
                Message(
                    id=message_id(row["id"], "person", address),
                    subject=str(row["id"]),
                    kind="ANNOUNCEMENT",
                    audience="person",
                    address=address,
                    facts=facts,
                    cause=row["id"],
                    tenant=row["tenant"],
                )
                for address in addresses
            ]
            await self._desk.write(tx, made)
