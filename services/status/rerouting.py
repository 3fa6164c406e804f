"""What another attempt of routing does to an invoice: recycled to a body, or handed over inside one. Pure."""

from datetime import datetime
from typing import Final

import msgspec

from contracts.envelope import Event
from contracts.events import InvoiceRouted, InvoiceUnroutable
from invoice.findings import Finding, refusals
from services.status.model import Applied, Body, Entry, FieldChange, Invoice, Moved, Party
from services.status.payment_delay import terms_for

#: What the supplier may change when he recycles: fields of :class:`invoice.model.InvoiceHeader` (lifecycle.yaml).
ADDRESS_FIELDS: Final = ("recipient_siret", "service_code", "engagement")


def made_available(invoice: Invoice, data: InvoiceRouted, now: datetime, body: Body | None = None) -> Invoice:
    """The invoice at a body's disposal. ``invoice.entries`` is the entry that says so.

    The notice of the first body is waited for, and anew that of another one unless its tenant's policy says otherwise;
    in the same structure the delay runs on from the first notification (decisions.md 2).
    """
    before = invoice.available_structure
    after = msgspec.structs.replace(
        invoice,
        recipient_name=data.structure_name,
        service_code=data.service_code,
        service_label=data.service_label,
        tenant=data.tenant,
        held_by=data.structure_siret,
        available_structure=data.structure_siret,
    )
    terms = terms_for(after, body, restarts=data.recycling_restarts_delay)
    after = msgspec.structs.replace(after, terms=terms)
    if before == data.structure_siret or (before is not None and not data.recycling_restarts_delay):
        return after
    return msgspec.structs.replace(after, available_entry=after.entries, available_at=now)


def recipient_party(before: Invoice, data: InvoiceRouted, number: int) -> tuple[Party | None, Moved | None]:
    """The body becomes a party from the entry ``number`` on; where it is one already, its service may change."""
    if before.held_by == data.structure_siret:
        return None, Moved(before.id, data.structure_siret, data.service_code)
    party = Party(
        invoice=before.id,
        structure=data.structure_siret,
        service=data.service_code,
        role="DESTINATAIRE",
        tenant=data.tenant,
        since=number,
        submitted_at=before.submitted_at,
    )
    return party, None


def transfer_answered(
    invoice: Invoice, event: Event, data: InvoiceRouted | InvoiceUnroutable, now: datetime
) -> Applied:
    """Routing's answer to a body's hand-over: its own business, so that neither status, clock nor supplier learn it."""
    number = invoice.entries + 1
    after = msgspec.structs.replace(invoice, entries=number, version=number, transfer_attempt=None)
    moved: Moved | None = None
    reasons: tuple[Finding, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    if isinstance(data, InvoiceRouted):
        changes = (FieldChange("service_code", invoice.service_code, data.service_code),)
        moved = Moved(invoice.id, data.structure_siret, data.service_code)
        after = msgspec.structs.replace(after, service_code=data.service_code, service_label=data.service_label)
    else:
        reasons = refusals(data.findings)
    entry = Entry(
        invoice=invoice.id,
        number=number,
        kind="action",
        actor="S",
        at=now,
        visibility="body",
        cause=event.id,
        reasons=reasons,
        action="transferred" if isinstance(data, InvoiceRouted) else "transfer_refused",
        changes=changes,
    )
    return Applied(invoice=after, entry=entry, moved=moved)
