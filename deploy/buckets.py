"""The buckets of Chorale, and the question whether the object store takes a write yet."""

import io
import time

from minio import Minio
from minio.error import MinioException
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from deploy.servers.errors import StackError

PROBE = ".probe"


def create(endpoint: str, access_key: str, secret_key: str, buckets: tuple[str, ...], limit: float = 60.0) -> None:
    """Create the missing buckets and write, read and delete one object in each.

    Tried again until ``limit`` seconds have passed: a store that has just started accepts connections seconds before
    it accepts objects. Raises StackError with the store's last answer.
    """
    host, secure = endpoint.removeprefix("http://").removeprefix("https://"), endpoint.startswith("https://")
    pool = PoolManager(timeout=Timeout(connect=2, read=10), retries=Retry(total=0))
    client = Minio(host, access_key, secret_key, secure=secure, region="us-east-1", http_client=pool)
    deadline = time.monotonic() + limit
    try:
        for bucket in buckets:
            while (refusal := _open(client, bucket)) is not None:
                if time.monotonic() > deadline:
                    raise StackError(f"The object store at {endpoint} takes no write in bucket {bucket}: {refusal}")
                time.sleep(0.1)
    finally:
        pool.clear()


def _open(client: Minio, bucket: str) -> str | None:
    try:
        if not client.bucket_exists(bucket_name=bucket):
            client.make_bucket(bucket_name=bucket)
        client.put_object(bucket_name=bucket, object_name=PROBE, data=io.BytesIO(b"1"), length=1)
        client.stat_object(bucket_name=bucket, object_name=PROBE)
        client.remove_object(bucket_name=bucket, object_name=PROBE)
    except (MinioException, HTTPError) as error:
        return f"{type(error).__name__} {error}"[:300]
    return None
