"""Event data to JSON and back, with the rules that a type alone cannot state.

Amounts are finite and written without an exponent, instants are UTC, no text holds U+0000 (PostgreSQL stores none),
and a value stays under what a broker takes by default. The same rules hold in both directions; only unknown fields
are treated differently: a producer cannot write one, a consumer ignores it.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

MAX_VALUE_BYTES = 900_000
MAX_DIGITS = 28
S = TypeVar("S", bound=msgspec.Struct)
Check = Callable[[Any], None]

_encoder = msgspec.json.Encoder(decimal_format="string")
_NO_OFFSET = timedelta(0)
_NUL = b"\\u0000"
_QUOTED = re.compile(r"value .*", re.DOTALL)
_EXPONENT = re.compile(rb"[0-9]E[+-][0-9]")


class BadValue(ValueError):
    """A value breaks a rule of the contracts. The text names the field and the rule, never the value."""


def _instant(path: str) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, datetime) or value.utcoffset() != _NO_OFFSET:
            raise BadValue(f"{path}: an instant must be aware and in UTC (use astimezone(UTC))")

    return check


def _amount(path: str) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, Decimal) or not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
            raise BadValue(f"{path}: an amount must be a finite Decimal of at most {MAX_DIGITS} digits")

    return check


def _each(check: Check) -> Check:
    def run(values: Any) -> None:
        for value in values:
            check(value)

    return run


def _fields(checks: list[tuple[str, Check]]) -> Check:
    def run(value: Any) -> None:
        for name, check in checks:
            check(getattr(value, name))

    return run


def _unless_none(check: Check) -> Check:
    def run(value: Any) -> None:
        if value is not None:
            check(value)

    return run


def _union(kind: inspect.UnionType, path: str) -> Check | None:
    checks = [check for check in (_check(member, path) for member in kind.types) if check]
    if not checks:
        return None
    if len(kind.types) > 2 or not kind.includes_none:
        raise TypeError(f"{path}: a union of an amount, an instant or a struct with more than None has no rule here")
    return _unless_none(checks[0])


def _check(kind: inspect.Type, path: str) -> Check | None:
    """The check of one type, or ``None`` where nothing below it needs one."""
    found: Check | None = None
    match kind:
        case inspect.Metadata(type=inner):
            found = _check(inner, path)
        case inspect.DateTimeType():
            found = _instant(path)
        case inspect.DecimalType():
            found = _amount(path)
        case inspect.UnionType():
            found = _union(kind, path)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            inner_check = _check(item, f"{path}[]")
            found = _each(inner_check) if inner_check else None
        case inspect.StructType(fields=fields):
            checks = [(f.name, _check(f.type, f"{path}.{f.name}" if path else f.name)) for f in fields]
            present = [(name, check) for name, check in checks if check]
            found = _fields(present) if present else None
        case inspect.TupleType(item_types=items) if any(_check(item, path) for item in items):
            raise TypeError(f"{path}: a fixed tuple may not hold amounts or instants")
        case inspect.DictType(key_type=key, value_type=item) if _check(key, path) or _check(item, path):
            raise TypeError(f"{path}: a mapping may not hold amounts or instants")
        case _:
            pass
    return found


def _plain(value: Any) -> Any:
    """Builtins with every ``Decimal`` in plain notation: ``1E+2`` becomes ``100``, which is the same amount."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return f"{value:f}" if isinstance(value, Decimal) else value


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(_holds_nul(item) for item in value)
    return isinstance(value, str) and "\x00" in value


def _refuse_unstorable(value: bytes) -> None:
    if len(value) > MAX_VALUE_BYTES:
        raise BadValue(f"a value of {len(value)} bytes: at most {MAX_VALUE_BYTES} travel, the rest goes by claim check")
    # The escape may be a backslash followed by plain text: only then is a second look needed.
    if _NUL in value and _holds_nul(msgspec.json.decode(value)):
        raise BadValue("a text holds U+0000, which PostgreSQL cannot store: remove it where the text is read")


class Codec(Generic[S]):
    """JSON bytes of one struct type, both ways."""

    def __init__(self, struct: type[S]) -> None:
        self._decoder = msgspec.json.Decoder(struct)
        self._check = _check(inspect.type_info(struct), "")
        self._has_amounts = _has_amounts(inspect.type_info(struct))

    def encode(self, data: S) -> bytes:
        """JSON in the closed form. Raises :class:`BadValue` where a field is not what its type and rules say."""
        try:
            value = _encoder.encode(data)
            if self._has_amounts and _EXPONENT.search(value):
                value = _encoder.encode(_plain(msgspec.to_builtins(data, builtin_types=(Decimal,))))
            # Python does not check field types: reading the bytes back does, before anyone else has to.
            self._decoder.decode(value)
            if self._check is not None:
                self._check(data)
        except BadValue:
            raise
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
            raise BadValue(f"{type(data).__name__}: {_reason(error)}") from error
        _refuse_unstorable(value)
        return value

    def decode(self, value: bytes) -> S:
        """The struct. Unknown fields are ignored. Raises :class:`BadValue` and nothing else."""
        try:
            _refuse_unstorable(value)
            data = self._decoder.decode(value)
            if self._check is not None:
                self._check(data)
        except BadValue:
            raise
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise BadValue(_reason(error)) from error
        return data


def _reason(error: Exception) -> str:
    """What is wrong and at which field. Values are cut off, and exceptions that may quote one give only their name."""
    if not isinstance(error, msgspec.ValidationError):
        return type(error).__name__
    what, _, where = str(error).partition(" - at ")
    return f"{_QUOTED.sub('value', what)} at {where or '`$`'}"


def _has_amounts(kind: inspect.Type) -> bool:
    match kind:
        case inspect.DecimalType():
            return True
        case inspect.Metadata(type=inner):
            return _has_amounts(inner)
        case inspect.UnionType(types=types):
            return any(_has_amounts(member) for member in types)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return _has_amounts(item)
        case inspect.StructType(fields=fields):
            return any(_has_amounts(field.type) for field in fields)
        case _:
            return False


@cache
def codec(struct: type[S]) -> Codec[S]:
    """The codec of a struct type, made once."""
    return Codec(struct)
