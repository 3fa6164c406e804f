"""Lives of invoices as events, and what they come to, reckoned apart from the service that counts them."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID, uuid5

import msgspec

from contracts.envelope import Event
from contracts.events import (
    DocumentRead,
    DocumentReceived,
    DraftSaved,
    InvoiceRouted,
    InvoiceSubmitted,
    NotificationAccepted,
    Payload,
    StatusChanged,
)

EXAMPLES = Path(__file__).resolve().parents[1] / "contracts" / "examples"
TENANTS = ("ville", "departement")
NAMESPACE = UUID("0d5f3f0e-54b6-4b0e-8c3a-1f7f4a3f7c55")
P = TypeVar("P", bound=Payload)


def example(kind: type[P], name: str = "full", /, **changes: Any) -> P:
    """A golden payload with other values."""
    found = msgspec.json.decode((EXAMPLES / kind.TYPE / f"{name}.json").read_bytes(), type=kind, strict=False)
    return msgspec.structs.replace(found, **changes)


class Told(msgspec.Struct):
    """What lives come to: events by tenant and stage, durations by tenant and measure, fields by tenant and outcome."""

    stages: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    times: dict[tuple[str, str], list[float]] = msgspec.field(default_factory=dict)
    fields: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)

    def stage(self, tenant: str, *stages: str) -> None:
        """These stages of one invoice of a tenant."""
        for stage in stages:
            self.stages["*", stage] += 1
            self.stages[tenant, stage] += 1

    def time(self, tenant: str, measure: str, seconds: float) -> None:
        """One duration of an invoice of a tenant."""
        for owner in ("*", tenant):
            self.times.setdefault((owner, measure), []).append(seconds)

    def outcome(self, tenant: str, outcome: str, count: int) -> None:
        """So many fields of an invoice of a tenant."""
        self.fields["*", outcome] += count
        self.fields[tenant, outcome] += count


HEADER = msgspec.structs.replace(
    example(InvoiceSubmitted, "minimal").invoice,
    total_excl_tax=Decimal("100.00"),
    tax=Decimal("20.00"),
    total_incl_tax=Decimal("120.00"),
    payable=Decimal("120.00"),
    service_code="ACHATS",
    engagement=None,
    contract=None,
)


class Life:
    """One invoice of a tenant, event by event."""

    def __init__(self, invoice: str, tenant: str) -> None:
        self.tenant = tenant
        self.events: list[Event] = []
        self._invoice = invoice

    def happens(self, data: Payload, when: datetime, tenant: str | None = None) -> None:
        """One event more; ``tenant``: what its envelope says."""
        self.events.append(
            Event(
                id=uuid5(NAMESPACE, f"{self._invoice}/{len(self.events)}"),
                type=data.TYPE,
                source="/chorale/test",
                subject=self._invoice,
                time=when,
                data=data,
                tenant=tenant,
            )
        )

    def enters(self, before: str | None, after: str, when: datetime, tenant: str | None) -> None:
        """The invoice enters a status."""
        told = example(StatusChanged, "minimal", status_to=after, changed_at=when, tenant=tenant)
        self.happens(msgspec.structs.replace(told, status_from=before), when, tenant)


class Lives:
    """Makes invoices one after another; ``told`` says what is to be seen of them."""

    def __init__(self, seed: str, now: datetime) -> None:
        self._chance = Random(seed)
        self._seed = seed
        self._now = now
        self.told = Told()
        self._made = 0

    def some(self, number: int) -> list[Event]:
        """The events of so many invoices, those of each in the order in which they happen."""
        return [event for _ in range(number) for event in self._one()]

    def _one(self) -> list[Event]:
        self._made += 1
        life = Life(str(uuid5(NAMESPACE, f"{self._seed}/{self._made}")), self._chance.choice(TENANTS))
        kind = self._chance.choice(("straight", "straight", "straight", "drafted", "validated", "typed"))
        took = [round(self._chance.uniform(0.01, 3), 3) for _ in range(5)]
        at = [self._now - timedelta(seconds=self._chance.uniform(5, 900))]
        for seconds in took:
            at.append(at[-1] + timedelta(seconds=seconds))
        if kind != "typed":
            life.happens(example(DocumentReceived, "minimal", received_at=at[0]), at[0])
            life.happens(self._reading(HEADER, life.tenant), at[1])
        if kind == "drafted":
            life.happens(example(DraftSaved, "minimal", saved_at=at[1]), at[1])
        submitted = example(InvoiceSubmitted, "minimal", invoice=HEADER, submitted_at=at[2], validator_parties=())
        validators = ("73282932000074",) if kind == "validated" else ()
        known = life.tenant if self._made % 2 else None
        life.happens(msgspec.structs.replace(submitted, validators=validators), at[2], known)
        life.happens(example(InvoiceRouted, "minimal", tenant=life.tenant, decided_at=at[3]), at[3], life.tenant)
        life.enters(None, "DEPOSEE", at[2], None)
        life.enters("DEPOSEE", "MISE_A_DISPOSITION", at[4], life.tenant)
        told = example(NotificationAccepted, "minimal", kind="MISE_A_DISPOSITION", audience="body", accepted_at=at[5])
        life.happens(told, at[5], life.tenant)
        self._tell(life.tenant, kind, took)
        return life.events

    def _tell(self, tenant: str, kind: str, took: list[float]) -> None:
        if kind != "typed":
            self.told.stage(tenant, "received", "read")
            self.told.time(tenant, "read", took[0])
        if kind == "drafted":
            self.told.stage(tenant, "draft")
        self.told.stage(tenant, "submitted", "routed", "status", "status", "available", "mail_accepted")
        if kind != "validated":
            self.told.time(tenant, "routed", took[2])
            self.told.time(tenant, "available", sum(took[2:4]) if kind in ("drafted", "typed") else sum(took[:4]))
            self.told.time(tenant, "told", took[4])

    def _reading(self, header: Any, tenant: str) -> DocumentRead:
        """Right in all but what chance has misread: a number, or a service code that was not seen."""
        wrong, unseen = self._chance.random() < 0.3, self._chance.random() < 0.3
        values = {
            "invoice_number": "MAL-LU" if wrong else header.invoice_number,
            "issue_date": header.issue_date.isoformat(),
            "supplier_siret": header.supplier_siret,
            "recipient_siret": header.recipient_siret,
            "total_excl_tax": "100.00",
            "tax": "20",
            "total_incl_tax": "120.0",
            **({} if unseen else {"service_code": "achats"}),
        }
        self.told.outcome(tenant, "kept", len(values) - (1 if wrong else 0))
        self.told.outcome(tenant, "changed", 1 if wrong else 0)
        self.told.outcome(tenant, "missed", 1 if unseen else 0)
        one = example(DocumentRead, "full").fields[0]
        fields = tuple(msgspec.structs.replace(one, name=name, value=value) for name, value in values.items())
        return example(DocumentRead, "full", fields=fields, source="text")


def exact(values: Sequence[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


def now() -> datetime:
    """To the second, so that written and read instants are the same."""
    return datetime.now(UTC).replace(microsecond=0)
