"""What the API shows of a draft: each field with where it is from, what the lines come to, what the checks say."""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.events import ReadField
from invoice.labels import FIELD_LABELS
from invoice.sandbox import is_sandbox
from invoice.typed import FIELDS
from invoice.typed_lines import Computed, Line
from services.common import sandbox
from services.common.links import PagesLink
from services.ingest import draft_rules
from services.ingest.document_views import FieldView, PagesView, field, pages
from services.ingest.domain import State
from services.ingest.draft_store import Draft
from services.ingest.drafts import Change, Held
from services.ingest.store import Stored
from services.ingest.views import Amount, FindingView, finding_view

PREFIX = "/api/v1/drafts"
Text = Annotated[str, Field(max_length=2000)]
NOT_SENT = (
    "Brouillon : cette facture n'est PAS envoyée. L'organisme public ne la voit pas tant que vous ne l'avez pas "
    "validée et envoyée."
)


class LineInput(BaseModel):
    """Une ligne, telle qu'elle est saisie : les nombres sont des textes, « 1 234,50 » ou « 1234.50 »."""

    model_config = ConfigDict(extra="forbid")
    label: Text = ""
    quantity: Text = "1"
    unit: Text = ""
    unit_price: Text = Field(default="", description="Hors taxes, six décimales au plus.")
    discount: Text = Field(default="", description="Remise sur la ligne, hors taxes.")
    vat_rate: Text = Field(default="", description="En pour cent : « 20 », « 5,5 », « 0 ».")


class DraftInput(BaseModel):
    """Ce qui change : un champ absent reste, un champ nul est vidé ; les lignes sont remplacées toutes ensemble."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "fields": {"invoice_number": "F-2026-0042", "engagement": "CP2026-118", "note": None},
                    "lines": [{"label": "Pose de fenêtres", "quantity": "2", "unit_price": "480", "vat_rate": "20"}],
                }
            ]
        },
    )
    fields: dict[str, Text | None] = Field(default={}, description="Champs : " + ", ".join(FIELDS) + ".")
    lines: list[LineInput] | None = None

    def change(self) -> Change:
        """For the rules."""
        lines = None if self.lines is None else tuple(Line(**line.model_dump()) for line in self.lines)
        return Change(fields=self.fields, lines=lines)


class DraftBegin(DraftInput):
    """Un brouillon sans document : vide, repris d'une de vos factures, ou comme la dernière fois."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"same_as_last": "20002983300015", "fields": {"invoice_number": "F-2026-0043"}},
                {"from_invoice": "0190e8a0-0000-7000-8000-000000000042"},
            ]
        },
    )
    from_invoice: UUID | None = Field(
        default=None,
        description="Refaire cette facture rejetée (tout est repris sauf le numéro) ou ce dépôt refusé (tout est "
        "repris) : un de vos dépôts, ou une facture d'une de vos structures.",
    )
    same_as_last: str | None = Field(
        default=None,
        max_length=40,
        description="SIRET d'un destinataire : reprend la dernière facture de vos structures pour lui.",
    )


class DraftField(BaseModel):
    """Un champ. ``source`` : read (lu sur la page), data (fichier de données), typed, account, kept (repris)."""

    name: str
    label: str
    value: str | None
    source: str | None = None
    evidence: FieldView | None = Field(default=None, description="Où la valeur a été lue, si elle l'a été.")
    proposals: list[FieldView] = Field(default=[], description="Lu sans certitude : à choisir ou non.")


class VatRowView(BaseModel):
    """La TVA d'un taux."""

    rate: Amount
    base: Amount
    amount: Amount


class ComputedView(BaseModel):
    """Ce que font les lignes."""

    total_excl_tax: Amount
    tax: Amount
    total_incl_tax: Amount
    vat: list[VatRowView]


class DraftLinks(BaseModel):
    """Où aller ensuite."""

    self: str
    submit: str
    deposit: str
    attachments: str
    document: str | None = None


class DraftLineView(BaseModel):
    """Un brouillon dans la liste."""

    id: UUID
    sent: bool = Field(default=False, description="Toujours faux : un brouillon n'est pas envoyé.")
    label: str = "Brouillon, non envoyé"
    explanation: str = NOT_SENT
    sandbox: str | None = Field(default=None, description="La mention d'un brouillon d'essai ; absente d'un vrai.")
    version: int
    file_name: str
    invoice_number: str | None
    recipient_siret: str | None
    made_at: datetime
    saved_at: datetime
    links: DraftLinks


