"""A service's part of a person: given as JSON lines, and erased, when the portal asks. A person is a subject.

The portal asks over HTTP, under a role that nobody else holds, and the gateway leads to none of these routes. Asking
again changes nothing, so whoever is killed in the middle begins again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from contracts.registry import ServiceName
from services.common import bodies, telemetry
from services.common.auth import CurrentPrincipal, require_role
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.common.tenants import LONG, MEDIA_TYPE, Erasure
from services.common.usage import ASKER
from services.common.web import Problem

#: Shorter than any bound on an answer.
ANSWER_SECONDS: Final = 10.0


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose data. ``documents`` are those of his drafts, which were erased elsewhere; ``request`` names the asking."""

    subject: str
    documents: tuple[UUID, ...] = ()
    request: UUID = msgspec.field(default_factory=uuid4)


class PersonPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a service holds of a person.

    ``lines`` are statements with the subject as ``$1``, each row one JSON line (column ``line``). ``erase`` runs in a
    transaction and may run again. ``documents`` lists what only an erasure ends: ids of documents never sent.
    """

    lines: tuple[str, ...]
    erase: Callable[[Tx, Subject], Awaitable[Erasure]]
    documents: Callable[[Connection, str], Awaitable[Sequence[UUID]]] | None = None


class _Erasing:
    """Erasures under way. One that takes long goes on while the portal, told to come again, asks for it anew."""

    def __init__(self, pool: Pool, part: PersonPart, service: ServiceName) -> None:
        self._pool, self._part, self._service = pool, part, service
        self._running: dict[str, asyncio.Task[Erasure]] = {}

    async def outcome(self, asked: Subject) -> Erasure:
        """What is gone and kept. Raises a 503 problem while it is not done."""
        task = self._running.get(asked.subject)
        if task is None:
            task = asyncio.create_task(erased(self._pool, self._part, self._service, asked))
            self._running[asked.subject] = task
        done, _ = await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        if not done:
            raise Problem(
                503,
                "ERASURE_UNDER_WAY",
                "Effacement en cours",
                "L'effacement continue : redemandez-le dans quelques secondes.",
                headers={"Retry-After": "5"},
            )
        self._running.pop(asked.subject, None)
        return task.result()


def add_routes(app: FastAPI, service: ServiceName, pool: Pool, part: PersonPart) -> None:
    """``/internal/<service>/people/<subject>``: GET gives, DELETE erases, ``/documents`` lists."""
    path: Final = f"/internal/{service}/people/{{subject}}"
    erasing = _Erasing(pool, part, service)

    @app.get(path, include_in_schema=False)
    async def give(subject: str, principal: CurrentPrincipal) -> StreamingResponse:
        require_role(principal, ASKER)
        return StreamingResponse(export(pool, part, service, subject), media_type=MEDIA_TYPE)

    @app.get(f"{path}/documents", include_in_schema=False)
    async def documents(subject: str, principal: CurrentPrincipal) -> list[str]:
        require_role(principal, ASKER)
        if part.documents is None:
            return []
        async with pool.acquire() as connection:
            return [str(found) for found in await part.documents(connection, subject)]

    @app.delete(path, include_in_schema=False)
    @bodies.takes(bodies.FILES)
    async def erase(request: Request, subject: str, principal: CurrentPrincipal) -> dict[str, Any]:
        require_role(principal, ASKER)
        given = await request.body()
        asked = Subject(subject=subject, documents=msgspec.json.decode(given, type=tuple[UUID, ...]) if given else ())
        found: dict[str, Any] = msgspec.to_builtins(await erasing.outcome(asked))
        return found


async def export(pool: Pool, part: PersonPart, service: str, subject: str) -> AsyncIterator[bytes]:
    """The part as JSON lines, as of one instant. Row by row: nothing is gathered in memory."""
    yield msgspec.json.encode({"entree": "export", "service": service, "subject": subject}) + b"\n"
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("set local idle_in_transaction_session_timeout = '10min'")
        for statement in part.lines:
            async for row in connection.cursor(statement, subject, prefetch=500, timeout=LONG):
                yield str(row["line"]).encode() + b"\n"


async def erased(pool: Pool, part: PersonPart, service: ServiceName, asked: Subject) -> Erasure:
    """Erase, in one transaction; what is gone and what is kept on which ground."""
    async with transaction(pool, service, keys=[asked.subject]) as tx:
        await tx.conn.execute("set local idle_in_transaction_session_timeout = '10min'")
        outcome = await part.erase(tx, asked)
        await tx.conn.execute("delete from rate_window where subject = $1", asked.subject)
    telemetry.logger().info("person.erase", subject=asked.subject)
    return outcome
