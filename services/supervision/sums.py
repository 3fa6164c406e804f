"""What a batch adds to the windows. Pure.

Windows tumble: those of one size follow each other and never overlap. What was taken back counts below nothing.
"""

from collections import Counter
from typing import Final, NamedTuple

from services.supervision.sketch import bucket

#: The whole platform, beside the tenants.
ALL: Final = "*"
#: Sizes of the windows in seconds: the live ones, and those that a day or a month is drawn from.
LIVE, HOUR = 10, 3600
SIZES: Final = (LIVE, HOUR)


class StageKey(NamedTuple):
    """Where a stage is counted."""

    size: int
    start: int
    tenant: str
    stage: str


class TimeKey(NamedTuple):
    """Where a duration is counted, by bucket of :mod:`services.supervision.sketch`."""

    size: int
    start: int
    tenant: str
    measure: str
    bucket: int


class FieldKey(NamedTuple):
    """Where the outcome of a field is counted: ``kept``, ``changed`` or ``missed``."""

    start: int
    tenant: str
    supplier: str
    source: str
    field: str
    outcome: str


class Sums:
    """What a batch adds to the windows; what was taken back counts below nothing."""

    def __init__(self) -> None:
        self.stages: Counter[StageKey] = Counter()
        self.times: Counter[TimeKey] = Counter()
        self.fields: Counter[FieldKey] = Counter()

    def stage(self, tenant: str, stage: str, at: float) -> None:
        """One more event of this stage."""
        for size in SIZES:
            self.stages[StageKey(size, window(at, size), tenant, stage)] += 1

    def time(self, tenant: str, measure: str, at: float, seconds: float, sign: int) -> None:
        """One duration more, or one less."""
        for size in SIZES:
            self.times[TimeKey(size, window(at, size), tenant, measure, bucket(seconds))] += sign


def window(at: float, size: int) -> int:
    """The start of the tumbling window of ``size`` seconds in which an instant lies."""
    return int(at // size) * size
