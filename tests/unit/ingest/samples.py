"""Deposits, readings and directory entries for the tests of ingest."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.envelope import Event, event_id
from contracts.events import (
    ClaimCheck,
    DocumentRead,
    Payload,
    ReadField,
    ServicePublished,
    StructurePublished,
    TenantPublished,
)
from invoice.directory import Parameters, Service, Structure, Tenant
from services.ingest.domain import Deposit, State

SUPPLIER = "73282932000074"
OTHER_SUPPLIER = "55208131766522"
RECIPIENT = "20002983300015"
STRICT_RECIPIENT = "22060001900016"
SENT = datetime(2025, 11, 5, 9, 30, tzinfo=UTC)
VALUES: Mapping[str, str] = {
    "invoice_number": "F2025-001",
    "issue_date": "2025-11-03",
    "supplier_siret": SUPPLIER,
    "recipient_siret": RECIPIENT,
    "total_excl_tax": "100.00",
    "tax": "20.00",
    "total_incl_tax": "120.00",
    "payable": "120.00",
}
TENANT = Tenant(id="cd06", name="Département des Alpes-Maritimes")
STRUCTURE = Structure(siret=RECIPIENT, name="Syndicat mixte", tenant="cd06", kind="budget_principal")
STRICT = Structure(
    siret=STRICT_RECIPIENT,
    name="Budget principal",
    tenant="cd06",
    kind="budget_principal",
    parameters=Parameters(service_required=True),
)
SERVICE = Service(siret=STRICT_RECIPIENT, code="DRH", label="Direction des ressources humaines")


def pdf(mark: str = "one") -> bytes:
    """Bytes that pass for a PDF at the door; what is inside is the reader's business."""
    return b"%PDF-1.7\n%" + mark.encode() + b"\n%%EOF\n"


def xml(mark: str = "one") -> bytes:
    """Bytes that pass for an XML document at the door."""
    return f"<?xml version='1.0'?><Invoice><!-- {mark} --></Invoice>".encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fields(*, unsure: tuple[str, ...] = (), without: tuple[str, ...] = (), **values: str) -> tuple[ReadField, ...]:
    """What the reader found: a plain, correct invoice unless told otherwise."""
    return tuple(
        ReadField(
            name=name,
            value=value,
            confidence="unsure" if name in unsure else "sure",
            page=1,
            box=(10.0, 20.0, 110.0, 32.0),
            keyword=name,
            raw=value,
        )
        for name, value in {**VALUES, **values}.items()
        if name not in without
    )


def read(content: bytes, found: tuple[ReadField, ...] | None = None, **more: Any) -> DocumentRead:
    """The reading of a document."""
    return DocumentRead(
        sha256=sha256(content), pages=1, fields=fields() if found is None else found, reader="test-1", **more
    )


def event(subject: str, data: Payload, *, cause: UUID | None = None, time: datetime = SENT) -> Event:
    """An event as a consumer gets it."""
    return Event(
        id=event_id(cause or uuid4(), data.TYPE), type=data.TYPE, source="/test", subject=subject, time=time, data=data
    )


def deposit(content: bytes = b"%PDF-", **more: Any) -> Deposit:
    """A deposit that waits for its reading."""
    claim = ClaimCheck(bucket="b", key="k", sha256=sha256(content), size=len(content), media_type="application/pdf")
    given: dict[str, Any] = {
        "id": uuid4(),
        "state": State.RECEIVED,
        "depositor": "supplier-1",
        "contact": "compta@fournisseur.example",
        "structures": (SUPPLIER,),
        "file_name": "facture.pdf",
        "received_at": SENT,
        "document": claim,
        **more,
    }
    return Deposit(**given)


def tenant_published(version: int = 1, tenant: Tenant = TENANT, *, deleted: bool = False) -> TenantPublished:
    return TenantPublished(version=version, tenant=tenant, changed_by="t", changed_at=SENT, deleted=deleted)


def structure_published(
    version: int = 1, structure: Structure = STRUCTURE, *, deleted: bool = False
) -> StructurePublished:
    return StructurePublished(version=version, structure=structure, changed_by="t", changed_at=SENT, deleted=deleted)


def service_published(version: int = 1, service: Service = SERVICE, *, deleted: bool = False) -> ServicePublished:
    return ServicePublished(version=version, service=service, changed_by="t", changed_at=SENT, deleted=deleted)


def directory_events() -> list[Event]:
    """A small directory: a tenant, a structure that demands nothing, one that demands a service, and that service."""
    return [
        event("cd06", tenant_published()),
        event(RECIPIENT, structure_published()),
        event(STRICT_RECIPIENT, structure_published(structure=STRICT)),
        event(f"{STRICT_RECIPIENT}/DRH", service_published()),
    ]
