"""Which timer is whose."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from services.common.deliver import Tx
from services.common.timers import Timer, TimerHandler
from services.ingest import ageing, handlers

HANDLERS: Mapping[str, TimerHandler] = MappingProxyType(
    {handlers.READING_OVERDUE: handlers.reading_overdue, **dict.fromkeys(ageing.KINDS, ageing.aged)}
)


async def fire(tx: Tx, due: Sequence[Timer]) -> None:
    """Hand each timer to its handler, those of one handler together."""
    for handler in dict.fromkeys(HANDLERS.values()):
        own = [timer for timer in due if HANDLERS[timer.kind] is handler]
        if own:
            await handler(tx, own)
