"""What holds of the payment delay whatever happens."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoice import clock as clocks
from invoice.clock import (
    PARIS,
    Admitted,
    ClockEvent,
    Entered,
    Noticed,
    NoticeOverdue,
    Paid,
    ServiceDone,
    Terms,
    clock,
    paris_day,
)
from invoice.clock_words import PHRASES, REMARKS
from invoice.interest import owed
from invoice.lifecycle import STATUSES
from invoice.policies import Kind
from tests.unit.invoice.clock_stories import story
from tests.unit.invoice.sample import pure as slow

pure = settings(slow, max_examples=60)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LAST = date(2027, 12, 31)
TERMS = Terms(payable=Decimal("1000.00"))
instants = st.integers(0, 500 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))
days = st.dates(date(2026, 1, 1), date(2027, 6, 30))
statuses = st.sampled_from(sorted(STATUSES))
structures = st.sampled_from(("A", "B", None))
kinds = st.sampled_from(get_args(Kind))


@st.composite
def events(draw: st.DrawFn, most: int = 14) -> list[ClockEvent]:
    """Anything that could stand in a history, sensible or not: the fold must bear what the table let through."""
    found: list[ClockEvent] = []
    for entry in range(1, draw(st.integers(0, most)) + 1):
        at = draw(instants)
        match draw(st.integers(0, 6)):
            case 0:
                found.append(Noticed(entry=entry, at=at, about=draw(st.integers(1, entry))))
            case 1:
                found.append(NoticeOverdue(entry=entry, at=at))
            case 2:
                found.append(ServiceDone(entry=entry, at=at, done_on=draw(days)))
            case 3:
                found.append(Paid(entry=entry, at=at, paid_on=draw(days), amount=Decimal(draw(st.integers(1, 900)))))
            case 4:
                found.append(Admitted(entry=entry, at=at, amount=Decimal(draw(st.integers(1, 900)))))
            case 5:
                status, structure = "MISE_A_DISPOSITION", draw(structures)
                found.append(Entered(entry=entry, at=at, status=status, structure=structure))
            case _:
                found.append(Entered(entry=entry, at=at, status=draw(statuses)))
    return found


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    return Terms(
        days=draw(st.sampled_from((20, 30, 50, 60))),
        kind=draw(kinds),
        payable=Decimal("1000.00"),
        recycling_restarts_delay=draw(st.booleans()),
    )


@pure
@given(events(), terms(), st.randoms(use_true_random=False))
def test_replaying_the_events_in_any_order_and_twice_gives_the_same_clock(
    happened: list[ClockEvent], agreed: Terms, chance: object
) -> None:
    expected = clock(happened, agreed)
    shuffled = [*happened, *happened]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert clock(shuffled, agreed) == expected


@pure
@given(events(), terms())
def test_events_that_were_written_down_and_read_again_give_the_same_clock(
    happened: list[ClockEvent], agreed: Terms
) -> None:
    written = msgspec.json.encode(happened)
    assert clock(msgspec.json.decode(written, type=list[ClockEvent]), agreed) == clock(happened, agreed)


@pure
@given(events(), terms())
def test_the_story_only_grows(happened: list[ClockEvent], agreed: Terms) -> None:
    """What was told once stands: a later event adds its line. Only a payment's own entry may tell its status better."""
    before: tuple[clocks.Step, ...] = ()
    for count in range(1, len(happened) + 1):
        after = clock(happened[:count], agreed).steps
        assert after[: len(before)] == before
        before = after


@pure
@given(events(), terms())
def test_state_and_dates_never_contradict_each_other(happened: list[ClockEvent], agreed: Terms) -> None:
    found = clock(happened, agreed)
    if found.state == "not_started":
        assert (found.started_on, found.due_on, found.paid_on) == (None, None, None)
    if found.state in ("running", "interrupted"):
        assert found.started_on is not None
        assert (found.due_on is None) == (found.state == "interrupted")
    if found.started_on is not None and found.due_on is not None:
        assert (found.due_on - found.started_on).days >= agreed.days
    assert (found.started_on is None) == (found.proof is None)
    if found.state == "stopped":
        assert found.paid_on is not None


@pure
@given(events(), terms(), days, days)
def test_lateness_and_what_is_owed_never_shrink_with_time(
    happened: list[ClockEvent], agreed: Terms, one: date, two: date
) -> None:
    early, late = min(one, two), max(one, two)
    found = clock(happened, agreed)
    assert 0 <= found.days_late(early) <= found.days_late(late)
    assert owed(found, early).total <= owed(found, late).total


