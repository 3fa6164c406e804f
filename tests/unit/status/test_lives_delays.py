"""Whole lives in memory: suspensions, payments, what the body asks for, and what the clock says of them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from invoice.policies import Policy
from services.status.actions import possible
from services.status.model import Applied, Body
from services.status.payment_delay import reckoned
from services.status.plan import action_recorded, status_changed
from tests.unit.status import samples
from tests.unit.status.lives import Life, available, deposit
from tests.unit.status.samples import NOON, accepted, routed


def suspend(life: Life) -> Applied:
    [motif] = [m for m in ("JUSTIF_ABS", "AUTRE") if m in _motifs(life, "suspend")][:1]
    return life.do("suspend", motif=motif, comment="Il manque le bon de livraison.")


def _motifs(life: Life, action: str) -> dict[str, str]:
    found = [one for one in possible(life.invoice, ["D"]) if one.name == action]
    return dict(found[0].motifs)


def test_a_suspension_interrupts_once_and_completing_it_opens_a_new_delay() -> None:
    life = available().later(days=10)
    suspend(life)
    assert (life.invoice.delay_state, life.invoice.delay and life.invoice.delay.due_on) == ("interrupted", None)
    life.attachments = frozenset(("piece-1",))
    assert life.refused("complete", "F").faults[0].rule == "NOTHING_GIVEN"
    assert life.refused("complete", "F", attachments=("piece-2",)).faults[0].rule == "ATTACHMENT_UNKNOWN"
    assert life.refused("complete", "F", attachments=("piece-1",), fields={"payable": "1"}).why == "invalid"
    life.later(days=5).do("complete", "F", attachments=("piece-1",))
    assert life.invoice.delay is not None
    assert life.invoice.delay.due_on == date(2026, 4, 16)
    assert [(c.field, c.after) for c in life.entries[-1].changes] == [("attachment", "piece-1")]
    again = suspend(life.later(days=1))
    assert [reason.code for reason in again.entry.reasons][1:] == ["SUSPENSION_WITHOUT_EFFECT"]
    assert life.invoice.delay_state == "running"
    assert life.invoice.delay.due_on == date(2026, 4, 16)


def test_a_suspension_lifted_by_the_body_leaves_the_delay_as_it_was() -> None:
    life = available().later(days=10)
    suspend(life)
    life.later(days=5).do("lift_suspension")
    assert life.invoice.status == "MISE_A_DISPOSITION"
    assert life.invoice.delay is not None
    assert (life.invoice.delay_state, life.invoice.delay.due_on) == ("running", date(2026, 4, 1))
    assert life.applied[-1].party is None


def test_the_way_to_the_payment_keeps_each_value_and_stops_the_clock_on_the_day_of_the_payment() -> None:
    life = available().later(days=2)
    life.do("take_in_charge")
    life.do("service_done", fields={"done_on": "2026-03-03"})
    assert life.invoice.delay is not None
    assert (life.invoice.delay.source, life.invoice.delay.started_on) == ("service_done", date(2026, 3, 3))
    life.do("mandate", fields={"mandate_number": "2026-118"})
    life.do("hand_to_comptable")
    refused = life.do("refuse_mandate", "C", comment="La pièce justificative manque.")
    assert (refused.entry.visibility, refused.entry.status_to) == ("body", None)
    assert action_recorded(refused).comment is None
    again = life.do("mandate", fields={"mandate_number": "2026-131"})
    assert status_changed(again).visibility == "body"
    life.do("hand_to_comptable")
    life.do("book", "C")
    life.do("partial_payment", "C", fields={"paid_on": "2026-03-04", "amount": "20,00"})
    life.later(days=40).do("put_in_payment", "C", fields={"paid_on": "2026-04-12", "amount": "100.00"})
    clock = life.clock
    assert (clock.state, clock.paid_on, clock.days_late(life.now.date())) == ("stopped", date(2026, 4, 12), 10)
    assert [payment.amount for payment in clock.payments] == [Decimal("20.00"), Decimal("100.00")]


@pytest.mark.parametrize(
    ("action", "fields", "rule"),
    [
        ("put_in_payment", {"paid_on": "2026-03-03"}, "DATE_TO_COME"),
        ("put_in_payment", {"paid_on": "2026-02-27"}, "DATE_BEFORE_INVOICE"),
        ("put_in_payment", {"paid_on": "02/03/2026"}, "DATE_INVALID"),
        ("put_in_payment", {"paid_on": "1026-03-02"}, "DATE_INVALID"),
        ("put_in_payment", {"paid_on": "2026-03-02", "amount": "121"}, "AMOUNT_ABOVE_PAYABLE"),
        ("partial_payment", {"paid_on": "2026-03-02", "amount": "-1"}, "AMOUNT_INVALID"),
        ("partial_payment", {"paid_on": "2026-03-02", "amount": "1e3"}, "AMOUNT_INVALID"),
        ("partial_payment", {"paid_on": "2026-03-02"}, "MISSING"),
        ("service_done", {"done_on": "2026-03-09"}, "DATE_TO_COME"),
        ("mandate", {"mandate_number": None}, "MISSING"),
        ("mandate", {"mandate_number": "x" * 101}, "TEXT_INVALID"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_rule(action: str, fields: dict[str, Any], rule: str) -> None:
    assert [fault.rule for fault in available().refused(action, fields=fields).faults] == [rule]


def test_what_is_admitted_is_due_and_the_rest_waits_until_it_is_settled() -> None:
    life = available()
    life.do("admit_amount", fields={"amount": "80"}, comment="La livraison est incomplète.")
    assert (life.clock.due, life.clock.disputed) == (Decimal("80.00"), Decimal("40.00"))
    life.do("settle_amount", fields={"amount": "110"})
    assert (life.clock.due, life.clock.disputed) == (Decimal("110.00"), Decimal(0))


def test_partial_payments_together_do_not_pass_the_net_to_pay() -> None:
    life = available()
    life.do("partial_payment", "C", fields={"paid_on": "2026-03-02", "amount": "100"})
    for action in ("partial_payment", "put_in_payment"):
        refused = life.refused(action, "C", fields={"paid_on": "2026-03-02", "amount": "20.01"})
        assert [fault.rule for fault in refused.faults] == ["AMOUNT_ABOVE_PAYABLE"]
    life.do("put_in_payment", "C", fields={"paid_on": "2026-03-02", "amount": "20"})


def test_what_the_parties_agree_on_after_the_payment_can_still_be_paid_and_stops_the_clock() -> None:
    life = available()
    life.do("admit_amount", fields={"amount": "80"}, comment="La livraison est incomplète.")
    life.do("put_in_payment", "C", fields={"paid_on": "2026-03-02", "amount": "80"})
    assert life.refused("partial_payment", "C", fields={"paid_on": "2026-03-02", "amount": "1"}).why == "not_now"
    life.later(days=40).do("settle_amount", fields={"amount": "110"})
    assert (life.clock.state, life.clock.paid_on) == ("running", None)
    life.do("partial_payment", "C", fields={"paid_on": "2026-04-10", "amount": "30"})
    assert (life.clock.state, life.clock.paid_on) == ("stopped", date(2026, 4, 10))
    assert life.refused("partial_payment", "C", fields={"paid_on": "2026-04-10", "amount": "1"}).why == "not_now"


def test_motifs_that_the_tenant_hides_are_neither_offered_nor_taken() -> None:
    shown = _motifs(available(), "reject")
    hidden = Life(deposit(), routed(), bodies={samples.BODY: Body(policy=Policy(hidden_motifs=("DOUBLON",)))})
    assert "DOUBLON" in shown
    assert shown.keys() - _motifs(hidden, "reject").keys() == {"DOUBLON"}
    refused = hidden.refused("reject", motif="DOUBLON", comment="Reçue deux fois déjà.")
    assert [fault.rule for fault in refused.faults] == ["MOTIF_NOT_OFFERED"]


def test_what_a_body_is_and_reports_goes_into_the_terms_once_it_has_the_invoice() -> None:
    bodies = {samples.BODY: Body(days=50, reported=True, services={samples.SERVICE: False})}
    life = Life(deposit(), bodies=bodies)
    assert (life.clock.days, life.clock.terms.payment_reported) == (50, False)  # said from the first day
    life.take(routed())
    life.take(accepted())
    assert life.invoice.delay is not None
    assert life.invoice.delay.due_on == date(2026, 4, 21)
    assert "PAYMENT_NOT_REPORTED" in [remark.code for remark in life.clock.remarks]
    life.bodies = {}
    life.do("take_in_charge")
    assert life.invoice.delay.due_on == date(2026, 4, 21)


def test_an_invoice_already_paid_has_no_delay_and_nothing_waits_for_its_notice() -> None:
    life = Life(deposit("A2"), routed(), accepted())
    assert (life.invoice.delay, life.invoice.delay_state) == (None, "none")


def test_the_delay_is_the_same_however_often_it_is_reckoned() -> None:
    life = available().later(days=3)
    suspend(life)
    life.later(days=2).do("complete", "F", comment="Voici la référence.")
    shuffled = sorted(life.entries, key=lambda entry: (entry.number * 7) % 5)
    assert reckoned(msgspec.structs.replace(life.invoice, delay=None), shuffled) == life.invoice
    assert life.now - NOON == timedelta(days=5)
