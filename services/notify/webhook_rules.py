"""What a receiver is told, and what becomes of an attempt to tell it. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from contracts.events import DepositRefused, DraftSaved, Payload, StatusChanged
from invoice.lifecycle import STATUSES

TEST_TYPE: Final = "fr.chorale.webhook.test.v1"
#: What a way out may carry.
EVENT_TYPES: Final[tuple[str, ...]] = (StatusChanged.TYPE, DraftSaved.TYPE, DepositRefused.TYPE)
#: In which scope the owner may have an event. What only the body may see never goes to a supplier.
Scope = Literal["supplier", "body"]
#: ``broken``: the answer was no HTTP, or broke off. ``forbidden``: the address may not be called.
Result = Literal["delivered", "refused", "redirect", "unreachable", "tls", "timeout", "broken", "forbidden", "fault"]
State = Literal["waiting", "delivered", "given_up", "dropped"]

_STATUS = (
    "entry",
    "status_to",
    "actor",
    "changed_at",
    "invoice_number",
    "issue_date",
    "supplier_siret",
    "recipient_siret",
    "recipient_name",
    "service_code",
    "service_label",
    "payable",
    "currency",
    "reasons",
)
#: The fields of each event that leave the platform. A status that only the body sees must not show in what follows it,
#: so a supplier is not told which status came before.
PUBLIC: Final[Mapping[str, Mapping[Scope, tuple[str, ...]]]] = {
    StatusChanged.TYPE: {"supplier": _STATUS, "body": (*_STATUS, "status_from", "visibility", "tenant")},
    DraftSaved.TYPE: {"supplier": ("file_name", "version", "saved_at", "reasons"), "body": ()},
    DepositRefused.TYPE: {"supplier": ("file_name", "invoice_number", "refused_at", "reasons"), "body": ()},
}
_REASON = ("code", "level", "field", "value", "message", "action")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an event so that filters and rights can be asked of it. ``address`` is ``siret/code``."""

    status: str | None = None
    visibility: Literal["all", "body"] = "all"
    supplier_siret: str | None = None
    recipient_siret: str | None = None
    address: str | None = None
    tenant: str | None = None
    depositor: str | None = None


def kept(data: Payload) -> Kept | None:
    """What to keep of an event; None for one that no way out carries."""
    match data:
        case StatusChanged():
            return Kept(
                status=data.status_to,
                visibility=data.visibility,
                supplier_siret=data.supplier_siret,
                recipient_siret=data.recipient_siret,
                address=f"{data.recipient_siret}/{data.service_code}" if data.service_code else None,
                tenant=data.tenant,
            )
        case DraftSaved() | DepositRefused():
            return Kept(depositor=data.depositor)
        case _:
            return None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was kept. ``data`` is its JSON."""

    id: UUID
    type: str
    subject: str
    time: datetime
    data: str


def public(event: Known, scope: Scope) -> dict[str, Any]:
    """The event as it leaves: the form of CloudEvents, its data in the receiver's scope. The same at every attempt."""
    return {
        "specversion": "1.0",
        "id": str(event.id),
        "source": "/chorale",
        "type": event.type,
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "subject": event.subject,
        "datacontenttype": "application/json",
        "data": _data(event, scope),
    }


def _data(event: Known, scope: Scope) -> dict[str, Any]:
    given = msgspec.json.decode(event.data)
    if event.type == TEST_TYPE:
        return dict(given)
    found = {name: given[name] for name in (*PUBLIC[event.type][scope], "sandbox") if name in given}
    status = STATUSES.get(found.get("status_to", ""))
    if status is not None:
        found["status_label"] = status.label_fr
    if "reasons" in found:
        found["reasons"] = [{name: r[name] for name in _REASON if name in r} for r in found["reasons"]]
    return found


def test_data() -> str:
    """What a test event says."""
    return msgspec.json.encode({"message": "Événement d'essai : rien n'est arrivé à une facture."}).decode()


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a receiver is tried, and when its circuit opens. Times in seconds."""

    limit: float
    base: float
    ceiling: float
    circuit_failures: int
    circuit_base: float
    circuit_ceiling: float


class Step(msgspec.Struct, frozen=True):
    """What becomes of a delivery after an attempt. ``wait`` in seconds until the next."""

    state: State
    wait: float = 0.0


def step(
    patience: Patience, result: Result, *, failures: int, age: timedelta, jitter: float, asked: float = 0.0
) -> Step:
    """The next step. ``failures`` counts this attempt, ``jitter`` lies in 0…1, ``asked`` is the Retry-After.

    A delivery is given up when it fails and its time is over, never before it has been tried.
    """
    if result == "delivered":
        return Step("delivered")
    if age.total_seconds() >= patience.limit:
        return Step("given_up")
    wait = _growing(patience.base, patience.ceiling, failures, jitter)
    return Step("waiting", min(max(wait, asked), max(patience.ceiling, wait)))


def counted_on(patience: Patience, before: int, failed: int, *, still_open: bool) -> int:
    """Failures in a row after ``failed`` more. Calls that were under way together fail together: they open the circuit
    and no more, or a receiver that restarts would be left alone for long. What ends while it is open says nothing new.
    """
    if still_open:
        return before
    if before >= patience.circuit_failures:
        return before + 1
    return min(before + failed, patience.circuit_failures)


def circuit(patience: Patience, failures: int, jitter: float) -> float | None:
    """For how long a receiver that failed ``failures`` times in a row is left alone; None while it is not."""
    over = failures - patience.circuit_failures
    return None if over < 0 else _growing(patience.circuit_base, patience.circuit_ceiling, over + 1, jitter)


def _growing(base: float, ceiling: float, times: int, jitter: float) -> float:
    return min(ceiling, base * 2.0 ** min(times - 1, 30)) * (0.5 + jitter / 2)


def window(before: int, most: int, *, went_well: bool) -> int:
    """How many deliveries to one receiver may be under way: doubles while it answers well, one after a failure.

    So a receiver that stops answering holds few connections before its circuit opens.
    """
    return min(most, before * 2) if went_well else 1
