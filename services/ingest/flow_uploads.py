"""Taking the bytes of flows, in one request or in several: who may, how many at once, and when one is whole."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from uuid import UUID

from services.common import clock, telemetry
from services.common.auth import Principal
from services.common.blobs import Blobs, BlobsAway
from services.common.db import Pool, scoped
from services.common.deliver import transaction
from services.ingest import flow_store, flow_words
from services.ingest.depositing import depositor, within
from services.ingest.flow_domain import Flow, FlowState, Way
from services.ingest.flow_segments import Upload, discard
from services.ingest.identity import uuid7
from services.ingest.names import label
from services.ingest.settings import IngestSettings


class Uploads:
    """Flows on their way in. What is answered is durable."""

    def __init__(self, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
        self._pool = api_pool
        self._blobs = blobs
        self._settings = settings
        self._running: Counter[str] = Counter()

    @contextmanager
    def one(self, subject: str) -> Iterator[None]:
        """One stream of bytes. Each holds memory: nobody may take all there is, and all together stay bounded."""
        if self._running[subject] >= self._settings.flow_uploads_each:
            raise flow_words.too_many(self._settings.flow_uploads_each)
        if sum(self._running.values()) >= self._settings.flow_uploads:
            raise flow_words.too_many(self._settings.flow_uploads)
        self._running[subject] += 1
        try:
            yield
        finally:
            self._running[subject] -= 1
            if not self._running[subject]:
                del self._running[subject]

    async def begin(self, principal: Principal, name: str, size: int | None, way: Way, traceparent: str | None) -> Flow:
        """A new flow, of which nothing has come. Raises the problems of one that is too large or one too many."""
        if size is not None and size > self._settings.flow_max_bytes:
            raise flow_words.too_large(self._settings.flow_max_bytes, size)
        if size == 0:
            raise flow_words.empty()
        now, by = clock.now(), depositor(principal)
        flow = Flow(
            id=uuid7(now),
            depositor=principal.subject,
            contact=principal.contact,
            structures=by.structures,
            roles=by.roles,
            file_name=label(name or "flux")[:200],
            way=way,
            kind=None,
            size=size,
            stored=0,
            sha256=None,
            step="upload",
            state=FlowState.UPLOADING,
            begun_at=now,
            traceparent=traceparent,
        )
        async with transaction(
            self._pool, "ingest", keys=[f"flows/{principal.subject}"], scope=principal.scope()
        ) as tx:
            if await flow_store.uploads_open(tx.conn, principal.subject) >= self._settings.flow_open_uploads:
                raise flow_words.too_many(self._settings.flow_open_uploads)
            await flow_store.begin(tx.conn, flow)
        return flow

    async def whole(self, principal: Principal, flow: Flow, body: AsyncIterator[bytes]) -> tuple[Flow, bool]:
        """A flow from one body; the earlier flow and true where the same bytes came before."""
        try:
            upload = await self._take(principal, flow, body)
            if not upload.stored:
                raise flow_words.empty()
        except BaseException:
            await self.abandon(principal, flow)
            raise
        sha256 = upload.hash.hexdigest()
        async with transaction(
            self._pool, "ingest", keys=[f"flow/{sha256}/{principal.subject}"], scope=principal.scope()
        ) as tx:
            before = await flow_store.earlier(tx.conn, principal.subject, sha256, flow.id)
            if before is None:
                await flow_store.received(tx.conn, flow.id, sha256, tx.now)
        if before is not None:
            await self.abandon(principal, flow)
            return before, True
        return await self.own(principal, flow.id), False

    async def part(self, principal: Principal, flow: Flow, offset: int, body: AsyncIterator[bytes]) -> Flow:
        """More bytes of an upload, from ``offset``; with the last of them it is received."""
        if flow.step != "upload":
            raise flow_words.upload_over()
        if not within(flow.structures, flow.roles, depositor(principal)):
            raise flow_words.rights_changed()
        if offset != flow.stored:
            raise flow_words.offset_differs(flow.stored)
        await self._take(principal, flow, body)
        return await self.own(principal, flow.id)

    async def _take(self, principal: Principal, flow: Flow, body: AsyncIterator[bytes]) -> Upload:
        upload = Upload(
            flow,
            principal.scope(),
            self._pool,
            self._blobs,
            segment_bytes=self._settings.flow_segment_bytes,
            max_bytes=self._settings.flow_max_bytes,
        )
        with self.one(principal.subject):
            await upload.take(body, self._settings.upload_stall_seconds, self._settings.flow_bytes_per_second)
        telemetry.logger().info("flow.stored", flow=str(flow.id), stored=upload.stored)
        return upload

    async def own(self, principal: Principal, flow: UUID) -> Flow:
        """The depositor's own flow; one of somebody else is as unknown as one that never was."""
        async with scoped(self._pool, principal.scope()) as connection:
            found = await flow_store.find(connection, flow)
        if found is None:
            raise flow_words.unknown()
        return found

    async def abandon(self, principal: Principal, flow: Flow) -> bool:
        """Forget an upload, its bytes too; those that cannot be deleted now are swept."""
        async with transaction(self._pool, "ingest", scope=principal.scope()) as tx:
            gone = await flow_store.abandon(tx.conn, flow.id)
        if gone:
            with suppress(BlobsAway):
                await discard(self._blobs, flow)
        return gone


async def sweep(pool: Pool, blobs: Blobs, before: datetime) -> int:
    """Forget uploads that nobody finished; returns how many."""
    async with pool.acquire() as connection:
        old = await flow_store.stale(connection, before, 100)
    gone = 0
    for flow in old:
        async with transaction(pool, "ingest") as tx:
            forgotten = await flow_store.abandon(tx.conn, flow.id)
        if forgotten:  # and not received since it was looked for; what stays behind here goes as an orphan
            gone += 1
            await discard(blobs, flow)
    return gone
