"""What an event adds to the figures, and what is remembered of an invoice until its times are known. Pure.

Topics overtake each other: whatever the order in which an invoice's events come, the sums end up the same. So nothing
is decided by who came first. What is measured follows from all that is known; when more becomes known, what was counted
before is taken back.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from contracts.envelope import Event
from contracts.events import (
    ActionRecorded,
    DelayAtRisk,
    DepositRefused,
    DocumentRead,
    DocumentReceived,
    DocumentUnreadable,
    DraftSaved,
    FlowFinished,
    InvoiceRouted,
    InvoiceSubmitted,
    InvoiceUnroutable,
    NotificationAccepted,
    NotificationFailed,
    Payload,
    StatusChanged,
)
from invoice.lifecycle import AVAILABLE
from services.supervision.fields import digests, judge
from services.supervision.sums import ALL, HOUR, FieldKey, Sums, window

STAGES: Final = (
    "received",
    "read",
    "unreadable",
    "draft",
    "refused",
    "submitted",
    "routed",
    "unroutable",
    "available",
    "status",
    "act",
    "at_risk",
    "mail_accepted",
    "mail_failed",
    "flow",
    "flow_rejected",
)
_Judged = tuple[tuple[str, str], dict[str, str]]
Measure = Literal["read", "routed", "available", "told"]
MEASURES: Final[tuple[Measure, ...]] = ("read", "routed", "available", "told")
_STAGE: Final[dict[type[Payload], str]] = {
    DocumentReceived: "received",
    DocumentRead: "read",
    DocumentUnreadable: "unreadable",
    DraftSaved: "draft",
    DepositRefused: "refused",
    InvoiceSubmitted: "submitted",
    InvoiceRouted: "routed",
    InvoiceUnroutable: "unroutable",
    ActionRecorded: "act",
    DelayAtRisk: "at_risk",
    NotificationAccepted: "mail_accepted",
    NotificationFailed: "mail_failed",
}


class Journey(msgspec.Struct, omit_defaults=True):
    """What is known of one invoice on its way. Instants are seconds since the epoch.

    ``early``: stages counted before its tenant was known. ``times`` and ``fields`` are what is counted of it so far,
    ``told_tenant`` whether its tenant's share of that is. ``read`` and ``given`` are digests of values, never values.
    """

    tenant: str | None = None
    received: float | None = None
    read_at: float | None = None
    submitted: float | None = None
    routed: float | None = None
    available: float | None = None
    told: float | None = None
    drafted: bool = False
    waited: bool = False
    source: str = ""
    supplier: str = ""
    read: dict[str, str] | None = None
    given: dict[str, str] | None = None
    early: list[tuple[str, float]] = []
    times: dict[str, tuple[float, float]] = {}
    fields: dict[str, str] = {}
    layout: tuple[str, str] = ("", "")
    told_tenant: str | None = None
    ended: bool = False

    @property
    def done(self) -> bool:
        """Nothing more is measured of it but what overtakes; what waits for validators is not measured at all."""
        if self.waited and self.submitted is not None:
            return self.tenant is not None
        return self.ended or ("available" in self.times and "told" in self.times)


def stages_of(data: Payload) -> tuple[str, ...]:
    """The stages that an event counts for."""
    if isinstance(data, StatusChanged):
        return ("status", "available") if data.status_to == AVAILABLE else ("status",)
    if isinstance(data, FlowFinished):
        return ("flow",) if data.state == "IN_INTEGRE" else ("flow", "flow_rejected")
    found = _STAGE.get(type(data))
    return (found,) if found else ()


def followed(data: Payload) -> bool:
    """Whether an event is about an invoice whose way is measured."""
    return bool(stages_of(data)) and not isinstance(data, FlowFinished)


def opens(event: Event) -> bool:
    """Whether an event alone makes a way worth remembering: what comes long after changes no figure of it.

    What does not say its tenant waits for an event of the invoice that does.
    """
    data = event.data
    if tenant_of(event) is None:
        return True
    if isinstance(data, StatusChanged):
        return data.status_from in (None, "DEPOSEE")
    if isinstance(data, NotificationAccepted):
        return (data.audience, data.kind) == ("body", AVAILABLE)
    return not isinstance(data, ActionRecorded | DelayAtRisk | NotificationFailed)


def tenant_of(event: Event) -> str | None:
    """The tenant that an event says it belongs to."""
    found: str | None = event.tenant or getattr(event.data, "tenant", None)
    return found


def take(event: Event, journey: Journey | None, sums: Sums) -> None:
    """Count an event, and let the invoice's journey go on where there is one."""
    at = event.time.timestamp()
    tenant = tenant_of(event)
    for stage in stages_of(event.data):
        sums.stage(ALL, stage, at)
        if tenant is None and journey is not None:
            tenant = journey.tenant
        if tenant is not None:
            sums.stage(tenant, stage, at)
        elif journey is not None:
            journey.early = [*journey.early, (stage, at)]
    if journey is None:
        return
    _learn(journey, event.data, at)
    journey.tenant = journey.tenant or tenant
    _count(journey, sums)


