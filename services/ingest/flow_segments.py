"""A flow's bytes: written as they come, one object per few megabytes, and read back at any place."""

import asyncio
import hashlib
import io
import secrets
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from uuid import UUID

from starlette.requests import ClientDisconnect

from contracts.events import ClaimCheck
from services.common.blobs import BlobMissing, Blobs, BlobsAway
from services.common.db import Pool
from services.common.deliver import transaction
from services.ingest import flow_store, flow_words
from services.ingest.flow_domain import Flow, Kind, kind_of
from services.ingest.flow_store import Segment
from services.ingest.kinds import MAGIC_WITHIN, looks_like

_OCTETS = "application/octet-stream"


def folder(depositor: str, flow: UUID) -> str:
    """Where everything of a flow is stored. One depositor's flows say nothing about another's."""
    return f"{hashlib.sha256(depositor.encode()).hexdigest()[:16]}/flows/{flow}/"


class Upload:
    """Bytes on their way into the store. At most two segments are in memory: one that fills, one that is stored.

    What is counted in the row is durable. A segment's key holds a random part, so that two requests that go on from the
    same place never write to one object: one of them wins in the row, the other's object is deleted.
    """

    def __init__(
        self, flow: Flow, scope: dict[str, str], api_pool: Pool, blobs: Blobs, *, segment_bytes: int, max_bytes: int
    ) -> None:
        self._flow = flow
        self._scope = scope
        self._pool = api_pool
        self._blobs = blobs
        self._segment_bytes = segment_bytes
        self._limit = max_bytes if flow.size is None else flow.size
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._storing: asyncio.Task[None] | None = None
        self._kind: Kind | None = flow.kind
        self._taken = flow.stored
        self.stored = flow.stored
        self.hash = hashlib.sha256()

    async def take(self, body: AsyncIterator[bytes], stall_seconds: float, bytes_per_second: int) -> None:
        """Store a body. What came before it broke off is kept. Raises the problem of a bad or interrupted one.

        Whoever sends a byte now and then holds a place that others need: over every ``stall_seconds`` of waiting for
        him he must have sent ``bytes_per_second``. How long the store takes is not his fault, and not counted.
        """
        iterator, waited, came = body.__aiter__(), 0.0, 0
        try:
            while True:
                begun = time.monotonic()
                async with asyncio.timeout(stall_seconds):
                    chunk = await anext(iterator, None)
                if chunk is None:
                    break
                waited, came = waited + time.monotonic() - begun, came + len(chunk)
                await self._add(chunk)
                if waited > stall_seconds:
                    if came < bytes_per_second * waited:
                        raise TimeoutError
                    waited, came = 0.0, 0
        except (TimeoutError, ClientDisconnect) as error:
            await self._flush()
            raise flow_words.stalled() from error
        except BaseException:
            if self._storing is not None:
                with suppress(BaseException):
                    await self._storing
            raise
        await self._flush()

    async def _add(self, chunk: bytes) -> None:
        self._taken += len(chunk)
        if self._taken > self._limit:
            raise flow_words.too_large(min(self._limit, self._max_bytes), None)
        self.hash.update(chunk)
        self._buffer += chunk
        if self._kind is None and len(self._buffer) >= MAGIC_WITHIN:
            self._judge()
        while len(self._buffer) >= self._segment_bytes:
            content = bytes(self._buffer[: self._segment_bytes])
            del self._buffer[: self._segment_bytes]
            await self._store(content)

    def _judge(self) -> None:
        self._kind = kind_of(bytes(self._buffer[:MAGIC_WITHIN]))
        if self._kind is None:
            raise flow_words.kind_refused(looks_like(bytes(self._buffer[:MAGIC_WITHIN])))

    async def _flush(self) -> None:
        if self._buffer:
            if self._kind is None:
                self._judge()
            content = bytes(self._buffer)
            self._buffer.clear()
            await self._store(content)
        if self._storing is not None:
            await self._storing
            self._storing = None

    async def _store(self, content: bytes) -> None:
        """Wait for the segment before, then store this one while the next one fills."""
        if self._storing is not None:
            await self._storing
        self._storing = asyncio.create_task(self._put(content))

    async def _put(self, content: bytes) -> None:
        key = f"{folder(self._flow.depositor, self._flow.id)}in/{self.stored:012d}-{secrets.token_hex(4)}"
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
        await self._blobs.put(key, io.BytesIO(content), size=len(content), sha256=digest, media_type=_OCTETS)
        segment = Segment(self.stored, len(content), digest, key)
        async with transaction(self._pool, "ingest", scope=self._scope) as tx:
            added = await flow_store.add_segment(tx.conn, self._flow.id, segment, self._kind)
            if added and self._flow.way == "upload" and self.stored + len(content) == self._flow.size:
                # With the last byte and not after it: whoever asks how far it came is told that nothing is left to do.
                await flow_store.received(tx.conn, self._flow.id, None, tx.now)
        if not added:
            with suppress(BlobsAway):
                await self._blobs.delete(key)
            raise flow_words.offset_differs(self.stored)
        self.stored += len(content)


async def discard(blobs: Blobs, flow: Flow) -> None:
    """Delete every object of a flow that is no more."""
    while listed := await blobs.listed(folder(flow.depositor, flow.id)):
        for found in listed:
            await blobs.delete(found.key)


class Bytes:
    """A flow's stored bytes, read at any place."""

    def __init__(self, blobs: Blobs, bucket: str, segments: Sequence[Segment]) -> None:
        self._blobs = blobs
        self._bucket = bucket
        self._segments = segments
        self._starts = [segment.start_at for segment in segments]
        self.size = sum(segment.size for segment in segments)

    async def sha256(self) -> str:
        """The hash of the whole, each segment verified by its own where it has one.

        Raises :class:`services.common.blobs.BlobMissing` or ``BlobCorrupt``.
        """
        found = hashlib.sha256()
        for segment in self._segments:
            if segment.sha256:
                claim = ClaimCheck(
                    bucket=self._bucket,
                    key=segment.key,
                    sha256=segment.sha256,
                    size=segment.size,
                    media_type=_OCTETS,
                )
                content = await self._blobs.get(claim)
                await asyncio.to_thread(found.update, content)
            else:
                for offset in range(0, segment.size, 4_194_304):
                    length = min(4_194_304, segment.size - offset)
                    content = await self._blobs.read(segment.key, offset, length)
                    await asyncio.to_thread(found.update, content)
        return found.hexdigest()

    async def fetch(self, offset: int, length: int) -> bytes:
        """These bytes, from as many segments as they lie in. Raises ``BlobMissing`` beyond the end."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise BlobMissing("beyond the end")
        parts: list[bytes] = []
        while length > 0:
            segment = self._segments[bisect_right(self._starts, offset) - 1]
            inside = offset - segment.start_at
            count = min(length, segment.size - inside)
            parts.append(await self._blobs.read(segment.key, inside, count))
            offset, length = offset + count, length - count
        return b"".join(parts)
