"""What routing decides and publishes, as values: no database, no clock."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from contracts.envelope import NAMESPACE
from contracts.events import (
    InvoiceRouted,
    InvoiceSubmitted,
    InvoiceUnroutable,
    ServicePublished,
    StructurePublished,
    TenantPublished,
)
from invoice.addressing import Address, Decision, decide
from invoice.directory import Service, Structure, Tenant
from invoice.hints import display_name
from invoice.identifiers import normalise, normalise_code

Entry = Tenant | Structure | Service
Published = TenantPublished | StructurePublished | ServicePublished

_PARIS = ZoneInfo("Europe/Paris")


def paris_day(instant: datetime) -> date:
    """The legal day of an instant."""
    return instant.astimezone(_PARIS).date()


def entry_key(entry: Entry) -> str:
    """The key on the compacted topic: ``tenant:cd06``, ``structure:<siret>``, ``service:<siret>/<normalised code>``."""
    match entry:
        case Tenant():
            return f"tenant:{entry.id}"
        case Structure():
            return f"structure:{entry.siret}"
        case Service():
            return f"service:{entry.siret}/{normalise_code(entry.code)}"


def partition_key(entry: Entry) -> str:
    """A structure and its services share a partition, so that replicas get them in order."""
    return entry.id if isinstance(entry, Tenant) else entry.siret


def published(entry: Entry, version: int, by: str, at: datetime) -> Published:
    """The event that says an entry's latest version."""
    match entry:
        case Tenant():
            return TenantPublished(version=version, tenant=entry, changed_by=by, changed_at=at)
        case Structure():
            return StructurePublished(version=version, structure=entry, changed_by=by, changed_at=at)
        case Service():
            return ServicePublished(version=version, service=entry, changed_by=by, changed_at=at)


def cause_id(entry: Entry, version: int) -> UUID:
    """What makes a published event: this version of this entry, so that its event has one id for ever."""
    return uuid5(NAMESPACE, f"{entry_key(entry)}/{version}")


class Changes(msgspec.Struct, frozen=True):
    """What an import does: entries that are new, entries that differ, and how many are as they were."""

    added: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    unchanged: int


def compare(current: Mapping[str, Entry], wanted: Iterable[Entry]) -> Changes:
    """The difference between the directory in force, by :func:`entry_key`, and the wanted entries.

    An entry that is not wanted stays as it is: a file says what it knows, and closing an entry is said with
    ``active: false``.
    """
    added: list[Entry] = []
    changed: list[Entry] = []
    unchanged = 0
    for entry in wanted:
        known = current.get(entry_key(entry))
        if known is None:
            added.append(entry)
        elif known != entry:
            changed.append(entry)
        else:
            unchanged += 1
    return Changes(tuple(added), tuple(changed), unchanged)


class Body(msgspec.Struct, frozen=True):
    """A structure of the directory with what belongs to it; services by their normalised code."""

    structure: Structure
    tenant: Tenant
    services: Mapping[str, Service]


Bodies = Mapping[str, Body | None]


def sirets_of(submitted: InvoiceSubmitted) -> tuple[str, str]:
    """Recipient and supplier, as the directory spells SIRETs."""
    return normalise(submitted.invoice.recipient_siret), normalise(submitted.invoice.supplier_siret)


class Routing(msgspec.Struct, frozen=True):
    """A decision with the legal day and the version of the directory it holds for."""

    decision: Decision
    tenant: str | None
    on: date
    directory_version: int


def route(submitted: InvoiceSubmitted, bodies: Bodies, directory_version: int) -> Routing:
    """Decide who receives an invoice, for the Paris day of its submission.

    ``bodies`` holds both SIRETs of :func:`sirets_of`. A supplier that is itself a structure of the directory may use
    the service reserved for invoices between public structures.
    """
    recipient, supplier = sirets_of(submitted)
    on = paris_day(submitted.submitted_at)
    address = Address.of(submitted.invoice, supplier_is_public=bodies.get(supplier) is not None)
    body = bodies.get(recipient)
    decision = (
        decide(address, None, {}, on)
        if body is None
        else decide(address, body.structure, body.services, on, tenant=body.tenant)
    )
    tenant = decision.structure.tenant if decision.structure is not None else None
    return Routing(decision, tenant, on, directory_version)


def outcome_event(routing: Routing, attempt: int, at: datetime) -> InvoiceRouted | InvoiceUnroutable:
    """The event that tells a decision. ``at`` is an instant in UTC."""
    decision, structure = routing.decision, routing.decision.structure
    at = at.astimezone(UTC)
    if decision.outcome == "unroutable" or structure is None:
        return InvoiceUnroutable(
            attempt=attempt,
            findings=decision.findings,
            directory_version=routing.directory_version,
            decided_at=at,
            tenant=routing.tenant,
        )
    return InvoiceRouted(
        attempt=attempt,
        tenant=structure.tenant,
        structure_siret=structure.siret,
        structure_name=display_name(structure),
        findings=decision.findings,
        directory_version=routing.directory_version,
        decided_at=at,
        service_code=decision.service_code,
        service_label=decision.service.label if decision.service is not None else None,
    )


def search_text(text: str) -> str:
    """Text as the name search compares it: lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
