"""The table of all checks: whole, of the codes that the checks really answer with, and printed."""

from pathlib import Path

from invoice.checks_page import render
from invoice.checks_table import CHECKS
from invoice.en16931.table import ROWS
from invoice.messages import CODES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "checks.md"


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m invoice.checks_page > docs/checks.md"


def test_every_row_is_whole() -> None:
    for check in CHECKS.values():
        assert check.rule, check.code
        assert check.source, check.code
        assert check.ways, check.code
        assert bool(check.message) == bool(check.level), check.code
        assert set(check.by) <= CODES.keys(), check.code


def test_every_code_that_refuses_or_warns_is_in_the_table_and_no_other() -> None:
    asked = {code for code, row in CODES.items() if row.level in ("refuse", "warn")}
    assert {code for code, check in CHECKS.items() if check.part in ("deposit", "addressing")} == asked


def test_the_standard_binds_structured_files_only_and_a_pdf_needs_no_lines() -> None:
    assert ROWS.keys() <= CHECKS.keys()
    for code in ROWS:
        assert CHECKS[code].ways == ("structured",)
    assert all("pdf" not in check.ways for check in CHECKS.values() if "ligne" in check.rule.lower())
