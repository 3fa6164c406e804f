"""What happens to a sollicitation by itself: a reminder, the end of the delay, the end of one that was answered."""

from collections.abc import Sequence
from uuid import UUID

from services.common.deliver import Tx
from services.common.timers import Timer
from services.common.trace import RequestCause
from services.portal import solicitation as kept
from services.portal import solicitation_acts as acts


async def fire(tx: Tx, due: Sequence[Timer]) -> None:
    """Do what these timers are for; timers of others are left alone. Their keys are locked by the caller."""
    for timer in due:
        if timer.kind in (acts.REMINDER, acts.OVERDUE, acts.CLOSING):
            await _fire(tx, timer)


async def _fire(tx: Tx, timer: Timer) -> None:
    found = await kept.one(tx.conn, UUID(timer.key))
    if found is None:
        return
    cause = RequestCause(timer.id, timer.traceparent)
    if timer.kind == acts.CLOSING:
        if found.state == "answered":
            await acts.close(tx, found, "platform", None, None, cause)
    elif found.state == "waiting":
        if timer.kind == acts.OVERDUE:
            # The asker learns that nobody has answered; the addressee that the delay is over.
            found = await acts.record(tx, found, "overdue", "platform", cause)
        await acts.record(tx, found, "reminded", "platform", cause, index=1)
