"""LISTEN on one channel for as long as the process lives; a lost connection is made again."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import asyncpg

from services.common import telemetry
from services.common.failures import backoff, is_transient


class Listener:
    """Wakes one waiter. A notification may be lost while the connection is away: wait with a timeout, then look.

    ``heard`` gets what each notification says, and ``joined`` is called whenever listening has begun, before anything
    is heard. The connection is tried every ``beat_seconds``; ``alive_at`` (``time.monotonic``) is the last instant up
    to which everything that was said is known to have been heard, as far as it was said after ``joined``.
    """

    def __init__(
        self,
        dsn: str,
        channel: str,
        *,
        heard: Callable[[str], None] = lambda said: None,
        joined: Callable[[], None] = lambda: None,
        beat_seconds: float = 30.0,
    ) -> None:
        self._dsn = dsn
        self._channel = channel
        self._heard = heard
        self._joined = joined
        self._beat = beat_seconds
        self._woken = asyncio.Event()
        self.alive_at = float("-inf")

    async def wait(self, seconds: float) -> None:
        """Until somebody notifies, or ``seconds`` have passed."""
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what is waited for.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()

    def wake(self) -> None:
        """Wake the waiter from inside the process."""
        self._woken.set()

    def _on_heard(self, _connection: object, _pid: int, _channel: str, said: object) -> None:
        self._heard(str(said))
        self._woken.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            try:
                await self._listen()
                failures = 0
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("listen.failed", channel=self._channel)
                failures += 1
            await asyncio.sleep(backoff(max(1, failures)))

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=10,
            command_timeout=10,
            server_settings={"application_name": f"chorale-listen-{self._channel}"},
        )
        ended = asyncio.Event()
        connection.add_termination_listener(lambda *_: ended.set())
        try:
            await connection.add_listener(self._channel, self._on_heard)
            self._joined()
            self._woken.set()
            while not ended.is_set():
                # What was said before an answer has been delivered before it.
                asked = time.monotonic()
                await connection.execute("select 1")
                self.alive_at = asked
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._beat):
                        await ended.wait()
        finally:
            self.alive_at = float("-inf")
            with suppress(Exception):
                await connection.close(timeout=2)
