"""Broken PDFs through the pool: each ends in time with a reading or a named reason, and the pool goes on."""

import asyncio
import time
from random import Random

import pytest

from services.ocr.domain import FIELD_NAMES, Reading
from services.ocr.outcomes import CODES
from services.ocr.pool import ReaderPool
from services.ocr.reader import read
from tests.documents import LAYOUTS, sample, scanned

MUTATIONS = 1_000
SECONDS = 45


def mutate(data: bytes, rng: Random) -> bytes:
    """Cut, flip, repeat, swap or overwrite a piece; numbers and names are worth aiming at."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(out))
        match rng.randrange(7):
            case 0:
                out[at] = rng.randrange(256)
            case 1:
                del out[at : at + rng.choice((1, 10, 1_000))]
            case 2:
                out[at:at] = out[at : at + rng.choice((1, 20, 2_000))]
            case 3:
                out[at:at] = rng.randbytes(rng.choice((1, 50)))
            case 4:
                _replace_number(out, at, rng)
            case 5:
                out[at : at + 4] = rng.choice(
                    (b"/Kid", b"/Len", b"<<<<", b"]]]]", b"0 R ", b"obj ", b"\xff\xfe\x00\x00")
                )
            case _:
                if rng.random() < 0.1:
                    del out[at:]
        if len(out) < 16:
            break
    return bytes(out)


def _replace_number(out: bytearray, at: int, rng: Random) -> None:
    start = next((i for i in range(at, min(at + 200, len(out))) if chr(out[i]).isdigit()), None)
    if start is None:
        return
    end = start
    while end < len(out) and chr(out[end]).isdigit():
        end += 1
    out[start:end] = rng.choice((b"0", b"-1", b"99999999", b"4294967296", b"1e9", b"2147483647"))


def valid(reading: Reading) -> bool:
    reasons = [*reading.unreadable, *([reading.empty] if reading.empty else [])]
    names = [field.name for field in reading.fields]
    one_outcome = bool(reading.fields) + bool(reading.unreadable) + (reading.empty is not None) == 1
    return (
        one_outcome
        and all(reason.code in CODES for reason in reasons)
        and names == [n for n in FIELD_NAMES if n in names]
    )


@pytest.mark.timeout(90)
async def test_mutated_documents_end_in_time_and_the_pool_goes_on() -> None:
    rng = Random(20_261_122)
    originals = [sample(seed, layout=layout).render() for seed, layout in enumerate(LAYOUTS)] + [scanned()]
    readers = ReaderPool(workers=2, timeout=5.0, memory_mb=512)
    await readers.start()
    try:
        started = time.monotonic()
        ends: list[Reading] = []
        while len(ends) < MUTATIONS and time.monotonic() - started < SECONDS:
            batch = [mutate(rng.choice(originals), rng) for _ in range(50)]
            ends += await asyncio.gather(*(readers.read(data) for data in batch))
        assert len(ends) >= MUTATIONS // 4
        assert [end for end in ends if not valid(end)] == []
        assert "READER_FAILED" not in readers.losses, "our own code raised: see the report"
        assert await readers.read(originals[0]) == read(originals[0])
    finally:
        await readers.stop()


async def test_any_bytes_end_with_a_named_reason() -> None:
    rng = Random(7)
    readers = ReaderPool(workers=1, timeout=5.0)
    await readers.start()
    try:
        for size in (0, 1, 7, 100, 5_000):
            for head in (b"", b"%PDF-1.7\n"):
                reading = await readers.read(head + rng.randbytes(size))
                assert [reason.code for reason in reading.unreadable] == ["PDF_DAMAGED" if head else "NOT_A_PDF"]
    finally:
        await readers.stop()
