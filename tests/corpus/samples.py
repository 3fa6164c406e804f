"""The public samples beside the project (``CHORALE_CORPUS`` or ``../shared/corpus``), scored on what their page shows.

Their truth comes from the data file they carry; ``visible`` says which values stand on the page. A field without a
column there is not scored.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from services.ocr.reader import read
from tests.corpus.scoring import Answer, Evidence, Report, Tally, forms
from tests.corpus.variety import FIELDS

COLUMNS = {
    "engagement": ("order_ref",),
    "service_code": ("buyer_reference", "recipient_routing_code"),
    "contract": ("contract_ref",),
}
WITHOUT_COLUMN = ("vat_breakdown", "vat_regime", "payment_mode", "supplier_iban")
# What the profile MINIMUM has no place for, though the page may show it.
NOT_IN_MINIMUM = ("contract", "prepaid", "supplier_siret", "recipient_siret", "due_date", "preceding_invoice",
                  "recipient_siren", "recipient_vat")  # fmt: skip


def corpus() -> Path:
    """The folder of the samples, which may not exist."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
    return Path(os.environ.get("CHORALE_CORPUS", beside))


def rows(folder: Path) -> list[dict[str, Any]]:
    """The truth of every PDF sample whose truth is known."""
    lines = (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == "pdf" and row.get("invoice_number")]


def score(folder: Path, *, explain: Report = None) -> Tally:
    """Read every sample as text and count."""
    tally = Tally()
    for row in rows(folder):
        data = (folder / row["file"]).read_bytes()
        started = time.process_time()
        reading = read(data)
        tally.seconds += time.process_time() - started
        given = {item.name: item for item in reading.fields}
        evidence = Evidence(data)
        wholly = True
        for name in FIELDS:
            item = given.get(name)
            answer = verdict(row, name, item.value if item else None)
            if answer is None:
                continue
            boxed = evidence.holds(item, forms(name, item.value)) if item and answer == "right" else None
            tally.note(row["layout"], name, answer, sure=item is not None and item.confidence == "sure", boxed=boxed)
            wholly = wholly and answer == "right"
            if explain is not None and (answer != "right" or boxed is False):
                said = f" {item.value!r} ({item.confidence}, {item.keyword!r}, {item.raw!r})" if item else ""
                explain.append(f"{answer if answer != 'right' else 'box':7}{name:18}{row['file'][-70:]} {said}")
        evidence.close()
        tally.documents += 1
        tally.whole += wholly
    return tally


def verdict(row: dict[str, Any], name: str, value: str | None) -> Answer | None:
    """None where the sample says nothing about the field."""
    if name in WITHOUT_COLUMN:
        return None
    columns = COLUMNS.get(name, (name,))
    seen = row.get("visible", {})
    known = {c: _plain(name, str(row[c])) for c in columns if row.get(c) is not None}
    truths = {text for c, text in known.items() if seen.get(c, True)}
    if value is None:
        return "silent" if truths else None
    if value in truths:
        return "right"
    if not truths and name in NOT_IN_MINIMUM and str(row.get("profile")).endswith(":minimum"):
        return None
    if name.endswith("_siret") and not truths and value[:9] == row.get(name.replace("siret", "siren")):
        return "right"
    hidden = any(seen.get(c) is False for c in columns)  # what the page shows differs from the data on purpose
    return None if hidden else "wrong"


def _plain(name: str, text: str) -> str:
    return text.replace(" ", "") if name.endswith("_vat") else text
