"""Documents by claim check: stored before the transaction, verified whenever they are read. Only importer of minio."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple, TypeVar
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import InvalidResponseError, S3Error, ServerError

from contracts.events import ClaimCheck
from services.common.failures import Transient
from services.common.settings import BlobSettings

T = TypeVar("T")
_NEVER = datetime.min.replace(tzinfo=UTC)


class BlobsAway(Transient):
    """The object store does not answer, or answers that it cannot now."""


class BlobMissing(Exception):
    """The store has no object under this claim check's key."""


class BlobCorrupt(Exception):
    """The stored bytes are not those that the claim check promises."""


class Listed(NamedTuple):
    """An object as a listing shows it; ``size`` in bytes, ``modified`` aware UTC."""

    key: str
    etag: str
    size: int
    modified: datetime


class Blobs:
    """One bucket of any S3 store, through a small pool of threads."""

    def __init__(self, settings: BlobSettings) -> None:
        endpoint = urlsplit(settings.s3_endpoint)
        self._bucket = settings.s3_bucket
        self._threads = ThreadPoolExecutor(settings.s3_threads, thread_name_prefix="blobs")
        self._client = Minio(
            endpoint=endpoint.netloc,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key.get_secret_value(),
            secure=endpoint.scheme == "https",
            region="us-east-1",
            http_client=urllib3.PoolManager(
                maxsize=settings.s3_threads,
                timeout=urllib3.Timeout(connect=3, read=20),
                retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(502, 503, 504)),
            ),
        )

    async def open(self) -> None:
        """Create the bucket when it is missing."""

        def ensure() -> None:
            if not self._client.bucket_exists(bucket_name=self._bucket):
                self._client.make_bucket(bucket_name=self._bucket)

        await self._call(ensure)

    async def close(self) -> None:
        """Let the threads go; what they were doing is abandoned."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def put(self, key: str, source: BinaryIO, *, size: int, sha256: str, media_type: str) -> ClaimCheck:
        """Store ``size`` bytes read from ``source``. Raises :class:`BlobsAway`."""

        def store() -> None:
            source.seek(0)
            self._client.put_object(
                bucket_name=self._bucket,
                object_name=key,
                data=source,
                length=size,
                content_type=media_type,
                num_parallel_uploads=1,  # more would hold several parts of each document in memory
            )

        await self._call(store)
        return ClaimCheck(bucket=self._bucket, key=key, sha256=sha256, size=size, media_type=media_type)

    async def get(self, claim: ClaimCheck) -> bytes:
        """The bytes, verified. Raises :class:`BlobMissing`, :class:`BlobCorrupt` or :class:`BlobsAway`."""

        def fetch() -> bytes:
            answer = self._client.get_object(
                bucket_name=claim.bucket,
                object_name=claim.key,
                offset=claim.offset or 0,
                length=claim.length or 0,
            )
            try:
                return answer.read(claim.size + 1) if claim.length is None else answer.read(claim.length)
            finally:
                answer.close()
                answer.release_conn()

        content = await self._call(fetch)
        if len(content) != (claim.length or claim.size) or hashlib.sha256(content).hexdigest() != claim.sha256:
            raise BlobCorrupt(claim.key)
        return content

    async def read(self, key: str, offset: int, length: int) -> bytes:
        """``length`` bytes of an object from ``offset``, not verified: whoever asks has a hash of the whole.

        Raises :class:`BlobMissing`, :class:`BlobCorrupt` where there are fewer, or :class:`BlobsAway`.
        """

        def fetch() -> bytes:
            answer = self._client.get_object(bucket_name=self._bucket, object_name=key, offset=offset, length=length)
            try:
                return answer.read(length)
            finally:
                answer.close()
                answer.release_conn()

        content = await self._call(fetch)
        if len(content) != length:
            raise BlobCorrupt(key)
        return content

    async def copy(self, source: str, target: str, *, etag: str) -> None:
        """Copy an object within the store. Raises :class:`BlobMissing` when it is gone or not of this ``etag``."""

        def work() -> None:
            try:
                self._client.copy_object(
                    bucket_name=self._bucket,
                    object_name=target,
                    source=CopySource(bucket_name=self._bucket, object_name=source, match_etag=etag),
                )
            except S3Error as error:
                if error.code == "PreconditionFailed":
                    raise BlobMissing(source) from error
                raise

        await self._call(work)

    async def listed(self, prefix: str, limit: int = 1000) -> list[Listed]:
        """What lies under a prefix, in the order of the keys, ``limit`` at most."""

        def look() -> list[Listed]:
            found = self._client.list_objects(bucket_name=self._bucket, prefix=prefix, recursive=True)
            return [
                Listed(one.object_name, (one.etag or "").strip('"'), one.size or 0, one.last_modified or _NEVER)
                for one, _ in zip(found, range(limit), strict=False)
                if one.object_name
            ]

        return await self._call(look)

    async def delete(self, key: str) -> None:
        """Delete an object; one that is gone already is no error."""
        await self._call(lambda: self._client.remove_object(bucket_name=self._bucket, object_name=key))

    async def older_than(self, prefix: str, instant: datetime, limit: int = 1000, *, after: str = "") -> list[str]:
        """Keys under ``prefix`` behind ``after`` last written before ``instant``, in order, ``limit`` at most."""

        def listing() -> Iterator[str]:
            for found in self._client.list_objects(
                bucket_name=self._bucket, prefix=prefix, recursive=True, start_after=after or None
            ):
                if found.object_name and found.last_modified and found.last_modified < instant:
                    yield found.object_name

        def first() -> list[str]:
            return [key for key, _ in zip(listing(), range(limit), strict=False)]

        return await self._call(first)

    async def _call(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchBucket"):
                raise BlobMissing(error.code or "NoSuchKey") from error
            raise BlobsAway(error.code or "S3Error") from error
        except (ServerError, InvalidResponseError, urllib3.exceptions.HTTPError, OSError) as error:
            raise BlobsAway(type(error).__name__) from error
