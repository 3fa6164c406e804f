"""W3C trace context: one trace from the HTTP request through outbox and Kafka to the e-mail."""

import random
import re
from uuid import UUID

import msgspec

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


class RequestCause(msgspec.Struct, frozen=True):
    """What makes a request or a worker emit events: an id minted once, and its trace."""

    id: UUID
    traceparent: str | None = None


def child(traceparent: str | None) -> str:
    """A new span of the given trace, or of a new trace when there is none or it is malformed."""
    match = _TRACEPARENT.match(traceparent or "")
    trace = match[1] if match and match[1] != "0" * 32 else f"{random.getrandbits(128) or 1:032x}"
    flags = match[3] if match else "01"
    return f"00-{trace}-{random.getrandbits(64) or 1:016x}-{flags}"


def trace_id(traceparent: str | None) -> str | None:
    """The trace's id, for logs."""
    match = _TRACEPARENT.match(traceparent or "")
    return match[1] if match else None
