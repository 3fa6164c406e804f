"""``python -m tests.chaos``: the long run, in the background; one JSON line a round in ``.local/chaos.jsonl``.

It goes on where it stopped: rounds already in the file are not played again. ``--foreground`` stays in the terminal,
``--table`` prints what the file holds.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from contracts.registry import SERVICES
from deploy.local import Stack
from tests.chaos.faults import FAULTS, FREEZE_SECONDS, Fault, freeze
from tests.chaos.rounds import Round, play
from tests.chaos.world import SETTINGS, World

LINES, LOG = Path(".local/chaos.jsonl"), Path(".local/chaos.log")
ROUNDS_PER_STACK = 40
LONGEST = 58 * 60.0


def plan(rounds: int) -> list[Fault]:
    """The faults in the order in which they are played: by weight, shuffled, the same every time."""
    all_faults = [*FAULTS, freeze(FREEZE_SECONDS)]
    weighted = [fault for fault in all_faults for _ in range(fault.weight)]
    chosen = [weighted[index % len(weighted)] for index in range(rounds)]
    random.Random(20261122).shuffle(chosen)
    return chosen


def done() -> list[dict[str, Any]]:
    """Rounds already played."""
    if not LINES.exists():
        return []
    return [json.loads(line) for line in LINES.read_text(encoding="utf-8").splitlines() if line.strip()]


async def run(rounds: int, deposits: int, rate: float) -> int:
    """Play what is left; returns how many rounds failed."""
    faults, started = plan(rounds), time.monotonic()
    number = len(done())
    while number < rounds and time.monotonic() - started < LONGEST:
        stack = Stack(services=SERVICES, supervise=True, settings=SETTINGS)
        await asyncio.to_thread(stack.up)
        world = World(stack=stack, rng=random.Random(1000 + number))
        try:
            await world.open()
            for _ in range(min(ROUNDS_PER_STACK, rounds - number)):
                found = await play(world, number + 1, faults[number], deposits=deposits, rate=rate)
                _keep(found)
                number += 1
                if not found.ok or time.monotonic() - started > LONGEST:
                    break
        finally:
            await world.close()
            await asyncio.to_thread(stack.down)
    return sum(not line["ok"] for line in done())


def _keep(found: Round) -> None:
    with LINES.open("a", encoding="utf-8") as out:
        out.write(msgspec.json.encode(found).decode() + "\n")


def table() -> str:
    """Rounds by fault: how many held, deposits accepted, time to settle, repeated mails and records."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in done():
        groups[line["fault"]].append(line)
    rows = [f"{'fault':<32} rounds  held  deposits  settled s (max)  repeated mails  seconds"]
    for fault, lines in sorted(groups.items()):
        verdicts = [line["verdict"] for line in lines]
        rows.append(
            f"{fault:<32} {len(lines):>6} {_sum(lines, 'ok'):>5.0f} {_sum(lines, 'deposits'):>9.0f}"
            f" {max(v['settled_seconds'] for v in verdicts):>16.1f} {max(v['repeated_mails'] for v in verdicts):>15}"
            f" {_sum(lines, 'seconds'):>8.0f}"
        )
    every = done()
    rows.append(
        f"{'all':<32} {len(every):>6} {_sum(every, 'ok'):>5.0f} {_sum(every, 'deposits'):>9.0f}"
        f" {'':>16} {'':>15} {_sum(every, 'seconds'):>8.0f}"
    )
    rows += [
        f"FAILED {line['number']} {line['fault']}: {line['verdict']['problems']}" for line in every if not line["ok"]
    ]
    return "\n".join(rows)


def _sum(lines: list[dict[str, Any]], name: str) -> float:
    return float(sum(line[name] for line in lines))


def main() -> int:
    """Parse, then run here or in the background."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=110)
    parser.add_argument("--deposits", type=int, default=40)
    parser.add_argument("--rate", type=float, default=6.0)
    parser.add_argument("--foreground", action="store_true")
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    LINES.parent.mkdir(exist_ok=True)
    if given.table:
        print(table())
        return 0
    if given.foreground:
        failed = asyncio.run(run(given.rounds, given.deposits, given.rate))
        print(table())
        return 1 if failed else 0
    arguments = [f"--rounds={given.rounds}", f"--deposits={given.deposits}", f"--rate={given.rate}"]
    with LOG.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos", "--foreground", *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=dict(os.environ),
        )  # fmt: skip
    print(f"Running as process {child.pid}: rounds in {LINES}, what it says in {LOG}.")
    print("See how far it is with: python -m tests.chaos --table")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
