"""What the API answers: shapes for the documentation, and the French words beside the codes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import msgspec
from pydantic import BaseModel

from invoice.lifecycle import ACTORS, STATUSES, turn
from services.common.links import PagesLink
from services.status.actions import ACTIONS
from services.status.payment_delay import due_on

#: Whose turn it is, in words.
TURNS: Final = {
    "F": "Au fournisseur d'agir",
    "D": "Au destinataire d'agir",
    "C": "Au comptable public d'agir",
    "S": "La plateforme achemine la facture",
}
#: What proves the start of the payment delay, in words (decisions.md 18).
SOURCES: Final = {
    "notice": "Le délai court depuis l'acceptation de l'avis envoyé par courriel au destinataire.",
    "portal": "Aucun avis n'ayant été accepté en 24 heures, le délai court depuis la mise à disposition sur la "
    "plateforme (règle de la plateforme).",
}
NOTICES: Final = {
    ("supplier", "accepted"): "Avis envoyé au fournisseur",
    ("supplier", "failed"): "L'avis au fournisseur n'a pas pu être remis",
    ("body", "accepted"): "Avis envoyé au destinataire",
    ("body", "failed"): "Un avis au destinataire n'a pas pu être remis",
}


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
    """The payment delay: 30 days from the legal day (Europe/Paris) on which it started."""

    started_on: date
    started_at: datetime
    due_on: date
    source: Literal["notice", "portal"]
    explanation: str


class InvoiceItem(BaseModel):
    """An invoice in a list."""

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


class Change(BaseModel):
    """A field that an action changed."""

    field: str
    before: str | None
    after: str | None


class EntryView(BaseModel):
    """One line of the history. ``action`` names what was done, where somebody did it."""

    entry: int
    kind: Literal["status", "notice", "delay", "action"]
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


class PagesView(BaseModel):
    """A short-lived link to the document's pages: ``template`` with a page's number, from 1, in the place of ``{n}``.

    ``index`` lists the pages with their sizes; a data file has none. It opens without a token, to whoever has it,
    until ``expires_at``.
    """

    template: str
    index: str
    expires_at: datetime


class InvoiceDetail(InvoiceItem):
    """An invoice with its header and its history, oldest entry first.

    ``left_at``: the supplier has addressed it to another body since; what is shown is what stood then.
    """

    header: Header
    attempt: int
    history: list[EntryView]
    pages: PagesView
    left_at: datetime | None


def item(row: asyncpg.Record) -> dict[str, Any]:
    """The fields of :class:`InvoiceItem` of a row of ``invoice``."""
    header = msgspec.json.decode(row["header"])
    return {
        "id": row["id"],
        "number": row["number"],
        "issue_date": header["issue_date"],
        "submitted_at": row["submitted_at"],
        "supplier_siret": header["supplier_siret"],
        "recipient": Recipient(
            siret=header["recipient_siret"],
            name=row["recipient_name"],
            service_code=row["service_code"],
            service_label=row["service_label"],
        ),
        "payable": header["payable"],
        "currency": header.get("currency", "EUR"),
        "status": status_view(row["status"], row["status_at"]),
        "turn": turn_view(row["status"]),
        "payment_delay": _delay(row),
    }


def detail(row: asyncpg.Record, history: list[asyncpg.Record], link: PagesLink) -> InvoiceDetail:
    """An invoice and the entries that the reader may see."""
    return InvoiceDetail(
        **item(row),
        header=Header.model_validate(msgspec.json.decode(row["header"])),
        attempt=row["attempt"],
        history=[_entry(entry) for entry in history],
        pages=PagesView(template=link.template, index=link.index, expires_at=link.expires_at),
        left_at=row["left_at"],
    )


def status_view(code: str, since: datetime) -> StatusView:
    status = STATUSES[code]
    return StatusView(
        code=code, label=status.label_fr, explanation=status.explain_fr, terminal=status.terminal, since=since
    )


def turn_view(code: str) -> Turn | None:
    actor = turn(code)
    return Turn(actor=actor, label=TURNS[actor]) if actor else None


def _delay(row: asyncpg.Record) -> PaymentDelay | None:
    started, source = row["payment_delay_started_on"], row["payment_delay_source"]
    if started is None:
        return None
    return PaymentDelay(
        started_on=started,
        started_at=row["payment_delay_started_at"],
        due_on=due_on(started),
        source=source,
        explanation=SOURCES[source],
    )


def _entry(row: asyncpg.Record) -> EntryView:
    notice = NoticeView.model_validate(msgspec.json.decode(row["notice"])) if row["notice"] else None
    return EntryView(
        entry=row["entry"],
        kind=row["kind"],
        label=_label(row, notice),
        status_from=row["status_from"],
        status_to=row["status_to"],
        actor=row["actor"],
        actor_label=ACTORS[row["actor"]],
        at=row["at"],
        reasons=[Reason.model_validate(reason) for reason in msgspec.json.decode(row["reasons"])],
        notice=notice,
        action=row["action"],
        motif=row["motif"],
        comment=row["comment"],
        changes=[Change.model_validate(change) for change in msgspec.json.decode(row["changes"])],
    )


#: What is not asked for by anybody but follows from an action, in words.
OUTCOMES: Final = {
    "transferred": "Transférée à un autre service",
    "transfer_refused": "Le transfert n'a pas abouti",
}


def _label(row: asyncpg.Record, notice: NoticeView | None) -> str:
    if notice is not None:
        return NOTICES[notice.audience, notice.outcome]
    if row["kind"] == "action":
        action = ACTIONS.get(row["action"])
        return OUTCOMES.get(row["action"], row["action"]) if action is None else action.label
    if row["status_to"] is not None:
        return STATUSES[row["status_to"]].label_fr
    return SOURCES["portal"]
