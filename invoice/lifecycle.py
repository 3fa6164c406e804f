"""Statuses and transitions, as the table of ``data/lifecycle.yaml`` says: state × event → one of four answers.

Which table an invoice follows is chosen by :mod:`invoice.policies`; without one, the simple circuit's strict table.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from invoice.lifecycle_table import (
    ACTORS,
    AVAILABLE,
    BARRED,
    POLICIES,
    SIMPLE,
    START,
    STATUSES,
    TURN_LABELS,
    TURNS,
    WITHDRAWN,
    Bar,
    Effect,
    Need,
    Status,
    Table,
    Transition,
    afnor,
)
from invoice.motifs import Fault, Words, fault

__all__ = [
    "ACTORS",
    "AVAILABLE",
    "POLICIES",
    "SIMPLE",
    "START",
    "STATUSES",
    "TURN_LABELS",
    "WITHDRAWN",
    "AlreadyApplied",
    "Answer",
    "Apply",
    "Effect",
    "Forbidden",
    "Need",
    "NotYet",
    "Possible",
    "Reason",
    "Status",
    "Table",
    "Transition",
    "Words",
    "afnor",
    "decide",
    "turn",
]

Reason = Literal["UNKNOWN_STATUS", "UNKNOWN_ACTOR", "TERMINAL", "ACTOR", "ALREADY_AVAILABLE"] | Bar | Fault


class Apply(msgspec.Struct, frozen=True):
    """The move is allowed: make it."""

    transition: Transition


class AlreadyApplied(msgspec.Struct, frozen=True):
    """The invoice is in that status already: nothing to do (a new mandate number updates the number only)."""


class NotYet(msgspec.Struct, frozen=True):
    """What must come first has not come: keep the event and try again."""

    reason: str


class Possible(msgspec.Struct, frozen=True):
    """A move that is possible now, and for whom."""

    target: str
    who: tuple[str, ...]


class Forbidden(msgspec.Struct, frozen=True):
    """The move is not allowed. ``message`` is French and whole: why, what is possible now, whose turn it is.

    ``allowed``: the statuses this actor may set instead; ``others``: what others may set; ``turn``: who is waited for.
    """

    reason: Reason
    message: str
    allowed: tuple[str, ...] = ()
    others: tuple[Possible, ...] = ()
    turn: str | None = None


Answer = Apply | AlreadyApplied | NotYet | Forbidden


def turn(current: str, table: Table = SIMPLE) -> str | None:
    """Whose turn it is: the actor who is waited for, or None where nothing more is to come (chorus-pro.md 20)."""
    return None if table.is_terminal(current) else TURNS.get(current)


def decide(
    current: str | None,
    target: str,
    actor: str,
    *,
    was_available: bool = False,
    table: Table = SIMPLE,
    words: Words | None = None,
) -> Answer:
    """Answer a status event (chorus-pro.md 10.4). It changes nothing and never raises.

    ``current`` is None while there is no invoice. ``was_available``: the invoice has been at its recipient's
    disposal once, after which its sender may no longer withdraw it (decisions.md 16). With ``words`` the rules of
    motif and comment are checked too (decisions.md 8): given by whoever acts, never by the platform.
    """
    unknown = _unknown(current, target, actor)
    if unknown is not None:
        return unknown
    case = _Case(current, target, actor, was_available, table)
    setters = table.setters(target)
    if current == target and actor in setters:
        return AlreadyApplied()
    if current is not None and current != target and table.is_terminal(current):
        return case.refuse("TERMINAL", f"La facture est {_quoted(current)} : plus aucun statut ne peut suivre.")
    transition = table.move(current, target)
    if setters and actor not in (setters if transition is None else transition.who):
        return case.refuse("ACTOR", f"{ACTORS[actor]} : cet acteur ne peut pas donner ici le statut {_quoted(target)}.")
    if transition is None:
        return _out_of_order(case)
    if not transition.open_to(was_available):
        return case.refuse(*_PAST[transition.when])
    wrong = None if words is None else fault(target, transition.motif, transition.comment, words)
    if wrong is None:
        return Apply(transition)
    reason, message = wrong
    own, others, waited = case.possible()
    return Forbidden(reason, message, own, others, waited)


class _Case(msgspec.Struct, frozen=True):
    """What is asked of whom, for the sentences of a refusal."""

    current: str | None
    target: str
    actor: str
    was_available: bool
    table: Table

    def possible(self) -> tuple[tuple[str, ...], tuple[Possible, ...], str | None]:
        """What this actor may set now, what others may, and who is waited for."""
        moves = self.table.moves(self.current, was_available=self.was_available)
        own = tuple(t.target for t in moves if self.actor in t.who)
        others = tuple(Possible(t.target, t.who) for t in moves if self.actor not in t.who)
        return own, others, None if self.current is None else turn(self.current, self.table)

    def refuse(self, reason: Reason, why: str) -> Forbidden:
        """A refusal that ends by what is possible now and to whom it falls."""
        own, others, waited = self.possible()
        said = [why]
        if reason != "TERMINAL":
            said.append(f"Statuts possibles : {_listed(own)}.")
            if not own and others:
                who = _listed_actors(actor for possible in others for actor in possible.who)
                said.append(f"D'autres peuvent agir : {who}.")
            if waited is not None:
                said.append(f"{TURN_LABELS[waited]}.")
        return Forbidden(reason, " ".join(said), own, others, waited)


def _unknown(current: str | None, target: str, actor: str) -> Forbidden | None:
    for status in (current, target):
        if status is not None and status not in STATUSES:
            return Forbidden("UNKNOWN_STATUS", f"Le statut « {status} » n'existe pas.")
    if actor not in ACTORS:
        return Forbidden("UNKNOWN_ACTOR", f"L'acteur « {actor} » n'existe pas.")
    return None


def _out_of_order(case: _Case) -> NotYet | Forbidden:
    """A status that comes too early waits: order between topics is not guaranteed. A step back never comes true."""
    current, target = case.current, case.target
    if target in case.table.ahead(current):
        where = "n'existe pas encore" if current is None else f"est encore {_quoted(current)}"
        return NotYet(f"La facture {where} : {_quoted(target)} viendra plus tard.")
    here = "avant le dépôt" if current is None else f"après {_quoted(current)}"
    why = f"Le statut {_quoted(target)} ne peut pas venir {here}."
    barred = None if current is None else BARRED.get((current, target))
    if barred is None:
        return case.refuse("NOT_IN_TABLE", why)
    reason, sentence = barred
    return case.refuse(reason, f"{why} {sentence}")


def _quoted(code: str) -> str:
    return f"« {STATUSES[code].label_fr} »"


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(_quoted(code) for code in codes) or "aucun"


def _listed_actors(codes: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(ACTORS[code].partition(" (")[0].lower() for code in codes))


_PAST: Final[dict[str, tuple[Reason, str]]] = {
    "never_available": (
        "ALREADY_AVAILABLE",
        "La facture a déjà été mise à disposition du destinataire : elle ne peut plus être abandonnée. "
        "Demandez au destinataire de la rejeter.",
    ),
    "was_available": (
        "NOT_IN_TABLE",
        "La plateforme a renvoyé cette facture sans qu'aucun destinataire l'ait eue : seul le fournisseur peut la "
        "corriger.",
    ),
}