@pure
@given(days.filter(lambda day: day < date(2027, 1, 1)), st.integers(0, 200), st.integers(0, 29))
def test_an_interruption_never_makes_the_delay_end_sooner(start: date, away: int, after: int) -> None:
    suspended = start + timedelta(days=after)
    completed = suspended + timedelta(days=away)
    there = (f"{start} DEPOSEE", f"{start} available", f"{start} notice")
    plain = clock(story(*there), TERMS)
    found = clock(story(*there, f"{suspended} SUSPENDUE", f"{completed} COMPLETEE"), TERMS)
    assert plain.due_on is not None
    assert found.due_on is not None
    assert found.due_on >= plain.due_on
    assert found.due_on == completed + timedelta(days=30)


@pure
@given(days, st.integers(1, 40), st.integers(1, 40))
def test_a_lifted_suspension_leaves_the_end_where_it_was(start: date, after: int, away: int) -> None:
    there = (f"{start} DEPOSEE", f"{start} available", f"{start} notice")
    suspended = start + timedelta(days=after)
    lifted = suspended + timedelta(days=away)
    found = clock(story(*there, f"{suspended} SUSPENDUE", f"{lifted} MISE_A_DISPOSITION"), TERMS)
    assert found.due_on == clock(story(*there), TERMS).due_on


@pure
@given(days, st.integers(-60, 60))
def test_a_later_execution_only_ever_puts_the_start_off(start: date, shift: int) -> None:
    there = (f"{start} DEPOSEE", f"{start} available", f"{start} notice")
    done = start + timedelta(days=shift)
    found = clock(story(*there, f"{start} done {done}"), TERMS)
    assert found.started_on == max(start, done)


def test_events_of_one_instant_are_taken_in_the_order_of_their_entries() -> None:
    at = "2026-03-12T10:00+00:00"
    there = ("2026-03-02 DEPOSEE", "2026-03-02 available", "2026-03-02 notice")
    completed = clock(story(*there, f"{at} SUSPENDUE", f"{at} COMPLETEE"), TERMS)
    suspended = clock(story(*there, f"{at} COMPLETEE", f"{at} SUSPENDUE"), TERMS)
    assert (completed.state, suspended.state) == ("running", "interrupted")


def test_a_payment_told_with_its_status_is_told_once_with_the_stated_day() -> None:
    at = datetime(2026, 4, 8, 9, tzinfo=UTC)
    there = story("2026-03-02 DEPOSEE", "2026-03-02 available", "2026-03-02 notice")
    status = Entered(entry=4, at=at, status="MISE_EN_PAIEMENT")
    found = clock([Paid(entry=4, at=at, paid_on=date(2026, 4, 3)), status, *there], TERMS)
    assert [step.code for step in found.steps] == ["available", "notice", "stopped_late"]
    assert "3 avril 2026" in found.steps[-1].text
    assert found.days_late(LAST) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-29T00:59:59+01:00", date(2026, 3, 29)),  # an hour before the clocks go forward
        ("2026-03-28T22:59:59+00:00", date(2026, 3, 28)),
        ("2026-03-28T23:00:00+00:00", date(2026, 3, 29)),
        ("2026-03-29T21:59:59+00:00", date(2026, 3, 29)),
        ("2026-03-29T22:00:00+00:00", date(2026, 3, 30)),
        ("2026-10-24T21:59:59+00:00", date(2026, 10, 24)),
        ("2026-10-24T22:00:00+00:00", date(2026, 10, 25)),
        ("2026-10-25T22:59:59+00:00", date(2026, 10, 25)),
        ("2026-10-25T23:00:00+00:00", date(2026, 10, 26)),
    ],
)
def test_the_legal_day_is_the_day_in_paris_on_both_sides_of_midnight_and_of_the_hour_change(
    text: str, expected: date
) -> None:
    assert paris_day(datetime.fromisoformat(text)) == expected


@pure
@given(instants)
def test_a_day_in_paris_is_never_more_than_two_hours_away_from_the_day_in_utc(at: datetime) -> None:
    assert paris_day(at) in (at.date(), (at + timedelta(hours=2)).date())
    assert paris_day(at) == at.astimezone(PARIS).date()


def test_every_sentence_of_the_clock_is_used_and_says_its_article() -> None:
    from invoice import clock_fold

    with open(clock_fold.__file__, encoding="utf-8") as file:
        code = file.read()
    assert [name for name in PHRASES if f'"{name}"' not in code] == []
    assert [name for name in REMARKS if f'"{name}"' not in code] == []
    assert all(phrase.article and phrase.text.endswith(".") for phrase in PHRASES.values())
