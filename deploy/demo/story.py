"""What happened to one document: its answer, its events in order, what the services say of it."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.envelope import Event
from contracts.events import (
    DepositRefused,
    DocumentRead,
    DocumentReceived,
    DocumentUnreadable,
    DraftSaved,
    InvoiceRouted,
    InvoiceSubmitted,
    InvoiceUnroutable,
    NotificationAccepted,
    NotificationFailed,
    StatusChanged,
)

STAGES = ("dépôt (HTTP)", "lecture", "décision", "routage", "mise à disposition", "e-mail accepté", "en tout")


@dataclass
class Story:
    """One document. ``expected`` is the content of ``NAME.expected.json``, or ``None``."""

    path: Path
    expected: dict[str, Any] | None
    asked_at: datetime | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    http_status: int = 0
    http_seconds: float = 0.0
    events: list[Event] = field(default_factory=list)
    deposit: dict[str, Any] = field(default_factory=dict)
    invoice: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str | None:
        """The deposit's id, when it was answered 201."""
        return self.answer.get("id")

    @property
    def end(self) -> str | None:
        """``duplicate``, ``refused``, ``to_verify``, or the invoice's status; ``None`` while under way."""
        if self.http_status and self.http_status != 201:
            return "refused"
        if self.answer.get("duplicate_of"):
            return "duplicate"
        for event in self.events:
            if isinstance(event.data, DepositRefused):
                return "refused"
            if isinstance(event.data, DraftSaved):
                return "to_verify"
            if isinstance(event.data, StatusChanged) and event.data.status_to in ("MISE_A_DISPOSITION", "A_RECYCLER"):
                return event.data.status_to
        return None

    @property
    def codes(self) -> list[str]:
        """The codes of the reasons of a refusal, of a return or of a wait."""
        if self.http_status and self.http_status != 201:
            return [str(self.answer.get("code", self.http_status))]
        found: list[str] = []
        for event in self.events:
            data = event.data
            if isinstance(data, DepositRefused | DraftSaved | StatusChanged):
                found += [reason.code for reason in data.reasons]
        return found

    @property
    def announced(self) -> bool:
        """True once every e-mail about it was accepted or given up."""
        if self.end == "duplicate" or self.http_status not in (0, 201):
            return True
        states = {message["state"] for message in self.messages}
        return bool(states) and not states & {"created", "sending", "held", "carried"}

    def first(self, *kinds: type) -> Event | None:
        """The first event of these kinds."""
        return next((event for event in self.events if isinstance(event.data, kinds)), None)

    def seconds(self) -> dict[str, float]:
        """Seconds per stage, as far as the document came."""
        found: dict[str, float] = {"dépôt (HTTP)": self.http_seconds} if self.http_seconds else {}
        received, read = self.first(DocumentReceived), self.first(DocumentRead, DocumentUnreadable)
        decided, routed = (
            self.first(InvoiceSubmitted, DepositRefused, DraftSaved),
            self.first(InvoiceRouted, InvoiceUnroutable),
        )
        available, told = self._available(), self.first(NotificationAccepted, NotificationFailed)
        steps = (received, read, decided, routed, available)
        for name, before, after in zip(STAGES[1:5], steps, steps[1:], strict=False):
            if before and after:
                found[name] = (after.time - before.time).total_seconds()
        before = available or decided
        if before and told:
            found["e-mail accepté"] = (told.time - before.time).total_seconds()
        if self.asked_at and self.events:
            last = told or available or decided
            if last:
                found["en tout"] = (last.time - self.asked_at).total_seconds()
        return found

    def _available(self) -> Event | None:
        return next(
            (e for e in self.events if isinstance(e.data, StatusChanged) and e.data.status_to != "DEPOSEE"), None
        )

    def faults(self) -> list[str]:
        """Why this end is not right; empty when it is."""
        if self.end is None:
            return ["n'est pas arrivé à sa fin"]
        if not self.announced:
            return ["un e-mail n'est pas parti"]
        if self.end == "refused" and not self.codes:
            return ["refusé sans motif"]
        return self._unexpected() if self.expected is not None else []

    def _unexpected(self) -> list[str]:
        wanted = self.expected or {}
        found: list[str] = []
        if self.end != wanted.get("end"):
            found.append(f"fin {self.end} au lieu de {wanted.get('end')}")
        if "code" in wanted and wanted["code"] not in self.codes:
            found.append(f"motifs {', '.join(self.codes) or 'aucun'} au lieu de {wanted['code']}")
        recipient = self.invoice.get("recipient", {})
        for name, key in (("structure", "siret"), ("service", "service_code")):
            if name in wanted and recipient.get(key) != wanted[name]:
                found.append(f"{name} {recipient.get(key)} au lieu de {wanted[name]}")
        read = {item["name"]: item["value"] for item in self.deposit.get("fields", [])}
        for name, value in wanted.get("fields", {}).items():
            if read.get(name) != value:
                found.append(f"{name} lu {read.get(name)} au lieu de {value}")
        return found
