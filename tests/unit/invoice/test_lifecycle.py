"""The table of transitions, walked: every allowed move, every other one with its reason."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice import packaged
from invoice.lifecycle import (
    ACTORS,
    POLICIES,
    SIMPLE,
    STATUSES,
    AlreadyApplied,
    Apply,
    Forbidden,
    NotYet,
    Transition,
    decide,
    turn,
)
from tests.unit.invoice.sample import pure

REACHED: tuple[str | None, ...] = (None, *dict.fromkeys(t.target for t in SIMPLE.transitions))
EARLY = (None, "BROUILLON", "INTERPRETEE_OCR", "DEPOSEE", "EN_COURS_ACHEMINEMENT")
CASES = tuple(product(REACHED, STATUSES, ACTORS))


def setters(target: str) -> set[str]:
    return {actor for t in SIMPLE.transitions if t.target == target for actor in t.who}


def move(source: str | None, target: str) -> Transition | None:
    return next((t for t in SIMPLE.transitions if (t.source, t.target) == (source, target)), None)


@pytest.mark.parametrize("transition", SIMPLE.transitions, ids=lambda t: f"{t.source}-{t.target}")
def test_every_row_of_the_table_is_applied_for_its_actors_and_for_nobody_else(transition: Transition) -> None:
    for actor in ACTORS:
        answer = decide(transition.source, transition.target, actor)
        if actor in transition.who:
            assert answer == Apply(transition)
        else:
            assert isinstance(answer, Forbidden)
            assert answer.reason == "ACTOR"
            assert transition.target not in answer.allowed


def test_whatever_is_asked_is_applied_only_if_the_table_holds_it() -> None:
    for current, target, actor in CASES:
        row = move(current, target)
        applied = isinstance(decide(current, target, actor), Apply)
        assert applied == (row is not None and actor in row.who), (current, target, actor)


def test_a_status_given_again_by_one_who_may_give_it_is_already_applied() -> None:
    for current, actor in product(REACHED[1:], ACTORS):
        assert current is not None
        assert isinstance(decide(current, current, actor), AlreadyApplied) == (actor in setters(current))


def test_nothing_follows_a_terminal_status() -> None:
    terminal = [code for code in REACHED if code is not None and STATUSES[code].terminal]
    assert sorted(terminal) == ["ABANDONNEE", "MISE_EN_PAIEMENT", "REJETEE", "SUPPRIMEE"]
    for current, target, actor in product(terminal, STATUSES, ACTORS):
        if current != target:
            answer = decide(current, target, actor)
            assert isinstance(answer, Forbidden)
            assert answer.reason == "TERMINAL"
            assert answer.allowed == ()


def test_only_what_is_still_to_come_waits_and_only_before_the_recipient_has_the_invoice() -> None:
    for current, target, actor in CASES:
        if isinstance(decide(current, target, actor), NotYet):
            assert current in EARLY
            assert actor in setters(target)
            assert target in reachable(current)


def reachable(source: str | None) -> set[str]:
    found: set[str] = set()
    waiting = [source]
    while waiting:
        here = waiting.pop()
        fresh = [t.target for t in SIMPLE.transitions if t.source == here and t.target not in found]
        found.update(fresh)
        waiting.extend(fresh)
    return found


@pytest.mark.parametrize("current", EARLY)
def test_a_recipients_status_that_overtakes_the_availability_waits(current: str | None) -> None:
    for target in ("SUSPENDUE", "REJETEE", "SERVICE_FAIT", "MANDATEE", "MISE_A_DISPOSITION_COMPTABLE"):
        assert isinstance(decide(current, target, "D"), NotYet)
    assert isinstance(decide(current, "COMPTABILISEE", "C"), NotYet)


def test_the_routing_answer_waits_for_the_deposit() -> None:
    assert isinstance(decide(None, "MISE_A_DISPOSITION", "S"), NotYet)
    assert isinstance(decide(None, "EN_COURS_ACHEMINEMENT", "S"), NotYet)
    assert isinstance(decide(None, "A_RECYCLER", "S"), NotYet)


@pytest.mark.parametrize(
    ("current", "target", "actor", "reason"),
    [
        ("EN_COURS_ACHEMINEMENT", "DEPOSEE", "S", "NOT_IN_TABLE"),  # late event
        ("DEPOSEE", "SUPPRIMEE", "F", "NOT_IN_TABLE"),  # a draft can be deleted, an invoice cannot
        ("MANDATEE", "SUSPENDUE", "D", "AFTER_MANDATE"),  # the law bars it after ordonnancement
        ("MISE_EN_PAIEMENT", "REJETEE", "D", "TERMINAL"),
        ("MISE_A_DISPOSITION", "COMPLETEE", "F", "NOT_IN_TABLE"),
        ("A_RECYCLER", "SERVICE_FAIT", "D", "NOT_IN_TABLE"),
        ("SUSPENDUE", "COMPLETEE", "D", "ACTOR"),
        ("MISE_A_DISPOSITION", "MANDATEE", "F", "ACTOR"),
        ("MISE_A_DISPOSITION", "SERVICE_FAIT", "C", "ACTOR"),
        ("REJETEE", "REJETEE", "F", "ACTOR"),
        ("DEPOSEE", "A_VALIDER_1", "F", "NOT_IN_TABLE"),  # belongs to the circuit with validators
        ("DEPOSEE", "PAYEE", "D", "UNKNOWN_STATUS"),
        ("PAYEE", "DEPOSEE", "D", "UNKNOWN_STATUS"),
        ("DEPOSEE", "REJETEE", "X", "UNKNOWN_ACTOR"),
    ],
)
def test_a_move_that_is_refused_says_why(current: str, target: str, actor: str, reason: str) -> None:
    answer = decide(current, target, actor)
    assert isinstance(answer, Forbidden)
    assert answer.reason == reason
    assert answer.message


def test_a_refused_move_names_what_is_allowed_instead() -> None:
    answer = decide("MANDATEE", "SUSPENDUE", "D")
    assert isinstance(answer, Forbidden)
    assert answer.allowed == ("REJETEE", "MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE", "MISE_EN_PAIEMENT")
    for code in answer.allowed:
        assert STATUSES[code].label_fr in answer.message


@pytest.mark.parametrize("current", ["DEPOSEE", "EN_COURS_ACHEMINEMENT", "A_RECYCLER"])
def test_a_sender_withdraws_only_until_the_recipient_has_had_the_invoice(current: str) -> None:
    assert isinstance(decide(current, "ABANDONNEE", "F"), Apply)
    late = decide(current, "ABANDONNEE", "F", was_available=True)
    assert isinstance(late, Forbidden)
    assert late.reason == "ALREADY_AVAILABLE"
    others = [t.target for t in SIMPLE.transitions if t.source == current and "F" in t.who and t.target != "ABANDONNEE"]
    assert list(late.allowed) == others
    assert set(SIMPLE.allowed(current, "F")) == {*others, "ABANDONNEE"}


@pure
@given(st.lists(st.tuples(st.sampled_from(sorted(STATUSES)), st.sampled_from(sorted(ACTORS))), max_size=60))
def test_a_random_walk_never_leaves_the_table_and_never_leaves_a_terminal_status(
    steps: list[tuple[str, str]],
) -> None:
    current: str | None = None
    for target, actor in steps:
        answer = decide(current, target, actor)
        if isinstance(answer, Apply):
            assert answer.transition.source == current
            assert current is None or not STATUSES[current].terminal
            current = target
            assert isinstance(decide(current, target, actor), AlreadyApplied)


@pure
@given(st.data())
def test_a_walk_along_the_allowed_moves_is_applied_step_by_step_and_its_repeats_are_harmless(
    data: st.DataObject,
) -> None:
    current: str | None = None
    seen: list[str] = []
    for _ in range(20):
        moves = [t for t in SIMPLE.transitions if t.source == current]
        if not moves:
            break
        transition = data.draw(st.sampled_from(moves))
        assert decide(current, transition.target, transition.who[0]) == Apply(transition)
        current = transition.target
        seen.append(current)
    assert current is not None
    for late in seen:
        answer = decide(current, late, "S")
        if isinstance(answer, Apply):
            assert (answer.transition.source, answer.transition.target) == (current, late)


def test_an_open_status_waits_for_someone_who_can_move_it_and_a_closed_one_for_nobody() -> None:
    for code in REACHED[1:]:
        assert code is not None
        waited_for = turn(code)
        if STATUSES[code].terminal:
            assert waited_for is None
        else:
            assert waited_for in {actor for t in SIMPLE.transitions if t.source == code for actor in t.who}, code


def test_the_supplier_is_waited_for_after_a_suspension_and_a_return_for_recycling() -> None:
    assert [turn(code) for code in ("SUSPENDUE", "A_RECYCLER", "MISE_A_DISPOSITION", "DEPOSEE")] == ["F", "F", "D", "S"]


def test_every_status_can_be_shown_and_the_technical_ones_are_hidden() -> None:
    for status in STATUSES.values():
        assert status.label_fr
        assert status.explain_fr.endswith(".")
        assert status.hidden == (status.group == "technical")
    assert not any(STATUSES[code].hidden for code in REACHED if code is not None)


def test_every_policy_of_the_data_loads_and_names_only_known_statuses_and_actors() -> None:
    data = packaged.load("lifecycle.yaml")
    assert set(POLICIES) == set(data["policies"]) | set(data["works"]["policies"])
    for table in POLICIES.values():
        for t in table.transitions:
            assert t.target in STATUSES
            assert t.source is None or t.source in STATUSES
            assert set(t.who) <= set(ACTORS)
            assert t.source is None or not STATUSES[t.source].terminal or t.source.startswith("REFUSEE_")


def test_every_status_of_the_data_is_reached_by_a_policy_or_said_not_to_be() -> None:
    data = packaged.load("lifecycle.yaml")
    reached = {t.target for table in POLICIES.values() for t in table.transitions}
    assert set(STATUSES) - reached == set(data["statuses_without_transition"])


def test_suspension_and_rejection_always_ask_for_a_motif_and_a_comment() -> None:
    for t in SIMPLE.transitions:
        if t.target in ("SUSPENDUE", "REJETEE"):
            assert (t.motif, t.comment) == ("required", "required")
        if t.target == "A_RECYCLER":
            assert (t.motif, t.comment) == ("optional", "required")
