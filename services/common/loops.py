"""Work that goes on for the life of a process. An error ends none of it: one that does not pass by itself is logged."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from services.common import telemetry
from services.common.failures import backoff, is_transient

T = TypeVar("T")


async def until_done(work: Callable[[], Awaitable[T]], failed: str, *, ceiling: float = 5.0) -> T:
    """What ``work`` returns, tried as often as it takes; between tries it backs off up to ``ceiling`` seconds."""
    failures = 0
    while True:
        try:
            return await work()
        except Exception as error:
            _tell(error, failed)
        failures += 1
        await asyncio.sleep(backoff(failures, ceiling=ceiling))


async def tried(work: Callable[[], Awaitable[object]], failed: str) -> bool:
    """Do ``work`` once; whether it went well."""
    try:
        await work()
    except Exception as error:
        _tell(error, failed)
        return False
    return True


async def every(seconds: float, work: Callable[[], Awaitable[object]], failed: str) -> NoReturn:
    """Do ``work`` again and again until cancelled, with ``seconds`` of rest after each round."""
    while True:
        await tried(work, failed)
        await asyncio.sleep(seconds)


async def let_go(*ends: Coroutine[Any, Any, object], seconds: float = 5.0) -> None:
    """Await the ends of what is not needed any more, one after the other, whatever comes of them.

    They are looked at from outside: aiokafka's consumer, stopped while its broker is away, ends as if whoever waits for
    it had been cancelled.
    """
    for end in ends:
        ending = asyncio.ensure_future(end)
        await asyncio.wait({ending}, timeout=seconds)
        if not ending.done():
            ending.cancel()
        elif not ending.cancelled():
            ending.exception()


def _tell(error: Exception, failed: str) -> None:
    if not is_transient(error):
        telemetry.logger().error(failed, error=type(error).__name__, exc_info=error)
