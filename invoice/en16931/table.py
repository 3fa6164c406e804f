"""The rules as a table, ``data/en16931.yaml`` spread out: each code with what must hold, what is said, what to do."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from invoice import packaged

_SOURCES = {"UBL": "CEN/TS 16931-3-2", "CII": "CEN/TS 16931-3-3"}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, in French. ``source`` names the part of the standard; ``level`` what breaking it does to a deposit."""

    code: str
    rule: str
    message: str
    fix: str
    source: str
    level: Literal["refuse", "warn"] = "refuse"


def _rows() -> Iterator[Row]:
    table: dict[str, Any] = packaged.load("en16931.yaml")
    families: dict[str, dict[str, str]] = table.pop("_vat")
    for code, row in table.items():
        texts = {name: row[name] for name in ("rule", "message", "fix")}
        for words in _words(row, families):
            name = code.rstrip("#").format_map(words)
            filled = {key: text.format_map(words) for key, text in texts.items()}
            source = _SOURCES.get(name[:3], "EN 16931-1")
            yield Row(code=name, source=source, level=row.get("level", "refuse"), **filled)


def _words(row: Mapping[str, Any], families: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
    """What fills the places of a row, once for each code that it stands for."""
    over = [{"family": name, **words} for name, words in families.items()] if "vat" in row else [{}]
    numbers = row.get("each", {}).get("number", {"": ""})
    for words in over:
        for number, what in numbers.items():
            yield {"number": number, "what": what, **words, "what2": what}


ROWS: Mapping[str, Row] = MappingProxyType({row.code: row for row in _rows()})
