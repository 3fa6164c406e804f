"""The table of whole lives hangs together: what is played on the real stack is written as it must be."""

import pytest

from invoice.lifecycle import ACTORS, STATUSES
from invoice.motifs import MOTIFS
from services.status.actions import ACTIONS
from services.status.timers import TIMERS
from tests.scenarios.table import Life, load

LIVES = load()
NO_ACTION = {"deposit", "attach", "wait", "fetch", "post_back"}


def test_there_are_at_least_18_lives_and_some_for_every_run_of_the_tests() -> None:
    assert len(LIVES) >= 18
    assert len({life.name for life in LIVES}) == len(LIVES)
    assert sum(life.short for life in LIVES) >= 3


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_a_life_names_what_exists_and_says_how_each_of_its_pieces_ends(life: Life) -> None:
    assert list(life.days()) == sorted(life.days())
    assert {step.of for step in life.steps if step.does == "deposit"} == set(life.ends)
    for step in life.steps:
        assert step.does in NO_ACTION | set(ACTIONS)
        assert step.reach is None or step.reach in STATUSES
        assert step.motif is None or step.motif in MOTIFS
    for end in life.ends.values():
        for line in end.statuses:
            _, actor, status = line.removesuffix(" (body)").split()
            assert actor in ACTORS
            assert status in STATUSES
        assert set(end.timers) <= set(TIMERS)


def test_a_field_that_the_table_does_not_know_is_refused() -> None:
    written = "- {name: x, steps: [{day: 0, does: deposit, reach_: DEPOSEE}], ends: {}}"
    with pytest.raises(ValueError, match="reach_"):
        load(written)
