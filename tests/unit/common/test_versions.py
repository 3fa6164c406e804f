"""Which of several versions counts."""

from typing import NamedTuple

from services.common.versions import highest


class Row(NamedTuple):
    """A version of a thing."""

    name: str
    version: int
    words: str = ""


def test_of_each_key_the_highest_version_counts_in_the_order_of_the_keys() -> None:
    rows = [Row("b", 1), Row("a", 7), Row("b", 3), Row("a", 2), Row("b", 2)]
    assert highest(rows, lambda row: row.name) == [Row("a", 7), Row("b", 3)]
    assert highest([], lambda row: row.name) == []


def test_of_one_version_told_twice_the_first_counts() -> None:
    assert highest([Row("a", 1, "first"), Row("a", 1, "again")], lambda row: row.name) == [Row("a", 1, "first")]
