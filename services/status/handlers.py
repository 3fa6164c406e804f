"""Events change invoices, and what changed is told."""

from collections.abc import Sequence
from uuid import UUID

from contracts.envelope import Event
from services.common import tenants
from services.common.deliver import Tx
from services.common.failures import Rejected
from services.status import metrics, store
from services.status.domain import Entry, concerns_invoice
from services.status.plan import fold


async def handle(tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
    """Apply a batch in one go; returns the events that come too early.

    Raises :class:`Rejected` for an event that the table of statuses forbids.
    """
    await tenants.ask(tx, events)
    own = [event for event in events if concerns_invoice(event.data)]
    if not own:
        return []
    known = await store.load(tx.conn, {invoice_id(event) for event in own})
    plan = fold(known, own, tx.now)
    if plan.refused:
        refused = plan.refused[0]
        raise Rejected(refused.reason, f"{refused.event.type}: {refused.message}")
    await store.save(tx.conn, plan, tx.now)
    for change in plan.changes:
        tx.emit(change.data, key=change.event.subject, cause=change.event, tenant=change.data.tenant)
    for entry in plan.entries:
        count(entry)
    for invoice in (*plan.created, *plan.changed):
        before = known.get(invoice.id)
        if invoice.delay is not None and (before is None or before.delay is None):
            metrics.DELAYS.labels(source=invoice.delay.source).inc()
    return plan.not_yet


def invoice_id(event: Event) -> UUID:
    """The invoice an event is about. Raises :class:`Rejected` when its subject is no invoice id."""
    try:
        found = UUID(event.subject)
    except ValueError as error:
        raise Rejected("SUBJECT_NOT_AN_INVOICE", "ce_subject must be the invoice's UUID") from error
    if str(found) != event.subject:  # another spelling would be another key: other locks, another order
        raise Rejected("SUBJECT_NOT_AN_INVOICE", "ce_subject must be the invoice's UUID in its canonical spelling")
    return found


def count(entry: Entry) -> None:
    """Count a history entry for the metrics."""
    if entry.notice is not None:
        metrics.NOTICES.labels(audience=entry.notice.audience, outcome=entry.notice.outcome).inc()
    elif entry.status_to is not None:
        metrics.ENTERED.labels(status=entry.status_to).inc()
