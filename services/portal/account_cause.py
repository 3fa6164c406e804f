"""What a request on accounts causes."""

from uuid import uuid4

from fastapi import Request

from services.common.trace import RequestCause


def cause_of(request: Request) -> RequestCause:
    """A new cause, in the trace of the request."""
    return RequestCause(uuid4(), getattr(request.state, "traceparent", None))
