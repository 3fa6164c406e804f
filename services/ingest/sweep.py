"""Deletes stored files whose row never came to be: the request died between the store and the database."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.common import telemetry
from services.common.blobs import Blobs
from services.common.db import Pool
from services.ingest import attachment_store, flow_store, flow_uploads, metrics, store
from services.ingest.rounds import rounds

_ID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_DOCUMENT = re.compile(rf"[0-9a-f]{{16}}/{_ID}/document\.(?:pdf|xml)")
_FLOW = re.compile(rf"[0-9a-f]{{16}}/flows/{_ID}/in/[0-9]{{12}}-[0-9a-f]{{8}}")
_ATTACHMENT = re.compile(rf"[0-9a-f]{{16}}/{_ID}/attachments/{_ID}")


class Sweep:
    """One pass looks at ``pages`` pages of old keys at most and goes on there in the next.

    A key is deleted only if it has the form of a document's key and its deposit id has no row, or a duplicate's,
    which stands on the earlier deposit's document; or the form of an attachment's key, or of bytes of a flow that has
    no row. What a deposit or an
    attachment stands on is never deleted, whichever deposit it was stored for: a piece may be reused. Uploads of
    flows that were begun as long ago and never finished are forgotten too.
    """

    def __init__(
        self, pool: Pool, blobs: Blobs, *, age: timedelta, every_seconds: float, page: int = 1000, pages: int = 100
    ) -> None:
        self._pool = pool
        self._blobs = blobs
        self._age = age
        self._every = every_seconds
        self._page = page
        self._pages = pages
        self._after = ""

    async def run(self) -> None:
        """Sweep for the life of the process. What fails is tried again in the next pass."""
        await rounds(self.once, self._every, away="sweep.away", failed="sweep.failed")

    async def once(self) -> int:
        """One pass; returns how many documents were deleted."""
        before = datetime.now(UTC) - self._age
        deleted = 0
        for _ in range(self._pages):
            keys = await self._blobs.older_than("", before, self._page, after=self._after)
            deleted += await self._delete_orphans(keys)
            self._after = keys[-1] if len(keys) == self._page else ""
            if not self._after:
                break
        deleted += await flow_uploads.sweep(self._pool, self._blobs, before)
        if deleted:
            telemetry.logger().info("documents.swept", documents=deleted)
            metrics.SWEPT.inc(deleted)
        return deleted

    async def _delete_orphans(self, keys: Sequence[str]) -> int:
        documents = {key: UUID(match[1]) for key in keys if (match := _DOCUMENT.fullmatch(key))}
        attachments = {key: UUID(match[2]) for key in keys if (match := _ATTACHMENT.fullmatch(key))}
        flows = {key: UUID(match[1]) for key in keys if (match := _FLOW.fullmatch(key))}
        if not documents and not attachments and not flows:
            return 0
        async with self._pool.acquire() as connection:
            kept = await store.with_document(connection, sorted(documents.values()))
            other = await store.under_other_keys(connection, sorted(documents))
            standing = await flow_store.existing(connection, sorted({*flows.values()}))
            used = other | await attachment_store.existing(connection, sorted({*documents, *attachments}))
        orphans = [key for key, id_ in documents.items() if id_ not in kept and key not in used]
        orphans += [key for key in attachments if key not in used]
        orphans += [key for key, id_ in flows.items() if id_ not in standing]
        for key in orphans:
            await self._blobs.delete(key)
        return len(orphans)
