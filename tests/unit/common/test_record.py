"""Reading a record never raises, whatever its bytes are."""

from datetime import UTC, datetime
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Event, encode, headers
from contracts.events import NotificationFailed
from services.common.record import Arrival, Record, pack_headers, read, unpack_headers


def event(subject: str = "invoice-1") -> Event:
    data = NotificationFailed(
        message="m", kind="k", audience="body", failed_at=datetime(2026, 1, 1, tzinfo=UTC), cause="permanent"
    )
    return Event(id=uuid4(), type=data.TYPE, source="/chorale/notify", subject=subject, time=data.failed_at, data=data)


def record(of: Event, key: bytes | None = b"invoice-1") -> Record:
    return Record(topic="t", partition=1, offset=2, key=key, headers=headers(of), value=encode(of.data))


def test_an_event_is_read_with_its_own_id() -> None:
    sent = event()
    arrival = read(record(sent))
    assert arrival.poison is None
    assert arrival.id == sent.id
    assert arrival.key == "invoice-1"


def test_a_key_that_differs_from_the_subject_is_poison() -> None:
    arrival = read(record(event(), key=b"another"))
    assert arrival.poison is not None
    assert arrival.poison.code == "NOT_CLOUDEVENTS"
    assert arrival.key == "another"


def test_a_null_character_in_the_key_cannot_reach_the_database() -> None:
    forged = [(name, b"a\0b" if name == "ce_subject" else value) for name, value in headers(event())]
    arrival = read(Record(topic="t", partition=0, offset=0, key=b"a\0b", headers=forged, value=encode(event().data)))
    assert arrival.poison is not None
    assert arrival.key == "a\\x00b"


def test_poison_is_recognised_again_at_the_same_place() -> None:
    bad = Record(topic="t", partition=3, offset=7, key=None, headers=[], value=b"\xff")
    assert read(bad).id == read(bad).id
    assert read(bad).id != read(Record(topic="t", partition=3, offset=8, key=None, headers=[], value=b"\xff")).id


@given(
    key=st.none() | st.binary(max_size=40),
    names=st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=30)), max_size=6),
    value=st.none() | st.binary(max_size=200),
)
def test_any_bytes_are_an_arrival(key: bytes | None, names: list[tuple[str, bytes]], value: bytes | None) -> None:
    arrival = read(Record(topic="t", partition=0, offset=0, key=key, headers=names, value=value))
    assert isinstance(arrival, Arrival)
    assert arrival.poison is not None
    assert arrival.key is None or "\0" not in arrival.key


@given(st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=30)), max_size=6))
def test_headers_survive_the_database_byte_for_byte(names: list[tuple[str, bytes]]) -> None:
    assert unpack_headers(pack_headers(names)) == names
