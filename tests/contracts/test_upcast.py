"""Old major versions are lifted; the events here exist in these tests only."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Event, Undecodable, decode, encode, event_id, headers
from contracts.events import BY_TYPE, Instant, Payload
from contracts.upcast import Upcasters
from tests.contracts.strategies import AMOUNTS, INSTANTS, TEXT, structs

V1, V2, V3 = (f"fr.chorale.probe.measured.v{major}" for major in (1, 2, 3))


class ProbeV1(Payload, frozen=True, kw_only=True):
    """One amount and one name for a person."""

    TYPE = V1
    amount: Decimal
    who: str
    at: Instant


class ProbeV2(Payload, frozen=True, kw_only=True):
    """The name became two, and the amount says its currency."""

    TYPE = V2
    amount: Decimal
    currency: str
    first_name: str
    last_name: str
    at: Instant


class ProbeV3(Payload, frozen=True, kw_only=True):
    """The amount is an object."""

    TYPE = V3
    total: dict[str, str]
    first_name: str
    last_name: str
    at: Instant


def to_v2(data: dict[str, Any]) -> dict[str, Any]:
    first, _, last = data["who"].partition(" ")
    return {"amount": data["amount"], "currency": "EUR", "first_name": first, "last_name": last, "at": data["at"]}


def to_v3(data: dict[str, Any]) -> dict[str, Any]:
    total = {"value": data["amount"], "currency": data["currency"]}
    return {"total": total, "first_name": data["first_name"], "last_name": data["last_name"], "at": data["at"]}


def one_step() -> Upcasters:
    upcasters = Upcasters({**BY_TYPE, V2: ProbeV2})
    upcasters.register(V1, V2, to_v2)
    return upcasters


def two_steps() -> Upcasters:
    upcasters = Upcasters({V3: ProbeV3})
    upcasters.register(V1, V2, to_v2)
    upcasters.register(V2, V3, to_v3)
    return upcasters


AT = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
OLD = ProbeV1(amount=Decimal("12.50"), who="Ada Exemple", at=AT)


def message(data: Payload) -> tuple[list[tuple[str, bytes]], bytes]:
    """What a writer of that version put on the topic."""
    identity = event_id(UUID(int=1), data.TYPE)
    event = Event(id=identity, type=data.TYPE, source="/probe", subject="key-1", time=AT, data=data)
    return headers(event), encode(data)


def test_version_1_bytes_are_read_as_version_2() -> None:
    event = decode(*message(OLD), one_step())
    assert event.data == ProbeV2(amount=Decimal("12.50"), currency="EUR", first_name="Ada", last_name="Exemple", at=AT)


def test_a_lifted_event_keeps_its_id_and_carries_the_type_it_became() -> None:
    event = decode(*message(OLD), one_step())
    assert (event.id, event.type) == (event_id(UUID(int=1), V1), V2)


def test_version_1_bytes_go_through_two_steps() -> None:
    event = decode(*message(OLD), two_steps())
    total = {"value": "12.50", "currency": "EUR"}
    assert event.data == ProbeV3(total=total, first_name="Ada", last_name="Exemple", at=AT)


def test_version_2_bytes_enter_the_chain_in_the_middle() -> None:
    data = ProbeV2(amount=Decimal("1.00"), currency="EUR", first_name="Ada", last_name="Exemple", at=AT)
    assert isinstance(decode(*message(data), two_steps()).data, ProbeV3)


def test_the_current_version_is_not_lifted() -> None:
    data = ProbeV2(amount=Decimal("1.00"), currency="XPF", first_name="Ada", last_name="Exemple", at=AT)
    assert decode(*message(data), one_step()).data == data


@given(data=structs(ProbeV1))
def test_every_version_1_message_lifts_and_loses_no_amount_no_instant_and_no_name(data: ProbeV1) -> None:
    event = decode(*message(data), two_steps())
    assert isinstance(event.data, ProbeV3)
    assert Decimal(event.data.total["value"]) == data.amount
    assert event.data.at == data.at
    assert data.who in (f"{event.data.first_name} {event.data.last_name}", event.data.first_name)


@given(amount=AMOUNTS, who=TEXT, at=INSTANTS, more=st.dictionaries(TEXT, st.integers(-9, 9) | TEXT | st.none()))
def test_an_unknown_field_of_an_old_message_is_no_obstacle(
    amount: Decimal, who: str, at: datetime, more: dict[str, Any]
) -> None:
    raw = msgspec.json.encode({**more, "amount": str(amount), "who": who, "at": at.isoformat()})
    assert isinstance(decode(message(OLD)[0], raw, one_step()).data, ProbeV2)


def test_a_type_without_struct_and_chain_is_unknown() -> None:
    with pytest.raises(Undecodable) as refused:
        decode(*message(OLD))
    assert refused.value.code == "UNKNOWN_TYPE"
    assert V1 in refused.value.detail


def test_a_chain_that_ends_nowhere_is_unknown() -> None:
    upcasters = Upcasters(BY_TYPE)
    upcasters.register(V1, V2, to_v2)
    with pytest.raises(Undecodable) as refused:
        decode(*message(OLD), upcasters)
    assert refused.value.code == "UNKNOWN_TYPE"
    assert upcasters.retired() == {}


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"who": 3, "amount": "1", "at": "2026-03-02T08:15:00Z"}',
        b'{"who": "A B", "amount": "one", "at": "2026-03-02T08:15:00Z"}',
        b'{"who": "A B", "amount": "1", "at": "2026-03-02T08:15:00"}',
        b'{"who": "A B", "amount": "NaN", "at": "2026-03-02T08:15:00Z"}',
        b'{"who": "A\\u0000B", "amount": "1", "at": "2026-03-02T08:15:00Z"}',
        b'{"who": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_broken_old_data_are_invalid_whatever_the_step_raises(broken: bytes) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(message(OLD)[0], broken, one_step())
    assert refused.value.code == "INVALID_DATA"


@pytest.mark.parametrize("result", [None, 3, [], {"amount": object()}, {1: {2, 3}}])
def test_a_step_that_returns_nonsense_makes_the_data_invalid(result: Any) -> None:
    upcasters = Upcasters({V2: ProbeV2})
    upcasters.register(V1, V2, lambda _: result)
    with pytest.raises(Undecodable) as refused:
        decode(*message(OLD), upcasters)
    assert refused.value.code == "INVALID_DATA"


def test_a_type_has_one_step_only() -> None:
    upcasters = one_step()
    with pytest.raises(ValueError, match="already"):
        upcasters.register(V1, V3, to_v3)


def test_a_type_that_has_a_struct_takes_no_step() -> None:
    with pytest.raises(ValueError, match="has a struct"):
        one_step().register(V2, V3, to_v3)


def test_a_chain_may_not_come_back() -> None:
    upcasters = Upcasters(BY_TYPE)
    upcasters.register(V1, V2, to_v2)
    upcasters.register(V2, V3, to_v3)
    with pytest.raises(ValueError, match="come back"):
        upcasters.register(V3, V1, to_v2)
    with pytest.raises(ValueError, match="come back"):
        Upcasters(BY_TYPE).register(V1, V1, to_v2)


def test_retired_types_are_listed_with_their_next_step() -> None:
    assert two_steps().retired() == {V1: V2, V2: V3}
    assert two_steps().target(V1) == V3
