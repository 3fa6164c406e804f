"""What the API answers: shapes for the documentation, with French words beside the codes."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from pydantic import BaseModel

from invoice import cadres
from invoice.lifecycle import ACTORS, STATUSES, turn
from services.common import sandbox
from services.common.links import PagesLink
from services.status.model import DelayState, Source
from services.status.timers import answer_by
from services.status.words import SOURCES, STATES, TURNS, action_label, notice_label


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


def item(row: asyncpg.Record) -> dict[str, Any]:
    """The fields of :class:`InvoiceItem` of a row of ``invoice``."""
    header = msgspec.json.decode(row["header"])
    cadre = _cadre(header)
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
        "status": status_view(row["status"], row["status_at"], counts=_counts(row)),
        "turn": turn_view(row["status"]),
        "payment_delay": _delay(row),
        "cadre": cadre,
        "cadre_label": cadres.CADRES[cadre].label,
        "works_file": row["works_file"],
        "answer_by": answer_by(row["status"], row["status_at"]),
        "sandbox": sandbox.marked(row["trial"] is not None),
    }


def _cadre(header: dict[str, Any]) -> str:
    return str(header.get("frame") or header.get("cadre", "A1").partition("_")[0])


def detail(
    row: asyncpg.Record, history: list[asyncpg.Record], link: PagesLink, by: Mapping[int, str] | None = None
) -> InvoiceDetail:
    """An invoice and the entries that the reader may see. ``by``: who made which, where he may know."""
    header = msgspec.json.decode(row["header"])
    works = row["works"] and msgspec.json.decode(row["works"])
    return InvoiceDetail(
        **item(row),
        header=Header.model_validate(header),
        validators=[Company.model_validate(one) for one in msgspec.json.decode(row["validators"] or "[]")],
        works=works and WorksView.model_validate(works),
        assigned_to=row["assigned_to"],
        attempt=row["attempt"],
        history=[_entry(entry, (by or {}).get(entry["entry"])) for entry in history],
        pages=PagesView(template=link.template, index=link.index, expires_at=link.expires_at),
        left_at=row["left_at"],
    )


def status_view(code: str, since: datetime, *, counts: bool = True) -> StatusView:
    """A status in words. ``counts`` False: it has no effect on the delay, where it could have one (decisions.md 6)."""
    status = STATUSES[code]
    said = status.explain_fr if counts else status.explain_fr_no_effect or status.explain_fr
    return StatusView(code=code, label=status.label_fr, explanation=said, terminal=status.terminal, since=since)


def _counts(row: asyncpg.Record) -> bool:
    """Whether a suspension interrupts the delay, and completing it has opened a new one."""
    started, due = row["payment_delay_started_on"], row["due_on"]
    if row["status"] == "SUSPENDUE":
        return bool(row["payment_delay_state"] != "running")
    if row["status"] != "COMPLETEE" or started is None or due is None:
        return True
    return bool(due != started + timedelta(days=msgspec.json.decode(row["terms"])["days"] if row["terms"] else 30))


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
        due_on=row["due_on"],
        state=row["payment_delay_state"],
        state_label=STATES[row["payment_delay_state"]],
        source=source,
        explanation=SOURCES[source],
    )


def _entry(row: asyncpg.Record, by: str | None) -> EntryView:
    notice = NoticeView.model_validate(msgspec.json.decode(row["notice"])) if row["notice"] else None
    changes = msgspec.json.decode(row["changes"])
    asked = row["kind"] == "solicitation"
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
        changes=[] if asked else [Change.model_validate(change) for change in changes],
        by=by,
        solicitation=_solicitation(changes) if asked else None,
    )


def _solicitation(changes: list[dict[str, Any]]) -> SolicitationRef:
    written = {change["field"]: change["after"] for change in changes}
    return SolicitationRef(id=written["solicitation"], reference=written["reference"])


def _label(row: asyncpg.Record, notice: NoticeView | None) -> str:
    if notice is not None:
        return notice_label(notice.audience, notice.outcome, notice.role)
    if row["kind"] in ("action", "solicitation"):
        return action_label(row["action"])
    if row["status_to"] is not None:
        return STATUSES[row["status_to"]].label_fr
    return SOURCES["portal"]
