"""Broken PDFs through the pool: each ends in time with an answer or a named reason, and the pool goes on."""

import asyncio
import os
import signal
import time
from collections import Counter
from random import Random

import psutil
import pytest

from invoice.reading import FIELD_NAMES
from services.ocr.answers import Whole
from services.ocr.outcomes import CODES
from services.ocr.pool import ReaderPool
from services.ocr.whole import read_document
from tests.documents import sample
from tests.fuzz.harness_pdf import TARGETS, alone
from tests.fuzz.pdf_attacks import ATTACKS
from tests.fuzz.pdf_mutations import mutated, originals

SECONDS_EACH = 4.0
MEGABYTES = 512
AT_ONCE = 20


def named(answer: Whole) -> bool:
    """Exactly one outcome, every reason with a code of the table, and fields in order with a box on their page."""
    reasons = [*answer.unreadable, *([answer.empty] if answer.empty else [])]
    names = [field.name for field in answer.fields]
    return (
        bool(answer.fields) + bool(answer.unreadable) + (answer.empty is not None) == 1
        and all(reason.code in CODES and reason.message and reason.action for reason in reasons)
        and len(set(names)) == len(names)
        and set(names) <= set(FIELD_NAMES)
        and all(field.page <= max(answer.pages, 1) for field in answer.fields)
    )


async def run(count: int, *, first: int = 0) -> Counter[str]:
    """Send ``count`` mutations through a pool of two; how they ended."""
    parent = psutil.Process()
    readers = ReaderPool(workers=2, timeout=SECONDS_EACH, memory_mb=MEGABYTES)
    await readers.start()
    ends: Counter[str] = Counter()
    before = parent.memory_info().rss
    try:
        for start in range(first, first + count, AT_ONCE):
            documents = [mutated(seed) for seed in range(start, min(start + AT_ONCE, first + count))]
            began = time.monotonic()
            answers = await asyncio.gather(*(readers.read(data) for data in documents))
            assert time.monotonic() - began < 2 * SECONDS_EACH * AT_ONCE
            assert [start + at for at, answer in enumerate(answers) if not named(answer)] == []
            for answer in answers:
                reasons = [*answer.unreadable, *([answer.empty] if answer.empty else [])]
                ends[reasons[0].code if reasons else "read"] += 1
            for pid in readers.pids:
                assert psutil.Process(pid).memory_info().rss < MEGABYTES << 20
        assert "READER_FAILED" not in readers.losses, "our own code raised: see the report"
        assert parent.memory_info().rss - before < 150 << 20
        whole = originals()[0]
        assert await readers.read(whole) == read_document(whole)
    finally:
        await readers.stop()
    return ends


@pytest.mark.timeout(110)
async def test_a_thousand_mutations_end_in_time_and_the_pool_goes_on() -> None:
    ends = await run(1_000)
    assert ends.total() == 1_000
    assert ends["read"] > 100  # most flips leave a page that can still be read
    assert ends["PDF_DAMAGED"] > 20


@pytest.mark.long
@pytest.mark.timeout(1_500)
async def test_ten_thousand_mutations_end_in_time_and_the_pool_goes_on() -> None:
    ends = await run(10_000, first=1_000)
    assert ends.total() == 10_000


@pytest.mark.timeout(60)
async def test_every_kind_of_attack_has_a_named_end() -> None:
    readers = ReaderPool(workers=2, timeout=SECONDS_EACH, memory_mb=MEGABYTES)
    await readers.start()
    try:
        for attack in ATTACKS:
            documents = [attack(Random(f"{attack.__name__}/{seed}")) for seed in range(4)]
            answers = await asyncio.gather(*(readers.read(data) for data in documents))
            assert [number for number, answer in enumerate(answers) if not named(answer)] == [], attack.__name__
    finally:
        await readers.stop()


@pytest.mark.timeout(60)
async def test_pages_of_broken_documents_are_drawn_or_refused_by_name() -> None:
    readers = ReaderPool(workers=2, timeout=SECONDS_EACH, memory_mb=MEGABYTES)
    await readers.start()
    try:
        drawn = [await readers.draw(mutated(seed), 1) for seed in range(60)]
        assert [number for number, one in enumerate(drawn) if bool(one.png) == bool(one.refused)] == []
        assert {one.refused.code for one in drawn if one.refused} <= {*CODES, "PAGE_UNKNOWN"}
        assert any(one.png for one in drawn)
        assert "READER_FAILED" not in readers.losses
    finally:
        await readers.stop()


async def test_any_bytes_end_with_a_named_reason() -> None:
    rng = Random(7)
    readers = ReaderPool(workers=1, timeout=5.0)
    await readers.start()
    try:
        for size in (1, 7, 100, 5_000):
            for head in (b"", b"%PDF-1.7\n"):
                answer = await readers.read(head + rng.randbytes(size))
                assert [reason.code for reason in answer.unreadable] == ["PDF_DAMAGED" if head else "NOT_A_PDF"]
    finally:
        await readers.stop()


def test_the_harness_runs_every_parser_on_what_it_is_given() -> None:
    for target in TARGETS.values():
        for data in (b"", b"%PDF-1.7", sample(3).render(), sample(3).render()[:700]):
            target(data)


def test_the_harness_tells_a_failure_from_a_limit() -> None:
    def hungry(data: bytes) -> None:
        data *= 2**31

    def killed(_: bytes) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def failing(data: bytes) -> None:
        raise ValueError(len(data))

    ends = [alone(target, b"%PDF-") for target in (TARGETS["text"], hungry, killed, failing)]
    assert ends == ["done", "limit", "crashed", "failed"]
