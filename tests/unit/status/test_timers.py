"""Which timers an invoice has: a table, asked of one invoice as it stands."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from invoice.clock import PARIS
from invoice.lifecycle import STATUSES
from services.status import timers_page
from services.status.timer_firing import at_risk
from services.status.timers import TIMERS, Planned, answer_by, is_stale, next_steps, wanted
from tests.unit.status import samples
from tests.unit.status.lives import Life, available, deposit
from tests.unit.status.samples import NOON

ONE, TWO = "55208131766522", "35600000000048"


def due(life: Life) -> dict[str, datetime]:
    """When each timer of the invoice fires."""
    return {each.kind: each.due_at.astimezone(UTC) for each in wanted(life.invoice)}


def steps(life: Life, *set_now: Planned) -> dict[str, datetime]:
    """The same, with only the next step of a payment delay."""
    chosen = next_steps(wanted(life.invoice), frozenset(each.id for each in set_now), life.now)
    return {each.kind: each.due_at.astimezone(UTC) for each in chosen}


def test_every_status_of_the_table_exists_and_every_move_leaves_one_of_its_statuses() -> None:
    for row in TIMERS.values():
        if isinstance(row.statuses, tuple):
            assert set(row.statuses) <= set(STATUSES)
            assert set(row.to) <= set(row.statuses)
        assert set(row.to.values()) <= set(STATUSES)
        assert bool(row.to) == (row.does == "move")
        assert bool(row.tells) == (row.does == "remind")


def test_the_page_is_the_table() -> None:
    page = Path(__file__).parents[3] / "docs" / "timers.md"
    assert page.read_text(encoding="utf-8") == timers_page.render()


def test_a_validator_is_reminded_on_day_10_and_has_the_whole_of_day_15() -> None:
    life = Life(deposit("A9", ONE))  # asked on 2 March at noon
    assert due(life)["validation_reminder"] == datetime(2026, 3, 12, 7, tzinfo=UTC)
    assert due(life)["tacit_acceptance"] == datetime(2026, 3, 17, 23, tzinfo=UTC)


def test_the_last_day_to_answer_is_the_legal_day_after_which_the_platform_moves_the_invoice() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 3 March in Paris
    assert answer_by("A_VALIDER_1", NOON) == date(2026, 3, 17)
    assert answer_by("A_VALIDER_2", late) == date(2026, 3, 18)
    assert answer_by("MISE_A_DISPOSITION_MOE", NOON) == date(2026, 3, 9)
    assert answer_by("MISE_A_DISPOSITION", NOON) is None
    life = Life(deposit("A9", ONE))
    last = answer_by(life.invoice.status, life.invoice.status_at)
    assert last is not None
    assert due(life)["tacit_acceptance"].astimezone(PARIS).date() == last + timedelta(days=1)


def test_the_change_to_summer_time_moves_neither_the_day_nor_the_hour() -> None:
    life = Life(deposit("A9", ONE, submitted_at=datetime(2026, 3, 20, 22, 59, tzinfo=UTC)))  # 23:59 in Paris
    assert due(life)["validation_reminder"] == datetime(2026, 3, 30, 6, tzinfo=UTC)
    assert due(life)["tacit_acceptance"] == datetime(2026, 4, 4, 22, tzinfo=UTC)


def test_each_validator_has_his_own_15_days_from_the_moment_he_is_asked() -> None:
    life = Life(deposit("A9", ONE, TWO))
    first = due(life)["tacit_acceptance"]
    life.on(NOON + timedelta(days=7)).do("validate", "V1")
    assert life.invoice.status == "A_VALIDER_2"
    assert due(life)["tacit_acceptance"] == first + timedelta(days=7)


def test_a_validator_named_in_the_place_of_another_has_15_days_too() -> None:
    life = Life(deposit("A9", ONE))
    before = {each.id for each in wanted(life.invoice)}
    life.later(days=3).do("wrong_validator", "V1", motif="ERR_VALIDEUR", comment="Ce marché n'est pas le nôtre.")
    assert "tacit_acceptance" not in due(life)
    life.later(days=2).do("correct_validator", "F", fields={"validator_siret": TWO})
    assert due(life)["tacit_acceptance"] == datetime(2026, 3, 22, 23, tzinfo=UTC)
    assert not before & {each.id for each in wanted(life.invoice)}


def test_an_invoice_that_is_closed_has_no_timer() -> None:
    life = available()
    life.do("reject", motif="DEST_ERR", comment="Cette commande n'est pas la nôtre.")
    assert due(life) == {}


def test_24_hours_are_waited_for_a_notice_and_no_longer_once_one_is_accepted() -> None:
    life = Life(deposit(), samples.routed())
    assert due(life)["notice_overdue"] == life.now + timedelta(hours=24)
    life.take(samples.accepted())
    assert "notice_overdue" not in due(life)


def test_of_a_payment_delay_only_the_next_step_is_set() -> None:
    life = available()  # due on 1 April
    assert [kind for kind in due(life) if kind.startswith("payment")] == [
        "payment_due_10", "payment_due_5", "payment_due_0", "payment_late"
    ]  # fmt: skip
    assert {kind for kind in steps(life) if kind.startswith("payment")} == {"payment_due_10"}
    assert steps(life)["payment_due_10"] == datetime(2026, 3, 22, 7, tzinfo=UTC)
    life.later(days=21)
    assert {kind for kind in steps(life) if kind.startswith("payment")} == {"payment_due_5"}
    life.later(days=60)
    assert {kind for kind in steps(life) if kind.startswith("payment")} == {"payment_late"}


def test_a_step_that_is_late_is_not_lost_to_the_next_one() -> None:
    life = available()
    first = next(each for each in wanted(life.invoice) if each.kind == "payment_due_10")
    life.later(days=26)  # an outage: nothing has fired since
    assert {kind for kind in steps(life, first) if kind.startswith("payment")} == {"payment_due_10"}


def test_a_reminder_that_fired_long_ago_is_not_set_again_and_a_move_always_is() -> None:
    life = available()
    late = next(each for each in wanted(life.invoice) if each.kind == "payment_late")
    assert not is_stale(late, late.due_at + timedelta(days=29))
    assert is_stale(late, late.due_at + timedelta(days=31))
    tacit = next(each for each in wanted(Life(deposit("A9", ONE)).invoice) if each.kind == "tacit_acceptance")
    assert not is_stale(tacit, tacit.due_at + timedelta(days=400))


def test_a_suspension_stops_the_countdown_and_the_new_delay_sets_another() -> None:
    life = available()
    life.later(days=5).do("suspend", motif="JUSTIF_ABS", comment="Il manque le bon de livraison.")
    assert set(due(life)) == {"suspension_unanswered", "status_unchanged"}
    life.later(days=3).do("complete", "F", comment="Le voici, signé et daté.")
    assert due(life)["payment_due_0"] == datetime(2026, 4, 9, 6, tzinfo=UTC)


def test_an_invoice_already_paid_has_no_countdown() -> None:
    assert not [kind for kind in due(available("A2")) if kind.startswith("payment")]


@pytest.mark.parametrize(("own", "days"), [(None, 8), (21, 21), (0, 8), (-3, 8)])
def test_a_tenant_says_how_long_a_status_may_last(own: int | None, days: int) -> None:
    life = available()
    policy = msgspec.structs.replace(life.invoice.policy, unchanged_days=own)
    life.known = msgspec.structs.replace(life.invoice, policy=policy)
    assert due(life)["status_unchanged"].date() == date(2026, 3, 2) + timedelta(days=days)


def test_nobody_is_reminded_of_what_the_platform_does() -> None:
    assert due(Life(deposit())) == {}


def test_a_reminder_says_how_many_days_are_left_and_whose_turn_it_is() -> None:
    life = available()
    told = at_risk(TIMERS["payment_due_5"], life.invoice, datetime(2026, 3, 27, 7, tzinfo=UTC))
    assert (told.days_left, told.due_on, told.waited_for) == (5, date(2026, 4, 1), "D")
    late = at_risk(TIMERS["payment_late"], life.invoice, datetime(2026, 4, 3, 7, tzinfo=UTC))
    assert late.days_left == -2
    asked = at_risk(TIMERS["validation_reminder"], Life(deposit("A9", ONE)).invoice, NOON)
    assert (asked.days_left, asked.waited_for, asked.audiences) == (None, "V1", ("validator", "supplier"))


def test_the_same_cause_gives_the_same_timer() -> None:
    one, other = available(), available()
    assert wanted(one.invoice) == wanted(other.invoice)
