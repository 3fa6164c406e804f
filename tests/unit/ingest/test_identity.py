"""Ids minted at receipt."""

from datetime import UTC, datetime, timedelta

from services.ingest.identity import uuid7

NOW = datetime(2025, 11, 5, 9, 30, 0, 123456, tzinfo=UTC)


def test_an_id_is_of_version_7_and_carries_its_instant() -> None:
    minted = uuid7(NOW)
    assert (minted.version, minted.variant) == (7, "specified in RFC 4122")
    assert minted.int >> 80 == int(NOW.timestamp() * 1000)


def test_ids_sort_by_their_instant_to_the_microsecond() -> None:
    minted = [uuid7(NOW + timedelta(microseconds=step)) for step in range(0, 5_000, 7)]
    assert minted == sorted(minted)


def test_ids_of_one_instant_differ() -> None:
    assert len({uuid7(NOW) for _ in range(1000)}) == 1000
