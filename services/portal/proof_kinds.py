"""Which papers prove that somebody may act for a structure: the table ``data/proofs.yaml``. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from importlib import resources
from types import MappingProxyType
from typing import Final

import msgspec

from invoice import packaged
from invoice.directory import IdentifierType


class ProofKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of paper. ``days``: how old it may be when it is sent; None: it has no age."""

    label: str
    help: str
    identifiers: tuple[IdentifierType, ...]
    days: int | None = None


KINDS: Final[Mapping[str, ProofKind]] = MappingProxyType(
    msgspec.convert(
        packaged.parse((resources.files("services.portal") / "data" / "proofs.yaml").read_text("utf-8")),
        dict[str, ProofKind],
    )
)


def kinds_for(identifier: str) -> dict[str, ProofKind]:
    """The papers that prove something of a structure with this type of identifier."""
    return {name: kind for name, kind in KINDS.items() if identifier in kind.identifiers}


def trouble(kind: ProofKind, dated: date | None, today: date) -> str | None:
    """What is wrong with a paper's date (``DATE_MISSING``, ``DATE_AHEAD``, ``PROOF_TOO_OLD``), or None."""
    if kind.days is None:
        return None
    if dated is None:
        return "DATE_MISSING"
    if dated > today:
        return "DATE_AHEAD"
    return "PROOF_TOO_OLD" if today - dated > timedelta(days=kind.days) else None


def main() -> None:
    """Print the table of docs/structures.md."""
    print(table())  # noqa: T201


def table() -> str:
    """The kinds as a table of Markdown."""
    lines = ["| code | paper | for | not older than |", "|---|---|---|---|"]
    for name, kind in KINDS.items():
        age = "–" if kind.days is None else f"{kind.days} days"
        lines.append(f"| `{name}` | {kind.label} | {', '.join(kind.identifiers)} | {age} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
