"""What a producer may write: the closed form, checked before the bytes leave."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts import export
from contracts.codec import MAX_VALUE_BYTES, BadValue, Codec, codec
from contracts.events import BY_TYPE, EVENTS, InvoiceSubmitted, NotificationAccepted, Payload
from contracts.schema import closed_schema
from tests.contracts.strategies import payloads, structs

SUBMITTED: InvoiceSubmitted = codec(InvoiceSubmitted).decode(
    json.dumps(export.examples()[InvoiceSubmitted.TYPE]["full"]).encode()
)
VALIDATORS = {
    name: jsonschema.Draft7Validator(closed_schema(name, struct), format_checker=jsonschema.FormatChecker())
    for name, struct in BY_TYPE.items()
}


@given(data=payloads())
def test_whatever_a_producer_encodes_is_closed(data: Payload) -> None:
    VALIDATORS[data.TYPE].validate(json.loads(codec(type(data)).encode(data)))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
@given(data=st.data())
def test_each_event_comes_back_as_it_was_encoded(event: type[Payload], data: Any) -> None:
    sent = data.draw(structs(event))
    assert codec(event).decode(codec(event).encode(sent)) == sent


def with_tax(tax: Any) -> InvoiceSubmitted:
    return replace(SUBMITTED, invoice=replace(SUBMITTED.invoice, tax=tax))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (replace(SUBMITTED, submitted_at=datetime(2026, 3, 2)), "submitted_at"),  # noqa: DTZ001
        (replace(SUBMITTED, submitted_at=datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=1)))), "submitted_at"),
        (replace(SUBMITTED, submitted_at="2026-03-02T08:15:07Z"), "submitted_at"),
        (replace(SUBMITTED, attempt="1"), "attempt"),
        (replace(SUBMITTED, invoice=None), "invoice"),
        (replace(SUBMITTED, validators=(1,)), "validators"),
        (replace(SUBMITTED, invoice=replace(SUBMITTED.invoice, type_code="399")), "invoice.type_code"),
        (with_tax(Decimal("NaN")), "invoice.tax"),
        (with_tax(Decimal("-Infinity")), "invoice.tax"),
        (with_tax(Decimal("1E+29")), "invoice.tax"),
        (with_tax(Decimal("1E-29")), "invoice.tax"),
        (with_tax("12.00"), "invoice.tax"),
        (with_tax(12.0), "invoice.tax"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_by_field(data: InvoiceSubmitted, field: str) -> None:
    with pytest.raises(BadValue, match=field.replace(".", r"\.")):
        codec(InvoiceSubmitted).encode(data)


def test_a_refusal_does_not_quote_the_value() -> None:
    data = replace(SUBMITTED, invoice=replace(SUBMITTED.invoice, type_code="a name, say"))
    with pytest.raises(BadValue) as refused:
        codec(InvoiceSubmitted).encode(data)
    assert "a name" not in str(refused.value)
    raw = json.dumps({**export.examples()[NotificationAccepted.TYPE]["full"], "audience": "a name, say"})
    with pytest.raises(BadValue) as refused:
        codec(NotificationAccepted).decode(raw.encode())
    assert str(refused.value) == "Invalid enum value at `$.audience`"


@pytest.mark.parametrize(("amount", "written"), [("1E+3", "1000"), ("0E-9", "0.000000000"), ("-12.5E+1", "-125")])
def test_an_exponent_is_written_out(amount: str, written: str) -> None:
    raw = codec(InvoiceSubmitted).encode(with_tax(Decimal(amount)))
    assert json.loads(raw)["invoice"]["tax"] == written
    VALIDATORS[InvoiceSubmitted.TYPE].validate(json.loads(raw))


def test_text_that_looks_like_an_exponent_is_left_alone() -> None:
    data = replace(SUBMITTED, file_name="3E+5.pdf")
    assert codec(InvoiceSubmitted).decode(codec(InvoiceSubmitted).encode(data)) == data


def test_text_that_a_database_cannot_hold_is_refused_both_ways() -> None:
    with pytest.raises(BadValue, match=r"U\+0000"):
        codec(InvoiceSubmitted).encode(replace(SUBMITTED, file_name="a\0b"))
    raw = codec(InvoiceSubmitted).encode(replace(SUBMITTED, file_name="a@b")).replace(b"a@b", b"a\\u0000b")
    with pytest.raises(BadValue, match=r"U\+0000"):
        codec(InvoiceSubmitted).decode(raw)
    with pytest.raises(BadValue, match="UnicodeEncodeError"):
        codec(InvoiceSubmitted).encode(replace(SUBMITTED, file_name="\ud800"))


def test_a_backslash_before_u0000_is_ordinary_text() -> None:
    data = replace(SUBMITTED, file_name="a\\u0000b")
    assert codec(InvoiceSubmitted).decode(codec(InvoiceSubmitted).encode(data)) == data


def test_a_value_that_no_broker_takes_is_refused_where_it_is_made() -> None:
    with pytest.raises(BadValue, match="claim check"):
        codec(InvoiceSubmitted).encode(replace(SUBMITTED, file_name="x" * MAX_VALUE_BYTES))
    with pytest.raises(BadValue, match="claim check"):
        codec(InvoiceSubmitted).decode(b'{"x":"' + b"x" * MAX_VALUE_BYTES + b'"}')


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "1E+400", "9" * 1000, "1e-400"])
def test_a_reader_takes_no_amount_that_cannot_be_reckoned_with(amount: str) -> None:
    data = json.loads(codec(InvoiceSubmitted).encode(SUBMITTED))
    data["invoice"]["payable"] = amount
    with pytest.raises(BadValue, match=r"invoice\.payable"):
        codec(InvoiceSubmitted).decode(json.dumps(data).encode())


class Line(msgspec.Struct, frozen=True):
    """Something that holds an amount and an instant deeper down."""

    amount: Decimal | None
    at: Annotated[datetime, msgspec.Meta(tz=True)]


def test_rules_hold_inside_lists_and_optional_structs() -> None:
    holder = msgspec.defstruct("Holder", [("lines", tuple[Line, ...]), ("one", Line | None)], frozen=True)
    found = Codec(holder)
    good = Line(amount=None, at=datetime(2026, 1, 1, tzinfo=UTC))
    assert found.decode(found.encode(holder(lines=(good,), one=None))) == holder(lines=(good,), one=None)
    with pytest.raises(BadValue, match=r"lines\[\]\.amount"):
        found.encode(holder(lines=(good, replace(good, amount=Decimal("Infinity"))), one=None))
    with pytest.raises(BadValue, match=r"one\.at"):
        found.encode(holder(lines=(), one=replace(good, at=good.at.astimezone(timezone(timedelta(hours=1))))))


@pytest.mark.parametrize("kind", [tuple[Decimal, int], dict[str, Decimal], Decimal | datetime])
def test_a_type_whose_amounts_no_rule_reaches_is_refused_at_once(kind: Any) -> None:
    with pytest.raises(TypeError, match="value"):
        Codec(msgspec.defstruct("Unreachable", [("value", kind)]))
