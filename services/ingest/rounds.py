"""Rounds of a job that needs the object store: no readiness speaks of it, so the log says when it is away."""

from collections.abc import Awaitable, Callable

from services.common import telemetry
from services.common.failures import is_transient
from services.common.loops import every


async def rounds(once: Callable[[], Awaitable[object]], seconds: float, *, away: str, failed: str) -> None:
    """Go on until cancelled, with ``seconds`` of rest after each round; what fails is tried again in the next.

    ``away`` and ``failed`` name the log lines of a server that is away and of any other error.
    """

    async def one() -> None:
        try:
            await once()
        except Exception as error:
            if not is_transient(error):
                raise
            telemetry.logger().warning(away, error=type(error).__name__)

    await every(seconds, one, failed)
