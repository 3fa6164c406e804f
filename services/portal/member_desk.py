"""Where acts on a structure begin: its lock, who asks, what he may do there; and how they end: rights, trail, letters.

What decides is read under the lock, as the owner of the schema: two acts on one structure never decide at once. To whom
the structure does not concern it is not there.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal
from uuid import UUID, uuid4, uuid5

from fastapi import Request

from services.common.auth import Principal
from services.common.db import Connection, Pool
from services.common.deliver import Cause, Tx, transaction
from services.common.principal import OPERATEUR, TENANT_ADMIN
from services.common.trace import RequestCause
from services.portal import audit, member_store, rights, structure_directory, structure_store
from services.portal.mailing import Mailing
from services.portal.member_words import not_yours, unknown_structure
from services.portal.structure_directory import Body
from services.portal.structure_store import Structure, lock_of

#: Where the link of an invitation leads.
INVITATION_PAGE: Final = "/invitation"
#: Who decides: the managers by their level, a tenant's administrator, the operator where everybody else is away.
Level = Literal["principal", "secondaire", "tenant", "operator"]


class Scene:
    """One structure in one transaction, and who asks. ``body`` is what the directory says where it is public."""

    def __init__(
        self, tx: Tx, structure: Structure, body: Body | None, principal: Principal, cause: Cause, mailing: Mailing
    ) -> None:
        self.tx = tx
        self.structure = structure
        self.body = body
        self.principal = principal
        self.cause = cause
        self.touched: set[str] = set()
        self._mailing = mailing

    @property
    def conn(self) -> Connection:
        """The transaction's connection."""
        return self.tx.conn

    @property
    def me(self) -> str:
        """The caller's subject."""
        return self.principal.subject

    @property
    def side(self) -> member_store.Side:
        """The side that manages the structure."""
        return "supplier" if self.body is None else "body"

    async def level(self) -> Level | None:
        """How the caller manages the structure now; None: not at all. Whoever stands in for a manager is secondaire."""
        own = await member_store.of(self.conn, self.structure.id, self.me)
        if own is not None and own.manager is not None and own.side == self.side:
            return own.manager
        if await self._stands_in():
            return "secondaire"
        return "tenant" if self.administers() else "operator" if self.operates() else None

    async def manage(self, *levels: Level) -> Level:
        """The caller's level. Raises a 403 or 404 problem where it is none of ``levels`` (none given: any).

        The operator may what a manager may: somebody has to, where the only one has died. It stands in the trail.
        """
        level = await self.level()
        if level is None or (levels and level not in (*levels, "operator")):
            if level is None and not await self.belongs():
                raise unknown_structure(self.structure.key)
            raise not_yours(levels or ("principal", "secondaire", "tenant"))
        return level

    def administers(self) -> bool:
        """Whether the caller administers the tenant of this public structure."""
        return self.body is not None and self.body.tenant in self.principal.tenants_as(TENANT_ADMIN)

    def operates(self) -> bool:
        """Whether the caller is the operator."""
        return OPERATEUR in self.principal.roles

    async def belongs(self) -> bool:
        """Whether the caller is a member or has a role there."""
        if await member_store.of(self.conn, self.structure.id, self.me):
            return True
        given = await member_store.roles_of(self.conn, self.structure.id, [self.me], self.tx.now)
        return bool(given[self.me]) or bool(await self.stands_in_for())

    async def only_stands_in(self) -> bool:
        """Whether he manages the structure in the place of another, and not by himself."""
        own = await member_store.of(self.conn, self.structure.id, self.me)
        manages = own is not None and own.manager is not None and own.side == self.side
        return not manages and not self.administers() and not self.operates() and await self._stands_in()

    async def _stands_in(self) -> bool:
        managers = await member_store.managers(self.conn, self.structure.id, self.side)
        return not {each.subject for each in managers}.isdisjoint(await self.stands_in_for())

    async def stands_in_for(self) -> list[str]:
        """For whom the caller stands in now."""
        rows = await self.conn.fetch(
            "select giver from delegation where structure = $1 and receiver = $2 and ended_at is null"
            " and since <= $3 and until > $3",
            self.structure.id,
            self.me,
            self.tx.now,
        )
        return [row["giver"] for row in rows]

    async def deciders(self) -> list[str]:
        """Who decides on requests: the managers, or the tenant's administrators where there is none."""
        found = await member_store.managers(self.conn, self.structure.id, self.side)
        if found or self.body is None:
            return [each.subject for each in found]
        return await member_store.administrators(self.conn, self.body.tenant)

    async def note(self, action: str, about: str | None = None, **details: audit.Detail) -> None:
        """One entry in the audit trail of the structure, and of its tenant."""
        await audit.write(
            self.conn,
            at=self.tx.now,
            actor=self.me,
            action=action,
            about=about,
            structure=self.structure.key,
            tenant=self.body.tenant if self.body else None,
            traceparent=self.cause.traceparent,
            details=details,
        )

    async def tell(self, kind: str, subjects: Iterable[str], of: UUID, values: Mapping[str, str] | None = None) -> None:
        """One letter to each of these people. ``of`` and the kind name it: said again, it is the same letter."""
        for subject in sorted(set(subjects)):
            await self._mailing.to_person(
                self.conn,
                kind,
                subject,
                values={"about": self.structure.name, **(values or {})},
                now=self.tx.now,
                id=uuid5(of, f"{kind}/{subject}"),
            )

    async def tell_each(
        self, kind: str, subjects: Iterable[str], of: UUID, words: Mapping[str, Mapping[str, str]]
    ) -> None:
        """One letter to each of these people, in words that are there in each language."""
        asked = sorted(set(subjects))
        rows = await self.conn.fetch("select subject, language from account where subject = any($1::text[])", asked)
        for row in rows:
            subject, values = row["subject"], words[row["language"]]
            identity = uuid5(of, f"{kind}/{subject}")
            await self._mailing.to_person(self.conn, kind, subject, values=values, now=self.tx.now, id=identity)

    async def invite(self, address: str, language: str, invitation: UUID, values: Mapping[str, str]) -> None:
        """The letter with the link of an invitation."""
        words = {"about": self.structure.name, **values}
        await self._mailing.letter(
            self.conn,
            "INVITATION",
            address=address,
            language=language,
            values=words,
            link=invitation,
            page=INVITATION_PAGE,
            now=self.tx.now,
            id=invitation,
        )

    def changed(self, *subjects: str) -> None:
        """What these people may do has changed: it is published when the act is done."""
        self.touched.update(subjects)


