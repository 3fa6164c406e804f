"""The pool's memory does not grow with the number of documents. ``python -m tests.bench.memory_curve`` shows 50,000."""

import pytest

from tests.bench.memory_curve import run


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_memory_stays_flat_over_thousands_of_documents() -> None:
    points = await run(8_000, 1_000)
    assert [point.documents for point in points] == list(range(0, 8_001, 1_000))
    parents = [point.parent_mb for point in points]
    assert max(parents[1:]) - parents[1] < 15
    assert max(max(point.workers_mb) for point in points) < 200
