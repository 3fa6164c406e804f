"""Every circuit, works included: its table walked, who is waited for, what the platform does by itself."""

from itertools import product

import pytest

from invoice import packaged
from invoice.cadres import CADRES
from invoice.lifecycle import (
    ACTORS,
    POLICIES,
    STATUSES,
    TURN_LABELS,
    AlreadyApplied,
    Apply,
    Forbidden,
    NotYet,
    Words,
    afnor,
    decide,
    turn,
)
from invoice.lifecycle_table import TURNS, Transition, effect_of
from invoice.policies import Circuit, Policy, choose, entry, follow_up, is_routed
from tests.unit.invoice.sample import codes


def circuit(cadre: str, validators: int = 0, **policy: object) -> Circuit:
    found = choose(cadre, validators, Policy(**policy))  # type: ignore[arg-type]
    assert isinstance(found, Circuit), found
    return found


CIRCUITS = {
    f"{code}-{count}-{mode}": circuit(code, count, lifecycle=mode)
    for code, cadre in CADRES.items()
    for count in range(cadre.validators[0], cadre.validators[1] + 1)
    for mode in ("strict", "lenient")
}
TABLES = {found.table.name: found for found in CIRCUITS.values()}
each_table = pytest.mark.parametrize("found", TABLES.values(), ids=TABLES)


def past(transition: Transition) -> bool:
    """A past that the move asks for."""
    return transition.when == "was_available"


@each_table
def test_every_row_is_applied_for_its_actors_and_for_nobody_else(found: Circuit) -> None:
    for row, actor in product(found.table.transitions, ACTORS):
        answer = decide(row.source, row.target, actor, was_available=past(row), table=found.table)
        if actor in row.who:
            assert answer == Apply(row)
        else:
            assert isinstance(answer, Forbidden | AlreadyApplied)
            if isinstance(answer, Forbidden):
                assert answer.reason == "ACTOR"


@each_table
def test_whatever_else_is_asked_is_refused_with_a_reason_that_fits_or_waits(found: Circuit) -> None:
    reached = (None, *dict.fromkeys(t.target for t in found.table.transitions))
    for current, target, actor in product(reached, (*reached[1:], "TRANSMISE_MOA"), ("F", "D", "S", "MOE")):
        assert target is not None
        answer = decide(current, target, actor, table=found.table)
        if isinstance(answer, NotYet):
            assert current is None or STATUSES[current].group in ("preparation", "validation", "routing")
        elif isinstance(answer, Forbidden):
            assert answer.message.endswith((".", "»"))
            over = current is not None and found.table.is_terminal(current)
            assert (answer.reason == "TERMINAL") == (over and current != target)
            assert answer.turn == (None if current is None else turn(current, found.table))
            assert over or current is None or answer.turn is None or TURN_LABELS[answer.turn] in answer.message


@each_table
def test_an_open_status_waits_for_somebody_and_a_closed_one_for_nobody(found: Circuit) -> None:
    for code in {t.target for t in found.table.transitions}:
        waited = turn(code, found.table)
        assert (waited is None) == found.table.is_terminal(code), code
        movers = {actor for t in found.table.transitions if t.source == code for actor in t.who}
        # Of pieces « à associer » the next deposit is awaited, which the platform then records as a move.
        assert waited is None or waited in movers or code.startswith("A_ASSOCIER"), code


def test_every_status_that_is_ever_reached_and_open_has_somebody_to_wait_for() -> None:
    reached = {t.target for table in POLICIES.values() for t in table.transitions}
    assert reached - set(TURNS) == {code for code in reached if STATUSES[code].terminal and code[:8] != "REFUSEE_"} | {
        "REFUSEE_MOE",
        "REFUSEE_MOA",
        "REFUSEE_FOURNISSEUR",
    }
    assert set(TURNS.values()) == set(TURN_LABELS)


