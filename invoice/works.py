"""Works pieces A4 to A25 in their billing file: what may follow what, and what becomes of the piece before.

What a depositor must name is for :mod:`invoice.cadres`; here stands what only the file's own life can tell: whether
the piece before is still open, and what the new one does to the others. Chains are the reference's reading of the
guides (decisions.md 12): no source states them whole.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from invoice import packaged
from invoice.findings import Finding
from invoice.lifecycle_table import POLICIES, STATUSES
from invoice.messages import finding
from invoice.money import show_date

#: Days that the maître d'œuvre has to treat a projet de décompte (chorus-pro.md 8.2).
MOE_DAYS: Final = 7
#: Days of silence on A22 after which the account is tacit: a term of the contract (decisions.md 12).
TACIT_DAYS: Final = 10
TACIT: Final = "A22"
_NEEDS_SILENCE: Final = frozenset(("A23", "A24", "A25"))
_REPLACED: Final = "REMPLACEE_PAR_A22"
#: What the tacit procedure takes the place of: the final account's pieces. A monthly one is paid on its own.
_FINAL: Final = frozenset(("A7", "A11", "A14", "A17"))
_LINKED: Final = "ASSOCIEE"


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of ``lifecycle.yaml``. ``by`` deposits it, ``reader`` acts on it first, ``next`` may follow it.

    ``payable``: it goes to the financial service as an ordinary invoice does. ``copy_to`` sees it too.
    """

    code: str
    api: str
    by: Literal["F", "MOE", "MOA"]
    validators: tuple[str, ...]
    reader: Literal["MOE", "MOA", "F", "D"]
    next: tuple[str, ...]
    payable: bool
    type: str
    label_fr: str
    copy_to: tuple[str, ...] = ()


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """A piece that stands in the file. ``received_on``: the day (Paris) on which its reader had it, if he had."""

    id: str
    piece: str
    status: str
    previous: str | None = None
    received_on: date | None = None


class FileMove(msgspec.Struct, frozen=True, kw_only=True):
    """What a new piece does to the others: ``links`` becomes *Associée*, each of ``replaces`` *Remplacée par A22*."""

    links: str | None = None
    replaces: tuple[str, ...] = ()


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A piece that may follow ``after``. ``ready``: as far as statuses tell, it may be deposited now."""

    after: Filed
    piece: str
    ready: bool


_WORKS: Final[Mapping[str, Any]] = packaged.load("lifecycle.yaml")["works"]
PIECES: Final[Mapping[str, Piece]] = MappingProxyType(
    {row.code: row for row in msgspec.convert(_WORKS["pieces"], tuple[Piece, ...])}
)
#: Name → the pieces of a usual chain, first to last.
CHAINS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {chain["name"]: tuple(chain["pieces"]) for chain in _WORKS["chains"]}
)


def chains_of(piece: str) -> tuple[str, ...]:
    """The names of the usual chains in which a piece stands."""
    return tuple(name for name, pieces in CHAINS.items() if piece in pieces)


def move_of(
    piece: str, file: Sequence[Filed], previous: str | None = None, *, on: date, tacit_days: int = TACIT_DAYS
) -> FileMove | tuple[Finding, ...]:
    """What depositing ``piece`` on a day does to its file, or why it may not stand there.

    ``file``: the pieces deposited before, in their order. ``tacit_days``: the contract's, where it says so.
    """
    if piece == TACIT:
        return FileMove(replaces=tuple(each.id for each in file if each.piece in _FINAL and _may(each, _REPLACED)))
    if previous is None:
        return FileMove()
    before = next((each for each in file if each.id == previous), None)
    if before is None:
        return (finding("PREVIOUS_UNKNOWN", value=previous),)
    if piece not in PIECES[before.piece].next:
        words = {"cadre": piece, "other": before.piece, "after": ", ".join(predecessors(piece))}
        return (finding("PREVIOUS_WRONG", value=previous, **words),)
    wrong = _closed(piece, before) or _too_early(piece, before, on, tacit_days)
    return (wrong,) if wrong is not None else FileMove(links=before.id)


def predecessors(piece: str) -> tuple[str, ...]:
    """The pieces that a piece may follow; empty for one that opens a circuit."""
    return tuple(code for code, row in PIECES.items() if piece in row.next)


def expected(file: Sequence[Filed]) -> tuple[Expected, ...]:
    """What may come next in a file: of each piece that is still open, in their order, those that may follow it."""
    return tuple(
        Expected(after=before, piece=piece, ready=_closed(piece, before) is None)
        for before in file
        if not STATUSES[before.status].terminal
        for piece in PIECES[before.piece].next
    )


def clock_piece(file: Sequence[Filed], payable: str) -> str | None:
    """The piece whose reception starts the delay of a payable one: the first of its chain that the MOE had.

    None where no maître d'œuvre had any: the payable piece's own reception counts (chorus-pro.md 13; a balance runs
    from the general account's own reception, R2192-16).
    """
    known = {each.id: each for each in file}
    found: str | None = None
    current = known.get(payable)
    while current is not None:
        if PIECES[current.piece].reader == "MOE":
            found = current.id
        current = known.pop(current.previous, None) if current.previous else None
    return found


def _policy(piece: Piece) -> str:
    return f"reader_{piece.reader}_validated" if piece.validators else f"reader_{piece.reader}"


def _may(filed: Filed, target: str) -> bool:
    return POLICIES[_policy(PIECES[filed.piece])].move(filed.status, target) is not None


def _closed(piece: str, before: Filed) -> Finding | None:
    """The piece before must have been read, or the next one answers it unread; only a tacit one answers silence."""
    if not STATUSES[before.status].terminal:
        unread = before.status.startswith("MISE_A_DISPOSITION")
        if _may(before, _LINKED) and (not unread or piece in _NEEDS_SILENCE):
            return None
    code = "PREVIOUS_CLOSED" if STATUSES[before.status].terminal else "PREVIOUS_NOT_TAKEN"
    return finding(code, value=before.id, other=before.piece, status=STATUSES[before.status].label_fr)


def _too_early(piece: str, before: Filed, on: date, tacit_days: int) -> Finding | None:
    if piece not in _NEEDS_SILENCE or before.piece != TACIT:
        return None
    if before.received_on is None:
        return finding(
            "PREVIOUS_NOT_TAKEN", value=before.id, other=before.piece, status=STATUSES[before.status].label_fr
        )
    first = before.received_on + timedelta(days=tacit_days + 1)
    if on >= first:
        return None
    words = {
        "cadre": piece,
        "days": str(tacit_days),
        "received": show_date(before.received_on),
        "first": show_date(first),
    }
    return finding("TACIT_TOO_EARLY", value=before.id, **words)
