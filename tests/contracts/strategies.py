"""Hypothesis strategies drawn from the struct types themselves: a new field is covered the day it is added."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec import inspect

from contracts.envelope import Event
from contracts.events import EVENTS, Payload

Strategy = st.SearchStrategy[Any]

# What JSON and PostgreSQL can both hold: any character but surrogates and U+0000.
TEXT: st.SearchStrategy[str] = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
INSTANTS = st.datetimes(timezones=st.just(UTC))
AMOUNTS = st.decimals(-(10**15), 10**15, places=2, allow_nan=False, allow_infinity=False)
HEADER_TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
UUIDS: st.SearchStrategy[UUID] = st.uuids()


def values(kind: inspect.Type) -> Strategy:
    """Values of one type of a contract. Raises ``TypeError`` for a type that no contract has used so far."""
    match kind:
        case inspect.Metadata(type=inner):
            return values(inner)
        case inspect.StructType(cls=struct):
            return structs(struct)
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=3).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*(values(item) for item in items))
        case inspect.UnionType(types=types):
            return st.one_of(*(values(member) for member in types))
        case inspect.LiteralType(values=choices):
            return st.sampled_from(choices)
        case _:
            return _scalar(kind)


def _scalar(kind: inspect.Type) -> Strategy:
    scalars: dict[type[inspect.Type], Strategy] = {
        inspect.StrType: TEXT,
        inspect.IntType: st.integers(-(2**63), 2**63 - 1),
        inspect.BoolType: st.booleans(),
        inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
        inspect.DecimalType: AMOUNTS | st.just(Decimal("1E+3")) | st.just(Decimal("0E-9")),
        inspect.DateTimeType: INSTANTS,
        inspect.DateType: st.dates(),
        inspect.NoneType: st.none(),
    }
    if type(kind) not in scalars:
        raise TypeError(f"{kind} is new in the contracts: give it a strategy here")
    return scalars[type(kind)]


def structs(struct: type[Any]) -> Strategy:
    """Instances of a struct; an optional field is given or left at its default."""
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    required = {field.name: values(field.type) for field in kind.fields if field.required}
    optional = {field.name: values(field.type) for field in kind.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: struct(**fields))


def payloads() -> st.SearchStrategy[Payload]:
    """Data of any event of the platform."""
    return st.sampled_from(EVENTS).flatmap(structs)


def events() -> st.SearchStrategy[Event]:
    """Any event, with any envelope that a producer may write."""
    return st.builds(_event, payloads(), UUIDS, HEADER_TEXT, HEADER_TEXT, INSTANTS, st.none() | HEADER_TEXT)


def _event(data: Payload, identity: UUID, source: str, subject: str, time: datetime, tenant: str | None) -> Event:
    return Event(
        id=identity,
        type=data.TYPE,
        source=source,
        subject=subject,
        time=time,
        data=data,
        tenant=tenant,
        traceparent=f"00-{identity.hex}-{identity.hex[:16]}-01",
    )
