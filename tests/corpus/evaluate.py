"""How well pages are read: ``python -m tests.corpus.evaluate [--generated train|test] [--per-layout] [--explain]``.

Without ``--generated``, the public samples beside the project are read. Whoever writes rules looks at the train
layouts only: a test layout that was looked at measures nothing any more.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from services.ocr.reader import read
from tests.corpus import samples
from tests.corpus.scoring import Report, Tally, judge, table
from tests.corpus.variety import Split, layouts, make


def generated(names: Sequence[str], documents: int, *, explain: Report = None, first: int = 0) -> Tally:
    """Read ``documents`` made documents of each layout, from seed ``first`` on, and count."""
    tally = Tally()
    for layout in names:
        for seed in range(first, first + documents):
            made = make(layout, seed)
            started = time.process_time()
            reading = read(made.pdf)
            tally.seconds += time.process_time() - started
            judge(tally, layout, made, reading, explain=explain)
    return tally


def spread(split: Split, count: int) -> Sequence[str]:
    """So many layouts of a split, evenly over all of them; all for 0."""
    names = layouts(split)
    return names if not 0 < count < len(names) else [names[len(names) * at // count] for at in range(count)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generated", choices=("train", "test"), help="made documents instead of the samples")
    parser.add_argument("--documents", type=int, default=3, help="of each layout (3)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--layouts", type=int, default=0, help="only so many of them, evenly chosen")
    parser.add_argument("--layout", help="only this one")
    parser.add_argument("--field", help="explain only this one")
    parser.add_argument("--per-layout", action="store_true", help="a row for each layout, the worst first")
    parser.add_argument("--explain", action="store_true", help="name every value that is wrong or missing")
    arguments = parser.parse_args()
    said: list[str] = []
    if arguments.generated:
        names = [arguments.layout] if arguments.layout else spread(arguments.generated, arguments.layouts)
        tally = generated(names, arguments.documents, explain=said, first=arguments.first)
    elif not (samples.corpus() / "truth.jsonl").exists():
        print(f"no samples in {samples.corpus()}: set CHORALE_CORPUS to their folder")
        return 0
    else:
        tally = samples.score(samples.corpus(), explain=said)
    if arguments.explain:
        print("\n".join(line for line in said if not arguments.field or arguments.field in line.split()[:3]))
    per_field = {name: tally.over(name=name) for name in tally.names} | {"all": tally.over()}
    if arguments.per_layout:
        counts = {layout: tally.over(layout=layout) for layout in tally.layouts}
        print(table(tally, dict(sorted(counts.items(), key=lambda item: item[1].share("right")))), end="\n\n")
    print(table(tally, per_field))
    return 0


if __name__ == "__main__":
    sys.exit(main())
