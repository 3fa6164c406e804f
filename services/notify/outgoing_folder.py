"""Where the files of the outgoing folders lie: objects of any S3 store."""

import hashlib
import io

from contracts.events import ClaimCheck
from services.common.blobs import Blobs
from services.common.settings import BlobSettings

MANIFEST = ".manifest.json"


class Folder:
    """One bucket. A key is written with the same bytes however often it is written."""

    def __init__(self, settings: BlobSettings) -> None:
        self._blobs = Blobs(settings)
        self._bucket = settings.s3_bucket

    async def open(self) -> None:
        """Create the bucket when it is missing. Raises BlobsAway."""
        await self._blobs.open()

    async def put(self, key: str, content: bytes, media_type: str) -> str:
        """Store and return the SHA-256. Raises BlobsAway."""
        sha256 = hashlib.sha256(content).hexdigest()
        await self._blobs.put(key, io.BytesIO(content), size=len(content), sha256=sha256, media_type=media_type)
        return sha256

    async def get(self, key: str, *, size: int, sha256: str) -> bytes:
        """The bytes, verified. Raises BlobMissing, BlobCorrupt or BlobsAway."""
        return await self._blobs.get(
            ClaimCheck(bucket=self._bucket, key=key, sha256=sha256, size=size, media_type="application/octet-stream")
        )

    async def close(self) -> None:
        """Let the threads go."""
        await self._blobs.close()
