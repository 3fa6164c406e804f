"""The worked cases of ``clock_cases.yaml``: what the law makes of what happened. Their days are counted by hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from invoice.clock import Clock, Terms, clock
from invoice.interest import owed
from tests.unit.invoice.clock_stories import story


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must come of a case. ``late``: day → days late."""

    state: str
    start: date | None = None
    due: date | None = None
    proof: str | None = None
    late: dict[date, int] = {}
    remarks: tuple[str, ...] = ()


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens, under which terms. ``rule`` names the row of the reference."""

    rule: str
    name: str
    lines: tuple[str, ...]
    expect: Expected
    terms: dict[str, Any] = {}

    def clock(self) -> Clock:
        """What the code under test makes of it."""
        terms = msgspec.convert({"payable": Decimal("1000.00"), **self.terms}, Terms)
        return clock(story(*self.lines), terms)


FILE = Path(__file__).with_name("clock_cases.yaml")
CASES = msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8")), list[Case])
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@each_case
def test_the_delay_is_what_the_article_says(case: Case) -> None:
    found, expected = case.clock(), case.expect
    assert (found.state, found.started_on, found.due_on, found.proof) == (
        expected.state,
        expected.start,
        expected.due,
        expected.proof,
    )
    assert {on: found.days_late(on) for on in expected.late} == expected.late
    assert tuple(remark.code for remark in found.remarks) == expected.remarks


def test_at_least_forty_cases_are_worked_and_none_twice() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({(case.lines, str(case.terms), str(case.expect)) for case in CASES}) == len(CASES)


def test_every_rule_is_cited_and_every_row_of_the_section_that_speaks_of_a_day_is_worked() -> None:
    cited = " ".join(case.rule for case in CASES)
    for article in ("R2192-15", "R2192-13", "L2192-10", "R2192-27", "R2192-29", "R2192-34", "L2192-13", "R2193-12"):
        assert article in cited, article
    for decision in ("decisions.md 2", "decisions.md 15", "decisions.md 17", "decisions.md 18"):
        assert decision in cited, decision


@each_case
def test_every_step_names_its_article_and_the_last_one_ends_where_the_clock_stands(case: Case) -> None:
    found = case.clock()
    for step in found.steps:
        assert step.article.lstrip("LDR")[:2].isdigit()
        assert "—" not in step.text + step.label, "a place of the sentence had nothing to show"
        assert "{" not in step.text + step.label
    if found.steps and found.state in ("running", "stopped"):
        assert found.steps[-1].due_on == found.due_on


@each_case
def test_interest_is_owed_exactly_when_the_case_says_late(case: Case) -> None:
    found = case.clock()
    for on, late in case.expect.late.items():
        assert (owed(found, on).total > 0) == (late > 0)