@pytest.mark.parametrize(
    ("cadre", "validators", "name", "first"),
    [
        ("A1", 0, "simple", "DEPOSEE"),
        ("A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", 0, "simple", "DEPOSEE"),
        ("B7", 0, "simple", "DEPOSEE"),
        ("A9", 1, "validated", "A_VALIDER_1"),
        ("A9", 2, "validated", "A_VALIDER_1"),
        ("A12", 1, "validated", "A_VALIDER_1"),
        ("S3", 1, "validated_s3", "A_VALIDER_1"),
        ("S6", 1, "validated", "A_VALIDER_1"),
        ("A4", 0, "reader_MOE", "DEPOSEE"),
        ("A10", 1, "reader_MOE_validated", "A_VALIDER_1"),
        ("A5", 0, "reader_MOA", "DEPOSEE"),
        ("A15", 0, "reader_MOA", "DEPOSEE"),
        ("A18", 0, "reader_F", "DEPOSEE"),
        ("A8", 0, "reader_D", "DEPOSEE"),
        ("A19", 0, "reader_D", "DEPOSEE"),
        ("A22", 0, "reader_MOA", "DEPOSEE"),
    ],
)
def test_the_circuit_follows_from_the_cadre_and_the_validators(
    cadre: str, validators: int, name: str, first: str
) -> None:
    found = circuit(cadre, validators)
    assert (found.name, entry(found)) == (name, first)
    assert found.table.move(None, first) is not None


@pytest.mark.parametrize(
    ("cadre", "validators", "code"),
    [
        ("A3", 0, "CADRE_NOT_SERVED"),
        ("A3_MEMOIRE_JUSTICE", 0, "CADRE_NOT_SERVED"),
        ("A21", 0, "CADRE_NOT_SERVED"),
        ("S5", 0, "CADRE_FORBIDDEN"),
        ("Z9", 0, "CADRE_UNKNOWN"),
        ("A9", 0, "VALIDATOR_MISSING"),
        ("A9", 3, "VALIDATOR_TOO_MANY"),
        ("A12", 2, "VALIDATOR_TOO_MANY"),
        ("S6", 2, "VALIDATOR_TOO_MANY"),
        ("A1", 1, "VALIDATOR_NOT_EXPECTED"),
        ("A4", 1, "VALIDATOR_NOT_EXPECTED"),
    ],
)
def test_what_has_no_circuit_is_refused_in_words(cadre: str, validators: int, code: str) -> None:
    found = choose(cadre, validators)
    assert isinstance(found, tuple)
    assert codes(found, "refuse") == [code]


@pytest.mark.parametrize("cadre", ["A3", "A21"])
def test_what_is_the_states_is_refused_as_not_concerning_a_departements_suppliers(cadre: str) -> None:
    found = choose(cadre)
    assert isinstance(found, tuple)
    assert "ne concerne pas les fournisseurs d'un département" in found[0].message


def test_the_platform_goes_on_by_itself_after_the_last_agreement_or_silence() -> None:
    one, two, s3 = circuit("A9", 1), circuit("A9", 2), circuit("S3", 1)
    for code in ("VALIDEE_1", "ABSENCE_VALIDATION_1_HORS_DELAI"):
        assert (follow_up(one, code), follow_up(two, code)) == ("DEPOSEE", "A_VALIDER_2")
    for code in ("VALIDEE_2", "ABSENCE_VALIDATION_2_HORS_DELAI"):
        assert follow_up(two, code) == "DEPOSEE"
    assert (follow_up(one, "REFUSEE_1"), follow_up(s3, "REFUSEE_1")) == (None, "DEPOSEE")
    assert follow_up(circuit("A9", 1, refused_a9_goes_on=True), "REFUSEE_1") == "DEPOSEE"
    assert follow_up(circuit("A12", 1, refused_a9_goes_on=True), "REFUSEE_1") is None


@pytest.mark.parametrize(
    ("cadre", "validators", "goes_to"),
    [("A4", 0, "MISE_A_DISPOSITION_MOE"), ("A10", 1, "MISE_A_DISPOSITION_MOE"), ("A5", 0, "MISE_A_DISPOSITION_MOA"),
     ("A20", 0, "A_ASSOCIER_FOURNISSEUR"), ("A8", 0, None), ("A1", 0, None), ("A9", 1, None)],
)  # fmt: skip
def test_a_works_piece_goes_to_its_reader_at_once_and_an_invoice_waits_for_its_recipient(
    cadre: str, validators: int, goes_to: str | None
) -> None:
    found = circuit(cadre, validators)
    assert follow_up(found, "DEPOSEE") == goes_to
    assert is_routed(found) == (goes_to is None)


def test_what_the_platform_does_by_itself_is_a_move_of_the_table_and_its_own() -> None:
    for found in TABLES.values():
        for current in {t.target for t in found.table.transitions}:
            target = follow_up(found, current)
            if target is not None:
                assert isinstance(decide(current, target, "S", table=found.table), Apply)


