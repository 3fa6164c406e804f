"""Which events somebody is told of, and what of them. Pure."""

import re
from typing import Final

import msgspec

from contracts.events import (
    DelayAtRisk,
    DepositRefused,
    DraftAged,
    DraftSaved,
    FlowFinished,
    Payload,
    SolicitationRecorded,
    StatusChanged,
)
from invoice import solicitations
from invoice.clock import VALIDATOR_DAYS
from services.notify.domain import Count, Facts, Told, paris_day
from services.notify.matrix import rules_of, side_of

#: What is written of each timer of the status service. One that is not here reminds nobody by mail.
REMINDERS: Final = {
    "validation_reminder": "VALIDATION_REMINDER",
    "general_account_tacit": "GENERAL_ACCOUNT_TACIT",
    "suspension_unanswered": "SUSPENSION_UNANSWERED",
    "status_unchanged": "STATUS_UNCHANGED",
    "payment_due_10": "DELAY_AT_RISK",
    "payment_due_5": "DELAY_AT_RISK",
    "payment_due_0": "DELAY_AT_RISK",
    "payment_late": "DELAY_PASSED",
}
#: In the order in which they are told.
OUTCOMES: Final = ("integrated", "to_verify", "rejected", "duplicate", "ignored")
#: From so many days on a draft is gathered with others instead of being reminded of alone.
FORGOTTEN_DAYS: Final = 30


def told(data: Payload) -> Told | None:
    """Whom the matrix tells of an event; None when nobody. ``contact`` is the supplier's, where the event has it."""
    match data:
        case StatusChanged() if data.previous_siret is not None:
            # Its tenant is not said: the one that the event may name is of whoever has the invoice now.
            found = Told(kind="RECYCLEE", facts=_of_departure(data), rules=rules_of("RECYCLEE"), entry=data.entry)
        case StatusChanged():
            found = _of_status(data)
        case DelayAtRisk():
            found = _of_timer(data)
        case DraftSaved(flow=str()) | DepositRefused(flow=str()):
            return None  # the end of the flow tells of all of them
        case DraftSaved():
            facts = Facts(at=data.saved_at, file_name=data.file_name, reasons=data.reasons)
            found = _of_deposit("DRAFT_SAVED", facts, data)
        case DepositRefused():
            facts = Facts(
                at=data.refused_at, number=data.invoice_number, file_name=data.file_name, reasons=data.reasons
            )
            found = _of_deposit("DEPOSIT_REFUSED", facts, data)
        case DraftAged():
            facts = Facts(at=data.aged_at, number=data.invoice_number, file_name=data.file_name, days=data.days)
            found = _of_deposit("DRAFT_AGED" if data.days < FORGOTTEN_DAYS else "DRAFT_FORGOTTEN", facts, data)
        case FlowFinished():
            found = _of_deposit(*_of_flow(data), data)
        case SolicitationRecorded():
            found = _of_solicitation(data)
        case _:
            return None
    return found if found.rules else None


def rank_of(status: str) -> int | None:
    """Which validator's turn a status tells of, from 0; None when it tells of none."""
    return {"1": 0, "2": 1}.get(re.sub(r"\D", "", status))


def _of_deposit(kind: str, facts: Facts, data: DraftSaved | DraftAged | DepositRefused | FlowFinished) -> Told:
    return Told(kind=kind, facts=facts, rules=rules_of(kind), contact=data.contact, depositor=data.depositor)


def _of_flow(data: FlowFinished) -> tuple[str, Facts]:
    """One message for a whole flow. Where something is refused it stands for the notices of each refused deposit, and
    is as mandatory as they are."""
    counts = tuple(Count(name, invoices) for name in OUTCOMES if (invoices := getattr(data.counts, name)))
    facts = Facts(at=data.finished_at, file_name=data.file_name, reasons=data.errors, counts=counts)
    if any(error.code == "FLOW_ALREADY_RECEIVED" for error in data.errors):
        return "FLOW_REPEATED", facts
    if data.state == "IN_REJETE":
        return "FLOW_REFUSED", facts
    return ("FLOW_PARTIAL" if data.counts.rejected or data.errors else "FLOW_FINISHED"), facts


