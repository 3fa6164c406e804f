"""What the API answers: shapes for the documentation, with French words beside the codes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.status.model import DelayState, Source


class StatusView(BaseModel):
    """A status: its stable code, its French label, what it means for the supplier, and since when."""

    code: str
    label: str
    explanation: str
    terminal: bool
    since: datetime


class Turn(BaseModel):
    """Who is waited for."""

    actor: str
    label: str


class Recipient(BaseModel):
    """The body. Its name and service are known once the invoice is available to it."""

    siret: str
    name: str | None
    service_code: str | None
    service_label: str | None


class PaymentDelay(BaseModel):
    """The payment delay: legal days (Europe/Paris). ``due_on`` is null while it is interrupted."""

    started_on: date
    started_at: datetime
    due_on: date | None
    state: DelayState
    state_label: str
    source: Source
    explanation: str


class InvoiceItem(BaseModel):
    """An invoice in a list. ``cadre``: the cadre de facturation in short (``A1``, ``A9``, ``S3``).

    ``works_file``: the file of a works piece, which is the id of its first one. ``answer_by``: the last legal day
    (Europe/Paris) of a validator or a maître d'œuvre to answer; null where nobody is asked by a day.
    """

    id: UUID
    number: str
    issue_date: date
    submitted_at: datetime
    supplier_siret: str
    recipient: Recipient
    payable: Decimal
    currency: str
    status: StatusView
    turn: Turn | None
    payment_delay: PaymentDelay | None
    cadre: str
    cadre_label: str
    works_file: UUID | None = None
    answer_by: date | None = None
    sandbox: str | None = None


class InvoicePage(BaseModel):
    """Newest first. ``next`` is the cursor of the page after this one, absent on the last."""

    invoices: list[InvoiceItem]
    next: str | None


class Header(BaseModel):
    """The canonical header of the invoice."""

    invoice_number: str
    issue_date: date
    supplier_siret: str
    recipient_siret: str
    total_excl_tax: Decimal
    tax: Decimal
    total_incl_tax: Decimal
    payable: Decimal
    type_code: str = "380"
    currency: str = "EUR"
    cadre: str = "A1_FACTURE_FOURNISSEUR"
    service_code: str | None = None
    engagement: str | None = None
    contract: str | None = None
    due_date: date | None = None
    prepaid: Decimal | None = None
    vat_regime: str | None = None
    payment_mode: str | None = None
    preceding_invoice: str | None = None


class Suggestion(BaseModel):
    """A value that the directory would take; shown, never applied."""

    field: str
    value: str
    label: str | None = None
    confidence: float
    sentence: str


class Reason(BaseModel):
    """One rule that spoke against the invoice, and what to do."""

    code: str
    message: str
    action: str | None = None
    field: str | None = None
    value: str | None = None
    suggestions: list[Suggestion] = []


class NoticeView(BaseModel):
    """An e-mail about the invoice: for whom, about which entry, and whether a relay took it."""

    kind: str
    audience: Literal["supplier", "body"]
    outcome: Literal["accepted", "failed"]
    about: int
    role: str | None = None


class Change(BaseModel):
    """A field that an action changed."""

    field: str
    before: str | None
    after: str | None


class SolicitationRef(BaseModel):
    """A question about the invoice; what was written is where its two sides read it."""

    id: UUID
    reference: str


class EntryView(BaseModel):
    """One line of the history. ``action`` names what was done, where somebody did it.

    ``by``: who did it, told to his own side alone; the other one learns the role. ``solicitation``: the question asked.
    """

    entry: int
    kind: Literal["status", "notice", "delay", "action", "solicitation"]
    label: str
    status_from: str | None
    status_to: str | None
    actor: str
    actor_label: str
    at: datetime
    reasons: list[Reason]
    notice: NoticeView | None
    action: str | None
    motif: str | None
    comment: str | None
    changes: list[Change]
    by: str | None = None
    solicitation: SolicitationRef | None = None


class PagesView(BaseModel):
    """A short-lived link to the document's pages: ``template`` with a page's number, from 1, in the place of ``{n}``.

    ``index`` lists the pages with their sizes; a data file has none. It opens without a token, to whoever has it,
    until ``expires_at``.
    """

    template: str
    index: str
    expires_at: datetime


class Company(BaseModel):
    """A validator, MOE or MOA."""

    siret: str
    service: str | None = None


class WorksView(BaseModel):
    """Where a works piece stands: its billing file (the id of the first piece) and the piece it follows."""

    file: str
    previous: str | None = None
    moe: Company | None = None
    moa: Company | None = None


class InvoiceDetail(InvoiceItem):
    """An invoice with its header and its history, oldest entry first.

    ``left_at``: the supplier has addressed it to another body since; what is shown is what stood then. ``assigned_to``
    is for the body alone.
    """

    header: Header
    validators: list[Company]
    works: WorksView | None
    assigned_to: str | None
    attempt: int
    history: list[EntryView]
    pages: PagesView
    left_at: datetime | None
