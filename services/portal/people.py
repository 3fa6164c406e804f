"""A person's data across the services: given as one file of JSON lines, erased by a request that survives everything.

portal asks each service in turn over HTTP and keeps what it answered; a service that is away is asked again. The drafts
are listed before they are erased, since another service holds what was read of them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec

from services.common import clock, persons, telemetry
from services.common.db import Connection, Pool
from services.common.deliver import transaction
from services.common.failures import backoff, is_transient
from services.common.persons import PersonPart
from services.portal import audit
from services.portal.neighbours import Neighbours

LOOK_SECONDS: Final = 2.0
_PRUNE_SECONDS: Final = 3600.0
_SERVICE: Final = "portal"
#: ingest first: it lists the drafts and then has none; portal last: until then the account says whose request it is.
_FIRST: Final = "ingest"
#: Services that hold nothing of a person, and have no route to ask for it.
_WITHOUT: Final = frozenset({"supervision"})
_CLAIM: Final = (
    "update person_request set attempts = attempts + 1, next_try_at = now() + interval '15 minutes' where id in"
    " (select id from person_request where done_at is null and next_try_at <= now() order by next_try_at limit 1"
    "  for update skip locked) returning id, subject, documents, outcomes::text as outcomes, attempts"
)


class NotClosed(Exception):
    """The account is open: its owner, or the operator for him, closes it first."""


async def ask(connection: Connection, subject: str, *, by: str, now: datetime) -> UUID:
    """Ask for the erasure of a person, in the running transaction; one request at a time for a subject.

    Raises :class:`NotClosed`.
    """
    state = await connection.fetchval("select state from account where subject = $1 for update", subject)
    if state is not None and state != "closed":
        raise NotClosed
    found: UUID | None = await connection.fetchval(
        "select id from person_request where subject = $1 and done_at is null", subject
    )
    if found is not None:
        return found
    made = uuid4()
    await connection.execute(
        "insert into person_request (id, subject, asked_by, asked_at) values ($1, $2, $3, $4)", made, subject, by, now
    )
    await audit.write(connection, at=now, actor=by, action="person.erasure_asked", about=subject)
    return made


class People:
    """Gives and erases. ``own`` is portal's part."""

    def __init__(self, pool: Pool, neighbours: Neighbours, own: PersonPart, *, seconds: float) -> None:
        self._pool = pool
        self._neighbours = neighbours
        self._own = own
        self._seconds = seconds

    async def export(self, subject: str) -> AsyncIterator[bytes]:
        """Everything that the platform holds of a person, service by service. Raises ``httpx.HTTPError``.

        A file that lacks a part must not look whole: the last line says that it is.
        """
        parts = 1
        async for line in persons.export(self._pool, self._own, _SERVICE, subject):
            yield line
        for service in self._in_order():
            async with self._neighbours.stream(service, f"/people/{subject}", self._seconds) as lines:
                async for some in lines:
                    yield some
            parts += 1
        yield msgspec.json.encode({"entree": "fin", "parties": parts}) + b"\n"

    async def run(self) -> None:
        """Do what was asked until cancelled; now and then forget what has reached the end of its term."""
        pruned = float("-inf")
        while True:
            try:
                while await self.once():
                    pass
                if time.monotonic() - pruned > _PRUNE_SECONDS:
                    await self._prune()
                    pruned = time.monotonic()
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("people.failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def _prune(self) -> None:
        async with self._pool.acquire() as connection:
            await audit.prune(connection)
            await connection.execute("delete from person_request where done_at < now() - interval '5 years'")

    async def once(self) -> bool:
        """Take one request as far as it goes; whether there was one."""
        row = await self._pool.fetchrow(_CLAIM)
        if row is None:
            return False
        try:
            await self._work(row)
        except Exception as error:
            if not is_transient(error) and not isinstance(error, httpx.HTTPError):
                telemetry.logger().exception("people.failed", request=str(row["id"]))
            await self._pool.execute(
                "update person_request set trouble = $2, next_try_at = now() + make_interval(secs => $3)"
                " where id = $1 and done_at is null",
                row["id"],
                type(error).__name__,
                backoff(row["attempts"]),
            )
        return True

    async def _work(self, row: asyncpg.Record) -> None:
        subject, done = row["subject"], set(msgspec.json.decode(row["outcomes"]))
        documents: Sequence[UUID] | None = row["documents"]
        if documents is None:
            documents = await self._documents(row["id"], subject)
        given = msgspec.json.encode(documents)
        for service in self._in_order():
            if service in done:
                continue
            answer = await self._neighbours.delete(service, f"/people/{subject}", given, self._seconds)
            await self._note(row["id"], service, answer)
        asked = persons.Subject(subject=subject, documents=tuple(documents), request=row["id"])
        outcome = await persons.erased(self._pool, self._own, _SERVICE, asked)
        await self._finish(row["id"], subject, outcome)

    def _in_order(self) -> list[str]:
        return sorted(self._neighbours.urls.keys() - _WITHOUT, key=lambda name: (name != _FIRST, name))

    async def _documents(self, request: UUID, subject: str) -> Sequence[UUID]:
        listed = await self._neighbours.get(_FIRST, f"/people/{subject}/documents", seconds=self._seconds)
        found = msgspec.convert(listed, list[UUID], strict=False)
        await self._pool.execute("update person_request set documents = $2 where id = $1", request, found)
        return found

    async def _note(self, request: UUID, service: str, outcome: Any) -> None:
        await self._pool.execute(
            "update person_request set outcomes = outcomes || jsonb_build_object($2::text, $3::text::jsonb),"
            " trouble = null where id = $1",
            request,
            service,
            msgspec.json.encode(outcome).decode(),
        )

    async def _finish(self, request: UUID, subject: str, outcome: Any) -> None:
        await self._note(request, _SERVICE, outcome)
        async with transaction(self._pool, _SERVICE) as tx:
            ended = await tx.conn.fetchval(
                "update person_request set done_at = $2 where id = $1 and done_at is null returning true",
                request,
                clock.now(),
            )
            if ended:
                await audit.write(tx.conn, at=tx.now, actor="platform", action="person.erased", about=subject)
        telemetry.logger().info("people.erased", request=str(request))
