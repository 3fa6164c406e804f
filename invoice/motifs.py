"""Motifs, the reason codes of ``data/motifs.yaml``: which are offered with which status, and what must be written.

The portal's own lists are not public: what is offered is the reference's choice (decisions.md 11). A tenant may hide
some and never adds any.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from invoice import packaged
from invoice.lifecycle_table import STATUSES, Need

MIN_COMMENT: Final = 10  # decisions.md 8
MAX_COMMENT: Final = 2000  # chorus-pro.md 5

Fault = Literal[
    "MOTIF_REQUIRED",
    "MOTIF_UNKNOWN",
    "MOTIF_NOT_OFFERED",
    "MOTIF_HIDDEN",
    "COMMENT_REQUIRED",
    "COMMENT_TOO_SHORT",
    "COMMENT_TOO_LONG",
]


class Motif(msgspec.Struct, frozen=True, kw_only=True):
    """One motif. ``chorus``: the statuses it is offered for; ``afnor``, ``afnor_b2g``: those of the norm that take it.

    ``label_evidence`` is ``official`` where the label is the official table's.
    """

    code: str
    family: str
    label_fr: str
    label_evidence: str
    meaning_en: str
    chorus: tuple[str, ...]
    afnor: tuple[str, ...]
    afnor_b2g: tuple[str, ...]
    b2g_only: bool
    note: str | None = None


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a person or a finance system says with a move. ``hidden``: the motifs that the tenant hides.

    ``cadre`` in short (``A9``, ``S6``): the refusal of a co-contractor's invoice has a list of its own.
    """

    motif: str | None = None
    comment: str | None = None
    hidden: tuple[str, ...] = ()
    cadre: str = "A1"


_DATA: Final[Mapping[str, Any]] = packaged.load("motifs.yaml")
MOTIFS: Final[Mapping[str, Motif]] = MappingProxyType(
    {row.code: row for row in msgspec.convert(_DATA["motifs"], tuple[Motif, ...])}
)
_ALIASES: Final[Mapping[str, str]] = _DATA["aliases"]
_BY_CADRE: Final[Mapping[str, Mapping[str, list[str]]]] = _DATA["offered_by_cadre"]


def _offered() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for motif in MOTIFS.values():
        for status in motif.chorus:
            found[status] = (*found.get(status, ()), motif.code)
    for status, row in _DATA["offered_more"].items():
        listed = row["codes"] if "codes" in row else found[row["as"]]
        found[status] = tuple(code for code in listed if code not in row.get("less", ()))
    return MappingProxyType(found)


_OFFERED: Final = _offered()


def canonical(code: str) -> str:
    """The code that is stored: ``CMD_ERR`` of the message lists is ``CMD_EJ_ERR``."""
    return _ALIASES.get(code, code)


def offered(status: str, *, hidden: Collection[str] = (), cadre: str = "A1") -> tuple[Motif, ...]:
    """The motifs that may come with ``status``, in the order of the data; empty where it takes none."""
    listed = _BY_CADRE.get(cadre, {}).get(status) or _OFFERED.get(status, ())
    return tuple(MOTIFS[code] for code in listed if code not in hidden)


def fault(target: str, motif: Need, comment: Need, words: Words) -> tuple[Fault, str] | None:
    """What is wrong with the words that come with a move, code and French sentence; None when they are right."""
    return _motif_fault(target, motif, words) or _comment_fault(target, comment, words.comment)


def _motif_fault(target: str, need: Need, words: Words) -> tuple[Fault, str] | None:
    status = f"« {STATUSES[target].label_fr} »"
    if words.motif is None:
        if need == "required":
            return (
                "MOTIF_REQUIRED",
                f"Le statut {status} demande un motif. Motifs possibles : {_listed(target, words)}.",
            )
        return None
    code = canonical(words.motif)
    motif = MOTIFS.get(code)
    if motif is None:
        return (
            "MOTIF_UNKNOWN",
            f"Le motif « {words.motif} » n'existe pas. Motifs possibles : {_listed(target, words)}.",
        )
    if need == "none":
        return "MOTIF_NOT_OFFERED", f"Le statut {status} ne prend pas de motif : retirez « {motif.label_fr} »."
    if motif not in offered(target, cadre=words.cadre):
        return "MOTIF_NOT_OFFERED", _elsewhere(motif, status, target, words)
    if code in words.hidden:
        message = f"Le motif « {motif.label_fr} » n'est pas utilisé par cette structure."
        return "MOTIF_HIDDEN", f"{message} Motifs possibles : {_listed(target, words)}."
    return None


def _elsewhere(motif: Motif, status: str, target: str, words: Words) -> str:
    """A motif in the wrong place: say where it belongs, since that is the confusion (chorus-pro.md 9)."""
    others = ", ".join(f"« {STATUSES[code].label_fr} »" for code in motif.chorus)
    where = f" Il va avec : {others}." if others else ""
    message = f"Le motif « {motif.label_fr} » ne peut pas accompagner le statut {status}.{where}"
    return f"{message} Motifs possibles ici : {_listed(target, words)}."


def _comment_fault(target: str, need: Need, comment: str | None) -> tuple[Fault, str] | None:
    said = (comment or "").strip()
    status = f"« {STATUSES[target].label_fr} »"
    if len(said) > MAX_COMMENT:
        return "COMMENT_TOO_LONG", f"Le commentaire a {len(said)} caractères : {MAX_COMMENT} au plus."
    if need != "required" or len(said) >= MIN_COMMENT:
        return None
    asked = f"Le statut {status} demande un commentaire d'au moins {MIN_COMMENT} caractères"
    if not said:
        return "COMMENT_REQUIRED", f"{asked} : dites ce qu'il faut savoir ou corriger."
    return "COMMENT_TOO_SHORT", f"{asked} : « {said} » en a {len(said)}."


def _listed(target: str, words: Words) -> str:
    motifs = offered(target, hidden=words.hidden, cadre=words.cadre)
    return ", ".join(f"« {motif.label_fr} »" for motif in motifs) or "aucun"
