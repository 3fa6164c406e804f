"""What the API of the ways out takes and shows."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from invoice.identifiers import InvalidIdentifier, parse_siret
from invoice.lifecycle import STATUSES
from services.notify.webhook_rules import EVENT_TYPES

Siret = Annotated[str, Field(max_length=50)]
_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_STATUS_CODES = frozenset(code for code, status in STATUSES.items() if not status.hidden)


class Filters(BaseModel):
    """What goes through. An empty list lets everything through; ``services`` are written ``siret/code``."""

    model_config = ConfigDict(extra="forbid")

    types: list[str] = Field(default=[], max_length=20)
    statuses: list[str] = Field(default=[], max_length=100)
    structures: list[Siret] = Field(default=[], max_length=1000)
    services: list[Annotated[str, Field(max_length=150, pattern=_LINE)]] = Field(default=[], max_length=1000)

    @field_validator("types")
    @classmethod
    def _known_types(cls, value: list[str]) -> list[str]:
        if unknown := sorted(set(value) - set(EVENT_TYPES)):
            raise ValueError(f"Type inconnu : {unknown[0][:80]}. Types possibles : {', '.join(EVENT_TYPES)}.")
        return sorted(set(value))

    @field_validator("statuses")
    @classmethod
    def _known_statuses(cls, value: list[str]) -> list[str]:
        if unknown := sorted(set(value) - _STATUS_CODES):
            raise ValueError(f"Statut inconnu : {unknown[0][:80]}.")
        return sorted(set(value))

    @field_validator("structures")
    @classmethod
    def _sirets(cls, value: list[str]) -> list[str]:
        return sorted({siret(text) for text in value})

    @field_validator("services")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for text in value:
            left, slash, code = text.partition("/")
            if not slash or not code:
                raise ValueError("Un service s'écrit « SIRET/code ».")
            siret(left)
        return sorted(set(value))


def siret(text: str) -> str:
    """14 digits. Raises ``ValueError`` in French."""
    try:
        return parse_siret(text)
    except InvalidIdentifier as error:
        raise ValueError(f"« {text[:20]} » n'est pas un SIRET valide : recopiez les 14 chiffres.") from error


class NewWebhook(Filters):
    """A way out to make: an address that is called (``http``), or a folder that files are put into."""

    kind: Literal["http", "folder"] = "http"
    url: str | None = Field(default=None, max_length=2000)
    description: str = Field(default="", max_length=200, pattern=_LINE)
    signature: Literal["hmac", "ed25519"] = "hmac"
    structure: str | None = None
    format: Literal["jsonl", "cppstatut"] | None = None
    rhythm: Literal["daily", "at_once"] | None = None
    sandbox: bool = Field(default=False, description="Vrai : les événements du bac à sable, et eux seuls.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        folder = (self.structure, self.format, self.rhythm)
        if self.kind == "http" and (self.url is None or any(folder)):
            raise ValueError("Un webhook demande « url » ; « structure », « format » et « rhythm » sont des dossiers.")
        if self.kind == "folder" and (self.url is not None or not all(folder)):
            raise ValueError("Un dossier demande « structure », « format » et « rhythm », et n'a pas d'« url ».")
        if self.structure is not None:
            self.structure = siret(self.structure)
        return self


class Change(Filters):
    """What is to change; what is not named stays. ``active`` also closes a circuit that failures had opened."""

    url: str | None = Field(default=None, max_length=2000)
    description: str = Field(default="", max_length=200, pattern=_LINE)
    state: Literal["active", "paused"] = "active"


class SecretView(BaseModel):
    """A secret that signs. ``secret`` is shown once, when it is made; ``public_key`` (Ed25519) always."""

    id: UUID
    signature: Literal["hmac", "ed25519"]
    created_at: datetime
    expires_at: datetime | None
    public_key: str | None = None
    secret: str | None = None


class WebhookView(BaseModel):
    """A way out as it stands. ``open_until``: the receiver failed too often and is left alone until then."""

    id: UUID
    kind: Literal["http", "folder"]
    url: str | None
    description: str
    types: list[str]
    statuses: list[str]
    structures: list[str]
    services: list[str]
    sandbox: bool = Field(default=False, description="Vrai : les événements du bac à sable, eux seuls.")
    state: Literal["active", "paused", "gone"]
    created_at: datetime
    failures: int
    open_until: datetime | None
    structure: str | None
    format: Literal["jsonl", "cppstatut"] | None
    rhythm: Literal["daily", "at_once"] | None
    secrets: list[SecretView] = []


class Rotation(BaseModel):
    """A new secret; the present one signs beside it for so many hours."""

    signature: Literal["hmac", "ed25519"] = "hmac"
    overlap_hours: float = Field(default=24, ge=0, le=24 * 30)


class ReplayAsked(BaseModel):
    """From an instant, or from an event that this way out has had (itself included). One of the two."""

    since: datetime | None = None
    event: UUID | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.since is None) == (self.event is None):
            raise ValueError("Donnez « since » ou « event », l'un des deux.")
        if self.since is not None and self.since.tzinfo is None:
            raise ValueError("« since » est un instant avec son fuseau, comme 2026-03-02T12:00:00Z.")
        if self.since is not None and not 2000 <= self.since.year <= 2999:
            raise ValueError("« since » est un instant de ce millénaire.")
        return self


class ReplayView(BaseModel):
    """A replay. ``events`` counts those set out again so far; without ``done_at`` it goes on."""

    id: int
    asked_at: datetime
    done_at: datetime | None
    events: int


class TestView(BaseModel):
    """A test event that is on its way: look for it in the deliveries."""

    event: UUID


class AttemptView(BaseModel):
    """One call. ``answer`` is the beginning of the answer, or why there was none."""

    n: int
    at: datetime
    duration_ms: int
    result: str
    status: int | None
    answer: str


class DeliveryView(BaseModel):
    """An event for this way out, and every attempt to deliver it."""

    event: UUID
    invoice: str
    type: str
    state: Literal["behind", "waiting", "sending", "delivered", "given_up", "dropped"]
    created_at: datetime
    next_attempt_at: datetime | None
    done_at: datetime | None
    attempts: list[AttemptView]


class DeliveryPage(BaseModel):
    """Newest first. ``next`` is the value of ``before`` for the next page, absent on the last."""

    deliveries: list[DeliveryView]
    next: UUID | None


class FileView(BaseModel):
    """A file of a folder. Without ``sha256`` it is being written."""

    sequence: int
    name: str
    events: int
    planned_at: datetime
    written_at: datetime | None
    sha256: str | None
    size: int | None
    left_out: int | None
