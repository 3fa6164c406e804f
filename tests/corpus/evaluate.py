"""Right, wrong and silent per field on the public samples beside the project: ``python -m tests.corpus.evaluate``.

Runs only where the samples exist (``CHORALE_CORPUS`` or ``../shared/corpus``). A value is scored where the sample's
truth has it and the page shows it; a value where the truth has none is wrong too.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from services.ocr.reader import read

COLUMNS = {
    "engagement": ("order_ref",),
    "service_code": ("buyer_reference", "recipient_routing_code"),
    "contract": ("contract_ref",),
}
FIELDS = (
    "invoice_number", "issue_date", "type_code", "supplier_siret", "recipient_siret", "engagement", "service_code",
    "contract", "total_excl_tax", "tax", "total_incl_tax", "prepaid", "payable", "currency",
)  # fmt: skip
NOT_IN_MINIMUM = ("contract", "prepaid", "supplier_siret", "recipient_siret")


def corpus() -> Path:
    """The folder of the samples, which may not exist."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
    return Path(os.environ.get("CHORALE_CORPUS", beside))


def rows(folder: Path) -> list[dict[str, Any]]:
    """The truth of every PDF sample whose truth is known."""
    lines = (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == "pdf" and row.get("invoice_number")]


def verdict(row: dict[str, Any], name: str, value: str | None) -> str | None:
    """``right``, ``wrong``, ``silent`` or None where the sample says nothing about the field."""
    columns = COLUMNS.get(name, (name,))
    truths = {str(row[c]) for c in columns if row.get(c) is not None and row.get("visible", {}).get(c, True)}
    hidden = any(row.get("visible", {}).get(c) is False for c in columns)
    if value is None:
        return "silent" if truths else None
    if value in truths:
        return "right"
    if not truths and name in NOT_IN_MINIMUM and str(row.get("profile")).endswith(":minimum"):
        return None  # the page shows it, the profile has no place for it
    if name.endswith("_siret") and not truths and value[:9] == row.get(name.replace("siret", "siren")):
        return "right"
    return None if hidden else "wrong"


def score(folder: Path, *, explain: bool) -> tuple[dict[str, Counter[str]], float]:
    """Counts per field and layout, and the seconds of one document."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds, documents = 0.0, 0
    for row in rows(folder):
        data = (folder / row["file"]).read_bytes()
        started = time.perf_counter()
        reading = read(data)
        seconds += time.perf_counter() - started
        documents += 1
        values = {field.name: field for field in reading.fields}
        for name in FIELDS:
            field = values.get(name)
            answer = verdict(row, name, field.value if field else None)
            if answer is None:
                continue
            kind = f"{answer} sure" if field is not None and field.confidence == "sure" else answer
            counts[name][kind] += 1
            if explain and answer != "right":
                print(f"{answer:7}{name:18}{row['file'][-70:]}  {field.value if field else ''}", file=sys.stderr)
    return counts, seconds / max(documents, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--explain", action="store_true", help="name every value that is wrong or missing")
    arguments = parser.parse_args()
    folder = corpus()
    if not (folder / "truth.jsonl").exists():
        print(f"no samples in {folder}: set CHORALE_CORPUS to their folder")
        return 0
    counts, seconds = score(folder, explain=arguments.explain)
    print(f"{'field':18}{'right':>7}{'wrong':>7}{'silent':>7}{'sure & wrong':>14}{'precision':>11}{'recall':>8}")
    for name in FIELDS:
        c = counts[name]
        right, wrong = c["right"] + c["right sure"], c["wrong"] + c["wrong sure"]
        given, visible = max(right + wrong, 1), max(right + wrong + c["silent"], 1)
        print(
            f"{name:18}{right:7}{wrong:7}{c['silent']:7}{c['wrong sure']:14}{right / given:11.3f}{right / visible:8.3f}"
        )
    print(f"{1000 * seconds:.1f} ms a document")
    return 0


if __name__ == "__main__":
    sys.exit(main())
