"""``python -m tests.bench [NAME …]``: measures, prints a table, and appends JSON lines to ``.local/bench.jsonl``."""

import sys
from collections.abc import Callable, Sequence

from tests.bench import (
    accounts,
    checks,
    directory,
    feed_load,
    flows,
    lifecycle,
    notify,
    pipeline,
    plumbing,
    portal,
    reading,
    supervision,
)
from tests.bench.report import Figure, publish

BENCHES: dict[str, Callable[[], Sequence[Figure]]] = {
    "plumbing": plumbing.measure,
    "pipeline": pipeline.measure,
    "reading": reading.measure,
    "directory": directory.measure,
    "checks": checks.measure,
    "notify": notify.measure,
    "lifecycle": lifecycle.measure,
    "feed": feed_load.measure,
    "flows": flows.measure,
    "accounts": accounts.measure,
    "supervision": supervision.measure,
    "portal": portal.measure,
}


def main() -> int:
    """Run the benches named, or all; an unknown name is told what there is."""
    wanted = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"No bench called {', '.join(unknown)}; there are: {', '.join(BENCHES)}.")
        return 2
    # `pipeline` prints the plumbing's figures beside its own.
    chosen = ["plumbing", *wanted] if "pipeline" in wanted else wanted
    for name in dict.fromkeys(chosen):  # each is kept as soon as it is measured
        publish(BENCHES[name]())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
