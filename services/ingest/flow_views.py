"""What the API answers about flows: where one stands, and what became of each invoice in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from invoice.findings import Finding
from invoice.labels import FIELD_LABELS
from invoice.sandbox import is_sandbox
from services.common import sandbox
from services.ingest.flow_domain import LABELS, OUTCOME_LABELS, Flow, FlowState, receivable
from services.ingest.flow_items import Told

PREFIX = "/api/v1/flows"


class Message(BaseModel):
    """One remark: what was seen, under which rule, and what to do."""

    rule: str = Field(description="Le code stable de la règle.")
    level: str
    field: str | None = None
    label: str | None = Field(default=None, description="Le nom du champ, en clair.")
    value: str | None = Field(default=None, description="La valeur vue.")
    message: str
    action: str | None = Field(default=None, description="Ce qu'il y a à faire.")


class FlowLinks(BaseModel):
    """Where to go on."""

    self: str
    items: str
    report: str
    repeat_of: str | None = Field(default=None, description="Le premier flux des mêmes octets.")


class FlowView(BaseModel):
    """A flow: what came, where it stands, how many invoices are where."""

    id: UUID
    state: FlowState = Field(description="L'état, sous le nom de Chorus Pro.")
    label: str
    receivable: str | None = Field(description="QP_RECEVABLE ou QP_IRRECEVABLE, une fois le fichier parcouru.")
    file_name: str
    kind: str | None = Field(description="xml, pdf, zip ou tar.gz, d'après le contenu.")
    way: str = Field(description="request (une demande), upload (envoi reprenable) ou folder (répertoire de dépôt).")
    size: int | None = Field(description="En octets.")
    stored: int = Field(description="Octets reçus et durables.")
    sha256: str | None
    begun_at: datetime
    received_at: datetime | None
    finished_at: datetime | None
    entries: int | None = Field(description="Fichiers de l'archive, une fois parcourue.")
    entries_read: int
    items: int = Field(description="Factures et fichiers refusés trouvés jusqu'ici.")
    counts: dict[str, int] = Field(description="Combien sont où : waiting, integrated, to_verify, rejected…")
    progress: float = Field(description="De 0 à 1.")
    messages: list[Message] = Field(description="Pourquoi le fichier entier est refusé.")
    repeated: bool = Field(default=False, description="Vrai quand les mêmes octets étaient déjà reçus.")
    sandbox: str | None = Field(default=None, description="La mention d'un flux d'essai ; absente d'un vrai.")
    links: FlowLinks


class FlowPage(BaseModel):
    """Flows, newest first."""

    flows: list[FlowView]
    next: str | None = Field(default=None, description="À passer en cursor pour la suite.")


class ItemView(BaseModel):
    """One invoice of a flow, or a file in it that is none."""

    number: int
    name: str = Field(description="Le nom du fichier dans l'archive.")
    outcome: str
    label: str
    invoice_number: str | None
    supplier: str | None = Field(description="SIRET du fournisseur.")
    recipient: str | None = Field(description="SIRET du destinataire.")
    deposit: UUID | None = Field(description="Le dépôt, qui donne son identifiant à la facture.")
    duplicate_of: UUID | None
    settled_at: datetime | None
    messages: list[Message]
    sandbox: str | None = Field(default=None, description="La mention d'une facture d'essai ; absente d'une vraie.")


class ItemPage(BaseModel):
    """Items of a flow, in the order of the file."""

    items: list[ItemView]
    next: int | None = Field(default=None, description="À passer en after pour la suite.")


def field_label(finding: Finding) -> str:
    """The field that a remark is about, as people call it; empty where it is about none."""
    if finding.field == "file":
        return "Fichier"
    return FIELD_LABELS.get(finding.field or "", finding.field or "")


def message(finding: Finding) -> Message:
    return Message(
        rule=finding.code,
        level=finding.level,
        field=finding.field,
        label=field_label(finding) or None,
        value=finding.value,
        message=finding.message,
        action=finding.action,
    )


def flow(found: Flow, counts: Mapping[str, int], *, repeated: bool = False) -> FlowView:
    """A flow as its depositor sees it."""
    base = f"{PREFIX}/{found.id}"
    return FlowView(
        id=found.id,
        state=found.state,
        label=LABELS[found.state],
        receivable=receivable(found),
        file_name=found.file_name,
        kind=found.kind,
        way=found.way,
        size=found.size,
        stored=found.stored,
        sha256=found.sha256,
        begun_at=found.begun_at,
        received_at=found.received_at,
        finished_at=found.finished_at,
        entries=found.entries,
        entries_read=found.entries_read,
        items=found.items,
        counts=dict(counts),
        progress=_progress(found, counts),
        messages=[message(one) for one in found.errors],
        repeated=repeated,
        sandbox=sandbox.marked(is_sandbox(found.sandbox)),
        links=FlowLinks(
            self=base,
            items=f"{base}/items",
            report=f"{base}/report.json",
            repeat_of=None if found.repeat_of is None else f"{PREFIX}/{found.repeat_of}",
        ),
    )


def _progress(found: Flow, counts: Mapping[str, int]) -> float:
    """Reading an entry and settling its invoices count half each."""
    if found.step == "done":
        return 1.0
    if not found.entries:
        return 0.0
    settled = sum(counts.values()) - counts.get("waiting", 0)
    read = found.entries_read / found.entries
    return round(min(0.99, read * (0.5 + 0.5 * settled / max(1, found.items))), 4)


def item(told: Told) -> ItemView:
    """An item as its depositor sees it."""
    outcome = told.outcome or "waiting"
    return ItemView(
        number=told.number,
        name=told.name,
        outcome=outcome,
        label=OUTCOME_LABELS[outcome],
        invoice_number=told.invoice_number,
        supplier=told.supplier,
        recipient=told.recipient,
        deposit=told.deposit_id,
        duplicate_of=told.duplicate_of,
        settled_at=told.settled_at,
        messages=[message(one) for one in told.findings],
        sandbox=sandbox.marked(is_sandbox(told.tenant)),
    )


def items(found: Sequence[Told], limit: int) -> ItemPage:
    """A page of items; one more than ``limit`` was asked for."""
    shown = found[:limit]
    return ItemPage(items=[item(one) for one in shown], next=shown[-1].number if len(found) > limit else None)
