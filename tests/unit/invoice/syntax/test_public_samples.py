"""The public samples beside the project: every value that is known of them, and the same invoice in two syntaxes."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from invoice.syntax import DataFile, SyntaxRefused, choose, parse

BESIDE = Path(__file__).resolve().parents[4].parent / "shared" / "corpus"
SAMPLES = Path(os.environ.get("CHORALE_CORPUS", BESIDE))

pytestmark = pytest.mark.skipif(
    not (SAMPLES / "truth.jsonl").exists(), reason="the public samples are not beside the project (CHORALE_CORPUS)"
)
COLUMNS = {"engagement": "order_ref", "contract": "contract_ref"}
FIELDS = (
    "invoice_number", "issue_date", "due_date", "type_code", "currency", "total_excl_tax", "tax", "total_incl_tax",
    "prepaid", "payable", "supplier_siret", "supplier_siren", "supplier_vat", "recipient_siret", "recipient_siren",
    "recipient_vat", "engagement", "contract", "preceding_invoice", "service_code",
)  # fmt: skip


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


def truth(row: dict[str, Any]) -> dict[str, str | None]:
    """The columns as fields; two places for the service code, and numbers without the spaces they are written with."""
    found = {name: row.get(COLUMNS.get(name, name)) for name in FIELDS}
    found["service_code"] = row.get("recipient_routing_code") or row.get("buyer_reference")
    for name in ("supplier_vat", "recipient_vat"):
        written = found[name]
        found[name] = written and written.replace(" ", "")
    return found


def embedded(path: Path) -> Iterator[tuple[str, bytes]]:
    pdf: Any = pypdfium2.PdfDocument(path.read_bytes())
    try:
        for index in range(pdf.count_attachments()):
            attachment = pdf.get_attachment(index)
            yield attachment.get_name(), bytes(attachment.get_data())
    finally:
        pdf.close()


def read(row: dict[str, Any]) -> DataFile | None:
    path = SAMPLES / row["file"]
    if row["kind"] == "pdf":
        return choose(list(embedded(path)))
    (found,) = parse(path.read_bytes())
    return found


def values(found: DataFile) -> dict[str, str]:
    return {datum.name: datum.value for datum in found.fields}


def test_every_value_that_is_known_is_read_and_no_other() -> None:
    wrong: list[tuple[str, str, str | None, str | None]] = []
    compared = 0
    for row in rows():
        if not row.get("invoice_number"):
            continue
        found = read(row)
        assert found is not None, row["file"]
        given = values(found)
        expected = truth(row)
        wrong += [(row["file"], n, expected[n], given.get(n)) for n in FIELDS if expected[n] != given.get(n)]
        compared += len(FIELDS)
        assert found.lines_count == row["lines"] == sum(1 for _ in found.lines()), row["file"]
        assert all(attachment.size == len(attachment.content()) for attachment in found.attachments), row["file"]
    assert compared > 4_000
    assert wrong == []


def test_samples_that_cannot_be_read_are_refused_by_name() -> None:
    ends: dict[str, str] = {}
    for row in rows():
        if row.get("invoice_number"):
            continue
        try:
            ends[row["file"]] = "none" if read(row) is None else "read"
        except SyntaxRefused as why:
            ends[row["file"]] = why.finding.code
    assert sorted(ends.values()) == ["XML_ENCODING", "XML_ENCODING", "XML_MALFORMED", "XML_MALFORMED", "none"]


def test_the_same_invoice_in_a_pdf_as_cii_and_as_ubl_gives_the_same_header() -> None:
    # The examples of XP Z12, each published in three forms; the extended profile of one of them carries more.
    headers: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows():
        if "z12-01" not in row["file"].lower().replace("_", "-") or not row.get("invoice_number"):
            continue
        found = read(row)
        assert found is not None
        if not found.profile.endswith(("extended", "extended-ctc-fr")):
            headers[row["family"]][row["file"]] = {**values(found), "source": found.source}
    assert len(headers) == 3
    for family, files in headers.items():
        assert {header.pop("source") for header in files.values()} >= {"ubl", "cii", "facturx"}, family
        first, *others = files.values()
        assert first["total_incl_tax"]
        assert [other for other in others if other != first] == [], family
