"""Faust's reader with patience: a broker that does not take offsets ends nothing, it is offered them again.

By itself Faust takes any failed commit for the end of the program, so that a broker which restarts would end every
instance. Offsets are no more than the place from which to go on: what is read twice counts once.
"""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver

from services.common import telemetry
from services.common.loops import let_go

_STOP_SECONDS: Final = 10.0
#: What passes once the broker is back.
BROKER_ERRORS: Final = (KafkaError, OSError, TimeoutError)


class _Thread(driver.AIOKafkaConsumerThread):
    """The thread that talks to the broker."""

    _committing = False

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        self._committing = True
        try:
            return bool(await super()._commit(offsets))
        finally:
            self._committing = False

    async def on_thread_stop(self) -> None:
        """A consumer whose stop is broken off must not end the thread before it has said that it is at its end."""
        await let_go(super().on_thread_stop(), seconds=_STOP_SECONDS)

    async def crash(self, exc: BaseException) -> None:
        """The end, unless it was only a commit that failed."""
        if self._committing and isinstance(exc, BROKER_ERRORS):
            telemetry.logger().warning("streams.commit_failed", error=type(exc).__name__)
            return
        await super().crash(exc)


class _Consumer(driver.Consumer):
    """Keeps the offsets that were not taken, and offers them at the next turn, events or none."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._owed: dict[Any, int] = {}

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is acknowledged, and what is still owed."""
        done = bool(await super().commit(topics, start_new_transaction))
        if self._owed:
            await self._commit({})
        return done

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        wanted = {**self._owed, **offsets}
        # Taken out before: a rebalance meanwhile must find nothing that belongs to somebody else by now.
        self._owed = {}
        done = bool(await super()._commit(wanted))
        if not done:
            self._owed = {place: offset for place, offset in wanted.items() if place in self.assignment()}
        return done

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Whoever holds them next goes on from what is committed."""
        self._owed = {}
        await super().on_partitions_revoked(revoked)


class Patient(driver.Transport):
    """The transport of an app whose reader has patience."""

    Consumer = _Consumer
