"""Parsing and checking structured invoices on one core, beside the official rules under Saxon: `make bench T=checks`.

The documents are the public samples beside the project, else made ones. Time is the processor's, so that a
neighbour on the machine counts little. Both sides see the same sample in the same run, one after the other.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from statistics import median

from invoice.checks_structured import check_structured
from invoice.en16931 import broken_rules
from invoice.syntax import SyntaxRefused, parse
from tests.bench.report import Figure
from tests.bench.xml_speed import BESIDE, rate, samples
from tests.corpus.en16931 import cii, facts, ubl
from tests.corpus.en16931.official import NotReachable, Official

SAMPLE = 48
GOAL = 1_000


def documents() -> list[bytes]:
    """UBL and CII documents by size: the public samples, or made ones."""
    found = [data for data in samples() if _is_judged(data)] if (BESIDE / "truth.jsonl").exists() else []
    return sorted(found or _made(), key=len)


def _is_judged(data: bytes) -> bool:
    try:
        return broken_rules(data) is not None
    except SyntaxRefused:
        return False


def _made() -> Iterator[bytes]:
    random = Random(1)
    for number in range(200):
        made = facts.make(random, full=number % 4 == 0)
        yield from (ubl.write(made), cii.write(made))


def check(data: bytes) -> None:
    """What a deposit asks of a data file: everything read, every rule that binds."""
    for invoice in parse(data):
        check_structured(invoice)


def _official(chosen: Sequence[bytes]) -> dict[str, float]:
    """The official rules on the same documents; nothing where they cannot be fetched."""
    try:
        official = Official()
    except NotReachable:
        return {}
    syntaxes = {data: "cii" if b"CrossIndustryInvoice" in data[:2_000] else "ubl" for data in chosen}
    return {"Saxon and the official rules": median(rate(lambda data: official.fired(data, syntaxes[data]), chosen))}


def measure() -> Sequence[Figure]:
    """The figures of checking structured invoices."""
    found = documents()
    middle = len(found) // 2
    near = found[max(middle - SAMPLE // 2, 0) : middle + SAMPLE // 2]
    check(near[0])  # tables that are read once
    size = f"{median(map(len, near)) / 1000:.1f} kB"
    return (
        _figure(f"parse + checks, {size} (the samples' median)", check, near, at_least=GOAL, beside=_official(near)),
        _figure(f"EN 16931 alone, {size}", broken_rules, near),
        _figure(f"parse + checks, all {len(found)} samples", check, found),
    )


def _figure(
    name: str,
    run: Callable[[bytes], object],
    chosen: Sequence[bytes],
    at_least: float | None = None,
    beside: dict[str, float] | None = None,
) -> Figure:
    runs = rate(run, chosen)
    return Figure(
        bench="checks",
        figure=name,
        value=median(runs),
        unit="documents/s",
        at_least=at_least,
        baseline=beside or {},
        runs=runs,
    )
