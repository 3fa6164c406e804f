"""A relay that freezes itself at the worst moment: ``python -m tests.integration.plumbing.frozen SETTINGS WHEN``.

``SETTINGS`` is the JSON of :class:`RelaySettings`. ``WHEN`` is ``before`` (rows read, nothing sent) or ``after`` (sent,
not marked). It freezes once.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

import asyncpg
import msgspec

from services.common import telemetry
from services.common.outbox import Relay, RelaySettings


class FreezingRelay(Relay):
    """Stops its own process by SIGSTOP around its first sending."""

    def __init__(self, settings: RelaySettings, when: str) -> None:
        super().__init__(settings)
        self._when = when

    async def _send(self, rows: Sequence[asyncpg.Record]) -> None:
        self._freeze("before")
        await super()._send(rows)
        self._freeze("after")

    def _freeze(self, now: str) -> None:
        if self._when == now:
            self._when = ""
            os.kill(os.getpid(), signal.SIGSTOP)


async def main() -> None:
    """Relay until killed."""
    telemetry.configure("notify", "INFO")
    await FreezingRelay(msgspec.json.decode(sys.argv[1], type=RelaySettings), sys.argv[2]).run()


if __name__ == "__main__":
    asyncio.run(main())
