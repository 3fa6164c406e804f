"""The envelope: what is written is read back, and nothing else than an event or ``Undecodable`` comes out."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts import export
from contracts.codec import BadValue
from contracts.envelope import MAX_HEADER_BYTES, Event, Undecodable, decode, encode, event_id, headers
from contracts.events import EVENTS, NotificationAccepted
from tests.contracts.strategies import UUIDS, events

AT = datetime(2026, 3, 2, 8, 15, 4, 120034, tzinfo=UTC)
DATA = NotificationAccepted(message="m-1", kind="k", audience="body", accepted_at=AT)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = Event(
    id=UUID("0b1f6c2e-4d53-5a86-9c70-2f4b8d1e6a35"),
    type=DATA.TYPE,
    source="/chorale/notify",
    subject="invoice-1",
    time=AT,
    data=DATA,
    tenant="demo",
    traceparent=TRACE,
)
Raw = list[tuple[str, bytes | None]]


def changed(**replaced: bytes | None) -> Raw:
    """The headers of EVENT with some values replaced; ``ce_id=None`` is a header without value."""
    return [(name, replaced.get(name, value)) for name, value in headers(EVENT)]


def without(name: str) -> Raw:
    return [(found, value) for found, value in headers(EVENT) if found != name]


def refusal(raw: Sequence[tuple[str, bytes | None]], value: bytes | None = None) -> Undecodable:
    with pytest.raises(Undecodable) as refused:
        decode(raw, encode(DATA) if value is None else value)
    return refused.value


@given(event=events())
def test_an_event_comes_back_as_it_was_sent(event: Event) -> None:
    assert decode(headers(event), encode(event.data)) == event


@given(event=events())
def test_headers_are_those_of_the_kafka_binding(event: Event) -> None:
    found = dict(headers(event))
    assert found["ce_specversion"] == b"1.0"
    assert found["ce_type"] == event.data.TYPE.encode()
    assert found["ce_dataschema"] == f"urn:chorale:schema:{event.data.TYPE}".encode()
    assert found["ce_time"].endswith(b"Z")
    assert found["content-type"] == b"application/json"
    assert ("ce_tenant" in found) == (event.tenant is not None)
    assert len(found) == len(headers(event))


def test_an_instant_is_written_in_utc_whatever_its_zone_was() -> None:
    paris = datetime(2026, 7, 1, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    event = Event(id=EVENT.id, type=DATA.TYPE, source="s", subject="k", time=paris, data=DATA)
    assert dict(headers(event))["ce_time"] == b"2026-07-01T08:00:00Z"
    assert decode(headers(event), encode(DATA)).time == paris


def test_ce_time_is_read_as_utc() -> None:
    event = decode(changed(ce_time=b"2026-07-01T10:00:00+02:00"), encode(DATA))
    assert event.time.isoformat() == "2026-07-01T08:00:00+00:00"


@pytest.mark.parametrize(
    "event",
    [
        Event(id=EVENT.id, type=DATA.TYPE, source="s", subject="k", time=AT.replace(tzinfo=None), data=DATA),
        Event(id=EVENT.id, type=DATA.TYPE, source="s", subject="", time=AT, data=DATA),
        Event(id=EVENT.id, type=DATA.TYPE, source="s", subject="a\nb", time=AT, data=DATA),
        Event(id=EVENT.id, type=DATA.TYPE, source="s", subject="k" * (MAX_HEADER_BYTES + 1), time=AT, data=DATA),
        Event(id=EVENT.id, type=DATA.TYPE, source="", subject="k", time=AT, data=DATA),
        Event(id=EVENT.id, type=DATA.TYPE, source="s", subject="k", time=AT, data=DATA, tenant="\0"),
    ],
)
def test_a_producer_cannot_write_an_envelope_that_no_reader_takes(event: Event) -> None:
    with pytest.raises(BadValue, match="ce_"):
        headers(event)


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"])
def test_a_missing_attribute_is_named(name: str) -> None:
    for raw in (without(name), changed(**{name: None}), changed(**{name: b""})):
        refused = refusal(raw)
        assert refused.code == "NOT_CLOUDEVENTS"
        assert name in refused.detail


def test_all_missing_attributes_are_named_at_once() -> None:
    assert "ce_id, ce_type" in refusal([]).detail


@pytest.mark.parametrize(
    "name", ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_tenant"]
)
@pytest.mark.parametrize("hostile", [b"\xff\xfe", b"\xed\xa0\x80", b"a\0b", b"a\nb", b"\x1b[31m", b"x" * 10_000_000])
def test_hostile_bytes_in_an_attribute_are_refused_and_never_quoted(name: str, hostile: bytes) -> None:
    refused = refusal(changed(**{name: hostile}))
    assert refused.code == "NOT_CLOUDEVENTS"
    assert name in refused.detail
    assert str(refused).isprintable()
    assert len(str(refused)) < 200


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_tenant"])
def test_a_repeated_attribute_is_refused_even_when_both_say_the_same(name: str) -> None:
    raw = headers(EVENT)
    refused = refusal([*raw, (name, dict(raw)[name])])
    assert (refused.code, refused.detail) == ("NOT_CLOUDEVENTS", f"{name} is repeated")


@pytest.mark.parametrize(
    "time",
    [
        b"2026-03-02T08:15:04",
        b"2026-03-02",
        b"yesterday",
        b"1772439304",
        b"2026-02-30T08:15:04Z",
        b"0001-01-01T00:00:00+23:59",
        b"9999-12-31T23:59:59-23:59",
        "٢٠٢٦-03-02T08:15:04Z".encode(),
    ],
)
def test_a_time_that_is_no_instant_is_refused(time: bytes) -> None:
    refused = refusal(changed(ce_time=time))
    assert refused.code == "NOT_CLOUDEVENTS"
    assert "ce_time" in refused.detail


@pytest.mark.parametrize("identity", [b"1", b"not-a-uuid", b"0b1f6c2e-4d53-5a86-9c70-2f4b8d1e6a3", "é".encode() * 32])
def test_an_id_that_is_no_uuid_is_refused(identity: bytes) -> None:
    assert "ce_id" in refusal(changed(ce_id=identity)).detail


def test_another_specversion_is_refused() -> None:
    assert "ce_specversion" in refusal(changed(ce_specversion=b"0.3")).detail


def test_headers_of_others_are_not_looked_at() -> None:
    raw: Raw = [("x-agent", b"\xff"), ("x-agent", b"\0"), ("chorale_reason", None), *headers(EVENT)]
    assert decode(raw, encode(DATA)) == EVENT


@pytest.mark.parametrize(
    "trace", [b"", b"\xff", b"00-abc", TRACE.upper().encode(), TRACE.encode() + b"\n", b"0" * 9999]
)
def test_a_malformed_traceparent_costs_the_trace_and_not_the_event(trace: bytes) -> None:
    event = decode(changed(traceparent=trace), encode(DATA))
    assert (event.traceparent, event.data) == (None, DATA)


def test_a_repeated_traceparent_is_dropped() -> None:
    raw = [*headers(EVENT), ("traceparent", TRACE.encode())]
    assert decode(raw, encode(DATA)).traceparent is None


def test_an_unknown_type_has_its_code_and_says_which_type() -> None:
    refused = refusal(changed(ce_type=b"fr.chorale.invoice.teleported.v1"))
    assert (refused.code, refused.detail) == ("UNKNOWN_TYPE", "fr.chorale.invoice.teleported.v1")


def test_an_event_without_data_is_invalid() -> None:
    with pytest.raises(Undecodable) as refused:
        decode(headers(EVENT), None)
    assert refused.value.code == "INVALID_DATA"


NAMES = st.sampled_from([name for name, _ in headers(EVENT)])
KNOWN_TYPES = st.sampled_from([event.TYPE.encode() for event in EVENTS])


@given(
    raw=st.lists(st.tuples(NAMES | st.text(max_size=8), st.none() | st.binary(max_size=40)), max_size=14),
    value=st.none() | st.binary(max_size=200),
)
def test_any_headers_and_any_bytes_give_an_event_or_undecodable(raw: Raw, value: bytes | None) -> None:
    with pytest.raises(Undecodable):
        decode(raw, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(event_type=KNOWN_TYPES, value=JSON.map(lambda data: json.dumps(data).encode()) | st.binary(max_size=60))
@example(event_type=b"fr.chorale.invoice.submitted.v1", value=b'{"x":' + b"[" * 200_000)
@example(event_type=b"fr.chorale.invoice.submitted.v1", value=b"9" * 200_000)
@example(event_type=b"fr.chorale.invoice.submitted.v1", value=b"[" * 800_000)
def test_hostile_data_of_a_known_type_are_invalid_data(event_type: bytes, value: bytes) -> None:
    assert refusal(changed(ce_type=event_type), value).code == "INVALID_DATA"


@given(event=events(), data=st.data())
def test_a_damaged_message_gives_an_event_or_undecodable(event: Event, data: Any) -> None:
    """One field of a good message replaced by any JSON: either it still fits its type, or the code says it does not."""
    payload = json.loads(encode(event.data))
    name = data.draw(st.sampled_from(sorted(payload)))
    payload[name] = data.draw(JSON)
    with suppress(Undecodable):
        assert decode(headers(event), json.dumps(payload).encode()).type == event.type


@given(cause=UUIDS, index=st.integers(0, 1000))
def test_the_same_cause_mints_the_same_id(cause: UUID, index: int) -> None:
    assert event_id(cause, DATA.TYPE, index) == event_id(cause, DATA.TYPE, index)
    assert event_id(cause, DATA.TYPE, index) != event_id(cause, DATA.TYPE, index + 1)
    assert event_id(cause, DATA.TYPE, index) != event_id(cause, EVENTS[0].TYPE, index)


def test_ids_are_the_same_in_every_process_and_release() -> None:
    """The value is frozen: a changed namespace or form would let every event through a second time."""
    cause = UUID("0b1f6c2e-4d53-5a86-9c70-2f4b8d1e6a35")
    frozen = "e6030ba1-1255-5a08-a785-5aeddccc9a73"
    script = f"from uuid import UUID; from contracts.envelope import event_id; print(event_id(UUID('{cause}'), 't', 3))"
    done = subprocess.run((sys.executable, "-c", script), cwd=export.ROOT, capture_output=True, text=True, check=True)
    assert str(event_id(cause, "t", 3)) == done.stdout.strip() == frozen
