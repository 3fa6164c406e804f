"""The data of ``data/lifecycle.yaml`` as values: statuses, actors, and the transitions of every circuit as tables."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from invoice import packaged

Need = Literal["required", "optional", "none"]
Mode = Literal["strict", "lenient"]
#: What a move does to the payment delay; :mod:`invoice.clock` says how.
Effect = Literal[
    "none",
    "asks_validator",
    "agreement",
    "tacit_agreement",
    "starts",
    "starts_at_moe",
    "may_start_later",
    "interrupts",
    "opens_new_delay",
    "lifts",
    "runs_on",
    "stops",
    "closes",
    "reopens",
    "moves_on",
]
When = Literal["always", "never_available", "was_available"]
Bar = Literal["AFTER_MANDATE", "NOT_IN_TABLE"]

START: Final = None
AVAILABLE = "MISE_A_DISPOSITION"
WITHDRAWN = "ABANDONNEE"
_BEFORE_AVAILABLE = frozenset(("preparation", "validation", "routing"))
_AFTER_AVAILABLE = frozenset(("treatment", "payment"))


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One status. ``label_fr`` and ``explain_fr`` stand on screens and in e-mails as they are.

    ``set_by`` is for legends and filters only: the right to act belongs to a transition. ``edi`` and ``afnor_*`` are
    the codes of the two outside languages. ``clock`` hints at the effect on the payment delay. ``hidden`` statuses
    are technical and never shown. ``terminal`` may be lifted by one circuit: ask :meth:`Table.is_terminal`.
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

    ``motif`` and ``comment`` say what must come with it (decisions.md 8), ``effect`` what it does to the payment
    delay, ``when`` whether the invoice must have been, or must never have been, at its recipient's disposal.
    """

    source: str | None
    target: str
    who: tuple[str, ...]
    motif: Need
    comment: Need
    evidence: str
    note: str
    effect: Effect = "none"
    when: When = "always"

    def open_to(self, was_available: bool) -> bool:
        """Whether the invoice's past allows the move (decisions.md 16)."""
        return self.when == "always" or (self.when == "was_available") == was_available


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

    def moves(self, current: str | None, *, was_available: bool = False) -> tuple[Transition, ...]:
        """The moves out of ``current`` that the invoice's past allows."""
        return tuple(t for t in self._next.get(current, ()) if t.open_to(was_available))

    def allowed(self, current: str | None, actor: str | None = None, *, was_available: bool = False) -> tuple[str, ...]:
        """The statuses that may follow ``current``, for one actor or for all."""
        moves = self.moves(current, was_available=was_available)
        return tuple(t.target for t in moves if actor is None or actor in t.who)

    def is_terminal(self, code: str) -> bool:
        """Whether nothing follows here: S3 hands on what a validator refused (decisions.md 4)."""
        return STATUSES[code].terminal and code not in self._next

    def setters(self, target: str) -> frozenset[str]:
        """Who may set ``target`` from some status; empty for a status that this circuit never sets."""
        return self._setters.get(target, frozenset())

    def ahead(self, current: str | None) -> frozenset[str]:
        """The statuses still to come, for an invoice that has not been at its recipient's disposal.

        Those on the way there, and all that may come after; empty once it is there.
        """
        on_the_way = self._reach(current, early_only=True)
        return on_the_way | {code for code in self._reach(current, early_only=False) if not is_early(code)}

    def _reach(self, current: str | None, *, early_only: bool) -> frozenset[str]:
        if not is_early(current):
            return frozenset()
        found: set[str] = set()
        waiting: list[str | None] = [current]
        while waiting:
            source = waiting.pop()
            if early_only and not is_early(source):
                continue
            fresh = [t.target for t in self._next.get(source, ()) if t.target not in found]
            found.update(fresh)
            waiting.extend(fresh)
        return frozenset(found)


def is_early(current: str | None) -> bool:
    """Whether the invoice has still to come to its recipient's disposal."""
    return current is None or STATUSES[current].group in _BEFORE_AVAILABLE


def effect_of(source: str | None, target: str) -> Effect:
    """What a move does to the payment delay: the first row of ``clock_effects`` that fits."""
    for known_source, known_target, effect in _EFFECTS:
        if known_target == target and known_source in ("*", source):
            return effect
    return "none"


def _load_statuses(data: Mapping[str, Any]) -> Mapping[str, Status]:
    rows = msgspec.convert(data["statuses"], tuple[Status, ...])
    return MappingProxyType({row.code: row for row in rows})


def _load_policies() -> Mapping[str, Table]:
    works = _DATA["works"]
    sets = {**_DATA["transition_sets"], **works["transition_sets"]}
    for name, rows in _DATA["more_transitions"].items():
        sets[name] = sets[name] + rows
    policies = {**_DATA["policies"], **works["policies"]}
    return MappingProxyType({name: _table(name, policy["sets"], sets) for name, policy in policies.items()})


