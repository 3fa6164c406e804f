"""A small directory and invoices for it. The SIRETs pass the check; 999… belong to nobody."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from contracts.events import ClaimCheck, InvoiceSubmitted
from invoice.addressing import index_services
from invoice.directory import Parameters, Service, Structure, Tenant
from invoice.directory_file import DirectoryFile
from invoice.model import InvoiceHeader
from services.routing.domain import Bodies, Body

TOWN = "22060001900016"
SCHOOL = "22310001700423"
SUPPLIER = "99900001100018"
UNKNOWN = "99900002900010"

TENANT = Tenant(id="cd99", name="Département d'essai")
STRUCTURE = Structure(
    siret=TOWN,
    name="Budget Principal",
    group="Département d'essai",
    tenant="cd99",
    kind="budget",
    parameters=Parameters(service_required=True),
)
OTHER = Structure(siret=SCHOOL, name="Régie des écoles", tenant="cd99", kind="regie")
SERVICES = (
    Service(siret=TOWN, code="DRH", label="Ressources humaines"),
    Service(siret=TOWN, code="Voirie 2", label="Voirie", valid_to=date(2026, 6, 30)),
    Service(siret=TOWN, code="FERME", label="Service fermé", active=False),
)
FILE = DirectoryFile(tenants=(TENANT,), structures=(STRUCTURE, OTHER), services=SERVICES)
BODIES: Bodies = {
    TOWN: Body(STRUCTURE, TENANT, index_services(SERVICES)),
    SCHOOL: Body(OTHER, TENANT, {}),
    SUPPLIER: None,
    UNKNOWN: None,
}


def submitted(**changes: Any) -> InvoiceSubmitted:
    """An invoice to the Budget Principal, service DRH. ``changes``: fields of the header or of the event."""
    header: dict[str, Any] = {
        "invoice_number": "F-1",
        "issue_date": date(2026, 5, 4),
        "supplier_siret": SUPPLIER,
        "recipient_siret": TOWN,
        "total_excl_tax": Decimal("100.00"),
        "tax": Decimal("20.00"),
        "total_incl_tax": Decimal("120.00"),
        "payable": Decimal("120.00"),
        "service_code": "DRH",
    }
    data: dict[str, Any] = {
        "document": ClaimCheck(bucket="b", key="k", sha256="0" * 64, size=1, media_type="application/pdf"),
        "depositor": "supplier-1",
        "contact": "contact@supplier.example",
        "file_name": "f.pdf",
        "submitted_at": datetime(2026, 5, 4, 10, 0, tzinfo=UTC),
    }
    for name, value in changes.items():
        (data if name in InvoiceSubmitted.__struct_fields__ else header)[name] = value
    return InvoiceSubmitted(invoice=InvoiceHeader(**header), **data)