class Desk:
    """Opens scenes. ``pool`` is the owner's: the caller's rights are judged by the code, under the lock."""

    def __init__(self, pool: Pool, mailing: Mailing) -> None:
        self.pool = pool
        self.mailing = mailing

    @asynccontextmanager
    async def at(self, key: str, principal: Principal, cause: Cause, *others: str) -> AsyncIterator[Scene]:
        """The structure of this key under its lock, and under those of ``others``. Raises a 404 problem."""
        async with transaction(self.pool, "portal", keys=[lock_of(each) for each in (key, *others)]) as tx:
            scene = await scene_of(tx, key, principal, cause, self.mailing)
            yield scene
            await rights.publish(tx, scene.touched, cause)
        self.mailing.wake()


async def scene_of(tx: Tx, key: str, principal: Principal, cause: Cause, mailing: Mailing) -> Scene:
    """The scene of a structure in a transaction that holds its lock; whoever opens it publishes ``touched`` at the end.

    Raises a 404 problem.
    """
    structure = await structure_store.by_key(tx.conn, key)
    body = await structure_directory.body(tx.conn, key)
    if structure is None and body is not None:
        structure = await structure_store.of_body(tx.conn, body, principal.subject, tx.now)
    if structure is None:
        raise unknown_structure(key)
    return Scene(tx, structure, body, principal, cause, mailing)


def request_cause(request: Request) -> RequestCause:
    """What a request causes, with its trace."""
    return RequestCause(uuid4(), request.state.traceparent)
