"""Every check of a deposit as one table: code, rule, source, level, ways in, sentence, what to do.

It gathers the tables that the checks themselves answer from: ``checks.yaml`` with ``findings.yaml``, ``rules.yaml`` of
the addressing, ``cpro.yaml``, ``en16931.yaml``. What the table says is what a deposit is told.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from invoice import checks_cpro, packaged
from invoice.en16931.table import ROWS
from invoice.messages import CODES
from invoice.rules_table import RULES

Way = Literal["pdf", "typing", "structured"]
Part = Literal["deposit", "addressing", "cpro", "en16931"]
ALL: tuple[Way, ...] = ("pdf", "typing", "structured")
STRUCTURED: tuple[Way, ...] = ("structured",)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One row, in French. ``level`` is the default where a body may choose; ``ways``: on which ways in the rule binds.

    ``by`` names the rows that answer in its place.
    """

    code: str
    part: Part
    rule: str
    source: str
    level: Literal["refuse", "warn", ""]
    ways: tuple[Way, ...]
    message: str
    fix: str = ""
    by: tuple[str, ...] = ()


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: str
    ways: tuple[Way, ...]


def _deposit() -> Iterator[Check]:
    rows: dict[str, _Row] = msgspec.convert(packaged.load("checks.yaml"), dict[str, _Row])
    for code, row in rows.items():
        yield _of_code(code, "deposit", row.rule, row.ways)


def _of_code(code: str, part: Part, rule: str, ways: tuple[Way, ...]) -> Check:
    said = CODES[code]
    level: Literal["refuse", "warn"] = "refuse" if said.level == "refuse" else "warn"
    return Check(
        code=code,
        part=part,
        rule=rule,
        source=said.source,
        level=level,
        ways=ways,
        message=said.message,
        fix=said.action or "",
    )


def _addressing() -> Iterator[Check]:
    for rule in RULES.values():
        for code in rule.fails:
            yield _of_code(code, "addressing", f"{rule.label}.", ALL)


def _cpro() -> Iterator[Check]:
    for code, row in checks_cpro.ROWS.items():
        yield Check(
            code=code,
            part="cpro",
            rule=row.rule,
            source=checks_cpro.SOURCE,
            level=row.level if row.message else "",
            ways=STRUCTURED,
            message=row.message,
            fix=row.fix,
            by=row.by,
        )


def _standard() -> Iterator[Check]:
    for row in ROWS.values():
        yield Check(
            code=row.code,
            part="en16931",
            rule=row.rule,
            source=row.source,
            level=row.level,
            ways=STRUCTURED,
            message=row.message,
            fix=row.fix,
        )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.code: check for check in (*_deposit(), *_addressing(), *_cpro(), *_standard())}
)
