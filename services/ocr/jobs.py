"""Takes jobs under a lease, fetches their documents a little ahead of the readers, and has them read.

Whatever is killed, a job's lease runs out and another instance goes on; the first result of a document stands.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

from contracts.events import ClaimCheck
from services.common import telemetry
from services.common.blobs import BlobCorrupt, BlobMissing
from services.common.db import Connection, Pool
from services.common.failures import backoff, is_transient
from services.common.loops import until_done
from services.ocr import metrics, store
from services.ocr.answers import Whole
from services.ocr.budget import Budget
from services.ocr.finish import Finisher, result_of
from services.ocr.pool import ReaderUnavailable
from services.ocr.settings import OcrSettings
from services.ocr.store import Job

_POLL_SECONDS = 1.0
_MEASURE_SECONDS = 5.0
_ROUNDS_TO_PRUNE = 720
_STUCK_SECONDS = 120.0
_LOST_CEILING = 300.0
_AWAY_CEILING = 5.0
_RECOVERY_CEILING = 2.0
_CRASHED = "READER_CRASHED"


class Documents(Protocol):
    """Where documents are: :class:`services.common.blobs.Blobs` in the service."""

    async def get(self, claim: ClaimCheck) -> bytes: ...


class Reader(Protocol):
    """What reads them: :class:`services.ocr.pool.ReaderPool` in the service."""

    async def read(self, data: bytes) -> Whole: ...


class Dispatcher:
    """One instance's part of the job table. Run it once."""

    def __init__(self, pool: Pool, documents: Documents, reader: Reader, settings: OcrSettings) -> None:
        self.owner = uuid4()
        self._pool = pool
        self._documents = documents
        self._reader = reader
        self._settings = settings
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._capacity = settings.readers + settings.prefetch
        self._memory = Budget(settings.prefetch_mb * 2**20)
        self._ready: asyncio.Queue[tuple[Job, bytes]] = asyncio.Queue()
        self._held: dict[UUID, Job] = {}
        self._leasing = asyncio.Lock()
        self._unread = 0
        self._wake = asyncio.Event()
        self._more = False
        self._away = 0
        self._pause_until = 0.0
        self._rounds = 0
        self._waiting_since: float = 0.0
        self._progress = time.monotonic()
        self._finisher = Finisher(pool, settled=self._settle, refused=self._refuse)

    async def run(self) -> None:
        """Work until cancelled; then every lease is given up, so that another instance goes on at once."""
        steps = [self._listen, self._take, self._finisher.step, self._renew, self._measure]
        try:
            async with asyncio.TaskGroup() as self._group:
                for step in steps + [self._read] * self._settings.readers:
                    self._group.create_task(_forever(step))
        finally:
            with suppress(Exception):
                async with asyncio.timeout(2), self._pool.acquire() as connection:
                    await store.release_all(connection, self.owner)

    @property
    def held(self) -> int:
        """Jobs under a lease of this instance."""
        return len(self._held)

    async def problem(self) -> str | None:
        """Why reading does not get on, or ``None``: documents wait and none has been finished for two minutes."""
        if self._waiting_since > _STUCK_SECONDS and time.monotonic() - self._progress > _STUCK_SECONDS:
            return f"documents have waited for {self._waiting_since:.0f} s and none is finished"
        return None

    # --- taking

    async def _listen(self) -> None:
        lost = asyncio.Event()

        def ended(_: Connection) -> None:
            lost.set()

        async with self._pool.acquire() as connection:
            connection.add_termination_listener(ended)
            await connection.add_listener(store.CHANNEL, self._notified)
            self._wake.set()
            try:
                await lost.wait()
            finally:
                with suppress(Exception):
                    connection.remove_termination_listener(ended)
                    await connection.remove_listener(store.CHANNEL, self._notified)

    def _notified(self, connection: Connection, pid: int, channel: str, payload: object) -> None:
        self._wake.set()

    async def _take(self) -> None:
        self._wake.clear()
        room = self._room()
        jobs = await self._lease_some(room) if room else []
        for job in jobs:
            self._unread += 1
            self._group.create_task(self._fetch(job))
        self._more = len(jobs) == room
        pause = self._pause_until - time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_POLL_SECONDS, pause) if pause > 0 else _POLL_SECONDS):
                await self._wake.wait()

    async def _lease_some(self, room: int) -> list[Job]:
        async with self._leasing:
            async with self._pool.acquire() as connection:
                jobs = await store.take(connection, self.owner, room, self._lease)
            # Only now are they ours: a connection lost on its way back to the pool leaves leases that nobody works
            # on, and those are given up at the next renewal. After a long freeze a lease of our own may have run out
            # while its document is still in hand.
            fresh = [job for job in jobs if job.event_id not in self._held]
            self._held.update({job.event_id: job for job in fresh})
        return fresh

    def _room(self) -> int:
        """How many jobs to take now. While the store is away a single one goes ahead, now and then, to try it."""
        if time.monotonic() < self._pause_until:
            return 0
        if self._away:
            return 1 if self._unread == 0 else 0
        return max(0, self._capacity - self._unread)

    # --- fetching

    async def _fetch(self, job: Job) -> None:
        size = job.document.length or job.document.size
        await self._memory.take(size)
        try:
            content = await self._documents.get(job.document)
        except Exception as error:
            self._memory.give(size)
            await self._not_fetched(job, error)
            return
        if self._away:
            self._away = 0
            self._wake.set()
        self._ready.put_nowait((job, content))

    async def _not_fetched(self, job: Job, error: Exception) -> None:
        self._was_read()
        if isinstance(error, (BlobMissing, BlobCorrupt)):
            await self._fail(job, type(error).__name__)
        elif is_transient(error):
            self._pause()
            await self._put_back(job, "STORE_AWAY", backoff(job.attempts, ceiling=_AWAY_CEILING))
        else:
            telemetry.logger().error("document.not_fetched", job=str(job.event_id), error=type(error).__name__)
            await self._fail(job, type(error).__name__)

    def _pause(self) -> None:
        """Several fetches fail together when the store goes: they count as one."""
        now = time.monotonic()
        if now >= self._pause_until:
            self._away += 1
            self._pause_until = now + backoff(self._away, ceiling=_AWAY_CEILING)

    # --- reading

    async def _read(self) -> None:
        job, content = await self._ready.get()
        try:
            with metrics.READ_SECONDS.time():
                reading = await self._reader.read(content)
        except Exception as error:
            telemetry.logger().error("reader.failed", job=str(job.event_id), error=type(error).__name__)
            if isinstance(error, ReaderUnavailable) or is_transient(error):
                await self._put_back(job, "READER_AWAY", backoff(job.attempts, ceiling=_AWAY_CEILING))
            else:
                await self._fail(job, type(error).__name__)
            return
        finally:
            self._memory.give(job.document.length or job.document.size)
            self._was_read()
        if job.failures == 0 and any(reason.code == _CRASHED for reason in reading.unreadable):
            # The reader may have been killed by somebody else: a supplier is not refused before a second round.
            await self._fail(job, _CRASHED)
            return
        await self._finisher.put(result_of(job, reading))

    def _was_read(self) -> None:
        self._unread -= 1
        # Half empty before asking again: one query takes several jobs.
        if self._more and self._unread <= self._capacity // 2:
            self._wake.set()

    # --- ending

    def _settle(self, job: Job) -> None:
        self._progress = time.monotonic()
        self._held.pop(job.event_id, None)

    async def _refuse(self, job: Job, trouble: str) -> None:
        await self._fail(job, trouble)

    async def _put_back(self, job: Job, reason: str, delay: float) -> None:
        metrics.PUT_BACK.labels(reason=reason).inc()
        await self._let_go(
            job,
            lambda c: store.put_back(c, self.owner, [job.event_id], timedelta(seconds=delay), reason),
        )

    async def _fail(self, job: Job, trouble: str) -> None:
        """The deposit was acknowledged, so the document must be there: it stays visible and is tried for ever."""
        delay = timedelta(seconds=backoff(job.failures + 1, base=0.5, ceiling=_LOST_CEILING))

        async def write(connection: Connection) -> None:
            lost = await store.fail(
                connection,
                self.owner,
                job.event_id,
                trouble=trouble,
                delay=delay,
                lost_after=self._settings.lost_after,
            )
            if lost:
                telemetry.logger().error("document.lost", invoice=str(job.invoice_id), trouble=trouble)
                await self._measure_backlog(connection)

        await self._let_go(job, write)

    async def _let_go(self, job: Job, write: Callable[[Connection], Awaitable[None]]) -> None:
        """End a lease with what there is to say; when that cannot be written, the lease runs out by itself."""
        self._held.pop(job.event_id, None)
        try:
            async with self._pool.acquire() as connection:
                await write(connection)
        except Exception as error:
            telemetry.logger().warning("job.not_released", job=str(job.event_id), error=type(error).__name__)

    # --- beside

    async def _renew(self) -> None:
        await asyncio.sleep(self._settings.lease_seconds / 3)
        async with self._leasing, self._pool.acquire() as connection:
            await store.renew(connection, self.owner, list(self._held), self._lease)

    async def _measure(self) -> None:
        async with self._pool.acquire() as connection:
            await self._measure_backlog(connection)
            if self._rounds % _ROUNDS_TO_PRUNE == 0:
                await store.prune(connection, self._settings.job_days)
        self._rounds += 1
        await asyncio.sleep(_MEASURE_SECONDS)

    async def _measure_backlog(self, connection: Connection) -> None:
        found = await store.backlog(connection)
        for state in ("queued", "failed"):
            backlog = found.get(state, store.Backlog(0, 0.0))
            metrics.JOBS.labels(state=state).set(backlog.count)
            metrics.OLDEST_JOB.labels(state=state).set(backlog.oldest)
        self._waiting_since = found.get("queued", store.Backlog(0, 0.0)).oldest
        metrics.DOCUMENTS_LOST.set(found.get("failed", store.Backlog(0, 0.0)).count)


def reader_lost(action: str, *, reason: str, **where: str) -> None:
    """What the pool reports: a worker process was lost, and why."""
    metrics.READERS_LOST.labels(reason=reason).inc()
    telemetry.logger().warning(action, reason=reason, **where)


async def _forever(step: Callable[[], Awaitable[None]]) -> None:
    """Repeat a step; an error never ends it: what it held is safe in the job table."""
    while True:
        await until_done(step, "job.step_failed", ceiling=_RECOVERY_CEILING)
