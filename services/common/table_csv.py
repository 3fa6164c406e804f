"""Tables as CSV: semicolons and a byte-order mark, as French spreadsheets expect; no cell of text is a formula."""

import csv
import io
from collections.abc import Iterable
from typing import Final

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
MARK: Final = "\ufeff"
#: A spreadsheet would take a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV text."""
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def text(value: str | None) -> str:
    """A cell of text, which no spreadsheet may take for a formula."""
    if value is None:
        return ""
    return f"'{value}" if value.startswith(_FORMULA) else value