def test_with_one_validator_nothing_leads_to_a_second_and_with_two_nothing_leads_round_him() -> None:
    one, two = circuit("A9", 1).table, circuit("A9", 2).table
    assert one.setters("A_VALIDER_2") == one.setters("VALIDEE_2") == frozenset()
    assert two.move("VALIDEE_1", "DEPOSEE") is None
    assert two.move("ABSENCE_VALIDATION_1_HORS_DELAI", "DEPOSEE") is None


def test_suspending_after_the_mandate_is_barred_and_in_the_lenient_circuit_without_effect_on_the_delay() -> None:
    strict = decide("MANDATEE", "SUSPENDUE", "D")
    assert isinstance(strict, Forbidden)
    assert strict.reason == "AFTER_MANDATE"
    assert "R2192-27" in strict.message
    lenient = decide("MANDATEE", "SUSPENDUE", "D", table=circuit("A1", lifecycle="lenient").table)
    assert isinstance(lenient, Apply)
    assert lenient.transition.effect == "none"
    assert (lenient.transition.motif, lenient.transition.comment) == ("required", "required")


def test_the_lenient_circuit_lets_the_body_take_up_what_it_sent_back_but_not_what_the_platform_did() -> None:
    table = circuit("A1", lifecycle="lenient").table
    assert isinstance(decide("A_RECYCLER", "MISE_A_DISPOSITION", "D", was_available=True, table=table), Apply)
    never = decide("A_RECYCLER", "MISE_A_DISPOSITION", "D", table=table)
    assert isinstance(never, Forbidden)
    assert "renvoyé" in never.message


def test_under_s3_an_approval_needs_a_comment_and_elsewhere_not() -> None:
    said = Words()
    s3 = decide("A_VALIDER_1", "VALIDEE_1", "V1", table=circuit("S3", 1).table, words=said)
    assert isinstance(s3, Forbidden)
    assert s3.reason == "COMMENT_REQUIRED"
    assert isinstance(decide("A_VALIDER_1", "VALIDEE_1", "V1", table=circuit("A9", 1).table, words=said), Apply)


def test_a_refusal_says_why_what_is_possible_now_and_to_whom_it_falls() -> None:
    answer = decide("SUSPENDUE", "MANDATEE", "D")
    assert isinstance(answer, Forbidden)
    assert answer.message == (
        "Le statut « Mandatée » ne peut pas venir après « Suspendue ». Levez d'abord la suspension, ou attendez les "
        "pièces demandées. Statuts possibles : « Mise à disposition du destinataire », « Rejetée ». "
        "Au fournisseur d'agir."
    )
    assert answer.allowed == ("MISE_A_DISPOSITION", "REJETEE")
    assert [(p.target, p.who) for p in answer.others] == [("COMPLETEE", ("F",))]
    assert answer.turn == "F"


def test_who_can_do_nothing_is_told_who_can() -> None:
    answer = decide("MISE_A_DISPOSITION", "COMPLETEE", "F")
    assert isinstance(answer, Forbidden)
    assert answer.allowed == ()
    assert "D'autres peuvent agir : structure publique destinataire, comptable public." in answer.message


@each_table
def test_every_move_says_its_effect_on_the_delay(found: Circuit) -> None:
    by_target = {
        "REJETEE": {"closes"}, "ABANDONNEE": {"closes"}, "MISE_EN_PAIEMENT": {"stops"}, "A_RECYCLER": {"runs_on"},
        "COMPLETEE": {"opens_new_delay"}, "SUSPENDUE": {"interrupts", "none"},
        "MISE_A_DISPOSITION": {"starts", "lifts", "none"}, "SERVICE_FAIT": {"may_start_later"},
    }  # fmt: skip
    for row in found.table.transitions:
        assert row.effect == effect_of(row.source, row.target)
        assert row.effect in by_target.get(row.target, {row.effect})


def test_codes_for_the_other_circuit_are_those_of_the_official_table_and_of_our_decisions() -> None:
    assert [afnor(code) for code in ("SUSPENDUE", "REJETEE", "MANDATEE", "MISE_EN_PAIEMENT", "A_RECYCLER")] == [
        "208",
        "210",
        "204",
        "211",
        "221",
    ]
    assert [afnor("VALIDEE_1", cadre) for cadre in ("A9", "A12", "S6")] == ["205", "214", "214"]
    assert [afnor("REFUSEE_1", cadre) for cadre in ("A9", "A12")] == ["206", "210"]
    known = {row["code"] for row in packaged.load("lifecycle.yaml")["afnor_statuses"]}
    assert {found for code in STATUSES for cadre in ("A9", "A12") if (found := afnor(code, cadre))} <= known
