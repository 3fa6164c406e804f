"""How well and how fast pages are read: the public samples, and made invoices of known and of unseen layouts.

Prints right, wrong and silent per field, and the layouts that are read worst; every layout and field goes to
``.local/reading.jsonl``. Speeds are processor time of one process, all contenders in turn on the same files.
"""

import importlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

from tests.bench import reading_speed
from tests.bench.report import Figure
from tests.corpus import samples
from tests.corpus.evaluate import generated
from tests.corpus.scoring import Tally, table
from tests.corpus.variety import layouts

PER_LAYOUT = Path(".local/reading.jsonl")
DOCUMENTS = 3  # of each layout
FIRST_SEED = 1_000  # documents that nobody looked at while writing rules
KNOWN = {"right": 0.985, "wrong": 0.003}
UNSEEN = {"right": 0.93, "wrong": 0.01}
SURE_AND_WRONG = 0.001
BOXES = 0.995


def measure() -> Sequence[Figure]:
    """All figures of the reader."""
    figures: list[Figure] = []
    PER_LAYOUT.parent.mkdir(exist_ok=True)
    with PER_LAYOUT.open("w", encoding="utf-8") as out:
        for name, tally, goals in _tallies():
            print(f"\n{name}: worst layouts, then fields\n{_worst(tally)}\n")
            print(table(tally, {field: tally.over(name=field) for field in tally.names} | {"all": tally.over()}))
            figures += accuracy(name, tally, goals)
            for (layout, field), count in sorted(tally.counts.items()):
                out.write(json.dumps({"set": name, "layout": layout, "field": field, **vars(count)}) + "\n")
    return [*figures, *reading_speed.measure(), *_xml()]


def _tallies() -> Sequence[tuple[str, Tally, dict[str, float]]]:
    made = [
        ("train layouts", generated(layouts("train"), DOCUMENTS, first=FIRST_SEED), KNOWN),
        ("test layouts", generated(layouts("test"), DOCUMENTS, first=FIRST_SEED), UNSEEN),
    ]
    folder = samples.corpus()
    if not (folder / "truth.jsonl").exists():
        print(f"no samples in {folder}: their figures are left out")
        return made
    return [("samples", samples.score(folder), KNOWN), *made]


def _worst(tally: Tally, count: int = 8) -> str:
    each = {layout: tally.over(layout=layout) for layout in tally.layouts}
    return table(tally, dict(sorted(each.items(), key=lambda item: item[1].share("right"))[:count]))


def accuracy(name: str, tally: Tally, goals: dict[str, float]) -> list[Figure]:
    """The figures of a set of documents, of all fields together, then of each."""
    whole = tally.over()

    def figure(text: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> Figure:
        said = f"{name}: {text}"
        return Figure(bench="reading", figure=said, value=100 * value, unit="%", at_least=at_least, at_most=at_most)

    figures = [
        figure("right, of values shown or given", whole.share("right"), at_least=100 * goals["right"]),
        figure("wrong, sure or not", whole.share("wrong"), at_most=100 * goals["wrong"]),
        figure("sure and wrong", whole.share("sure_wrong"), at_most=100 * SURE_AND_WRONG),
        figure("boxes that hold their value", whole.boxed / max(whole.boxes, 1), at_least=100 * BOXES),
        figure("documents with all right, none wrong", tally.whole / max(tally.documents, 1)),
    ]
    for field in tally.names:
        count = tally.over(name=field)
        shares = {"wrong": 100 * count.share("wrong"), "silent": 100 * count.share("silent")}
        shares["sure and wrong"] = 100 * count.share("sure_wrong")
        figures.append(
            Figure(
                bench="reading",
                figure=f"{name}: {field} right",
                value=100 * count.share("right"),
                unit="%",
                baseline=shares,
            )
        )
    return figures


def _xml() -> Sequence[Figure]:
    """The data files' speed, measured where their reader is."""
    if importlib.util.find_spec("tests.bench.xml_speed") is None:
        return []
    found: Sequence[Figure] = importlib.import_module("tests.bench.xml_speed").measure()
    return found
