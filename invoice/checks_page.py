"""The checks of a deposit as a page for people: ``python -m invoice.checks_page > docs/checks.md``."""

import sys
from collections.abc import Iterator

from invoice.checks_table import CHECKS, Check, Part

_HEAD = """# Checks of a deposit

Written by `python -m invoice.checks_page` from `invoice/data/checks.yaml`, `rules.yaml`, `findings.yaml`, `cpro.yaml`
and `en16931.yaml`. *refuse* returns the invoice before it exists, *warn* lets it through with the sentence; what warns
of a reading (FIELD_, DATA_ and the like) may first wait for a person. Ways in: a PDF read from its pages (pdf), the
form and the API's JSON (typing), UBL, CII, Factur-X and Chorus Pro's own formats (structured). A PDF with totals only
needs neither lines nor a VAT breakdown.

`python -m services.ingest check PATH… --jsonl` answers with these codes and sentences without any server, for what
needs no directory and no history; `--en16931` asks the rules of the standard alone. Validators, MOE, MOA and the piece
before are given beside the file, which the command cannot see: where the cadre asks for them, it only warns.
"""
_CPRO = """## BR-FR-CPRO

They bind a file that names a cadre of the reform (BT-23). Where other codes stand in place of a level, those checks
answer for the rule."""
_STANDARD = """## EN 16931

They bind a UBL or CII file whose profile (BT-24) is the standard or a restriction of it; of an extension, those named
UBL- and CII- only warn. In UBL, BR-51 only warns. Where ours and the European artefacts differ is told in
[checks-disagreements.md](checks-disagreements.md)."""
_PARTS: dict[Part, str] = {
    "deposit": "## Every deposit",
    "addressing": "## Addressing\n\nMore of them in [addressing.md](addressing.md).",
    "cpro": _CPRO,
    "en16931": _STANDARD,
}


def render() -> str:
    """The page."""
    return _HEAD + "".join(_part(part, title) for part, title in _PARTS.items())


def _part(part: Part, title: str) -> str:
    rows = "".join(_rows(check for check in CHECKS.values() if check.part == part))
    columns = "| Code | Rule | Level | Ways in | Sentence | What to do | Source |\n|---|---|---|---|---|---|---|\n"
    return f"\n{title}\n\n{columns}{rows}"


def _rows(checks: Iterator[Check]) -> Iterator[str]:
    for check in checks:
        level = check.level or ", ".join(f"`{code}`" for code in check.by) or "–"
        cells = (
            f"`{check.code}`",
            check.rule,
            level,
            ", ".join(check.ways),
            check.message,
            check.fix,
            check.source,
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    sys.stdout.write(render())
