"""Statuses and transitions, as the table of ``data/lifecycle.yaml`` says: state × event → one of four answers.

Only the circuit without validators (cadres A1 and A2) is offered here; the tables of the other circuits are
loaded, so that a fault in the data shows, and wait in ``POLICIES``.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from invoice import packaged

Need = Literal["required", "optional", "none"]
Reason = Literal["UNKNOWN_STATUS", "UNKNOWN_ACTOR", "TERMINAL", "ACTOR", "NOT_IN_TABLE", "ALREADY_AVAILABLE"]

START: Final = None
AVAILABLE = "MISE_A_DISPOSITION"
WITHDRAWN = "ABANDONNEE"
_BEFORE_AVAILABLE = frozenset(("preparation", "validation", "routing"))


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One status. ``label_fr`` and ``explain_fr`` stand on screens and in e-mails as they are.

    ``set_by`` is for legends and filters only: the right to act belongs to a transition. ``edi`` and ``afnor_*`` are
    the codes of the two outside languages. ``clock`` hints at the effect on the payment delay. ``hidden`` statuses
    are technical and never shown.
    """

    code: str
    group: str
    set_by: tuple[str, ...]
    terminal: bool
    clock: str
    evidence: str
    label_fr: str
    explain_fr: str
    edi: str | None = None
    afnor_out: str | None = None
    afnor_in: str | None = None
    hidden: bool = False
    optional: bool = False
    explain_fr_no_effect: str | None = None


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One allowed move. ``source`` is None for the entry into the circuit; ``who`` may make it.

    ``motif`` and ``comment`` say what must come with it (decisions.md 8).
    """

    source: str | None
    target: str
    who: tuple[str, ...]
    motif: Need
    comment: Need
    evidence: str
    note: str


class Apply(msgspec.Struct, frozen=True):
    """The move is allowed: make it."""

    transition: Transition


class AlreadyApplied(msgspec.Struct, frozen=True):
    """The invoice is in that status already: nothing to do (a new mandate number updates the number only)."""


class NotYet(msgspec.Struct, frozen=True):
    """What must come first has not come: keep the event and try again."""

    reason: str


class Forbidden(msgspec.Struct, frozen=True):
    """The move is not allowed. ``message`` is French; ``allowed`` are the statuses this actor may set instead."""

    reason: Reason
    message: str
    allowed: tuple[str, ...] = ()


Answer = Apply | AlreadyApplied | NotYet | Forbidden


class Table:
    """The transitions of one circuit, in the order of the data."""

    def __init__(self, name: str, transitions: tuple[Transition, ...]) -> None:
        self.name = name
        self.transitions = transitions
        self._moves = {(t.source, t.target): t for t in transitions}
        if len(self._moves) != len(transitions):
            raise ValueError(f"lifecycle.yaml: policy {name} holds a move twice")
        self._next = {source: tuple(t for t in transitions if t.source == source) for source, _ in self._moves}
        self._setters: dict[str, frozenset[str]] = {}
        for t in transitions:
            self._setters[t.target] = self._setters.get(t.target, frozenset()) | frozenset(t.who)

    def move(self, source: str | None, target: str) -> Transition | None:
        """The transition between two statuses, if there is one."""
        return self._moves.get((source, target))

    def allowed(self, current: str | None, actor: str | None = None, *, was_available: bool = False) -> tuple[str, ...]:
        """The statuses that may follow ``current``, for one actor or for all."""
        return tuple(
            t.target
            for t in self._next.get(current, ())
            if (actor is None or actor in t.who) and not (was_available and t.target == WITHDRAWN)
        )

    def setters(self, target: str) -> frozenset[str]:
        """Who may set ``target`` from some status; empty for a status that this circuit never sets."""
        return self._setters.get(target, frozenset())

    def ahead(self, current: str | None) -> frozenset[str]:
        """The statuses still to come, for an invoice that has not been at its recipient's disposal.

        Those on the way there, and all that may come after; empty once it is there.
        """
        on_the_way = self._reach(current, early_only=True)
        return on_the_way | {code for code in self._reach(current, early_only=False) if not _is_early(code)}

    def _reach(self, current: str | None, *, early_only: bool) -> frozenset[str]:
        if not _is_early(current):
            return frozenset()
        found: set[str] = set()
        waiting: list[str | None] = [current]
        while waiting:
            source = waiting.pop()
            if early_only and not _is_early(source):
                continue
            fresh = [t.target for t in self._next.get(source, ()) if t.target not in found]
            found.update(fresh)
            waiting.extend(fresh)
        return frozenset(found)


def _load_statuses(data: Mapping[str, Any]) -> Mapping[str, Status]:
    rows = msgspec.convert(data["statuses"], tuple[Status, ...])
    return MappingProxyType({row.code: row for row in rows})


def _load_policies(data: Mapping[str, Any]) -> Mapping[str, Table]:
    works = data["works"]
    sets = {**data["transition_sets"], **works["transition_sets"]}
    policies = {**data["policies"], **works["policies"]}
    return MappingProxyType({name: _table(name, policy["sets"], sets) for name, policy in policies.items()})


def _table(name: str, wanted: list[str], sets: Mapping[str, list[list[Any]]]) -> Table:
    rows = (row for one in wanted for row in sets[one])
    return Table(name, tuple(_transition(row) for row in rows))


def _transition(row: list[Any]) -> Transition:
    source, target, who, motif, comment, evidence, note = row
    named = {"source": None if source == "START" else source, "target": target, "who": who}
    return msgspec.convert(
        {**named, "motif": motif, "comment": comment, "evidence": evidence, "note": note}, Transition
    )


_DATA: Mapping[str, Any] = packaged.load("lifecycle.yaml")
STATUSES: Mapping[str, Status] = _load_statuses(_DATA)
ACTORS: Mapping[str, str] = MappingProxyType({code: actor["label_fr"] for code, actor in _DATA["actors"].items()})
POLICIES: Mapping[str, Table] = _load_policies(_DATA)
SIMPLE: Final = POLICIES["simple"]

# Who is waited for in each open status of the simple circuit (chorus-pro.md 10.2); others may act, these have to.
_TURN: Mapping[str, str] = MappingProxyType(
    {
        "BROUILLON": "F",
        "INTERPRETEE_OCR": "F",
        "DEPOSEE": "S",
        "EN_COURS_ACHEMINEMENT": "S",
        "MISE_A_DISPOSITION": "D",
        "PRISE_EN_COMPTE_DESTINATAIRE": "D",
        "COMPLETEE": "D",
        "SERVICE_FAIT": "D",
        "MANDATEE": "D",
        "A_RECYCLER": "F",
        "SUSPENDUE": "F",
        "MISE_A_DISPOSITION_COMPTABLE": "C",
        "COMPTABILISEE": "C",
    }
)


def turn(current: str) -> str | None:
    """Whose turn it is: the actor who is waited for, or None in a terminal status (chorus-pro.md 20)."""
    return _TURN.get(current)


def decide(
    current: str | None, target: str, actor: str, *, was_available: bool = False, table: Table = SIMPLE
) -> Answer:
    """Answer a status event (chorus-pro.md 10.4). It changes nothing and never raises.

    ``current`` is None while there is no invoice. ``was_available``: the invoice has been at its recipient's
    disposal once, after which its sender may no longer withdraw it (decisions.md 16).
    """
    unknown = _unknown(current, target, actor)
    if unknown is not None:
        return unknown
    allowed = table.allowed(current, actor, was_available=was_available)
    setters = table.setters(target)
    if current == target and actor in setters:
        return AlreadyApplied()
    if current is not None and current != target and STATUSES[current].terminal:
        return Forbidden("TERMINAL", f"La facture est {_quoted(current)} : plus aucun statut ne peut suivre.")
    transition = table.move(current, target)
    if setters and actor not in (setters if transition is None else transition.who):
        return Forbidden("ACTOR", _not_yours(target, actor), allowed)
    if transition is None:
        return _out_of_order(current, target, allowed, table)
    if was_available and target == WITHDRAWN:
        return Forbidden("ALREADY_AVAILABLE", _TOO_LATE_TO_WITHDRAW, allowed)
    return Apply(transition)


def _unknown(current: str | None, target: str, actor: str) -> Forbidden | None:
    for status in (current, target):
        if status is not None and status not in STATUSES:
            return Forbidden("UNKNOWN_STATUS", f"Le statut « {status} » n'existe pas.")
    if actor not in ACTORS:
        return Forbidden("UNKNOWN_ACTOR", f"L'acteur « {actor} » n'existe pas.")
    return None


def _out_of_order(current: str | None, target: str, allowed: tuple[str, ...], table: Table) -> NotYet | Forbidden:
    """A status that comes too early waits: order between topics is not guaranteed. A step back never comes true."""
    if target in table.ahead(current):
        where = "n'existe pas encore" if current is None else f"est encore {_quoted(current)}"
        return NotYet(f"La facture {where} : {_quoted(target)} viendra plus tard.")
    here = "avant le dépôt" if current is None else f"après {_quoted(current)}"
    instead = ", ".join(_quoted(code) for code in allowed) or "aucun"
    message = f"Le statut {_quoted(target)} ne peut pas venir {here}. Statuts possibles : {instead}."
    return Forbidden("NOT_IN_TABLE", message, allowed)


def _is_early(current: str | None) -> bool:
    return current is None or STATUSES[current].group in _BEFORE_AVAILABLE


def _not_yours(target: str, actor: str) -> str:
    return f"{ACTORS[actor]} : cet acteur ne peut pas donner ici le statut {_quoted(target)}."


def _quoted(code: str) -> str:
    return f"« {STATUSES[code].label_fr} »"


_TOO_LATE_TO_WITHDRAW = (
    "La facture a déjà été mise à disposition du destinataire : elle ne peut plus être abandonnée. "
    "Demandez au destinataire de la rejeter."
)
