"""Events about one invoice, as the other services write them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID, uuid4

from contracts.envelope import Event, encode
from contracts.envelope import headers as event_headers
from contracts.events import (
    ClaimCheck,
    InvoiceRouted,
    InvoiceSubmitted,
    InvoiceUnroutable,
    NotificationAccepted,
    NotificationFailed,
    Payload,
)
from contracts.registry import TOPIC_OF
from invoice.findings import Finding
from invoice.model import InvoiceHeader
from services.common.record import Record

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SUPPLIER = "73282932000074"
BODY = "22060001900016"
TENANT = "cd06"
SERVICE = "TEST-ACHATS"
UNKNOWN_SERVICE = Finding(
    code="SERVICE_UNKNOWN",
    level="refuse",
    field="service_code",
    value="NOWHERE",
    message="« NOWHERE » n'est pas un code service de Département (22060001900016).",
    action="Corrigez le code d'après le bon de commande.",
)
FINE = Finding(code="DEST_KNOWN", level="ok", message="Le SIRET est connu.")


def header(number: str = "F-2026-001", supplier: str = SUPPLIER, recipient: str = BODY) -> InvoiceHeader:
    """A header whose sums agree."""
    return InvoiceHeader(
        invoice_number=number,
        issue_date=date(2026, 3, 1),
        supplier_siret=supplier,
        recipient_siret=recipient,
        total_excl_tax=Decimal("100.00"),
        tax=Decimal("20.00"),
        total_incl_tax=Decimal("120.00"),
        payable=Decimal("120.00"),
        service_code=SERVICE,
    )


def submitted(number: str = "F-2026-001", supplier: str = SUPPLIER, *, attempt: int = 1) -> InvoiceSubmitted:
    """An accepted deposit."""
    return InvoiceSubmitted(
        invoice=header(number, supplier),
        document=ClaimCheck(bucket="b", key="k", sha256="0" * 64, size=1, media_type="application/pdf"),
        depositor="user-1",
        contact="compta@fournisseur.example",
        file_name="facture.pdf",
        submitted_at=NOON,
        attempt=attempt,
    )


def routed(attempt: int = 1, *, tenant: str = TENANT, service: str | None = SERVICE) -> InvoiceRouted:
    """Routing found the recipient."""
    return InvoiceRouted(
        attempt=attempt,
        tenant=tenant,
        structure_siret=BODY,
        structure_name="Département des Alpes-Maritimes",
        service_code=service,
        service_label="Service des achats",
        findings=(FINE,),
        directory_version=1,
        decided_at=NOON,
    )


def unroutable(attempt: int = 1, findings: tuple[Finding, ...] = (FINE, UNKNOWN_SERVICE)) -> InvoiceUnroutable:
    """Routing found nobody."""
    return InvoiceUnroutable(attempt=attempt, findings=findings, directory_version=1, decided_at=NOON)


def accepted(
    entry: int | None = 2, audience: Literal["supplier", "body"] = "body", at: datetime = NOON + timedelta(minutes=1)
) -> NotificationAccepted:
    """A relay took a notice."""
    return NotificationAccepted(
        message=str(uuid4()), kind="MISE_A_DISPOSITION", audience=audience, accepted_at=at, entry=entry
    )


def failed(entry: int | None = 2, audience: Literal["supplier", "body"] = "supplier") -> NotificationFailed:
    """A notice was given up."""
    return NotificationFailed(
        message=str(uuid4()),
        kind="MISE_A_DISPOSITION",
        audience=audience,
        failed_at=NOON + timedelta(minutes=2),
        cause="permanent",
        entry=entry,
    )


def event(data: Payload, invoice: UUID | str, identity: UUID | None = None) -> Event:
    """The event as its writer sends it."""
    topic = TOPIC_OF[type(data)]
    return Event(
        id=identity or uuid4(),
        type=data.TYPE,
        source=f"/chorale/{topic.writer}",
        subject=str(invoice),
        time=NOON,
        data=data,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def record(sent: Event) -> Record:
    """The event as the broker hands it over."""
    return Record(
        topic=TOPIC_OF[type(sent.data)].name,
        partition=0,
        offset=0,
        key=sent.subject.encode(),
        headers=event_headers(sent),
        value=encode(sent.data),
    )