def _of_status(data: StatusChanged) -> Told:
    rules = rules_of(data.status_to)
    if data.visibility == "body":
        rules = tuple(rule for rule in rules if side_of(rule.audience) == "body")
    return Told(
        kind=data.status_to,
        facts=msgspec.structs.replace(_of_invoice(data), reasons=data.reasons),
        rules=rules,
        entry=data.entry,
        tenant=data.tenant,
        validator=rank_of(data.status_to),
        asked=data.validator,
    )


def _of_timer(data: DelayAtRisk) -> Told:
    """A reminder goes to those whom both the timer and the matrix name."""
    kind = REMINDERS.get(data.timer, "")
    waited = (paris_day(data.at) - paris_day(data.since)).days
    days = waited
    if kind == "VALIDATION_REMINDER":
        days = max(0, VALIDATOR_DAYS - waited)
    elif kind == "DELAY_PASSED":
        days = -(data.days_left or 0)
    return Told(
        kind=kind,
        facts=msgspec.structs.replace(_of_invoice(data), days=days, due_on=data.due_on),
        rules=tuple(rule for rule in rules_of(kind) if rule.audience in data.audiences),
        entry=data.entry,
        tenant=data.tenant,
        validator=rank_of(data.status),
    )


#: What is written of each act on a sollicitation. Whoever closes his own question is told nothing.
_SOLICITED: Final = {
    "asked": "SOLICITATION_ASKED",
    "asked_again": "SOLICITATION_ASKED_AGAIN",
    "reminded": "SOLICITATION_REMINDER",
    "answered": "SOLICITATION_ANSWERED",
    "overdue": "SOLICITATION_LATE",
    "closed": "SOLICITATION_CLOSED",
}
#: Told of to whoever asked; everything else to whoever answers.
_TO_ASKER: Final = frozenset({"answered", "overdue", "closed"})


def _of_solicitation(data: SolicitationRecorded) -> Told:
    """To whoever asked, by his account; to a body or a supplier as of their invoices, and by account as well."""
    kind = _SOLICITED[data.act]
    audiences = {"person"} if data.act in _TO_ASKER else {"person", data.addressee}
    if not data.tell:
        audiences.discard("person")
    said = {
        "solicitation": data.solicitation,
        "reference": data.reference,
        "category": solicitations.label(data.category, data.subcategory),
        "category_en": solicitations.label(data.category, data.subcategory, "en"),
        **({"late": "1"} if data.due_at is not None and data.due_at <= data.at else {}),
    }
    facts = Facts(
        at=data.at,
        number=data.invoice_number,
        supplier_siret=data.supplier_siret,
        recipient_siret=data.recipient_siret,
        recipient_name=data.recipient_name,
        service_code=data.service_code,
        due_on=paris_day(data.due_at) if data.due_at else None,
        values=said,
    )
    rules = tuple(rule for rule in rules_of(kind) if rule.audience in audiences)
    return Told(kind=kind, facts=facts, rules=rules, tenant=data.tenant, people=data.tell)


def _of_invoice(data: StatusChanged | DelayAtRisk) -> Facts:
    return Facts(
        at=data.changed_at if isinstance(data, StatusChanged) else data.at,
        number=data.invoice_number,
        issue_date=data.issue_date,
        payable=data.payable,
        currency=data.currency,
        supplier_siret=data.supplier_siret,
        recipient_siret=data.recipient_siret,
        recipient_name=data.recipient_name,
        service_code=data.service_code,
        service_label=data.service_label,
    )


def _of_departure(data: StatusChanged) -> Facts:
    """What the body that the invoice has left is told: nothing of whom it is addressed to now."""
    return msgspec.structs.replace(
        _of_invoice(data),
        recipient_siret=data.previous_siret,
        recipient_name=None,
        service_code=data.previous_service_code,
        service_label=None,
    )
