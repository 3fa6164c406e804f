"""Puts files into folders: planned in one transaction, written, marked in another.

A file's bytes follow from its plan alone. So a process that dies anywhere between the two transactions leaves a plan,
and whoever goes on writes the same bytes under the same name: nothing is lost, doubled or numbered twice.
"""

import asyncio
from datetime import UTC, datetime, time

import asyncpg

from services.common import telemetry
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import backoff, is_transient
from services.notify import outgoing_store, webhook_metrics
from services.notify.domain import PARIS
from services.notify.outgoing_folder import MANIFEST, Folder
from services.notify.outgoing_format import MEDIA_TYPE, manifest, write
from services.notify.outgoing_store import Planned

_FILES_AT_ONCE = 20  # of one folder, before the others have their turn


def before_today(now: datetime) -> datetime:
    """The instant at which the present day began in Paris: what came before goes into the day's files."""
    return datetime.combine(now.astimezone(PARIS).date(), time(), PARIS).astimezone(UTC)


class OutgoingWorker:
    """Looks every few seconds for folders that have something to write."""

    def __init__(self, pool: Pool, folder: Folder, *, every_seconds: float, lines: int) -> None:
        self._pool = pool
        self._folder = folder
        self._every = every_seconds
        self._lines = lines

    async def run(self) -> None:
        """Until cancelled. The object store may be away for as long as it likes."""
        failures = 0
        while True:
            try:
                failed = await self.once()
                failures = failures + 1 if failed else 0
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("outgoing.failed")
                failures += 1
            await asyncio.sleep(max(self._every, backoff(failures, ceiling=60.0) if failures else 0.0))

    async def once(self) -> int:
        """Write what can be written; returns how many folders failed. One that fails holds up no other."""
        async with self._pool.acquire() as connection:
            found = await outgoing_store.folders(connection)
        failed = 0
        for folder in found:
            try:
                await self._fill(folder)
            except Exception as error:
                failed += 1
                if is_transient(error):
                    telemetry.logger().warning("outgoing.away", folder=str(folder["id"]), error=type(error).__name__)
                else:
                    telemetry.logger().exception("outgoing.folder_failed", folder=str(folder["id"]))
        return failed

    async def _fill(self, folder: asyncpg.Record) -> None:
        for _ in range(_FILES_AT_ONCE):
            file = await self._next(folder)
            if file is None:
                return
            await self._write(file)

    async def _next(self, folder: asyncpg.Record) -> Planned | None:
        async with transaction(self._pool, "notify", keys=[f"outgoing/{folder['id']}"]) as tx:
            file = await outgoing_store.planned(tx.conn, folder)
            if file is not None:
                return file
            before = before_today(tx.now) if folder["rhythm"] == "daily" else tx.now
            return await outgoing_store.plan(tx.conn, folder, before, self._lines, tx.now)

    async def _write(self, file: Planned) -> None:
        async with self._pool.acquire() as connection:
            lines = await outgoing_store.lines(connection, file)
        made = write(file.format, file.structure, file.name, file.planned_at, lines)
        sha256 = await self._folder.put(file.key, made.content, MEDIA_TYPE[file.format])
        told = manifest(file.name, file.sequence, file.planned_at, len(lines), made, sha256)
        await self._folder.put(f"{file.key}{MANIFEST}", told, "application/json")
        async with transaction(self._pool, "notify", keys=[f"outgoing/{file.webhook}"]) as tx:
            await outgoing_store.written(
                tx.conn, file, sha256=sha256, size=len(made.content), left_out=len(made.left_out), now=tx.now
            )
        webhook_metrics.FILES.inc()
        telemetry.logger().info("outgoing.written", folder=str(file.webhook), sequence=file.sequence, events=len(lines))
