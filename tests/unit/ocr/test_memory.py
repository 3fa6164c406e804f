"""Memory stays flat however many documents are read."""

import asyncio
from itertools import cycle

import psutil
import pytest

from services.ocr.pool import ReaderPool
from tests.carriers import attach, facts_of, facturx, sign
from tests.documents import LAYOUTS, encrypted, sample, scanned, without_keywords
from tests.unit.invoice.syntax.samples import cii, ubl

SAMPLES = 50
TOLERATED = 1.15


@pytest.fixture
def documents() -> list[bytes]:
    """A mix as suppliers send it, with some that end as refusals."""
    invoices = [sample(seed, layout=layout) for seed, layout in enumerate(LAYOUTS)]
    plain = [invoice.render() for invoice in invoices]
    data = [form(facts_of(invoice)) for invoice in invoices for form in (cii, ubl)]
    carried = [facturx(invoices[0]), attach(plain[1], ("a.bin", bytes(300_000))), sign(plain[2])]
    return [*plain, *data, *carried, scanned(), encrypted(), without_keywords(), plain[0][:2_000], data[0][:-9]]


def held() -> int:
    """Megabytes held by this process and its readers."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(process.memory_info().rss for process in family) >> 20


async def curve(documents: list[bytes], count: int) -> list[int]:
    """Read so many documents; the memory after each fiftieth part of them."""
    readers = ReaderPool(workers=2, recycle_after=2_000)
    await readers.start()
    coming = cycle(documents)
    measured = []
    try:
        for _ in range(SAMPLES):
            for _ in range(count // SAMPLES // 50):
                await asyncio.gather(*(readers.read(next(coming)) for _ in range(50)))
            measured.append(held())
    finally:
        await readers.stop()
    return measured


def assert_flat(measured: list[int]) -> None:
    """The second half holds no more than the first did once it was warm."""
    warm, later = measured[SAMPLES // 5 : SAMPLES // 2], measured[SAMPLES // 2 :]
    assert max(later) <= TOLERATED * max(warm), measured


async def test_memory_is_flat_over_a_few_thousand_documents(documents: list[bytes]) -> None:
    assert_flat(await curve(documents, 2_500))
