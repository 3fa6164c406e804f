"""Sollicitations in an invoice's story."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.envelope import Event
from contracts.events import SolicitationRecorded
from services.status.domain import answer, concerns_invoice
from services.status.model import Applied
from services.status.solicited import LABELS
from services.status.words import action_label
from tests.unit.status import samples
from tests.unit.status.samples import NOON

INVOICE = "0190e8a0-0000-7000-8000-000000000042"
_GIVEN: dict[str, Any] = {
    "solicitation": "0190e8a0-0000-7000-8000-000000000077",
    "reference": "S-0000042",
    "entry": 1,
    "act": "asked",
    "at": NOON,
    "category": "FACTURES_EMISES",
    "subcategory": "RETARD_PAIEMENT",
    "addressee": "body",
    "asker": "supplier",
    "by": "asker",
    "author": "person:x",
    "invoice": INVOICE,
}


def event(data: Any) -> Event:
    return Event(
        id=uuid4(),
        type=data.TYPE,
        source="/chorale/portal",
        subject=INVOICE,
        time=NOON,
        data=data,
        tenant=None,
        traceparent=None,
    )


def told(**changes: Any) -> Applied:
    first = answer(None, event(samples.submitted()), NOON)
    assert isinstance(first, Applied)
    found = answer(first.last, event(SolicitationRecorded(**{**_GIVEN, **changes})), NOON + timedelta(days=1))
    assert isinstance(found, Applied)
    assert found.entry.number == first.last.entries + 1
    assert found.invoice.version == first.last.version, "nobody's action is refused because somebody has asked"
    assert found.invoice.status == first.last.status
    return found


def test_a_question_and_its_answer_stand_in_the_story() -> None:
    asked, answered = told().entry, told(act="answered", by="addressee").entry
    assert (asked.kind, asked.actor, asked.visibility) == ("solicitation", "F", "all")
    assert (answered.actor, action_label(answered.action or "")) == ("D", "Réponse de l'organisme")
    assert asked.value("solicitation") == str(UUID(_GIVEN["solicitation"]))
    assert asked.comment is None


def test_what_a_body_asks_support_is_not_shown_to_the_supplier() -> None:
    assert told(asker="body", addressee="support").entry.visibility == "body"
    assert told(addressee="support").entry.visibility == "all"


def test_reminders_and_questions_about_nothing_are_no_story() -> None:
    assert not concerns_invoice(SolicitationRecorded(**{**_GIVEN, "act": "reminded"}))
    assert not concerns_invoice(SolicitationRecorded(**{**_GIVEN, "invoice": None}))


def test_every_act_has_words() -> None:
    for act in ("asked", "asked_again", "answered", "overdue", "closed"):
        for addressee in ("support", "body", "supplier"):
            assert f"solicitation_{act}_{addressee}" in LABELS