class DraftView(DraftLineView):
    """Un brouillon, avec ce que disent les contrôles sur ce qui est écrit."""

    fields: list[DraftField]
    lines: list[LineInput]
    computed: ComputedView | None
    checks: list[FindingView] = Field(description="Les mêmes contrôles qu'à l'envoi, champ par champ.")
    ready: bool = Field(description="Plus rien n'empêche l'envoi.")
    reading: list[FindingView] = Field(description="Ce que la lecture du document a fait remarquer.")
    pages: PagesView | None
    copied_from: UUID | None


class DraftPage(BaseModel):
    """Une page de brouillons, du plus récent au plus ancien."""

    drafts: list[DraftLineView]
    next: str | None = None


def line(stored: Stored, draft: Draft, *, of_sandbox: bool) -> DraftLineView:
    """A draft in a list."""
    values = draft_rules.written(stored.fields, draft.filled)
    return DraftLineView(
        id=stored.id,
        sandbox=sandbox.marked(of_sandbox),
        version=draft.version,
        file_name=stored.file_name,
        invoice_number=values.get("invoice_number"),
        recipient_siret=values.get("recipient_siret"),
        made_at=stored.decided_at or stored.received_at,
        saved_at=draft.saved_at,
        links=DraftLinks(
            self=f"{PREFIX}/{stored.id}",
            submit=f"{PREFIX}/{stored.id}/submit",
            deposit=f"/api/v1/deposits/{stored.id}",
            attachments=f"/api/v1/deposits/{stored.id}/attachments",
            document=f"/api/v1/deposits/{stored.id}/document" if stored.document.sha256 else None,
        ),
    )


def view(held: Held, link: PagesLink) -> DraftView:
    """A draft whole."""
    stored, draft, examined = held.stored, held.draft, held.examined
    assert examined is not None
    seen: dict[str, list[ReadField]] = {}
    for read in stored.fields:
        seen.setdefault(read.name, []).append(read)
    values, sources = draft.filled.sheet.values, draft.filled.sources
    return DraftView(
        **line(stored, draft, of_sandbox=is_sandbox(examined.tenant)).model_dump(exclude={"fields"}),
        fields=[_field(name, values.get(name), sources.get(name), seen.get(name, ())) for name in FIELDS],
        lines=[LineInput.model_validate(each, from_attributes=True) for each in draft.filled.sheet.lines],
        computed=None if examined.assembled.computed is None else _computed(examined.assembled.computed),
        checks=[finding_view(found) for found in examined.findings],
        ready=examined.header is not None,
        reading=[finding_view(found) for found in stored.findings],
        pages=pages(stored, link) if stored.state is State.TO_VERIFY else None,
        copied_from=draft.copied_from,
    )


def _field(name: str, value: str | None, source: str | None, read: Sequence[ReadField]) -> DraftField:
    same = next((each for each in read if each.value == value), None)
    return DraftField(
        name=name,
        label=FIELD_LABELS[name],
        value=value,
        source=source,
        evidence=field(same) if same is not None and source in ("read", "data", "kept") else None,
        proposals=[field(each) for each in read if each.value != value],
    )


def _computed(found: Computed) -> ComputedView:
    return ComputedView(
        total_excl_tax=found.excl,
        tax=found.tax,
        total_incl_tax=found.incl,
        vat=[VatRowView.model_validate(row, from_attributes=True) for row in found.vat],
    )


def page(found: Sequence[tuple[Stored, Draft]], limit: int, sandboxes: Container[str | None]) -> DraftPage:
    """A page of ``limit`` out of one row more than that. ``sandboxes``: recipients that are of one."""
    shown = found[:limit]
    following = str(shown[-1][0].id) if len(found) > limit else None
    lines = [
        line(
            stored,
            draft,
            of_sandbox=draft_rules.written(stored.fields, draft.filled).get("recipient_siret") in sandboxes,
        )
        for stored, draft in shown
    ]
    return DraftPage(drafts=lines, next=following)
