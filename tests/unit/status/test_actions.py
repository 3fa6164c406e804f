"""What people may do to an invoice, what it comes to, and what a refusal says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.events import InvoiceRouted, Payload
from services.status.action import COMMENT_MAX, Refused, Wanted
from services.status.actions import perform
from services.status.domain import Applied, Invoice, answer
from services.status.plan import fold, status_changed
from tests.unit.status import samples
from tests.unit.status.lives import Life, available
from tests.unit.status.samples import NOON, accepted, event, failed, routed, submitted, unroutable

IDENTITY = UUID("0190e8a0-0000-7000-8000-000000000001")
LATER = NOON + timedelta(hours=2)
ELSEWHERE = "22310001700423"
SAID = "Ce service n'achète plus rien."


def at(*payloads: Payload) -> Invoice:
    """The invoice after these events."""
    return fold({}, [event(data, IDENTITY) for data in payloads], NOON).created[0]


AVAILABLE = at(submitted(), routed(), accepted())
BACK = at(submitted(), unroutable())


def do(invoice: Invoice, action: str, actor: str = "D", **given: object) -> Applied | Refused:
    wanted = Wanted(action=action, **given)  # type: ignore[arg-type]
    return perform(invoice, wanted, [actor], "agnès", LATER)


def done(invoice: Invoice, action: str, actor: str = "D", **given: object) -> Applied:
    found = do(invoice, action, actor, **given)
    assert isinstance(found, Applied), found
    return found


def refused(invoice: Invoice, action: str, actor: str = "D", **given: object) -> Refused:
    found = do(invoice, action, actor, **given)
    assert isinstance(found, Refused), found
    return found


def after(invoice: Invoice, data: Payload) -> Applied:
    found = answer(invoice, event(data, IDENTITY), LATER)
    assert isinstance(found, Applied), found
    return found


def returned(invoice: Invoice = AVAILABLE) -> Invoice:
    return done(invoice, "return_for_recycling", comment=SAID).invoice


def elsewhere(**changes: object) -> InvoiceRouted:
    return msgspec.structs.replace(routed(2, tenant="cd31", service=None), structure_siret=ELSEWHERE, **changes)


def test_a_body_sends_back_with_a_comment_and_the_supplier_reads_it_with_what_to_do() -> None:
    found = done(AVAILABLE, "return_for_recycling", motif="SE_ERR", comment=f"  {SAID} ")
    assert (found.invoice.status, found.entry.status_to, found.entry.actor) == ("A_RECYCLER", "A_RECYCLER", "D")
    assert (found.entry.action, found.entry.motif, found.entry.comment) == ("return_for_recycling", "SE_ERR", SAID)
    assert (found.entry.by, found.entry.number) == ("agnès", AVAILABLE.entries + 1)
    [reason] = status_changed(found).reasons
    assert reason.code == "SE_ERR"
    assert reason.message.startswith("Service destinataire incorrect")
    assert SAID in reason.message
    assert reason.action is not None
    assert "même numéro" in reason.action
    assert found.asks is None


@pytest.mark.parametrize(
    ("given", "field", "rule"),
    [
        ({}, "comment", "COMMENT_TOO_SHORT"),
        ({"comment": " trop court "[:10]}, "comment", "COMMENT_TOO_SHORT"),
        ({"comment": "x" * (COMMENT_MAX + 1)}, "comment", "COMMENT_TOO_LONG"),
        ({"comment": SAID, "motif": "PU_ERR"}, "motif", "MOTIF_NOT_OFFERED"),
        ({"comment": SAID, "motif": "nothing"}, "motif", "MOTIF_NOT_OFFERED"),
        ({"comment": SAID, "fields": {"payable": "1"}}, "payable", "FIELD_NOT_EDITABLE"),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_its_rule(given: dict[str, Any], field: str, rule: str) -> None:
    refusal = refused(AVAILABLE, "return_for_recycling", **given)
    assert refusal.why == "invalid"
    assert [(fault.field, fault.rule) for fault in refusal.faults] == [(field, rule)]
    assert all(fault.message and fault.action for fault in refusal.faults)


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"recipient_siret": "22060001900017"}, "recipient_siret", "SIRET_CHECKSUM"),
        ({"recipient_siret": "1234"}, "recipient_siret", "SIRET_LENGTH"),
        ({"recipient_siret": samples.SUPPLIER}, "recipient_siret", "SUPPLIER_IS_RECIPIENT"),
        ({"engagement": "A\u200b1"}, "engagement", "TEXT_INVALID"),
        ({"recipient_siret": None}, "recipient_siret", "SIRET_LENGTH"),
        ({"payable": "1.00"}, "payable", "FIELD_NOT_EDITABLE"),
        ({"invoice_number": "F-2"}, "invoice_number", "FIELD_NOT_EDITABLE"),
        ({"supplier_siret": samples.BODY}, "supplier_siret", "FIELD_NOT_EDITABLE"),
        ({"service_code": "x" * 101}, "service_code", "TEXT_INVALID"),
        ({"engagement": "a\nb"}, "engagement", "TEXT_INVALID"),
    ],
)
def test_recycling_changes_the_address_and_nothing_else(fields: dict[str, str | None], field: str, rule: str) -> None:
    refusal = refused(BACK, "recycle", "F", fields=fields)
    assert [(fault.field, fault.rule) for fault in refusal.faults] == [(field, rule)]


def test_a_recycled_invoice_keeps_its_number_and_asks_routing_for_the_next_attempt() -> None:
    found = done(BACK, "recycle", "F", fields={"recipient_siret": "223 100 017 00423", "service_code": " "})
    header = found.invoice.header
    assert (header.recipient_siret, header.service_code) == (ELSEWHERE, None)
    kept = msgspec.structs.replace(header, recipient_siret=samples.BODY, service_code=samples.SERVICE)
    assert kept == BACK.header
    assert [(c.field, c.before, c.after) for c in found.entry.changes] == [
        ("recipient_siret", samples.BODY, ELSEWHERE),
        ("service_code", samples.SERVICE, None),
    ]
    assert found.asks is not None
    assert (found.asks.attempt, found.asks.purpose, found.asks.invoice) == (2, "recycled", header)
    assert found.asks.submitted_at == BACK.submitted_at
    assert (found.invoice.status, found.invoice.attempt) == ("DEPOSEE", 2)
    assert found.ended is None  # nobody ever had it


def test_the_same_address_may_be_sent_again_once_the_directory_is_right() -> None:
    found = done(BACK, "recycle", "F")
    assert found.entry.changes == ()
    assert found.asks is not None
    assert found.asks.attempt == 2


def test_a_siret_with_spaces_on_the_invoice_is_the_same_body() -> None:
    spaced = msgspec.structs.replace(submitted(), invoice=samples.header(recipient="220 600 019 00016"))
    found = done(returned(at(spaced, routed())), "recycle", "F", fields={"service_code": "DRH"})
    assert (found.ended, found.invoice.held_by) == (None, samples.BODY)


def test_a_body_that_is_left_keeps_what_it_saw_and_is_told_in_the_event() -> None:
    back = returned()
    found = done(back, "recycle", "F", fields={"recipient_siret": ELSEWHERE})
    assert found.ended is not None
    assert (found.ended.structure, found.ended.until) == (samples.BODY, back.entries)
    told = status_changed(found)
    assert (told.previous_siret, told.previous_service_code) == (samples.BODY, samples.SERVICE)
    assert (told.recipient_name, told.tenant) == (None, None)
    assert status_changed(after(found.invoice, elsewhere())).previous_siret is None


def recycled(**fields: str) -> Life:
    """A life that a body has sent back and the supplier sends again, two hours after the first notice."""
    life = available().later(hours=2)
    life.do("return_for_recycling", comment=SAID)
    life.do("recycle", "F", fields=fields)
    return life


def test_another_structure_starts_the_delay_at_its_own_notification() -> None:
    life = recycled(recipient_siret=ELSEWHERE).later(days=3)
    found = life.take(elsewhere())
    assert life.invoice.delay is None
    assert found.party is not None
    assert (found.party.structure, found.party.since) == (ELSEWHERE, found.entry.number)
    life.take(accepted(2, at=life.now))  # of the body before: proves nothing any more
    assert life.invoice.delay is None
    life.take(accepted(found.entry.number, at=life.now + timedelta(minutes=1)))
    assert life.invoice.delay is not None
    assert life.invoice.delay.started_at == life.now + timedelta(minutes=1)


def test_another_structure_does_not_start_the_delay_anew_where_its_tenant_says_so() -> None:
    life = recycled(recipient_siret=ELSEWHERE).later(days=3)
    before = life.invoice.delay
    assert before is not None
    life.take(elsewhere(recycling_restarts_delay=False))
    assert life.invoice.delay == before


def test_in_the_same_structure_the_delay_runs_on_from_the_first_notification() -> None:
    life = recycled(service_code="TEST-VOIRIE").later(days=3)
    before = life.invoice.delay
    assert before is not None
    assert status_changed(life.applied[-1]).previous_siret is None
    found = life.take(routed(2, service="TEST-VOIRIE"))
    assert (found.ended, found.party) == (None, None)
    assert found.moved is not None
    assert (found.moved.structure, found.moved.service) == (samples.BODY, "TEST-VOIRIE")
    life.take(accepted(found.entry.number, at=life.now))
    assert life.invoice.delay == before


def test_an_invoice_that_comes_back_to_its_first_body_finds_the_delay_still_running() -> None:
    life = recycled(recipient_siret="99900002900010").later(days=3)
    before = life.invoice.delay
    life.take(unroutable(2))
    assert (life.invoice.status, life.invoice.held_by) == ("A_RECYCLER", None)
    home = life.do("recycle", "F", fields={"recipient_siret": samples.BODY})
    assert home.ended is None
    assert status_changed(home).previous_siret is None  # the wrong SIRET never had it
    assert life.take(routed(3)).party is not None
    assert before is not None
    assert life.invoice.delay == before


def test_an_answer_to_an_older_attempt_changes_nothing() -> None:
    recycled = done(returned(), "recycle", "F").invoice
    for stale in (routed(1), unroutable(1)):
        assert not isinstance(answer(recycled, event(stale, IDENTITY), LATER), Applied)
    redelivered = answer(recycled, event(submitted(), IDENTITY), LATER)
    assert type(redelivered).__name__ == "AlreadyApplied"


def test_a_transfer_is_the_body_s_own_business() -> None:
    found = done(AVAILABLE, "transfer", fields={"service_code": "TEST-VOIRIE"})
    assert found.entry.visibility == "body"
    assert (found.entry.kind, found.entry.status_to) == ("action", None)
    assert found.invoice.status == AVAILABLE.status
    assert found.asks is not None
    assert (found.asks.purpose, found.asks.invoice.service_code) == ("transferred", "TEST-VOIRIE")
    arrived = after(found.invoice, routed(2, service="TEST-VOIRIE"))
    assert (arrived.entry.kind, arrived.entry.visibility, arrived.entry.action) == ("action", "body", "transferred")
    assert arrived.moved is not None
    assert (arrived.invoice.service_code, arrived.invoice.status) == ("TEST-VOIRIE", AVAILABLE.status)
    assert arrived.invoice.header == AVAILABLE.header
    assert arrived.invoice.transfer_attempt is None


def test_a_transfer_to_nowhere_leaves_the_invoice_where_it_is() -> None:
    under_way = done(AVAILABLE, "transfer", fields={"service_code": "NOWHERE"}).invoice
    assert refused(under_way, "transfer", fields={"service_code": "DRH"}).why == "not_now"
    found = after(under_way, unroutable(2))
    assert (found.entry.action, found.entry.reasons) == ("transfer_refused", (samples.UNKNOWN_SERVICE,))
    assert (found.invoice.status, found.invoice.service_code) == (AVAILABLE.status, samples.SERVICE)
    assert found.moved is None


def test_a_transfer_names_another_service_and_nothing_else() -> None:
    same = refused(AVAILABLE, "transfer", fields={"service_code": "test-achats"})
    assert [fault.rule for fault in same.faults] == ["SAME_SERVICE"]
    assert [fault.rule for fault in refused(AVAILABLE, "transfer").faults] == ["MISSING"]
    away = refused(AVAILABLE, "transfer", fields={"service_code": "DRH", "recipient_siret": ELSEWHERE})
    assert [fault.field for fault in away.faults] == ["recipient_siret"]


def test_a_refusal_says_what_is_possible_instead_and_whose_turn_it_is() -> None:
    mine = refused(BACK, "return_for_recycling", "F")
    assert mine.why == "not_now"
    assert ([one.name for one in mine.possible], mine.turn) == (["recycle", "withdraw", "comment", "download"], "F")
    theirs = refused(AVAILABLE, "return_for_recycling", "F")
    assert theirs.why == "not_yours"
    assert "Structure publique destinataire" in theirs.message
    assert refused(AVAILABLE, "burn").why == "unknown"


def test_a_public_body_that_invoices_itself_acts_in_the_role_that_the_action_asks_for() -> None:
    assert done(BACK, "recycle", "F").entry.actor == "F"
    found = perform(AVAILABLE, Wanted(action="return_for_recycling", comment=SAID), ["F", "D"], "x", LATER)
    assert isinstance(found, Applied)
    assert found.entry.actor == "D"


def test_a_mail_that_a_relay_takes_meanwhile_is_no_new_version() -> None:
    assert (AVAILABLE.entries, AVAILABLE.version) == (3, 2)
    found = done(AVAILABLE, "transfer", fields={"service_code": "TEST-VOIRIE"}).invoice
    assert (found.entries, found.version) == (4, 4)
    assert after(found, accepted(2)).invoice.version == 4


def test_a_notice_given_up_after_recycling_is_history_and_no_more() -> None:
    life = recycled()
    before = life.invoice.delay
    life.take(failed(life.invoice.entries, "body"))
    assert before is not None
    assert life.invoice.delay == before
