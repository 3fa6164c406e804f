"""What was read becomes a result: one transaction for everything that finished within a few milliseconds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from contracts.events import DocumentRead, DocumentUnreadable
from services.common import telemetry
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import backoff, is_transient
from services.common.trace import RequestCause
from services.ocr import metrics, store
from services.ocr.answers import Whole
from services.ocr.domain import READER
from services.ocr.store import Job, Result

_LINGER_SECONDS = 0.015
_TOGETHER = 50

Settled = Callable[[Job], None]
Refused = Callable[[Job, str], Awaitable[None]]


def result_of(job: Job, whole: Whole) -> Result:
    """The event that tells a reading, with its outcome."""
    sha256 = job.document.sha256
    if whole.unreadable:
        refusal = DocumentUnreadable(sha256=sha256, reasons=whole.unreadable, reader=READER)
        return Result(job=job, outcome="unreadable", data=refusal)
    data = DocumentRead(
        sha256=sha256,
        pages=whole.pages,
        fields=whole.fields,
        reader=READER,
        empty=whole.empty,
        source=whole.source,
        page_sizes=whole.page_sizes,
        warnings=whole.warnings,
        signatures=whole.signatures,
        embedded=whole.embedded,
        lines=whole.lines,
    )
    return Result(job=job, outcome="empty" if whole.empty else "read", data=data)


class Finisher:
    """Stores results and emits their events, each document's once.

    ``settled`` is told of each job that needs no lease any more; ``refused`` of one whose result cannot be stored,
    with the reason: a bug, which must stay visible and must not hold up the others.
    """

    def __init__(self, pool: Pool, *, settled: Settled, refused: Refused) -> None:
        self._pool = pool
        self._settled = settled
        self._refused = refused
        self._queue: asyncio.Queue[Result] = asyncio.Queue(2 * _TOGETHER)

    async def put(self, result: Result) -> None:
        """Hand a result over; waits while the database is too slow or away."""
        await self._queue.put(result)

    async def step(self) -> None:
        """Store what has come. Returns only when it is durable or refused."""
        results = [await self._queue.get()]
        await asyncio.sleep(_LINGER_SECONDS)
        while len(results) < _TOGETHER and not self._queue.empty():
            results.append(self._queue.get_nowait())
        try:
            await self._store_patiently(results)
            return
        except Exception as error:
            telemetry.logger().warning("results.split", results=len(results), error=type(error).__name__)
        for result in results:
            try:
                await self._store_patiently([result])
            except Exception as error:
                telemetry.logger().error("result.refused", job=str(result.job.event_id), error=type(error).__name__)
                await self._refused(result.job, type(error).__name__)

    async def _store_patiently(self, results: Sequence[Result]) -> None:
        attempt = 0
        while True:
            try:
                await self._store(results)
                break
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                await asyncio.sleep(backoff(attempt, ceiling=2.0))
        for result in results:
            self._settled(result.job)

    async def _store(self, results: Sequence[Result]) -> None:
        """An expired lease may have let another instance finish a document: the first result stands."""
        keys = {str(result.job.invoice_id) for result in results}
        async with transaction(self._pool, "ocr", keys=keys) as tx:
            first = await store.mark_done(tx.conn, [result.job.event_id for result in results])
            kept = list({r.job.event_id: r for r in results if r.job.event_id in first}.values())
            await store.keep_readings(tx.conn, kept, tx.now)
            for result in kept:
                cause = RequestCause(result.job.event_id, result.job.traceparent)
                tx.emit(result.data, key=str(result.job.invoice_id), cause=cause)
        metrics.BEATEN.inc(len(results) - len(kept))
        for result in kept:
            metrics.RESULTS.labels(outcome=result.outcome).inc()
