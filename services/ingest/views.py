"""What the API answers: pydantic models drawn from deposits, with a sentence for people in each."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from pydantic import BaseModel, Field, PlainSerializer

from invoice import cadres
from invoice.findings import Finding
from invoice.model import InvoiceHeader
from services.common import sandbox
from services.common.links import PagesLink
from services.ingest.document_views import ContentsView, FieldView, PagesView, contents, field, no_pages, pages
from services.ingest.domain import LABELS, State
from services.ingest.store import Stored

PREFIX = "/api/v1/deposits"
Amount = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:f}", return_type=str)]

_SENTENCES = {
    State.RECEIVED: "Votre document est enregistré ; sa lecture est en cours.",
    State.TO_VERIFY: "Votre document est bien reçu, mais n'est pas transmis : voyez les points à vérifier.",
    State.SUBMITTED: "Votre facture est déposée ; elle est en route vers son destinataire.",
    State.REFUSED: "Votre dépôt est refusé : il n'a créé aucune facture et n'a pris aucun numéro. Voyez les motifs.",
    State.DUPLICATE: "Vous avez déjà déposé ce document : suivez le premier dépôt, rien n'est envoyé deux fois.",
}
_OVERDUE = (
    "Votre document est enregistré ; la lecture prend plus longtemps que prévu. Rien n'est perdu et vous n'avez rien à "
    "faire."
)
_NO_INVOICE = "Si ce papier n'est pas une facture, faites-en une pièce jointe d'un autre dépôt."


class Links(BaseModel):
    """Where to go on."""

    self: str
    document: str
    original: str | None = Field(default=None, description="Le premier dépôt de ce document.")
    invoice: str | None = Field(default=None, description="La facture née de ce dépôt.")
    attachments: str = Field(description="Les pièces jointes : les lister, en ajouter.")
    draft: str | None = Field(default=None, description="Le brouillon à compléter et à envoyer.")
    again: str | None = Field(
        default=None, description="Où le refaire (POST, « from_invoice » : son identifiant) : rejetée, ou refusé."
    )
    certificate: str | None = Field(default=None, description="Le certificat de dépôt.")
    as_attachment: str | None = Field(
        default=None, description="Si ce n'est pas une facture : en faire une pièce jointe d'un autre dépôt (POST)."
    )


class Receipt(BaseModel):
    """The answer to a deposit."""

    id: UUID = Field(description="Identifiant du dépôt, qui devient celui de la facture.")
    state: State
    label: str = Field(description="L'état, en français.")
    explanation: str
    file_name: str
    sha256: str | None = Field(description="Absent tant qu'un brouillon saisi n'a pas de document.")
    size: int = Field(description="En octets.")
    received_at: datetime
    duplicate_of: UUID | None = Field(default=None, description="Le dépôt antérieur du même document.")
    sandbox: str | None = Field(default=None, description="La mention d'un dépôt d'essai ; absente d'un vrai.")
    links: Links


class SuggestionView(BaseModel):
    """A value that the directory would take. It is shown, never applied; ``confidence`` goes from 0 to 1."""

    field: str
    value: str
    confidence: float
    why: str
    sentence: str
    label: str | None = None


class FindingView(BaseModel):
    """One remark on the deposit: what was seen, what to do, and what may have been meant.

    ``normalised`` is what ``value`` was compared with: its canonical form or, of the data, what the page shows.
    """

    code: str
    level: str
    message: str
    field: str | None = None
    value: str | None = None
    normalised: str | None = None
    action: str | None = None
    suggestions: list[SuggestionView] = []


class InvoiceView(BaseModel):
    """The header of the invoice that was submitted."""

    invoice_number: str
    issue_date: date
    supplier_siret: str
    recipient_siret: str
    total_excl_tax: Amount
    tax: Amount
    total_incl_tax: Amount
    payable: Amount
    type_code: str
    currency: str
    cadre: str
    service_code: str | None
    engagement: str | None
    contract: str | None
    due_date: date | None
    prepaid: Amount | None
    vat_regime: str | None
    payment_mode: str | None
    preceding_invoice: str | None


class PartyView(BaseModel):
    """A company or body named beside supplier and recipient."""

    siret: str
    service: str | None


class GivenView(BaseModel):
    """What the depositor said beside the document."""

    cadre: str | None
    validators: list[PartyView]
    moe: PartyView | None
    moa: PartyView | None
    works_file: str | None
    previous_piece: str | None


class DepositView(Receipt):
    """A deposit with all that is known of it."""

    invoice_number: str | None = None
    findings: list[FindingView]
    fields: list[FieldView]
    contents: ContentsView | None = None
    pages: PagesView | None = None
    pages_absent: str | None = Field(default=None, description="Pourquoi il n'y a pas de page à montrer.")
    invoice: InvoiceView | None = None
    given: GivenView = Field(description="Ce que le déposant a indiqué à côté du document.")
    works_file: UUID | None = Field(default=None, description="Le dossier de facturation d'une pièce de travaux.")
    overdue: bool = Field(default=False, description="La lecture prend plus longtemps que prévu.")
    read_at: datetime | None = None
    decided_at: datetime | None = None


class DepositLine(Receipt):
    """A deposit in a list."""

    invoice_number: str | None = None
    decided_at: datetime | None = None


class DepositPage(BaseModel):
    """One page of deposits, newest first."""

    deposits: list[DepositLine]
    next: str | None = Field(default=None, description="À repasser en « cursor » ; absent à la dernière page.")


def receipt(stored: Stored) -> Receipt:
    """The answer to a deposit."""
    return Receipt.model_validate(_common(stored))


def line(stored: Stored) -> DepositLine:
    """A deposit in a list."""
    more = {"invoice_number": stored.invoice_number, "decided_at": stored.decided_at}
    return DepositLine.model_validate(_common(stored) | more)


def deposit(stored: Stored, link: PagesLink, *, rejected: bool = False) -> DepositView:
    """A deposit whole; ``link`` opens its pages, and is given where there are some. ``rejected``: by its recipient."""
    link_to_pages = pages(stored, link)
    found = _whole(stored, link_to_pages)
    if rejected or stored.state is State.REFUSED:
        found.links.again = "/api/v1/drafts"
    return found


def _whole(stored: Stored, link_to_pages: PagesView | None) -> DepositView:
    return DepositView.model_validate(
        _common(stored)
        | {
            "invoice_number": stored.invoice_number,
            "findings": [finding_view(found) for found in stored.findings],
            "fields": [field(read) for read in stored.fields],
            "contents": None if stored.contents is None else contents(stored.contents),
            "pages": link_to_pages,
            "pages_absent": None if link_to_pages else no_pages(stored),
            "invoice": None if stored.header is None else _invoice(stored.header),
            "given": GivenView.model_validate(stored.given, from_attributes=True),
            "works_file": stored.works_file,
            "overdue": is_overdue(stored),
            "read_at": stored.read_at,
            "decided_at": stored.decided_at,
        }
    )


def page(found: Sequence[Stored], limit: int) -> DepositPage:
    """A page of ``limit`` out of one row more than that."""
    shown = found[:limit]
    following = str(shown[-1].id) if len(found) > limit else None
    return DepositPage(deposits=[line(stored) for stored in shown], next=following)


def is_overdue(stored: Stored) -> bool:
    """Whether the reading is still awaited and late."""
    return stored.state is State.RECEIVED and stored.overdue_at is not None


def _common(stored: Stored) -> dict[str, object]:
    return {
        "id": stored.id,
        "state": stored.state,
        "label": LABELS[stored.state],
        "explanation": _explanation(stored),
        "file_name": stored.file_name,
        "sha256": stored.document.sha256 or None,
        "size": stored.document.size,
        "received_at": stored.received_at,
        "duplicate_of": stored.duplicate_of,
        "sandbox": sandbox.marked(stored.sandbox),
        "links": Links(
            self=f"{PREFIX}/{stored.id}",
            document=f"{PREFIX}/{stored.id}/document",
            original=None if stored.duplicate_of is None else f"{PREFIX}/{stored.duplicate_of}",
            invoice=f"/api/v1/invoices/{stored.id}" if stored.state is State.SUBMITTED else None,
            attachments=f"{PREFIX}/{stored.id}/attachments",
            draft=f"/api/v1/drafts/{stored.id}" if stored.state is State.TO_VERIFY else None,
            certificate=f"/api/v1/certificates/{stored.id}" if stored.state is State.SUBMITTED else None,
            as_attachment=f"{PREFIX}/{stored.id}/as-attachment" if _is_a_paper(stored) else None,
        ),
    }


def _is_a_paper(stored: Stored) -> bool:
    """Whether it waits as a draft, with a document that may be no invoice at all."""
    return stored.state is State.TO_VERIFY and bool(stored.document.sha256)


def _explanation(stored: Stored) -> str:
    if is_overdue(stored):
        return _OVERDUE
    if _is_a_paper(stored) and not stored.fields:
        return f"{_SENTENCES[stored.state]} {_NO_INVOICE}"
    return _SENTENCES[stored.state]


def finding_view(found: Finding) -> FindingView:
    return FindingView(
        code=found.code,
        level=found.level,
        message=found.message,
        field=found.field,
        value=found.value,
        normalised=found.normalised,
        action=found.action,
        suggestions=[SuggestionView(**msgspec.structs.asdict(suggested)) for suggested in found.suggestions],
    )


def _invoice(header: InvoiceHeader) -> InvoiceView:
    return InvoiceView(
        invoice_number=header.invoice_number,
        issue_date=header.issue_date,
        supplier_siret=header.supplier_siret,
        recipient_siret=header.recipient_siret,
        total_excl_tax=header.total_excl_tax,
        tax=header.tax,
        total_incl_tax=header.total_incl_tax,
        payable=header.payable,
        type_code=header.type_code,
        currency=header.currency,
        cadre=cadres.of(header).api,
        service_code=header.service_code,
        engagement=header.engagement,
        contract=header.contract,
        due_date=header.due_date,
        prepaid=header.prepaid,
        vat_regime=header.vat_regime,
        payment_mode=header.payment_mode,
        preceding_invoice=header.preceding_invoice,
    )
