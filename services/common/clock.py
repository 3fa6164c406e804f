"""What time it is on the platform. In development a file may move it, so that days need not be waited for.

The file (``CHORALE_CLOCK_FILE``) holds seconds to add and is read again whenever the time is asked for: the services
that share it move together, while they run. Outside development the setting is refused, and this is the real time.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contracts.registry import ServiceName

#: What these plan is due by the database's own clock, which nobody moves: their transactions keep the real time.
_UNMOVED: Final[frozenset[ServiceName]] = frozenset(("notify",))


class _Moved:
    """Where the seconds to add are read; no file, no seconds."""

    file: Path | None = None

    def offset(self) -> timedelta:
        if self.file is None:
            return timedelta()
        try:
            return timedelta(seconds=float(self.file.read_text() or 0))
        except FileNotFoundError:
            return timedelta()


_moved = _Moved()


def follow(file: Path | None) -> None:
    """Take what ``file`` says from now on; None: the real time."""
    _moved.file = file


def now() -> datetime:
    """The instant, aware, in UTC."""
    return datetime.now(UTC) + _moved.offset()


def of(service: ServiceName) -> datetime:
    """The instant of a service's transaction."""
    return datetime.now(UTC) if service in _UNMOVED else now()
