"""A service's part of a tenant: written to the store when the directory asks for it, erased when the tenant has left.

The directory's events become rows of ``tenant_request``; a job does them, each in one transaction that ends with the
row's outcome. A process that is killed in the middle leaves the row as it was, and the next one begins again.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import IO
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events import (
    ClaimCheck,
    EngagementPublished,
    Payload,
    ServicePublished,
    StructurePublished,
    TenantPublished,
)
from contracts.registry import ServiceName
from services.common import telemetry
from services.common.blobs import Blobs
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.common.failures import backoff, is_transient
from services.common.loops import every

LONG = 600.0
LOOK_SECONDS = 2.0
MEDIA_TYPE = "application/x-ndjson"


def not_about_structures(data: Payload) -> bool:
    """Events of the directory that a service skips which knows tenants and structures only."""
    return isinstance(data, ServicePublished | EngagementPublished)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: ``kind`` is ``export`` or ``erase``. ``asked_at`` is when the directory said so."""

    id: UUID
    tenant: str
    kind: str
    asked_at: datetime


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure leaves, and on which ground (French, for the operator and the tenant)."""

    what: str
    count: int
    ground: str


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """The report of an erasure: how much of what is gone, and what is kept."""

    erased: Mapping[str, int]
    kept: tuple[Kept, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a service holds of a tenant.

    ``lines`` are statements with the tenant as ``$1``, each row of which is one JSON line (column ``line``). ``erase``
    runs in the request's transaction, and may run again after a crash.
    """

    lines: tuple[str, ...]
    erase: Callable[[Tx, Request], Awaitable[Erasure]]


async def ask(tx: Tx, events: Sequence[Event]) -> None:
    """Note what these events ask of this service. The same event, or the same request, is noted once.

    A structure whose end is heard after that of its tenant makes an erasure due again: partitions are not in order.
    """
    for event in events:
        data = event.data
        if isinstance(data, TenantPublished) and data.deleted:
            await _note(tx.conn, event.id, "erase", data)
        elif isinstance(data, TenantPublished) and data.export_request is not None:
            await _note(tx.conn, UUID(data.export_request), "export", data)
    gone = [e.data for e in events if isinstance(e.data, StructurePublished) and e.data.deleted]
    if gone:
        await tx.conn.execute(
            "update tenant_request r set state = 'asked', next_try_at = now(), done_at = null, outcome = null"
            " from (select tenant, min(version) as version from unnest($1::text[], $2::bigint[]) x(tenant, version)"
            "  group by tenant) late"
            " where r.tenant = late.tenant and r.kind = 'erase' and r.state = 'done' and r.version > late.version",
            [data.structure.tenant for data in gone],
            [data.version for data in gone],
        )


async def _note(connection: Connection, identity: UUID, kind: str, data: TenantPublished) -> None:
    await connection.execute(
        "insert into tenant_request (id, tenant, kind, version, asked_by, asked_at) values ($1, $2, $3, $4, $5, $6)"
        " on conflict do nothing",
        identity,
        data.tenant.id,
        kind,
        data.version,
        data.changed_by,
        data.changed_at,
    )


class TenantWork:
    """Does what was asked, one request at a time; several instances share the requests."""

    def __init__(self, pool: Pool, service: ServiceName, part: Part, blobs: Blobs) -> None:
        self._pool = pool
        self._service = service
        self._part = part
        self._blobs = blobs

    async def run(self) -> None:
        """Work until cancelled."""
        await every(LOOK_SECONDS, self._all_due, "tenant.failed")

    async def _all_due(self) -> None:
        while await self.once():
            pass

    async def once(self) -> bool:
        """Do the oldest request that is due; whether there was one. What fails is tried again later, and says so."""
        request: Request | None = None
        try:
            async with transaction(self._pool, self._service) as tx:
                await tx.conn.execute("set local idle_in_transaction_session_timeout = '10min'")
                row = await tx.conn.fetchrow(
                    "select id, tenant, kind, asked_at from tenant_request where state = 'asked'"
                    " and next_try_at <= now() order by version limit 1 for update skip locked"
                )
                if row is None:
                    return False
                request = Request(**dict(row))
                outcome = await self._do(tx, request)
                await tx.conn.execute(
                    "update tenant_request set state = 'done', done_at = now(), outcome = $2::text::jsonb,"
                    " attempts = attempts + 1, trouble = null where id = $1",
                    request.id,
                    msgspec.json.encode(outcome).decode(),
                )
        except Exception as error:
            if request is None:
                raise
            await self._put_off(request, error)
            return True
        telemetry.logger().info(f"tenant.{request.kind}", tenant=request.tenant, request=str(request.id))
        return True

    async def _do(self, tx: Tx, request: Request) -> Mapping[str, object] | Erasure:
        if request.kind == "erase":
            return await self._part.erase(tx, request)
        lines, claim = await self._export(request)
        return {"lines": lines, "document": claim}

    async def _put_off(self, request: Request, error: Exception) -> None:
        if not is_transient(error):
            telemetry.logger().exception("tenant.failed", request=str(request.id))
        attempts: int = await self._pool.fetchval(
            "update tenant_request set attempts = attempts + 1, trouble = $2 where id = $1 returning attempts",
            request.id,
            type(error).__name__,
        )
        await self._pool.execute(
            "update tenant_request set next_try_at = now() + make_interval(secs => $2) where id = $1",
            request.id,
            backoff(attempts),
        )

    async def _export(self, request: Request) -> tuple[int, ClaimCheck]:
        """Write the part down as JSON lines, under a key that only the request decides: a second try overwrites."""
        with tempfile.TemporaryFile() as file:
            lines = await self._write(file, request)
            size = file.tell()
            file.seek(0)
            digest = await asyncio.to_thread(lambda: hashlib.file_digest(file, "sha256").hexdigest())
            claim = await self._blobs.put(
                export_key(request, self._service), file, size=size, sha256=digest, media_type=MEDIA_TYPE
            )
        return lines, claim

    async def _write(self, file: IO[bytes], request: Request) -> int:
        about = {"entree": "export", "service": self._service, "tenant": request.tenant, "request": str(request.id)}
        file.write(msgspec.json.encode(about) + b"\n")
        lines = 1
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            await connection.execute("set local idle_in_transaction_session_timeout = '10min'")
            for statement in self._part.lines:
                async for row in connection.cursor(statement, request.tenant, prefetch=500, timeout=LONG):
                    file.write(row["line"].encode() + b"\n")
                    lines += 1
        return lines


def export_key(request: Request, service: ServiceName) -> str:
    """Where a service's part of an export is in the store."""
    return f"tenants/{request.tenant}/{request.id}/{service}.jsonl"


def count(status: str) -> int:
    """How many rows a statement touched, by its command tag."""
    return int(status.rpartition(" ")[2])
