"""What the inbox can be told to do wrong, by the address that mail goes to. Told over HTTP, forgotten when it ends."""

import asyncio
import fnmatch
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from aiosmtpd.smtp import SMTP

#: ``busy`` 451; ``refused`` 550 (no such user); ``full`` 552 (mailbox full); ``greylist`` 450 until a mail to the
#: address is tried again later; ``forbidden`` 554 at the content; ``drop`` the connection ends in the middle of the
#: content; ``lost`` the mail is kept and the connection ends before the answer; ``slow`` the answer takes its time.
Fault = Literal["busy", "refused", "full", "greylist", "forbidden", "drop", "lost", "slow"]
FAULTS: tuple[str, ...] = get_args(Fault)
_AT_RECIPIENT = {"busy": "451 4.3.0 busy", "refused": "550 5.1.1 no such user", "full": "552 5.2.2 mailbox full"}


@dataclass
class Rule:
    """Mail to addresses that match ``to`` (``*@full.example``) meets ``fault``, ``times`` times or always (None).

    ``seconds``: how long ``slow`` takes, and how long ``greylist`` wants to wait.
    """

    to: str
    fault: Fault
    times: int | None = None
    seconds: float = 1.0
    seen: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Rule":
        """A rule as the API gives it. Raises ``ValueError``, ``KeyError`` or ``TypeError``."""
        if given["fault"] not in FAULTS:
            raise ValueError(f"fault is one of {', '.join(FAULTS)}")
        times = given.get("times")
        return cls(
            to=str(given["to"]),
            fault=given["fault"],
            times=None if times is None else int(times),
            seconds=float(given.get("seconds", 1.0)),
        )


class Faults:
    """The rules in force; the first that matches counts. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.rules: list[Rule] = []

    def _take(self, address: str, *faults: Fault) -> Rule | None:
        for rule in self.rules:
            if fnmatch.fnmatchcase(address, rule.to):
                if rule.fault not in faults or rule.times == 0:
                    return None
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None

    def at_recipient(self, address: str) -> str | None:
        """The refusal of a recipient, if any."""
        rule = self._take(address, "busy", "refused", "full", "greylist")
        if rule is None:
            return None
        if rule.fault != "greylist":
            return _AT_RECIPIENT[rule.fault]
        first = rule.seen.setdefault(address, self._clock())
        return "450 4.7.1 greylisted, try again later" if self._clock() < first + rule.seconds else None

    async def before_content(self, address: str, server: SMTP) -> str | None:
        """What happens once the content has come: a refusal, a lost connection, a delay; None for nothing."""
        rule = self._take(address, "forbidden", "drop", "slow")
        if rule is None:
            return None
        if rule.fault == "slow":
            await asyncio.sleep(rule.seconds)
            return None
        if rule.fault == "drop":
            hang_up(server)
            await asyncio.sleep(1)  # ended with the connection: no answer may slip out before it
            return "421 4.3.2 dropped"
        return "554 5.6.0 refused"

    async def after_content(self, address: str, server: SMTP) -> None:
        """Lose the answer to a mail that is kept."""
        if self._take(address, "lost") is not None:
            hang_up(server)
            await asyncio.sleep(1)


def hang_up(server: SMTP) -> None:
    """End a connection without a word."""
    if server.transport is not None:
        server.transport.close()
