"""Files on their way: how many one person may have under way at once, and how slow the other side may be.

Each holds a connection to a service for as long as the browser likes, so without bounds one person could hold them all.
"""

import time
from collections import Counter
from types import TracebackType
from typing import Final, Self

from services.portal.pages.problems import Problem, Shown

#: Of one person, in one process.
AT_ONCE: Final = 6
#: For so many seconds the other side may be as slow as it likes; after that so many bytes a second on average.
PATIENCE: Final = 60.0
LEAST: Final = 20_000
_TOO_MANY: Final = Problem(status=429, code="FILES_AT_ONCE", wait=10)


class Turns:
    """Who has how many files under way."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, who: str) -> "Turn":
        """One more. Raises ``Shown`` for who has his fill."""
        if self._taken[who] >= AT_ONCE:
            raise Shown(_TOO_MANY)
        self._taken[who] += 1
        return Turn(self._taken, who)


class Turn:
    """One file on its way. Given back once, at the latest when nobody holds it any more: an answer may be dropped
    before its first byte."""

    def __init__(self, taken: Counter[str], who: str) -> None:
        self._taken, self._who, self._held = taken, who, True

    def give_back(self) -> None:
        """It is over."""
        if self._held:
            self._held = False
            self._taken[self._who] -= 1
            if not self._taken[self._who]:
                del self._taken[self._who]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.give_back()

    __del__ = give_back


class Pace:
    """How fast bytes move while we wait for the other side; what we need ourselves does not count."""

    def __init__(self) -> None:
        self._moved, self._waited = 0, 0.0
        self._since: float | None = None

    def wait(self) -> None:
        """From now on it is the other side's turn."""
        self._since = time.monotonic()

    def moved(self, size: int) -> None:
        """So many bytes later it is ours again."""
        self._waited, self._since = self.waited, None
        self._moved += size

    @property
    def waited(self) -> float:
        """Seconds for which the other side has been waited for."""
        return self._waited + (0.0 if self._since is None else time.monotonic() - self._since)

    @property
    def too_slow(self) -> bool:
        """It has had its time and does not keep up."""
        return self.waited > PATIENCE and self._moved < self.waited * LEAST
