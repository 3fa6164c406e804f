"""Settings of the ocr service."""

from services.common.settings import BlobSettings


class OcrSettings(BlobSettings):
    """``readers``: documents read at once. ``prefetch``: documents fetched ahead of them, within ``prefetch_mb``.

    A lease is renewed while its holder lives, so ``lease_seconds`` is how long a crash delays a document. A document
    that is missing or altered counts as failed after ``lost_after`` tries. ``painters``: pages drawn at once, for which
    ``pages_waiting`` requests may wait; a picture is kept for ``page_days``.
    """

    readers: int = 2
    reader_timeout_seconds: float = 20.0
    reader_memory_mb: int = 1024
    reader_recycle_after: int = 2000
    prefetch: int = 6
    prefetch_mb: int = 64
    lease_seconds: float = 15.0
    lost_after: int = 6
    job_days: int = 35
    painters: int = 1
    painter_timeout_seconds: float = 8.0
    pages_waiting: int = 32
    page_days: int = 90
