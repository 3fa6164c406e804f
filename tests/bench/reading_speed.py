"""Files a second on one core: this reader, bare pypdfium2 text, pdfplumber and invoice2data, on the same files.

pdfplumber and invoice2data are no part of the project: they are measured where they are installed.
"""

import importlib
import importlib.util
import io
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from services.ocr.reader import read
from tests.bench.report import Figure
from tests.corpus import samples
from tests.corpus.variety import layouts, make

PAGES = 3
ROUNDS = 5
OF_BARE = 0.4
OF_PDFPLUMBER = 20.0

_PYPDFIUM2: Any = importlib.import_module("pypdfium2")  # as its users call it; the project's stubs know its raw part

Reader = Callable[[Path, bytes], object]


def documents() -> list[bytes]:
    """Made invoices of many layouts; the samples too, where they are."""
    made = [make(layout, 7).pdf for split in ("train", "test") for layout in layouts(split)[::6]]
    folder = samples.corpus()
    if (folder / "truth.jsonl").exists():
        made += [(folder / row["file"]).read_bytes() for row in samples.rows(folder)]
    return made


def bare(_: Path, data: bytes) -> object:
    """The text of the first three pages, by pypdfium2 itself."""
    document = _PYPDFIUM2.PdfDocument(data)
    texts = []
    for index in range(min(len(document), PAGES)):
        page = document[index]
        text = page.get_textpage()
        texts.append(text.get_text_range())
        text.close()
        page.close()
    document.close()
    return texts


def ours(_: Path, data: bytes) -> object:
    return read(data)


def _pdfplumber() -> Reader | None:
    if importlib.util.find_spec("pdfplumber") is None:
        return None
    pdfplumber: Any = importlib.import_module("pdfplumber")

    def run(_: Path, data: bytes) -> object:
        with pdfplumber.open(io.BytesIO(data)) as document:
            return [page.extract_text() for page in document.pages[:PAGES]]

    return run


def _invoice2data() -> Reader | None:
    """With its own templates, loaded once, over its fastest text module."""
    if importlib.util.find_spec("invoice2data") is None:
        return None
    package: Any = importlib.import_module("invoice2data")
    module: Any = importlib.import_module("invoice2data.input.pdfium")
    templates = importlib.import_module("invoice2data.extract.loader").read_templates()

    def run(path: Path, _: bytes) -> object:
        return package.extract_data(str(path), templates=templates, input_module=module)

    return run


def _seconds(reader: Reader, files: Sequence[tuple[Path, bytes]]) -> float:
    started = time.process_time()
    for path, data in files:
        reader(path, data)
    return time.process_time() - started


def rates(readers: dict[str, Reader], files: Sequence[tuple[Path, bytes]], rounds: int) -> dict[str, list[float]]:
    """Files a second of each reader, round by round, in turn."""
    found: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, reader in readers.items():
            found[name].append(len(files) / _seconds(reader, files))
    return found


def measure() -> list[Figure]:
    """Our speed, and its ratios to the others'."""
    logging.getLogger("invoice2data").setLevel(logging.CRITICAL)  # it reports every file that has no template
    others = {"pdfplumber": _pdfplumber(), "invoice2data": _invoice2data()}
    slow = {name: reader for name, reader in others.items() if reader is not None}
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, data in enumerate(documents()):
            path = Path(folder) / f"{number}.pdf"
            path.write_bytes(data)
            files.append((path, data))
        rates({"ours": ours, "bare": bare}, files[:20], 1)  # warm
        fast = rates({"ours": ours, "bare": bare}, files, ROUNDS)
        few = files[:: max(1, len(files) // 40)]
        beside = rates({"ours": ours, **slow}, few, 2)
        answered = _answered(slow.get("invoice2data"), few)
    return figures(fast, beside, len(files), answered)


def _answered(reader: Reader | None, files: Sequence[tuple[Path, bytes]]) -> float | None:
    """The share of files for which invoice2data has a template."""
    return None if reader is None else sum(bool(reader(path, data)) for path, data in files) / len(files)


def figures(
    fast: dict[str, list[float]], beside: dict[str, list[float]], count: int, answered: float | None
) -> list[Figure]:
    """The table's rows. Ratios are taken round by round, so that a busy machine slows both sides."""

    def figure(text: str, value: float, unit: str, **more: Any) -> Figure:
        return Figure(bench="reading", figure=text, value=value, unit=unit, **more)

    middle = {name: statistics.median(runs) for name, runs in {**beside, **fast}.items()}
    of_bare = [one / other for one, other in zip(fast["ours"], fast["bare"], strict=True)]
    rows = [
        figure(f"{count} files read, one core", middle["ours"], "files/s", runs=fast["ours"],
               baseline={name: rate for name, rate in middle.items() if name != "ours"}),
        figure("of bare pypdfium2 text", statistics.median(of_bare), "x", at_least=OF_BARE),
    ]  # fmt: skip
    for name, goal in (("pdfplumber", OF_PDFPLUMBER), ("invoice2data", None)):
        if name not in beside:
            print(f"{name} is not installed: it is left out")
            continue
        ratio = statistics.median(one / other for one, other in zip(beside["ours"], beside[name], strict=True))
        rows.append(figure(f"of {name}", ratio, "x", at_least=goal))
    if answered is not None:
        rows.append(figure("files for which invoice2data has a template", 100 * answered, "%"))
    return rows
