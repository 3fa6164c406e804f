"""Memory of the reader pool over many documents: ``python -m tests.bench.memory_curve [--documents 50000]``.

One JSON line every 2,500 documents, printed and appended to ``.local/memory-curve.jsonl``: the resident memory of the
parent and of each worker in MB. One document in twenty is damaged or made to attack, as a service meets them.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import msgspec
import psutil

from services.ocr.pool import ReaderPool
from tests.corpus.variety import layouts, make
from tests.documents import scanned
from tests.fuzz.pdf_mutations import mutated

LINES = Path(".local/memory-curve.jsonl")
WORKERS = 2
BROKEN_EVERY = 20


def documents() -> tuple[list[bytes], list[bytes]]:
    """Whole and broken documents, made once: what grows then is the pool's."""
    whole = [make(layout, 3).pdf for split in ("train", "test") for layout in layouts(split)]
    return [*whole, scanned()], [mutated(seed) for seed in range(200)]


class Point(msgspec.Struct, frozen=True):
    """The pool after so many documents. Memory in MB."""

    documents: int
    seconds: float
    parent_mb: float
    workers_mb: list[float]
    losses: dict[str, int]


class Curve:
    """Counts documents and writes a line when enough went by."""

    def __init__(self, readers: ReaderPool, every: int) -> None:
        self.readers, self.every = readers, every
        self.done = 0
        self.started = time.monotonic()
        self.points: list[Point] = []

    def count(self) -> None:
        self.done += 1
        if self.done % self.every == 0:
            self.write()

    def write(self) -> None:
        point = Point(
            self.done,
            round(time.monotonic() - self.started, 1),
            _megabytes(psutil.Process().pid),
            [_megabytes(pid) for pid in self.readers.pids],
            dict(self.readers.losses),
        )
        self.points.append(point)
        text = msgspec.json.encode(point).decode()
        print(text, flush=True)
        with LINES.open("a", encoding="utf-8") as out:
            out.write(text + "\n")


def _megabytes(pid: int) -> float:
    try:
        return round(psutil.Process(pid).memory_info().rss / 2**20, 1)
    except psutil.NoSuchProcess:
        return 0.0


async def run(count: int, every: int) -> list[Point]:
    """Read ``count`` documents with two workers; the points of the curve."""
    whole, broken = documents()
    readers = ReaderPool(workers=WORKERS, timeout=10.0, memory_mb=1024)
    await readers.start()
    curve = Curve(readers, every)
    numbers = iter(range(count))

    async def feed() -> None:
        for number in numbers:
            some = broken if number % BROKEN_EVERY == 0 else whole
            await readers.read(some[number % len(some)])
            curve.count()

    try:
        curve.write()
        await asyncio.gather(*(feed() for _ in range(WORKERS)))
    finally:
        await readers.stop()
    return curve.points


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--every", type=int, default=2_500)
    arguments = parser.parse_args()
    LINES.parent.mkdir(exist_ok=True)
    asyncio.run(run(arguments.documents, arguments.every))
    return 0


if __name__ == "__main__":
    sys.exit(main())
