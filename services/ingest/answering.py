"""What routes share: uploads counted, an answer in bounded time, and the bytes of a stored file."""

from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from contracts.events import ClaimCheck
from services.common import telemetry
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs
from services.common.failures import is_transient
from services.common.in_time import in_time
from services.common.web import failure
from services.ingest import refusals

T = TypeVar("T")


@asynccontextmanager
async def one_of(uploads: Counter[str], subject: str, limit: int) -> AsyncIterator[None]:
    """One upload of this subject. Each holds disk while it comes, however slowly: nobody may take all there is."""
    if uploads[subject] >= limit:
        raise refusals.too_many_uploads(limit)
    uploads += Counter({subject: 1})
    try:
        yield
    finally:
        uploads -= Counter({subject: 1})  # keeps no one who has none left


async def content(blobs: Blobs, claim: ClaimCheck, deposit: str) -> bytes:
    """The bytes of a stored file, verified. Raises the problem of one that is gone or no longer what it was."""
    try:
        return await blobs.get(claim)
    except (BlobMissing, BlobCorrupt) as error:
        telemetry.logger().error("document.unavailable", deposit=deposit, error=type(error).__name__)
        raise refusals.document_unavailable() from error


async def answered(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work`` within ``seconds``. A part that is away, or too slow, becomes a 503 to be tried again."""
    try:
        return await in_time(seconds, work)
    except Exception as error:
        if is_transient(error):
            telemetry.logger().warning("http.unavailable", error=type(error).__name__)
            raise failure(error) from error
        raise
