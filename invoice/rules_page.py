"""The addressing rules as a page for people: ``python -m invoice.rules_page > docs/addressing.md``."""

import sys
from collections.abc import Iterator

from invoice.messages import CODES
from invoice.rules_table import RULES

_HEAD = """# Addressing rules

Written by `python -m invoice.rules_page` from `invoice/data/rules.yaml` and `invoice/data/findings.yaml`.
Rules are looked at in this order, all of them, whatever the others answer; a decision keeps each answer.
*refuse* returns the invoice, *warn* lets it through with the sentence. Where two levels stand, the first is the default
and a body may choose the other (`levels` of a structure, `policies.levels` of its tenant).

| Rule | Looked at with | Code | Level | Source |
|---|---|---|---|---|
"""


def render() -> str:
    """The page."""
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows())
    sentences = "".join(_sentences())
    return f"{_HEAD}{rows}\n## What is said\n\n`{{…}}` is filled in.\n{sentences}"


def _rows() -> Iterator[tuple[str, ...]]:
    for name, rule in RULES.items():
        first = (f"`{name}`<br>{rule.label}", rule.needs or "always")
        for code in rule.fails:
            row = CODES[code]
            level = row.level if row.may is None else f"{row.level} / {row.may}"
            yield (*first, f"`{code}`", level, row.source)
            first = ("", "")


def _sentences() -> Iterator[str]:
    for rule in RULES.values():
        for code in rule.fails:
            row = CODES[code]
            yield f"\n**`{code}`**\n* Supplier: {row.message} {row.action or ''}\n* Body: {row.operator or ''}\n"


if __name__ == "__main__":
    sys.stdout.write(render())
