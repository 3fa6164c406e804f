"""Times counted by size instead of kept: percentiles of any number of them, to 2.5 % of the value, that add up. Pure.

A bucket ``b`` holds what lies in ``(GAMMA ** (b - 1), GAMMA ** b]`` milliseconds; 0 holds a millisecond and less.
Windows, partitions and instances are merged by adding counts.
"""

import math
from collections.abc import Mapping
from typing import Final

GAMMA: Final = 1.05
_LOG: Final = math.log(GAMMA)


def bucket(seconds: float) -> int:
    """The bucket of a duration; a negative one (two clocks that differ) counts as none at all."""
    milliseconds = seconds * 1000
    return max(0, math.ceil(math.log(milliseconds) / _LOG)) if milliseconds > 1 else 0


def value(number: int) -> float:
    """The middle of a bucket, in seconds."""
    return float(GAMMA**number * 2 / (1 + GAMMA) / 1000) if number else 0.001


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The duration in seconds that ``share`` (0 to 1) of those counted do not exceed; None when none was."""
    total = sum(counts.values())
    if total <= 0:
        return None
    wanted, seen = max(1, math.ceil(share * total)), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            return value(number)
    return None
