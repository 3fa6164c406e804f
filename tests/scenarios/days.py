"""Moves the platform's time: the file that every service of the stack follows (``CHORALE_CLOCK_FILE``)."""

import os
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from typing import Final

from invoice.clock import PARIS

#: The first day lies so far back that no life ends in the future of the real clock, which databases go by.
BEFORE: Final = 90


class Days:
    """Days counted from the first. Each begins at 10:00 in Paris and goes on at the pace of the real clock."""

    def __init__(self, file: Path, before: int = BEFORE) -> None:
        self.file = file
        self.first = datetime.now(PARIS).date() - timedelta(days=before)
        self.go_to(0)

    def go_to(self, number: int) -> None:
        """It is 10:00 in Paris on that day, for every service at its next look."""
        instant = datetime.combine(self.day(number), hour(10), PARIS).astimezone(UTC)
        offset = (instant - datetime.now(UTC)).total_seconds()
        part = self.file.with_suffix(".part")
        part.write_text(f"{offset:.3f}")
        os.replace(part, self.file)
        self._moved = (instant, time.monotonic())

    def now(self) -> datetime:
        """The platform's instant."""
        instant, at = self._moved
        return instant + timedelta(seconds=time.monotonic() - at)

    def day(self, number: int) -> date:
        """The legal day of that number."""
        return self.first + timedelta(days=number)

    def number(self, day: date) -> int:
        """The number of a legal day."""
        return (day - self.first).days
