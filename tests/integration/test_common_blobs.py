"""Claim checks on a real object store."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from pydantic import SecretStr

from contracts.events import ClaimCheck
from deploy.local import Stack
from services.common.blobs import BlobCorrupt, BlobMissing, Blobs, BlobsAway
from services.common.settings import BlobSettings

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 400


@pytest.fixture
async def blobs(stack: Stack) -> AsyncIterator[Blobs]:
    settings: dict[str, Any] = {"environment": "development", "kafka": "-", "port": 0, "s3_bucket": "chorale-ingest"}
    settings |= {name: SecretStr("-") for name in ("dsn", "api_dsn", "token_secret")}
    settings |= {"s3_endpoint": stack.s3.endpoint, "s3_access_key": stack.s3.access_key}
    found = Blobs(BlobSettings(**settings, s3_secret_key=SecretStr(stack.s3.secret_key)))
    yield found
    await found.close()


def _key() -> str:
    return f"tests/{uuid4()}/facture n°1.pdf"


async def _put(blobs: Blobs, content: bytes, key: str | None = None) -> ClaimCheck:
    return await blobs.put(
        key or _key(),
        io.BytesIO(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type="application/pdf",
    )


@pytest.mark.parametrize("content", [b"", b"x", CONTENT, CONTENT * 60], ids=["empty", "a byte", "100 kB", "6 MB"])
async def test_what_is_put_comes_back(blobs: Blobs, content: bytes) -> None:
    claim = await _put(blobs, content)
    assert claim.size == len(content)
    assert await blobs.get(claim) == content


async def test_a_part_of_a_pack_is_read_and_verified_by_itself(blobs: Blobs) -> None:
    pack = await _put(blobs, b"first|second|third")
    part = msgspec.structs.replace(pack, offset=6, length=6, sha256=hashlib.sha256(b"second").hexdigest())
    assert await blobs.get(part) == b"second"
    with pytest.raises(BlobCorrupt):
        await blobs.get(msgspec.structs.replace(part, offset=5))


@pytest.mark.parametrize("now", [CONTENT[:-1] + b"!", CONTENT + b"!", CONTENT[:-1], b""])
async def test_bytes_that_are_not_those_promised_are_refused(blobs: Blobs, now: bytes) -> None:
    claim = await _put(blobs, CONTENT)
    await _put(blobs, now, claim.key)
    with pytest.raises(BlobCorrupt):
        await blobs.get(claim)


async def test_an_object_that_is_not_there_is_missing_and_can_be_deleted_again(blobs: Blobs) -> None:
    claim = await _put(blobs, CONTENT)
    for _ in range(2):
        await blobs.delete(claim.key)
    with pytest.raises(BlobMissing):
        await blobs.get(claim)


async def test_objects_older_than_an_instant_are_listed_up_to_a_limit(blobs: Blobs) -> None:
    prefix = f"tests/{uuid4()}/"
    keys = [f"{prefix}{number}" for number in range(4)]
    for key in keys:
        await _put(blobs, b"x", key)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await blobs.older_than(prefix, later) == keys
    assert await blobs.older_than(prefix, later, limit=2) == keys[:2]
    assert await blobs.older_than(prefix, later, after=keys[1]) == keys[2:]
    assert await blobs.older_than(prefix, later - timedelta(hours=2)) == []


async def test_a_killed_store_is_away_within_a_bound_and_has_everything_when_it_comes_back(
    stack: Stack, blobs: Blobs
) -> None:
    claim = await _put(blobs, CONTENT)
    await asyncio.to_thread(stack.kill, "s3")
    try:
        async with asyncio.timeout(60):
            for work in (blobs.get(claim), _put(blobs, CONTENT), blobs.delete(claim.key)):
                with pytest.raises(BlobsAway):
                    await work
            with pytest.raises(BlobsAway):
                await blobs.older_than("tests/", datetime.now(UTC))
    finally:
        await asyncio.to_thread(stack.start, "s3")
    assert await blobs.get(claim) == CONTENT
