"""What supervision answers."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field


class Rate(BaseModel):
    """Events of one stage. ``last_minute``: the last six whole windows of ten seconds."""

    stage: str
    last_minute: int
    per_second: float
    last_hour: int
    last_day: int


class TimeTaken(BaseModel):
    """Durations in seconds, to 2.5 %; None where nothing was measured."""

    measure: str
    count: int
    p50: float | None
    p95: float | None
    p99: float | None


class Layout(BaseModel):
    """Fields of one supplier's documents that were read from ``source``; ``corrected``: the fields, worst first."""

    supplier: str
    source: str
    fields: int
    kept: int
    share: float | None
    corrected: list[str]


class Layouts(BaseModel):
    """All layouts together, and the busiest."""

    since: datetime
    fields: int
    kept: int
    share: float | None
    layouts: list[Layout]


class ServiceState(BaseModel):
    """One service. None: it does not say, or Kafka does not."""

    service: str
    away: bool
    stopped: bool
    unread: int | None
    oldest_unread_seconds: float | None
    outbox: int | None
    outbox_oldest_seconds: float | None
    waiting: int | None
    waiting_oldest_seconds: float | None
    dead_letters: dict[str, int] | None


class Mails(BaseModel):
    """E-mails of the last hour and the last day."""

    accepted_last_hour: int
    failed_last_hour: int
    accepted_last_day: int
    failed_last_day: int


class LetterReason(BaseModel):
    """Open dead letters of one reason in one service; ``oldest``: when the first was parked, where that is known."""

    service: str
    reason: str
    count: int
    oldest: datetime | None = None


class Notice(BaseModel):
    """Something that is missing. ``code`` is stable."""

    code: str
    text: str


class Overview(BaseModel):
    """Everything on one screen. ``services`` is the operator's; ``stocks`` and ``risks`` are status's answers."""

    at: datetime
    standing: Literal["operator", "tenant"]
    tenants: list[str]
    rates: list[Rate]
    times: list[TimeTaken]
    reading: Layouts
    mails: Mails
    letters: list[LetterReason]
    services: list[ServiceState] | None = None
    stocks: dict[str, Any] | None = None
    risks: dict[str, Any] | None = None
    notices: list[Notice] = Field(default_factory=list, description="Ce qui manque, et pourquoi")


class Point(BaseModel):
    """One value of a curve; None: unknown."""

    at: str
    value: float | None


class Series(BaseModel):
    """One line or row of bars."""

    name: str
    points: list[Point]


class Curve(BaseModel):
    """What a picture shows, as numbers."""

    name: str
    title: str
    description: str
    unit: str
    kind: Literal["line", "bar"]
    series: list[Series]


class CurveLink(BaseModel):
    """A curve that the caller may see."""

    name: str
    title: str
    picture: str
    numbers: str


class Letter(BaseModel):
    """A dead letter, without its content."""

    id: int
    service: str
    state: str
    kind: str
    reason: str
    detail: str
    type: str | None
    key: str | None
    tenant: str | None
    place: str
    attempts: int
    parked_at: datetime


class LetterList(BaseModel):
    """Dead letters; ``away``: services that did not answer. ``next`` is the ``cursor`` of the page after it."""

    letters: list[Letter]
    away: list[str]
    next: str | None = None


class LetterStep(BaseModel):
    """One decision about a dead letter."""

    at: datetime
    action: str
    operator: str
    note: str | None


class LetterDetail(Letter):
    """One dead letter with what is known of it but its content, which holds personal data."""

    traceback: str | None
    headers: dict[str, str]
    value_bytes: int
    steps: list[LetterStep]


class LetterContent(BaseModel):
    """The content of a dead letter."""

    value: str


class LetterReasons(BaseModel):
    """Open dead letters by reason; ``away``: services that did not answer."""

    reasons: list[LetterReason]
    away: list[str]


class Decision(BaseModel, extra="forbid"):
    """What to do with dead letters. Without ``apply`` nothing is done: the answer says what would be."""

    apply: bool = False
    note: str | None = Field(
        default=None, max_length=500, pattern=r"^[^\x00]*$", description="Pourquoi ; obligatoire avec apply"
    )


class Settled(BaseModel):
    """What was done, or would be: the letters concerned, those of the same keys included."""

    applied: bool
    letters: list[int]
    released: list[int] = []


class RefusedFlow(BaseModel):
    """A flow that ended with refused invoices. ``depositor``: an account's identifier; ``errors``: codes of what is
    wrong with the file as a whole."""

    flow: str
    finished_at: datetime
    received_at: datetime
    state: Literal["IN_INTEGRE_PARTIEL", "IN_REJETE"]
    depositor: str
    integrated: int
    to_verify: int
    rejected: int
    duplicate: int
    errors: list[str]


class RefusedFlows(BaseModel):
    """Flows with refusals. ``next`` is the ``cursor`` of the page after it."""

    flows: list[RefusedFlow]
    next: str | None = None


class Amounts(BaseModel):
    """Interest and flat indemnities, in euros."""

    interest: Decimal
    indemnities: Decimal
