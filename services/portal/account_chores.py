"""What is done by itself: closed accounts at their term, and what has run out."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from services.common import telemetry
from services.common.deliver import Tx, transaction
from services.common.failures import is_transient
from services.portal import people, session_store
from services.portal.account_limits import Limits
from services.portal.parts import Parts

_NAMESPACE: Final = UUID("b1c9a5de-59a2-5f0b-8a3e-6b1f0a7c2d35")
_SWEEP_EVERY: Final = 60
#: How long a letter that notify has taken gets to leave before the address is erased.
_LEAVE: Final = timedelta(minutes=1)
_DUE: Final = (
    "select subject, email, language, closed_at from account where state = 'closed' and erased_at is null"
    " and closed_at <= $1 order by closed_at limit 20 for update skip locked"
)
#: An operator's is kept: the command that made it gave him the office.
_NEVER_OPENED: Final = (
    "select subject from account a where state = 'pending' and created_at < $1"
    " and not exists (select from mail_link l where l.subject = a.subject and l.expires_at > $1)"
    " and not exists (select from held_office o where o.subject = a.subject and o.withdrawn_at is null)"
    " order by created_at limit 100 for update skip locked"
)


class Chores:
    """Looks every few seconds."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._limits = Limits(parts.settings)

    async def run(self) -> None:
        """Do what there is to do, until cancelled."""
        turn = 0
        while True:
            try:
                await self.erase()
                await self._parts.mailing.measure()
                if turn % _SWEEP_EVERY == 0:
                    await self.sweep()
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("accounts.chore_failed")
            turn += 1
            await asyncio.sleep(self._parts.settings.chore_seconds)

    async def erase(self) -> None:
        """At the term a last letter leaves, then the erasure is asked for, in every service."""
        async with transaction(self._parts.pool, "portal") as tx:
            term = tx.now - timedelta(days=self._parts.settings.closing_days)
            for row in await tx.conn.fetch(_DUE, term):
                letter = uuid5(_NAMESPACE, f"{row['subject']}/{row['closed_at'].isoformat()}")
                if await self._told(tx, letter):
                    await people.ask(tx.conn, row["subject"], by="platform", now=tx.now)
                else:
                    await self._parts.mailing.letter(
                        tx.conn,
                        "ACCOUNT_ERASED",
                        address=row["email"],
                        language=row["language"],
                        now=tx.now,
                        id=letter,
                    )
        self._parts.mailing.wake()

    async def _told(self, tx: Tx, letter: UUID) -> bool:
        done = await tx.conn.fetchval(
            "select done_at <= now() - $2::interval from errand where id = $1", letter, _LEAVE
        )
        return done is True

    async def sweep(self) -> None:
        """Forget counts, sessions, tickets and links that are over, and accounts that nobody has activated."""
        async with transaction(self._parts.pool, "portal") as tx:
            before = tx.now - timedelta(days=self._parts.settings.closing_days)
            for row in await tx.conn.fetch(_NEVER_OPENED, before):
                await self._parts.mailing.forget(tx.conn, row["subject"], tx.now)
                for table in ("mail_link", "account_claim", "account"):
                    await tx.conn.execute(f"delete from {table} where subject = $1", row["subject"])
            await self._limits.sweep(tx.conn)
            await session_store.sweep(tx.conn, tx.now)
