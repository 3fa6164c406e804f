"""The dead letter limit: a bad deploy must not drain a day of invoices."""

from services.common.deadletter import Limit


def test_parking_in_a_row_trips_the_limit() -> None:
    limit = Limit(in_a_row=5)
    limit.count(handled=0, parked=4)
    assert limit.tripped is None
    limit.count(handled=0, parked=1)
    assert limit.tripped == "5 records parked in a row"


def test_one_handled_record_breaks_the_row() -> None:
    limit = Limit(in_a_row=5)
    for _ in range(20):
        limit.count(handled=1, parked=0)
        limit.count(handled=0, parked=1)
        limit.count(handled=3, parked=0)
    assert limit.tripped is None


def test_a_large_share_of_parked_records_trips_the_limit() -> None:
    limit = Limit(in_a_row=1000, share=0.5)
    for _ in range(49):
        limit.count(handled=1, parked=1)
    assert limit.tripped is None
    limit.count(handled=0, parked=3)
    assert limit.tripped is not None


def test_the_share_looks_at_recent_records_only() -> None:
    limit = Limit(in_a_row=1000, share=0.5, window=200)
    limit.count(handled=10_000, parked=0)
    for _ in range(150):
        limit.count(handled=0, parked=1)
    assert limit.tripped is not None


def test_it_stays_tripped() -> None:
    limit = Limit(in_a_row=1)
    limit.count(handled=0, parked=1)
    limit.count(handled=1000, parked=0)
    assert limit.tripped is not None
