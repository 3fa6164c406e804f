"""What a flow is and how it ends: pure."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

import msgspec

from invoice.findings import Finding
from services.ingest.domain import State
from services.ingest.kinds import PDF, media_type

Way = Literal["request", "upload", "folder"]
Kind = Literal["xml", "pdf", "zip", "tar.gz"]
Step = Literal["upload", "check", "read", "release", "done"]


class FlowState(StrEnum):
    """Chorus Pro's names (chorus-pro.md 15). ``UPLOADING`` is ours: nothing is received yet."""

    UPLOADING = "UPLOADING"
    RECEIVED = "IN_RECU"
    WAITING = "IN_EN_ATTENTE_TRAITEMENT_CPP"
    RUNNING = "IN_EN_COURS_TRAITEMENT_CPP"
    AGAIN = "IN_EN_ATTENTE_RETRAITEMENT_CPP"
    INCIDENT = "IN_INCIDENTE"
    INTEGRATED = "IN_INTEGRE"
    PARTIAL = "IN_INTEGRE_PARTIEL"
    REJECTED = "IN_REJETE"


LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        FlowState.UPLOADING: "Envoi en cours : le fichier n'est pas encore reçu en entier",
        FlowState.RECEIVED: "Reçu",
        FlowState.WAITING: "En attente de traitement",
        FlowState.RUNNING: "En cours de traitement",
        FlowState.AGAIN: "En attente d'un nouvel essai : rien n'est perdu",
        FlowState.INCIDENT: "Incident : l'exploitant est prévenu, rien n'est perdu",
        FlowState.INTEGRATED: "Intégré : toutes les factures sont déposées",
        FlowState.PARTIAL: "Intégré en partie : voyez les factures qui ne sont pas déposées",
        FlowState.REJECTED: "Rejeté : aucune facture n'est déposée",
    }
)
ENDS: Final = (FlowState.INTEGRATED, FlowState.PARTIAL, FlowState.REJECTED)


class Outcome(StrEnum):
    """What became of one file or invoice of a flow."""

    INTEGRATED = "integrated"
    TO_VERIFY = "to_verify"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


OUTCOME_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Outcome.INTEGRATED: "Déposée",
        Outcome.TO_VERIFY: "À vérifier (brouillon, non transmise)",
        Outcome.REJECTED: "Non intégrée",
        Outcome.DUPLICATE: "Déjà déposée",
        Outcome.IGNORED: "Fichier laissé de côté",
        "waiting": "En attente",
    }
)
OF_DEPOSIT: Final[Mapping[State, Outcome]] = MappingProxyType(
    {
        State.SUBMITTED: Outcome.INTEGRATED,
        State.TO_VERIFY: Outcome.TO_VERIFY,
        State.REFUSED: Outcome.REJECTED,
        State.DUPLICATE: Outcome.DUPLICATE,
    }
)


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow as it stands. ``entries``: of the file, once it is checked; ``items``: invoices found so far."""

    id: UUID
    depositor: str
    contact: str
    structures: tuple[str, ...]
    roles: tuple[str, ...]
    file_name: str
    way: Way
    kind: Kind | None
    size: int | None
    stored: int
    sha256: str | None
    step: Step
    state: FlowState
    begun_at: datetime
    received_at: datetime | None = None
    finished_at: datetime | None = None
    entries: int | None = None
    entries_read: int = 0
    items: int = 0
    errors: tuple[Finding, ...] = ()
    repeat_of: UUID | None = None
    stuck_entry: int | None = None
    stuck_times: int = 0
    traceparent: str | None = None
    trial: str | None = None
    genuine: bool = False

    @property
    def sandbox(self) -> str | None:
        """The sandbox that all of it is for, as far as its invoices say; None for a flow with a real one in it."""
        return None if self.genuine else self.trial


def ending(counts: Mapping[str, int]) -> FlowState:
    """How a flow ends by its outcomes: what was deposited before counts as deposited, what is ignored does not."""
    good = counts.get(Outcome.INTEGRATED, 0) + counts.get(Outcome.DUPLICATE, 0)
    waiting, bad = counts.get(Outcome.TO_VERIFY, 0), counts.get(Outcome.REJECTED, 0)
    if good and not bad and not waiting:
        return FlowState.INTEGRATED
    return FlowState.PARTIAL if good or waiting else FlowState.REJECTED


def receivable(flow: Flow) -> str | None:
    """Whether the file as a whole could be read, in Chorus Pro's names; None while that is not known."""
    if flow.errors:
        return "QP_IRRECEVABLE"
    return None if flow.step in ("upload", "check") else "QP_RECEVABLE"


def kind_of(head: bytes) -> Kind | None:
    """What an upload is, by its first bytes; None for what is not taken. The name says nothing."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "tar.gz"
    found = media_type(head)
    if found is None:
        return None
    return "pdf" if found == PDF else "xml"
