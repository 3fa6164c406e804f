"""Events that somebody is told of."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.events import (
    DelayAtRisk,
    DepositRefused,
    DraftAged,
    DraftSaved,
    FlowCounts,
    FlowFinished,
    StatusChanged,
)
from invoice.findings import Finding

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SUPPLIER = "99900001100018"
BODY = "22060001900016"
CONTACT = "compta@fournisseur.example"
REASON = Finding(
    code="SERVICE_UNKNOWN",
    level="refuse",
    message="« NOWHERE » n'est pas un code service.",
    action="Corrigez le code d'après le bon de commande.",
)


def changed(status: str = "MISE_A_DISPOSITION", entry: int = 2, **changes: Any) -> StatusChanged:
    """A status entry."""
    data: dict[str, Any] = {
        "entry": entry,
        "status_from": "DEPOSEE",
        "status_to": status,
        "actor": "S",
        "visibility": "all",
        "changed_at": NOON,
        "invoice_number": "F-2026-001",
        "issue_date": date(2026, 3, 1),
        "supplier_siret": SUPPLIER,
        "recipient_siret": BODY,
        "payable": Decimal("1234.50"),
        "currency": "EUR",
        "recipient_name": "Département des Alpes-Maritimes",
        "service_code": "TEST-ACHATS",
        "service_label": "Service des achats",
        "tenant": "cd06",
    }
    return StatusChanged(**{**data, **changes})


def reminded(timer: str, audiences: tuple[str, ...], **changes: Any) -> DelayAtRisk:
    """A timer that fired ten days after the invoice had entered its status, three days after its last day to pay."""
    data: dict[str, Any] = {
        "timer": timer,
        "audiences": audiences,
        "entry": 2,
        "status": "A_VALIDER_1",
        "since": NOON,
        "at": NOON + timedelta(days=10),
        "due_on": date(2026, 3, 9),
        "days_left": -3,
        "invoice_number": "F-2026-001",
        "issue_date": date(2026, 3, 1),
        "supplier_siret": SUPPLIER,
        "recipient_siret": BODY,
        "payable": Decimal("1234.50"),
        "currency": "EUR",
        "recipient_name": "Département des Alpes-Maritimes",
        "tenant": "cd06",
    }
    return DelayAtRisk(**{**data, **changes})


def draft(**changes: Any) -> DraftSaved:
    """A deposit that waits for a person."""
    data: dict[str, Any] = {
        "depositor": "user-1",
        "contact": CONTACT,
        "file_name": "facture.pdf",
        "version": 1,
        "reasons": (REASON,),
        "saved_at": NOON,
    }
    return DraftSaved(**{**data, **changes})


def refused(**changes: Any) -> DepositRefused:
    """A deposit refused at entry."""
    data: dict[str, Any] = {
        "depositor": "user-1",
        "contact": CONTACT,
        "file_name": "facture.pdf",
        "reasons": (REASON, REASON),
        "refused_at": NOON,
        "invoice_number": "F-2026-001",
    }
    return DepositRefused(**{**data, **changes})


def aged(days: int) -> DraftAged:
    """A draft that still waits."""
    made = NOON - timedelta(days=days)
    return DraftAged(
        depositor="user-1",
        contact=CONTACT,
        file_name="facture.pdf",
        days=days,
        version=2,
        made_at=made,
        aged_at=NOON,
        invoice_number="F-2026-001",
    )


def flow(state: str = "IN_INTEGRE", errors: tuple[Finding, ...] = (), **counts: int) -> FlowFinished:
    """A flow at its end."""
    return FlowFinished(
        depositor="edi-1",
        contact=CONTACT,
        file_name="mars.zip",
        state=state,  # type: ignore[arg-type]
        counts=FlowCounts(**counts),
        received_at=NOON,
        finished_at=NOON,
        errors=errors,
    )