def _learn(journey: Journey, data: Payload, at: float) -> None:
    match data:
        case DocumentReceived():
            journey.received = _first(journey.received, data.received_at)
        case DocumentRead():
            journey.read_at = at if journey.read_at is None else min(at, journey.read_at)
            journey.source, journey.read = data.source, digests((f.name, f.value) for f in data.fields)
        case DocumentUnreadable():
            journey.read_at = at if journey.read_at is None else min(at, journey.read_at)
        case DraftSaved():
            journey.drafted = True
        case DepositRefused():
            journey.ended = True
        case InvoiceSubmitted():
            journey.submitted = data.submitted_at.timestamp()
            journey.waited = bool(data.validators or data.validator_parties)
            journey.supplier = data.invoice.supplier_siret
            journey.given = digests(given(data))
        case InvoiceRouted():
            journey.routed = _first(journey.routed, data.decided_at)
        case StatusChanged():
            _enter(journey, data)
        case NotificationAccepted() if data.audience == "body" and data.kind == AVAILABLE:
            journey.told = _first(journey.told, data.accepted_at)
        case _:
            pass


def _enter(journey: Journey, data: StatusChanged) -> None:
    """Only what becomes available straight from the deposit took the platform's time alone."""
    if data.status_from != "DEPOSEE":
        return
    if data.status_to == AVAILABLE:
        journey.available = _first(journey.available, data.changed_at)
    else:
        journey.ended = True


def given(data: InvoiceSubmitted) -> Iterator[tuple[str, str]]:
    """What the accepted invoice says, in the names and forms of a reading."""
    for name, value in msgspec.to_builtins(data.invoice).items():
        if value is not None:
            yield name, str(value)


def _first(known: float | None, at: datetime) -> float:
    found = at.astimezone(UTC).timestamp()
    return found if known is None else min(found, known)


def measured(journey: Journey) -> dict[str, tuple[float, float]]:
    """By measure: when it ended and how many seconds it took, of what is known.

    ``available`` is the time from the deposit to the *mise à disposition*. The deposit is the receipt of the bytes
    where the platform did all that followed, and the instant from which there is an invoice where a person had to see
    to it, or where there was nothing to be read.
    """
    found: dict[str, tuple[float, float]] = {}
    if journey.received is not None and journey.read_at is not None:
        found["read"] = (journey.read_at, journey.read_at - journey.received)
    if journey.waited or journey.submitted is None:
        return found
    if journey.routed is not None:
        found["routed"] = (journey.routed, journey.routed - journey.submitted)
    if journey.available is not None:
        began = journey.received if journey.received is not None and not journey.drafted else journey.submitted
        found["available"] = (journey.available, journey.available - began)
        if journey.told is not None:
            found["told"] = (journey.told, journey.told - journey.available)
    return found


def _count(journey: Journey, sums: Sums) -> None:
    """Bring what is counted of an invoice to what is known of it, for the platform and for its tenant."""
    times = measured(journey)
    fields: dict[str, str] = {}
    if journey.read is not None and journey.given is not None:
        fields = dict(judge(journey.read, journey.given))
    layout = (journey.supplier, journey.source)
    owners: list[tuple[str, bool]] = [(ALL, True)]
    if journey.tenant is not None:
        owners.append((journey.tenant, journey.told_tenant is not None))
        for stage, at in journey.early:
            sums.stage(journey.tenant, stage, at)
        journey.early = []
    for tenant, told in owners:
        _count_times(tenant, journey.times if told else {}, times, sums)
        _count_fields(tenant, journey, (journey.layout, journey.fields if told else {}), (layout, fields), sums)
    journey.told_tenant = journey.tenant
    journey.times, journey.fields, journey.layout = times, fields, layout


def _count_times(
    tenant: str, before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]], sums: Sums
) -> None:
    for measure in before.keys() | after.keys():
        if before.get(measure) != after.get(measure):
            for found, sign in ((before.get(measure), -1), (after.get(measure), 1)):
                if found is not None:
                    sums.time(tenant, measure, found[0], found[1], sign)


def _count_fields(tenant: str, journey: Journey, before: _Judged, after: _Judged, sums: Sums) -> None:
    if before == after:
        return
    at = window(journey.submitted or 0.0, HOUR)
    for ((supplier, source), fields), sign in ((before, -1), (after, 1)):
        for name, outcome in fields.items():
            sums.fields[FieldKey(at, tenant, supplier, source, name, outcome)] += sign


def subjects(events: Iterable[Event]) -> set[str]:
    """The invoices whose ways a batch goes on with."""
    return {event.subject for event in events if followed(event.data)}
