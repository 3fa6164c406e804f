"""Percentiles out of buckets."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.supervision.sketch import bucket, percentile, value
from tests.supervised import exact

SECONDS = st.floats(0.0005, 1_000_000)


@given(values=st.lists(SECONDS, min_size=1, max_size=200), share=st.sampled_from((0.5, 0.9, 0.95, 0.99, 1.0)))
def test_a_percentile_is_off_by_a_fortieth_at_most(values: list[float], share: float) -> None:
    found = percentile(Counter(bucket(one) for one in values), share)
    assert found == pytest.approx(exact(values, share), rel=0.026, abs=0.001)


@given(first=st.lists(SECONDS, max_size=50), second=st.lists(SECONDS, max_size=50))
def test_windows_add_up(first: list[float], second: list[float]) -> None:
    together = Counter(bucket(one) for one in first) + Counter(bucket(one) for one in second)
    assert percentile(together, 0.95) == percentile(Counter(bucket(one) for one in [*first, *second]), 0.95)


def test_nothing_measured_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 1, 4: -1}, 0.5) is None


def test_clocks_that_differ_give_no_negative_time() -> None:
    assert bucket(-5) == bucket(0) == 0
    assert value(0) == 0.001
