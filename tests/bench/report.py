"""Figures: a table for people, and one JSON line each in ``.local/bench.jsonl``."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

LINES = Path(".local/bench.jsonl")


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measured number. The goal is ``at_least`` or ``at_most``; ``baseline`` was measured in the same run."""

    bench: str
    figure: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    baseline: Mapping[str, float] = {}
    runs: Sequence[float] = ()

    @property
    def goal(self) -> str:
        """The goal in words."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return f"≤ {self.at_most:g}" if self.at_most is not None else ""

    @property
    def verdict(self) -> str:
        """``met`` or ``MISSED``, or nothing without a goal."""
        if self.at_least is not None:
            return "met" if self.value >= self.at_least else "MISSED"
        if self.at_most is not None:
            return "met" if self.value <= self.at_most else "MISSED"
        return ""


def publish(figures: Sequence[Figure]) -> None:
    """Print the table and append the lines."""
    LINES.parent.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    with LINES.open("a", encoding="utf-8") as out:
        for figure in figures:
            out.write(json.dumps({**msgspec.to_builtins(figure), "at": stamp}, ensure_ascii=False) + "\n")
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {stamp}")
    print(f"{'bench':<10} {'figure':<52} {'value':>10} {'unit':<12} {'goal':<10} {'':<7} baseline / runs")
    for f in figures:
        beside = ", ".join(f"{name} {value:,.1f}" for name, value in f.baseline.items())
        runs = " ".join(f"{run:,.0f}" for run in f.runs)
        print(
            f"{f.bench:<10} {f.figure:<52} {f.value:>10,.2f} {f.unit:<12} {f.goal:<10} {f.verdict:<7}"
            f" {beside}{' | ' if beside and runs else ''}{runs}"
        )
    sys.stdout.flush()
