"""What every status, motif and refusal means, from the tables that the program itself answers from."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from invoice import motifs
from invoice.checks_table import CHECKS, Check
from invoice.file_findings import FLOW, READING
from invoice.lifecycle_table import ACTORS, STATUSES, Status, circuit_table
from invoice.messages import CODES
from services.portal.pages.words import spaced

Level = Literal["refuse", "warn", "info", "ok", ""]
#: The pages of the refusals: the first is ``/aide/refus``, the others lie below it.
REFUSALS: Final = "/aide/refus"
PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("addressing", "deposit"),
    "fichiers": ("reading", "flow", "said", "cpro"),
    "norme": ("en16931",),
    "syntaxe": ("syntax",),
}
#: The order in which statuses are told: the way of an invoice.
GROUPS: Final = (
    "preparation",
    "validation",
    "routing",
    "treatment",
    "payment",
    "closed",
    "works",
    "technical",
)
_LISTS: Final = re.compile(r" ?\{(codes|forms|budgets|keywords|pages|inside)\}")
_PLACE: Final = re.compile(r"\{[a-z_]+\}")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One code, in French: what must hold (``rule``), what is said where it does not, and what to do.

    ``choice``: a body may choose the other level; ``by``: the codes that answer in its place.
    """

    code: str
    part: str
    level: Level
    message: str
    action: str = ""
    rule: str = ""
    ways: tuple[str, ...] = ()
    choice: bool = False
    by: tuple[str, ...] = ()


class Motif(msgspec.Struct, frozen=True, kw_only=True):
    """A motif, and the statuses that it may come with."""

    code: str
    label: str
    meaning_en: str
    family: str
    statuses: tuple[Status, ...]


def _open(sentence: str | None) -> str:
    """A sentence without what is filled in: ``{value}`` becomes an ellipsis, a list at its end goes."""
    return spaced(_PLACE.sub("…", _LISTS.sub("", sentence or "")).replace("….", "…").strip())


def _of_check(check: Check) -> Refusal:
    known = CODES.get(check.code)
    return Refusal(
        code=check.code,
        # The rules of how UBL and CII are written are as many as those of what an invoice says.
        part="syntax" if check.code.startswith(("UBL-", "CII-")) else check.part,
        level=check.level,
        rule=_open(check.rule),
        message=_open(check.message),
        action=_open(check.fix),
        ways=check.ways,
        choice=known is not None and known.may is not None,
        by=check.by,
    )


def _refusals() -> Mapping[str, Refusal]:
    found = {code: _of_check(check) for code, check in CHECKS.items()}
    for code, row in CODES.items():
        if code not in found:
            found[code] = Refusal(
                code=code, part="said", level=row.level, message=_open(row.message), action=_open(row.action)
            )
    for part, rows in (("reading", READING), ("flow", FLOW)):
        for code, file_row in rows.items():
            found[code] = Refusal(
                code=code,
                part=part,
                level=file_row.level,
                message=_open(file_row.message),
                action=_open(file_row.action),
            )
    return MappingProxyType(found)


#: Every code that a deposit, a flow or a draft can be answered with.
REFUSED: Final = _refusals()
_PAGE_OF: Final = {part: page for page, parts in PAGES.items() for part in parts}


def page_of(code: str) -> str:
    """The page of a code, below :data:`REFUSALS`. Raises ``KeyError`` for a code that there is not."""
    page = _PAGE_OF[REFUSED[code].part]
    return f"{REFUSALS}/{page}" if page else REFUSALS


def where(code: str) -> str | None:
    """The address of the explanation of a code, None for one that has none."""
    return f"{page_of(code)}#{code}" if code in REFUSED else None


def refusals(page: str) -> list[tuple[str, list[Refusal]]]:
    """The codes of a page by their part."""
    return [(part, [each for each in REFUSED.values() if each.part == part]) for part in PAGES[page]]


def elsewhere(page: str) -> list[tuple[str, list[str]]]:
    """The codes of the other pages by their part, so that an address with a code leads on from the first page."""
    others = [part for other, parts in PAGES.items() if other != page for part in parts]
    return [(part, [code for code, each in REFUSED.items() if each.part == part]) for part in others]


def statuses() -> list[tuple[str, list[Status]]]:
    """Every status by its group."""
    return [(group, [each for each in STATUSES.values() if each.group == group]) for group in GROUPS]


def set_by(status: Status) -> list[str]:
    """Who sets a status, in French."""
    return [ACTORS[actor] for actor in status.set_by]


@cache
def following(code: str) -> tuple[Status, ...]:
    """What may follow a status in the life of a simple invoice; nothing for statuses of other circuits."""
    return tuple(STATUSES[each] for each in circuit_table("simple").allowed(code))


@cache
def motifs_by_family() -> tuple[tuple[str, tuple[Motif, ...]], ...]:
    """Every motif, by family, in the order of the data."""
    used: dict[str, list[Status]] = {}
    for status in STATUSES.values():
        for each in motifs.offered(status.code):
            used.setdefault(each.code, []).append(status)
    families = dict.fromkeys(motif.family for motif in motifs.MOTIFS.values())
    return tuple(
        (
            family,
            tuple(
                Motif(
                    code=each.code,
                    label=each.label_fr,
                    meaning_en=each.meaning_en,
                    family=family,
                    statuses=tuple(used.get(each.code, ())),
                )
                for each in motifs.MOTIFS.values()
                if each.family == family
            ),
        )
        for family in families
    )
