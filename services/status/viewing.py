"""An invoice, its delay and its history as the API shows them: rows of the database become the shapes of ``views``."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from invoice import cadres
from invoice.lifecycle import ACTORS, STATUSES, turn
from services.common import sandbox
from services.common.links import PagesLink
from services.status.timers import answer_by
from services.status.views import (
    Change,
    Company,
    EntryView,
    Header,
    InvoiceDetail,
    NoticeView,
    PagesView,
    PaymentDelay,
    Reason,
    Recipient,
    SolicitationRef,
    StatusView,
    Turn,
    WorksView,
)
from services.status.words import SOURCES, STATES, TURNS, action_label, notice_label


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
