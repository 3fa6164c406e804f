"""The product's table against the prose: every question once, and random walks."""

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoice.lifecycle import ACTORS, AVAILABLE, AlreadyApplied, Apply, Forbidden, NotYet, Table, decide, turn
from invoice.policies import Circuit, Policy, choose
from tests.unit.invoice.lifecycle_model import UNIVERSE, Life
from tests.unit.invoice.sample import pure


def lives() -> Iterator[tuple[str, Life, Circuit]]:
    """Every way of an ordinary invoice: cadre, number of validators, strict and lenient, the tenant's word on A9."""
    ways = [("A1", 0), ("A2", 0), ("A9", 1), ("A9", 2), ("A12", 1), ("S3", 1), ("S3", 2), ("S6", 1)]
    for (cadre, validators), mode, a9 in product(ways, ("strict", "lenient"), (False, True)):
        if a9 and cadre != "A9":
            continue
        circuit = choose(cadre, validators, Policy(lifecycle=mode, refused_a9_goes_on=a9))  # type: ignore[arg-type]
        assert isinstance(circuit, Circuit)
        goes_on = cadre == "S3" or (cadre == "A9" and a9)
        name = f"{cadre}-{validators}-{mode}{'-a9' if a9 else ''}"
        yield name, Life(validators, goes_on, mode == "lenient"), circuit


LIVES = {name: (life, circuit) for name, life, circuit in lives()}
each_life = pytest.mark.parametrize("name", sorted(LIVES))


@each_life
def test_the_table_allows_exactly_what_the_prose_allows(name: str) -> None:
    life, circuit = LIVES[name]
    different = []
    for current, target, had_it in product((None, *sorted(UNIVERSE)), sorted(UNIVERSE), (False, True)):
        expected = life.may(current, target, had_it=had_it)
        found = {a for a in ACTORS if applies(circuit.table, current, target, a, had_it)}
        if found != expected:
            different.append((current, target, had_it, sorted(found), sorted(expected)))
    assert different == []


def applies(table: Table, current: str | None, target: str, actor: str, had_it: bool) -> bool:
    transition = table.move(current, target)
    return transition is not None and transition.open_to(had_it) and actor in transition.who


@each_life
def test_the_table_holds_exactly_the_statuses_of_the_prose(name: str) -> None:
    life, circuit = LIVES[name]
    assert {t.target for t in circuit.table.transitions} == life.statuses()


@each_life
@settings(pure, max_examples=12)
@given(st.data())
def test_a_random_walk_meets_the_answers_of_the_prose_at_every_step(name: str, data: st.DataObject) -> None:
    life, circuit = LIVES[name]
    current: str | None = None
    had_it = False
    for _ in range(15):
        possible = [(t, a) for t in sorted(UNIVERSE) for a in sorted(life.may(current, t, had_it=had_it))]
        wild = st.tuples(st.sampled_from(sorted(UNIVERSE)), st.sampled_from(sorted(ACTORS)))
        target, actor = data.draw(st.one_of(wild, st.sampled_from(possible)) if possible else wild)
        check(life, circuit.table, current, target, actor, had_it)
        if actor in life.may(current, target, had_it=had_it):
            current = target
            had_it = had_it or target == AVAILABLE


def check(life: Life, table: Table, current: str | None, target: str, actor: str, had_it: bool) -> None:
    answer = decide(current, target, actor, was_available=had_it, table=table)
    if current == target and actor in life.setters(target):
        assert isinstance(answer, AlreadyApplied)
    elif actor in life.may(current, target, had_it=had_it):
        assert isinstance(answer, Apply)
    elif current is not None and life.over(current):
        assert isinstance(answer, Forbidden)
        assert answer.reason == ("ACTOR" if current == target else "TERMINAL")
        assert turn(current, table) is None
    else:
        assert isinstance(answer, NotYet | Forbidden)
        refused(life, current, target, actor, had_it, answer)


def refused(life: Life, current: str | None, target: str, actor: str, had_it: bool, answer: NotYet | Forbidden) -> None:
    if isinstance(answer, NotYet):
        assert target in life.to_come(current)
        return
    assert answer.message
    assert set(answer.allowed) == {t for t in UNIVERSE if actor in life.may(current, t, had_it=had_it)}
    for possible in answer.others:
        assert frozenset(possible.who) == life.may(current, possible.target, had_it=had_it)
        assert actor not in possible.who
    if answer.reason == "ACTOR":
        assert actor not in life.may(current, target, had_it=had_it)
    if answer.reason == "ALREADY_AVAILABLE":
        assert (target, had_it) == ("ABANDONNEE", True)
