"""What routing decides and publishes, as values: no database, no clock."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from contracts.envelope import NAMESPACE
from contracts.events import (
    EngagementPublished,
    InvoiceRouted,
    InvoiceSubmitted,
    InvoiceUnroutable,
    RoutingRequested,
    ServicePublished,
    StructurePublished,
    TenantPublished,
)
from invoice.addressing import Address, Around, Decision, decide
from invoice.directory import Engagement, Entry, Service, Structure, Tenant
from invoice.findings import refusals
from invoice.hints import display_name
from invoice.identifiers import normalise, normalise_code
from invoice.sandbox import crossed, is_sandbox

#: What asks for a decision: the deposit for the first attempt, status for every later one.
Asked = InvoiceSubmitted | RoutingRequested
Published = TenantPublished | StructurePublished | ServicePublished | EngagementPublished

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
        case Engagement():
            return f"engagement:{entry.siret}/{normalise_code(entry.number)}"


def partition_key(entry: Entry) -> str:
    """A structure and its services share a partition, so that replicas get them in order."""
    return entry.id if isinstance(entry, Tenant) else entry.siret


def published(entry: Entry, version: int, by: str, at: datetime, *, deleted: bool = False) -> Published:
    """The event that says an entry's latest version. ``deleted``: it is gone, and ``entry`` only names it."""
    match entry:
        case Tenant():
            return TenantPublished(version=version, tenant=entry, changed_by=by, changed_at=at, deleted=deleted)
        case Structure():
            return StructurePublished(version=version, structure=entry, changed_by=by, changed_at=at, deleted=deleted)
        case Service():
            return ServicePublished(version=version, service=entry, changed_by=by, changed_at=at, deleted=deleted)
        case Engagement():
            return EngagementPublished(version=version, engagement=entry, changed_by=by, changed_at=at, deleted=deleted)


def cause_id(entry: Entry, version: int) -> UUID:
    """What makes a published event: this version of this entry, so that its event has one id for ever."""
    return uuid5(NAMESPACE, f"{entry_key(entry)}/{version}")


class FieldChange(msgspec.Struct, frozen=True):
    """A field that differs, with what it holds and what it would hold."""

    field: str
    before: Any
    after: Any


def differences(before: Entry | None, after: Entry) -> tuple[FieldChange, ...]:
    """What changes in an entry, field by field; of a new entry, every field that says something."""
    old: dict[str, Any] = {} if before is None else msgspec.to_builtins(before)
    new: dict[str, Any] = msgspec.to_builtins(after)
    names = dict.fromkeys((*old, *new))
    return tuple(FieldChange(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))


class Body(msgspec.Struct, frozen=True):
    """A structure of the directory with what belongs to it; services by their normalised code."""

    structure: Structure
    tenant: Tenant
    services: Mapping[str, Service]


Bodies = Mapping[str, Body | None]


def sirets_of(asked: Asked) -> tuple[str, str]:
    """Recipient and supplier, as the directory spells SIRETs."""
    return normalise(asked.invoice.recipient_siret), normalise(asked.invoice.supplier_siret)


def asked_on(asked: Asked) -> date:
    """The legal day whose rules apply: that of the deposit, or of the request for another attempt."""
    return paris_day(asked.requested_at if isinstance(asked, RoutingRequested) else asked.submitted_at)


def purpose_of(asked: Asked) -> str:
    """Why a decision is asked for: ``submitted``, ``recycled`` or ``transferred``."""
    return asked.purpose if isinstance(asked, RoutingRequested) else "submitted"


class Routing(msgspec.Struct, frozen=True):
    """A decision with the legal day and the version of the directory it holds for.

    ``restarts_delay``: the policy of the recipient's tenant on recycling (decisions.md 2).
    """

    decision: Decision
    tenant: str | None
    on: date
    directory_version: int
    restarts_delay: bool = True


def address_of(asked: Asked, bodies: Bodies) -> Address:
    """What the rules look at. ``bodies`` says whether the supplier is a public structure itself."""
    _, supplier = sirets_of(asked)
    return Address.of(asked.invoice, supplier_is_public=bodies.get(supplier) is not None)


def route(asked: Asked, bodies: Bodies, directory_version: int, around: Around | None = None) -> Routing:
    """Decide who receives an invoice, for the Paris day on which it is asked (:func:`asked_on`).

    ``bodies`` holds both SIRETs of :func:`sirets_of`. A supplier that is itself a structure of the directory may use
    the service reserved for invoices between public structures.
    """
    recipient, _ = sirets_of(asked)
    on = asked_on(asked)
    address = address_of(asked, bodies)
    body = bodies.get(recipient)
    decision = (
        decide(address, None, {}, on, around=around)
        if body is None
        else decide(address, body.structure, body.services, on, tenant=body.tenant, around=around)
    )
    if purpose_of(asked) == "transferred":
        decision = _within_the_body(decision)
    tenant = decision.structure.tenant if decision.structure is not None else None
    restarts = body is None or body.tenant.policies.recycling_restarts_delay
    return Routing(decision, tenant, on, directory_version, restarts)


def in_its_world(routing: Routing, tenant: str | None) -> Routing:
    """A trial stays in the sandbox, and what is real out of it. ``tenant``: whose the invoice has been so far."""
    if routing.tenant is None or is_sandbox(routing.tenant) == is_sandbox(tenant):
        return routing
    structure = routing.decision.structure
    found = crossed("" if structure is None else structure.siret)
    decision = msgspec.structs.replace(
        routing.decision, outcome="unroutable", findings=(*routing.decision.findings, found)
    )
    return msgspec.structs.replace(routing, decision=decision, tenant=None)


def _within_the_body(decision: Decision) -> Decision:
    """A body hands over what it has already: only the service can be wrong, whatever it refuses from a supplier."""
    in_the_way = [f for f in refusals(decision.findings) if f.field in (None, "service_code", "recipient_siret")]
    if in_the_way or decision.structure is None:
        return decision
    return msgspec.structs.replace(decision, outcome="routed")


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
        recycling_restarts_delay=routing.restarts_delay,
    )


def search_text(text: str) -> str:
    """Text as the name search compares it: lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
