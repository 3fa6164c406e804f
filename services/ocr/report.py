"""What the command prints: one JSON object a file, or a table that a person can read, and a bar meanwhile."""

import shutil
import time
from typing import Any, Final, TextIO

import msgspec

from contracts.events import ReadField
from services.ocr.answers import Whole

_encode = msgspec.json.Encoder().encode
_REFRESH_SECONDS: Final = 0.1
_BAR: Final = 30
_COLUMNS: Final = (
    ("Numéro", "invoice_number", False),
    ("Date", "issue_date", False),
    ("HT", "total_excl_tax", True),
    ("TVA", "tax", True),
    ("TTC", "total_incl_tax", True),
    ("Net à payer", "payable", True),
    ("Fournisseur", "supplier_siret", False),
    ("Destinataire", "recipient_siret", False),
    ("Service", "service_code", False),
    ("Engagement", "engagement", False),
)
_STATUSES: Final = {"read": "lu", "rejected": "refusé", "unreadable": "illisible"}
_SOURCES: Final = {"text": "texte", "facturx": "Factur-X", "ubl": "UBL", "cii": "CII", "cpp": "CPP"}
_LONGEST: Final = 40


def status(whole: Whole) -> str:
    """``rejected``: refused; ``unreadable``: opened, and nothing recognised; else ``read``."""
    if whole.unreadable:
        return "rejected"
    return "unreadable" if whole.empty else "read"


def as_object(name: str, whole: Whole) -> dict[str, Any]:
    """The answer about one file, as JSON takes it. A value of the data alone has no page and no box."""
    said = status(whole)
    reason = whole.unreadable[0] if whole.unreadable else whole.empty
    return {
        "file": name,
        "status": said,
        "source": whole.source if said == "read" else None,
        "reason": None if reason is None else {"code": reason.code, "message": reason.message},
        "fields": {field.name: _field(field) for field in whole.fields},
    }


def json_line(name: str, whole: Whole) -> str:
    """One line of JSON."""
    return _encode(as_object(name, whole)).decode()


def _field(field: ReadField) -> dict[str, Any]:
    on_page = field.page > 0
    return {
        "value": breakdown(field.value) if field.name == "vat_breakdown" else field.value,
        "page": field.page if on_page else None,
        "bbox": [round(side, 2) for side in field.box] if on_page else None,
        "keyword": field.keyword,
        "sure": field.confidence == "sure",
    }


def breakdown(value: str) -> list[dict[str, str]]:
    """``20.00 1000.00 200.00; 5.50 100.00 5.50`` as a list of rates with base and amount."""
    rows = (row.split() for row in value.split(";"))
    return [dict(zip(("rate", "base", "amount"), row, strict=True)) for row in rows if len(row) == 3]


class Table:
    """One row a file, then what is to be said about some of them."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = [["Fichier", "État", "Source", *(title for title, _, _ in _COLUMNS)]]
        self._remarks: list[str] = []
        self._unsure = False

    def add(self, name: str, whole: Whole) -> None:
        """One file more."""
        said = status(whole)
        fields = {field.name: field for field in whole.fields}
        source = "" if said != "read" else _SOURCES[whole.source]
        self._rows.append([_cut(name), _STATUSES[said], source, *(self._cell(fields.get(n)) for _, n, _ in _COLUMNS)])
        found = (*whole.unreadable, *((whole.empty,) if whole.empty else ()), *whole.warnings)
        self._remarks += [_plain(f"{name} : {one.message}" + (f" {one.action}" if one.action else "")) for one in found]

    def _cell(self, field: ReadField | None) -> str:
        if field is None:
            return "–"
        sure = field.confidence == "sure"
        self._unsure |= not sure
        return _cut(field.value) + ("" if sure else " ?")

    def text(self) -> str:
        """The whole table."""
        widths = [max(len(row[at]) for row in self._rows) for at in range(len(self._rows[0]))]
        right = {3 + at for at, (_, _, number) in enumerate(_COLUMNS) if number}
        lines = [
            "  ".join(
                cell.rjust(width) if at in right else cell.ljust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in self._rows
        ]
        lines.insert(1, "  ".join("─" * width for width in widths))
        if self._unsure:
            lines += ["", "? : lu sans certitude, à vérifier."]
        if self._remarks:
            lines += ["", *self._remarks]
        return "\n".join(lines)


def _plain(text: str) -> str:
    """Text that moves no cursor and breaks no line."""
    return "".join(c if c.isprintable() else "·" for c in text)


def _cut(text: str) -> str:
    shown = _plain(text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


class Bar:
    """How far it has got, on a terminal only."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream, self._total, self._done = stream, total, 0
        self._on = stream.isatty() and total > 1
        self._started = time.monotonic()
        self._shown_at = 0.0

    def advance(self) -> None:
        """One file more is done."""
        self._done += 1
        now = time.monotonic()
        if not self._on or (now - self._shown_at < _REFRESH_SECONDS and self._done < self._total):
            return
        self._shown_at = now
        filled = _BAR * self._done // self._total
        pace = self._done / max(now - self._started, 0.001)
        line = f"[{'█' * filled}{'░' * (_BAR - filled)}] {self._done}/{self._total}  {pace:.0f}/s"
        self._stream.write("\r" + line[: shutil.get_terminal_size().columns - 1])
        self._stream.flush()

    def clear(self) -> None:
        """Leave the line empty for what is printed next."""
        if self._on and self._shown_at:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
