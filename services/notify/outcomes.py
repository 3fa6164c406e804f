"""What came of a message, told to others with the invoice's id. The event's id follows from the message's."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from contracts.events import NotificationAccepted, NotificationFailed
from services.common import telemetry
from services.common.deliver import Tx
from services.common.trace import RequestCause
from services.notify import metrics
from services.notify.domain import Message
from services.notify.matrix import Audience, rule_of, side_of

_SIDES = ("supplier", "body")


class Whose(msgspec.Struct, frozen=True):
    """The message that something came of."""

    message: UUID
    kind: str
    audience: Audience
    subject: str
    entry: int | None
    traceparent: str | None


def accepted(tx: Tx, of: Whose, *, at: datetime) -> None:
    """A relay took the mail that carries this message."""
    if rule_of(of.kind, of.audience).about == "nothing":
        return
    told = NotificationAccepted(
        message=str(of.message),
        kind=of.kind,
        audience=side_of(of.audience),
        accepted_at=at,
        entry=of.entry,
        role=role_of(of.audience),
    )
    tx.emit(told, key=of.subject, cause=RequestCause(id=of.message, traceparent=of.traceparent))


def failed(tx: Tx, of: Whose, *, at: datetime, cause: Literal["permanent", "technical"], bounced: bool = False) -> None:
    """A message was given up, or came back after a relay had taken it (``bounced``)."""
    if rule_of(of.kind, of.audience).about == "nothing":
        return
    told = NotificationFailed(
        message=str(of.message),
        kind=of.kind,
        audience=side_of(of.audience),
        failed_at=at,
        cause=cause,
        entry=of.entry,
        role=role_of(of.audience),
        bounced=bounced,
    )
    cause_of = RequestCause(id=of.message, traceparent=of.traceparent)
    tx.emit(told, key=of.subject, cause=cause_of, index=1 if bounced else 0)


def role_of(audience: Audience) -> str | None:
    """Who precisely was written to, where the side does not say it."""
    return None if audience in _SIDES else audience


def nobody(tx: Tx, message: Message) -> None:
    """Nobody can be written to: it is said aloud and in the invoice's history, and holds nothing up."""
    metrics.NO_ADDRESS.labels(audience=message.audience).inc()
    telemetry.logger().error("notify.no_address", kind=message.kind, audience=message.audience, subject=message.subject)
    of = Whose(message.id, message.kind, message.audience, message.subject, message.entry, message.traceparent)
    failed(tx, of, at=tx.now, cause="permanent")
