"""Writes what a plan comes to, and tells it: state, history, clock and outgoing events in one transaction."""

import msgspec

from services.common.deliver import Tx
from services.status import inbox_store, metrics, store, timer_store
from services.status.model import Entry, Invoice
from services.status.payment_delay import reckoned
from services.status.plan import Plan


async def write(tx: Tx, plan: Plan) -> None:
    """Every change of an invoice goes through here, whoever made it. The invoices are locked by the caller."""
    past = await store.clock_entries(tx.conn, [invoice.id for invoice in plan.changed])
    for entry in plan.entries:
        past.setdefault(entry.invoice, []).append(entry)
    created = [reckoned(invoice, past[invoice.id]) for invoice in plan.created]
    changed = [reckoned(invoice, past.get(invoice.id, [])) for invoice in plan.changed]
    _count(plan, [*created, *changed])
    await store.save(tx.conn, msgspec.structs.replace(plan, created=created, changed=changed), tx.now)
    await timer_store.follow(tx.conn, [*created, *changed], tx.now)
    nobodys = {invoice.id for invoice in (*created, *changed) if not invoice.was_available}
    await inbox_store.note(tx.conn, [entry for entry in plan.entries if entry.invoice not in nobodys])
    for told in plan.told:
        tx.emit(told.data, key=str(told.invoice), cause=told.cause, index=told.index, tenant=told.tenant)


def _count(plan: Plan, after: list[Invoice]) -> None:
    started = {invoice.id for invoice in (*plan.created, *plan.changed) if invoice.delay is None}
    for invoice in after:
        if invoice.delay is not None and invoice.id in started:
            metrics.DELAYS.labels(source=invoice.delay.source).inc()
    for entry in plan.entries:
        count(entry)


def count(entry: Entry) -> None:
    """Count a history entry for the metrics."""
    if entry.notice is not None:
        metrics.NOTICES.labels(audience=entry.notice.audience, outcome=entry.notice.outcome).inc()
    elif entry.status_to is not None:
        metrics.ENTERED.labels(status=entry.status_to).inc()