def _table(name: str, wanted: list[str], sets: Mapping[str, list[list[Any]]]) -> Table:
    spoken = frozenset(_DATA["comment_required"].get(name, ()))
    rows = (_transition(row) for one in wanted for row in sets[one])
    return Table(name, tuple(msgspec.structs.replace(r, comment="required") if r.target in spoken else r for r in rows))


def _transition(row: list[Any]) -> Transition:
    source, target, who, motif, comment, evidence, note = row
    source = None if source == "START" else source
    named = {"source": source, "target": target, "who": who, "motif": motif, "comment": comment}
    more = {"evidence": evidence, "note": note, "effect": effect_of(source, target)}
    when = {"when": "never_available"} if target == WITHDRAWN else {}
    return msgspec.convert({**named, **more, **when}, Transition)


@cache
def circuit_table(name: str, validators: int = 0, mode: Mode = "strict") -> Table:
    """The table of a circuit with so many validators: without a second one nothing leads to him, with him no way round.

    ``lenient`` lets the recipient post any of his statuses in any order (chorus-pro.md 10.1, decisions.md 9).
    """
    strict = POLICIES[name]
    gone = _ROUND_THE_SECOND if validators > 1 else _TO_THE_SECOND
    rows = tuple(t for t in strict.transitions if (t.source, t.target) not in gone and t.source not in gone)
    if mode == "lenient":
        rows += tuple(_lenient(rows))
    label = name if validators == 0 else f"{name}-{validators}"
    return Table(label if mode == "strict" else f"{label}-lenient", rows)


#: Moves that go when there is one validator (all that leads to or from the second), and when there are two.
_TO_THE_SECOND: Final = frozenset[object](
    (
        ("VALIDEE_1", "A_VALIDER_2"),
        ("ABSENCE_VALIDATION_1_HORS_DELAI", "A_VALIDER_2"),
        "A_VALIDER_2",
        "VALIDEE_2",
        "REFUSEE_2",
        "ERREUR_COTRAITANT_SUR_VALIDEUR",
        "ABSENCE_VALIDATION_2_HORS_DELAI",
    )
)
_ROUND_THE_SECOND: Final = frozenset[object]((("VALIDEE_1", "DEPOSEE"), ("ABSENCE_VALIDATION_1_HORS_DELAI", "DEPOSEE")))


def _lenient(rows: tuple[Transition, ...]) -> Iterable[Transition]:
    known = {(t.source, t.target) for t in rows}
    reached = dict.fromkeys(t.target for t in rows)
    for source in reached:
        status = STATUSES[source]
        if status.terminal or status.group not in _AFTER_AVAILABLE:
            continue
        for target in _MAY_POST:
            model = next((t for t in rows if t.target == target and "D" in t.who), None)
            if model is None or source == target or (source, target) in known:
                continue
            yield msgspec.structs.replace(
                model,
                source=source,
                who=tuple(actor for actor in model.who if actor in ("C", "D")),
                evidence="official",
                note="lenient mode",
                effect=effect_of(source, target),
                # What the platform sent back has never been with a recipient: there is nobody to take it up again.
                when="was_available" if source == "A_RECYCLER" else "always",
            )


def _frozen(name: str) -> Mapping[str, str]:
    return MappingProxyType(dict(_DATA[name]))


_DATA: Final[Mapping[str, Any]] = packaged.load("lifecycle.yaml")
_EFFECTS: Final = msgspec.convert(_DATA["clock_effects"], tuple[tuple[str, str, Effect], ...])
_MAY_POST: Final[tuple[str, ...]] = tuple(_DATA["recipient_may_post"])
STATUSES: Final = _load_statuses(_DATA)
ACTORS: Final[Mapping[str, str]] = MappingProxyType({c: actor["label_fr"] for c, actor in _DATA["actors"].items()})
POLICIES: Final = _load_policies()
SIMPLE: Final = POLICIES["simple"]
#: Who is waited for in an open status, and how that is said.
TURNS: Final = _frozen("turns")
TURN_LABELS: Final = _frozen("turn_labels")
#: (from, to) → why this move, which people ask for, is not in the table: reason and French sentence.
BARRED: Final[Mapping[tuple[str, str], tuple[Bar, str]]] = MappingProxyType(
    {(row[0], row[1]): row[2:] for row in msgspec.convert(_DATA["barred"], tuple[tuple[str, str, Bar, str], ...])}
)
_AFNOR_DECIDED: Final = _frozen("afnor_decided")
_AFNOR_BY_CADRE: Final[Mapping[str, Mapping[str, str]]] = _DATA["afnor_by_cadre"]


def afnor(code: str, cadre: str = "A1") -> str | None:
    """The AFNOR status sent to the supplier's platform, if there is one (chorus-pro.md 18.2, decisions.md 1)."""
    own = _AFNOR_BY_CADRE.get(cadre, {}).get(code)
    return own or _AFNOR_DECIDED.get(code) or STATUSES[code].afnor_out
