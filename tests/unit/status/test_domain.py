"""What events do to an invoice."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import msgspec
import pytest

from contracts.envelope import Event
from contracts.events import Payload
from invoice.lifecycle import AlreadyApplied, Forbidden, NotYet
from services.status.domain import Applied, Invoice, overdue
from services.status.domain import answer as ask
from services.status.payment_delay import Delay, paris_day, reckoned
from services.status.plan import Plan, fold
from tests.unit.status import samples
from tests.unit.status.lives import Life
from tests.unit.status.samples import NOON, accepted, event, failed, routed, submitted, unroutable

IDENTITY = UUID("0190e8a0-0000-7000-8000-000000000001")


def at(*payloads: Payload) -> Invoice:
    """The invoice after these events."""
    found = fold({}, [event(data, IDENTITY) for data in payloads], NOON)
    assert not found.not_yet
    assert not found.refused
    return found.created[0]


def answer(invoice: Invoice | None, data: Payload) -> object:
    return ask(invoice, event(data, IDENTITY), NOON)


def test_what_is_told_of_a_trial_names_its_sandbox_before_any_body_has_it() -> None:
    tried = msgspec.structs.replace(event(submitted(), IDENTITY), tenant="essai-cd06")
    plan = fold({}, [tried], NOON)
    assert plan.created[0].trial == "essai-cd06"
    assert {told.tenant for told in plan.told} == {"essai-cd06"}
    real = fold({}, [msgspec.structs.replace(tried, tenant="cd06")], NOON)
    assert real.created[0].trial is None
    assert {told.tenant for told in real.told} == {None}


@pytest.mark.parametrize(
    ("before", "data", "expected"),
    [
        ((), submitted(), Applied),
        ((), routed(), NotYet),
        ((), unroutable(), NotYet),
        ((), accepted(), NotYet),
        ((), failed(), NotYet),
        ((submitted(),), submitted(), AlreadyApplied),
        ((submitted(),), routed(), Applied),
        ((submitted(),), unroutable(), Applied),
        ((submitted(),), accepted(2), NotYet),
        ((submitted(),), accepted(1), Applied),
        ((submitted(),), routed(attempt=2), NotYet),
        ((submitted(),), routed(attempt=0), AlreadyApplied),
        ((submitted(), routed()), submitted(), AlreadyApplied),
        ((submitted(), routed()), routed(), AlreadyApplied),
        ((submitted(), routed()), unroutable(), Forbidden),
        ((submitted(), routed()), accepted(), Applied),
        ((submitted(), routed()), failed(), Applied),
        ((submitted(), unroutable()), submitted(), AlreadyApplied),
        ((submitted(), unroutable()), unroutable(), AlreadyApplied),
        ((submitted(), unroutable()), routed(), Forbidden),
        ((submitted(),), submitted("OTHER"), Forbidden),
        ((submitted(),), unroutable(findings=(samples.FINE,)), Forbidden),
        ((), accepted(None), AlreadyApplied),
        ((submitted(),), failed(None), AlreadyApplied),
    ],
)
def test_every_event_meets_every_state_with_the_answer_of_the_table(
    before: tuple[Payload, ...], data: Payload, expected: type
) -> None:
    assert isinstance(answer(at(*before) if before else None, data), expected)


def test_the_three_statuses_are_set_by_the_right_actors() -> None:
    available = fold({}, [event(submitted(), IDENTITY), event(routed(), IDENTITY)], NOON)
    back = fold({}, [event(submitted(), IDENTITY), event(unroutable(), IDENTITY)], NOON)
    assert [(e.number, e.status_from, e.status_to, e.actor) for e in available.entries] == [
        (1, None, "DEPOSEE", "F"),
        (2, "DEPOSEE", "MISE_A_DISPOSITION", "S"),
    ]
    assert [(e.number, e.status_from, e.status_to, e.actor) for e in back.entries][1:] == [
        (2, "DEPOSEE", "A_RECYCLER", "S")
    ]


def test_an_unroutable_invoice_goes_back_with_the_refusals_only_and_to_no_body() -> None:
    plan = fold({}, [event(submitted(), IDENTITY), event(unroutable(), IDENTITY)], NOON)
    assert plan.entries[1].reasons == (samples.UNKNOWN_SERVICE,)
    assert plan.told[1].data.reasons == (samples.UNKNOWN_SERVICE,)  # type: ignore[union-attr]
    assert [party.role for party in plan.parties] == ["FOURNISSEUR"]


def test_the_body_is_a_party_from_the_entry_that_made_the_invoice_available() -> None:
    plan = fold({}, [event(submitted(), IDENTITY), event(routed(), IDENTITY)], NOON)
    supplier, body = plan.parties
    assert (supplier.role, supplier.structure, supplier.tenant, supplier.since) == (
        "FOURNISSEUR",
        samples.SUPPLIER,
        None,
        1,
    )
    assert (body.role, body.structure, body.service, body.tenant, body.since) == (
        "DESTINATAIRE",
        samples.BODY,
        samples.SERVICE,
        samples.TENANT,
        2,
    )


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_events_of_one_batch_give_the_same_invoice_in_any_order(order: tuple[int, ...]) -> None:
    sent: list[Event] = [
        event(data, IDENTITY) for data in (submitted(), routed(), accepted(2), accepted(2, "supplier"))
    ]
    plan = fold({}, [sent[i] for i in order], NOON)
    assert not plan.not_yet
    assert [entry.number for entry in plan.entries] == [1, 2, 3, 4]
    assert [told.data.status_to for told in plan.told] == ["DEPOSEE", "MISE_A_DISPOSITION"]  # type: ignore[union-attr]
    assert [told.cause.id for told in plan.told] == [sent[0].id, sent[1].id]
    assert reckoned(plan.created[0], plan.entries).delay is not None


def test_an_event_without_its_predecessor_is_handed_back() -> None:
    sent = [event(routed(), IDENTITY), event(accepted(2), IDENTITY)]
    plan = fold({}, sent, NOON)
    assert plan.not_yet == sent
    assert not plan.entries


def test_invoices_of_one_batch_do_not_disturb_each_other() -> None:
    other = uuid4()
    known = {other: at(submitted())}
    sent = [event(routed(), other), event(submitted(), IDENTITY), event(unroutable(), IDENTITY), event(routed(), other)]
    plan = fold(known, sent, NOON)
    assert [(i.id, i.status) for i in plan.created] == [(IDENTITY, "A_RECYCLER")]
    assert [i.status for i in plan.changed] == ["MISE_A_DISPOSITION"]
    assert isinstance(plan, Plan)
    assert len(plan.entries) == 3


def test_a_notice_changes_no_status_and_tells_nobody() -> None:
    plan = fold({IDENTITY: at(submitted(), routed())}, [event(accepted(), IDENTITY)], NOON)
    assert [entry.kind for entry in plan.entries] == ["notice"]
    assert not plan.told
    assert plan.changed[0].status == "MISE_A_DISPOSITION"


def test_a_failed_notice_to_the_body_is_seen_by_the_body_only() -> None:
    invoice = at(submitted(), routed())
    for audience, expected in (("body", "body"), ("supplier", "all")):
        outcome = answer(invoice, failed(2, audience))  # type: ignore[arg-type]
        assert isinstance(outcome, Applied)
        assert outcome.entry.visibility == expected


def test_the_delay_starts_on_the_paris_day_of_the_first_acceptance_by_the_body() -> None:
    late_evening = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    life = Life(
        submitted(),
        routed(),
        accepted(2, "supplier", NOON),
        accepted(2, "body", late_evening + timedelta(minutes=5)),
        accepted(2, "body", late_evening),
    )
    assert life.invoice.delay == Delay(
        started_on=date(2026, 3, 3), started_at=late_evening, source="notice", due_on=date(2026, 4, 2)
    )
    assert life.invoice.delay_state == "running"


def test_a_notice_about_another_entry_starts_no_delay() -> None:
    assert Life(submitted(), routed(), accepted(1, "body")).invoice.delay is None


def test_without_a_notice_in_24_hours_the_day_of_the_portal_counts_once() -> None:
    life = Life(submitted(), routed())
    cause = uuid4()
    assert overdue(life.invoice, cause, NOON + timedelta(hours=24)) is None
    started = overdue(life.invoice, cause, NOON + timedelta(hours=24, seconds=1))
    assert started is not None
    assert (started.entry.kind, started.entry.number) == ("delay", 3)
    life.keep(started)
    assert life.invoice.delay == Delay(
        started_on=date(2026, 3, 2), started_at=NOON, source="portal", due_on=date(2026, 4, 1)
    )
    assert overdue(life.invoice, cause, NOON + timedelta(days=9)) is None


def test_an_acceptance_after_24_hours_finds_the_day_of_the_portal() -> None:
    life = Life(submitted(), routed(), accepted(2, at=NOON + timedelta(hours=25)))
    assert life.invoice.delay is not None
    assert (life.invoice.delay.source, life.invoice.delay.started_at) == ("portal", NOON)


def test_an_acceptance_in_time_that_becomes_known_late_replaces_the_day_of_the_portal() -> None:
    life = Life(submitted(), routed(), accepted(2, at=NOON + timedelta(hours=25)))
    life.take(accepted(2, at=NOON + timedelta(hours=23)))
    assert life.invoice.delay is not None
    assert life.invoice.delay.source == "notice"


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 3, 2, 22, 59, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 2, 23, 0, tzinfo=UTC), date(2026, 3, 3)),
        (datetime(2026, 7, 2, 22, 0, tzinfo=UTC), date(2026, 7, 3)),
    ],
)
def test_a_legal_day_is_a_day_in_paris_in_winter_and_in_summer(instant: datetime, day: date) -> None:
    assert paris_day(instant) == day
