"""CloudEvents 1.0, Kafka binding, binary mode: JSON value, attributes as ``ce_`` headers."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID, uuid5

import msgspec

from contracts.codec import BadValue, codec
from contracts.events import Payload
from contracts.upcast import UPCASTERS, Upcasters

NAMESPACE = UUID("6d1cb5f4-5c3e-5f0e-9a53-2f6b1e0c7a11")
MAX_HEADER_BYTES = 512
Headers = list[tuple[str, bytes]]

_REQUIRED = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time")
_ATTRIBUTES = frozenset((*_REQUIRED, "ce_tenant"))
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")


class Undecodable(Exception):
    """A message that is not an event of this platform. ``code`` is stable; the text never quotes the payload."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its envelope. ``subject`` is the Kafka key (the invoice id, or a directory entry's id).

    ``type`` is the type of ``data``: an old major version that was up-cast carries the type it became.
    """

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    data: Payload
    tenant: str | None = None
    traceparent: str | None = None


def event_id(cause: UUID, event_type: str, index: int = 0) -> UUID:
    """The id of an event: the same cause always mints the same id, so that a re-run is recognised."""
    return uuid5(NAMESPACE, f"{cause}/{event_type}/{index}")


def encode(data: msgspec.Struct) -> bytes:
    """JSON bytes of an event's data, in the closed form.

    Raises :class:`contracts.codec.BadValue` naming the field and the rule when a field is not what its type says.
    """
    return codec(type(data)).encode(data)


@lru_cache(maxsize=256)
def _constant(event_type: str, source: str) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", _text("ce_type", event_type)),
        ("ce_source", _text("ce_source", source)),
        ("ce_dataschema", f"urn:chorale:schema:{event_type}".encode()),
        ("content-type", b"application/json"),
    ]


def _text(name: str, value: str) -> bytes:
    content = value.encode()
    if not value or not value.isprintable() or len(content) > MAX_HEADER_BYTES:
        raise BadValue(f"{name}: 1 to {MAX_HEADER_BYTES} bytes of printable text are needed")
    return content


def headers(event: Event) -> Headers:
    """Kafka headers of an event.

    Raises :class:`contracts.codec.BadValue` for an attribute that no consumer would take: a naive time, an empty,
    unprintable or oversized text.
    """
    if event.time.tzinfo is None:
        raise BadValue("ce_time: an instant must be aware")
    found = [
        *_constant(event.type, event.source),
        ("ce_id", str(event.id).encode()),
        ("ce_subject", _text("ce_subject", event.subject)),
        ("ce_time", event.time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
    ]
    if event.tenant:
        found.append(("ce_tenant", _text("ce_tenant", event.tenant)))
    if event.traceparent:
        found.append(("traceparent", event.traceparent.encode()))
    return found


def decode(
    raw_headers: Iterable[tuple[str, bytes | None]], value: bytes | None, upcasters: Upcasters = UPCASTERS
) -> Event:
    """Read a message back. Unknown headers and fields are ignored; an old major version is up-cast.

    Raises :class:`Undecodable` and nothing else, with ``NOT_CLOUDEVENTS`` (headers), ``UNKNOWN_TYPE`` (no struct and
    no up-caster: this service is older than the writer) or ``INVALID_DATA`` (the value does not fit its type).
    A ``traceparent`` that is malformed or repeated is dropped, as W3C Trace Context asks: it never costs the event.
    """
    found, traceparent = _attributes(raw_headers)
    event_type = found["ce_type"]
    identity, time = _identity(found)
    if value is None:
        raise Undecodable("INVALID_DATA", f"{event_type} without data")
    try:
        data = upcasters.decode(event_type, value)
    except KeyError as error:
        raise Undecodable("UNKNOWN_TYPE", event_type) from error
    except BadValue as error:
        raise Undecodable("INVALID_DATA", f"{event_type}: {error}") from error
    return Event(
        id=identity,
        type=data.TYPE,
        source=found["ce_source"],
        subject=found["ce_subject"],
        time=time,
        data=data,
        tenant=found.get("ce_tenant"),
        traceparent=traceparent,
    )


def _attributes(raw_headers: Iterable[tuple[str, bytes | None]]) -> tuple[dict[str, str], str | None]:
    """The ``ce_`` attributes as text, each once, printable and short: they end up in logs and in indexed columns."""
    found: dict[str, str] = {}
    traces: list[bytes] = []
    for name, content in raw_headers:
        if name == "traceparent" and content is not None:
            traces.append(content)
        if name not in _ATTRIBUTES:
            continue
        if name in found:
            raise Undecodable("NOT_CLOUDEVENTS", f"{name} is repeated")
        if not content or len(content) > MAX_HEADER_BYTES:
            raise Undecodable("NOT_CLOUDEVENTS", f"{name} has {len(content or b'')} bytes, 1 to {MAX_HEADER_BYTES} fit")
        try:
            found[name] = text = content.decode()
        except UnicodeDecodeError as error:
            raise Undecodable("NOT_CLOUDEVENTS", f"{name} is not UTF-8") from error
        if not text.isprintable():
            raise Undecodable("NOT_CLOUDEVENTS", f"{name} holds control characters")
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise Undecodable("NOT_CLOUDEVENTS", f"{', '.join(missing)} missing")
    valid = len(traces) == 1 and _TRACEPARENT.match(traces[0])
    return found, traces[0].decode() if valid else None


def _identity(found: dict[str, str]) -> tuple[UUID, datetime]:
    if found["ce_specversion"] != "1.0":
        raise Undecodable("NOT_CLOUDEVENTS", "ce_specversion is not 1.0")
    try:
        identity = UUID(found["ce_id"])
    except ValueError as error:
        raise Undecodable("NOT_CLOUDEVENTS", "ce_id is not a UUID") from error
    try:
        time = datetime.fromisoformat(found["ce_time"])
        if time.tzinfo is None:
            raise Undecodable("NOT_CLOUDEVENTS", "ce_time has no offset")
        # An offset can push the first or the last day of the calendar out of it.
        return identity, time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Undecodable("NOT_CLOUDEVENTS", "ce_time is not an RFC 3339 instant") from error
