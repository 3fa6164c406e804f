"""The five hops of the plumbing benchmark: real topics and events, handlers that only keep state."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from contracts.envelope import Event
from contracts.events import (
    ClaimCheck,
    DocumentRead,
    DocumentReceived,
    InvoiceRouted,
    InvoiceSubmitted,
    NotificationAccepted,
    Payload,
    ReadField,
    StatusChanged,
)
from contracts.registry import ServiceName
from invoice.findings import Finding
from invoice.model import InvoiceHeader
from services.common.deliver import Handler, Tx

DAY = date(2026, 11, 22)
INSTANT = datetime(2026, 11, 22, 8, tzinfo=UTC)
DOCUMENT = ClaimCheck(bucket="bench", key="a" * 60, sha256="0" * 64, size=100_000, media_type="application/pdf")
FIELDS = tuple(
    ReadField(
        name=name, value="1234.56", confidence="sure", page=1, box=(100.5, 200.5, 160.5, 212.5), keyword="k", raw="r"
    )
    for name in ("invoice_number", "issue_date", "supplier_siret", "recipient_siret", "total_excl_tax", "tax")
)
HEADER = InvoiceHeader(
    invoice_number="B-2026-0001",
    issue_date=DAY,
    supplier_siret="10000000900015",
    recipient_siret="22060001900016",
    total_excl_tax=Decimal("100.00"),
    tax=Decimal("20.00"),
    total_incl_tax=Decimal("120.00"),
    payable=Decimal("120.00"),
    service_code="DRH",
)
FINDINGS = tuple(
    Finding(code=f"RULE_{n}", level="ok", message="La règle est respectée pour cette facture.") for n in range(6)
)


def received(_: Payload | None = None) -> Payload:
    """What the feeder sends."""
    return DocumentReceived(document=DOCUMENT, depositor="bench", received_at=INSTANT)


def _read(_: Payload) -> Payload:
    return DocumentRead(sha256="0" * 64, pages=1, fields=FIELDS, reader="bench")


def _submitted(_: Payload) -> Payload:
    return InvoiceSubmitted(
        invoice=HEADER,
        document=DOCUMENT,
        depositor="bench",
        contact="bench@supplier.example",
        file_name="facture.pdf",
        submitted_at=INSTANT,
    )


def _routed(_: Payload) -> Payload:
    return InvoiceRouted(
        attempt=1,
        tenant="cd06",
        structure_siret="22060001900016",
        structure_name="Budget Principal",
        findings=FINDINGS,
        directory_version=1,
        decided_at=INSTANT,
        service_code="DRH",
        service_label="Direction des ressources humaines",
    )


def _changed(_: Payload) -> Payload:
    return StatusChanged(
        entry=2,
        status_from="DEPOSEE",
        status_to="MISE_A_DISPOSITION",
        actor="S",
        visibility="all",
        changed_at=INSTANT,
        invoice_number="B-2026-0001",
        issue_date=DAY,
        supplier_siret="10000000900015",
        recipient_siret="22060001900016",
        payable=Decimal("120.00"),
        currency="EUR",
    )


def _accepted(_: Payload) -> Payload:
    return NotificationAccepted(message="m", kind="mise_a_disposition", audience="body", accepted_at=INSTANT)


#: service, the topic it takes from, the event it emits
HOPS: tuple[tuple[ServiceName, str, Callable[[Payload], Payload]], ...] = (
    ("ocr", "chorale.document.v1", _read),
    ("ingest", "chorale.reading.v1", _submitted),
    ("routing", "chorale.deposit.v1", _routed),
    ("status", "chorale.routing.v1", _changed),
    ("notify", "chorale.lifecycle.v1", _accepted),
)
FIRST, LAST = "chorale.document.v1", "chorale.notification.v1"


def keep_state(make: Callable[[Payload], Payload]) -> Handler:
    """A handler that upserts one row per invoice and emits the next event."""

    async def handle(tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        await tx.conn.execute(
            "insert into bench_state (invoice, step) select unnest($1::uuid[]), $2"
            " on conflict (invoice) do update set step = excluded.step, seen = now()",
            sorted({event.subject for event in events}),
            events[0].type,
        )
        for event in events:
            tx.emit(make(event.data), key=event.subject, cause=event)
        return ()

    return handle
