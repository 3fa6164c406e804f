"""Events change invoices, and what changed is told."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.events import InvoiceRouted, InvoiceSubmitted
from services.common import tenants
from services.common.deliver import Tx
from services.common.failures import Rejected
from services.common.subject import invoice_id
from services.status import bodies, documents, files, store
from services.status.domain import concerns_invoice
from services.status.plan import Plan, fold
from services.status.writing import write


async def handle(tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
    """Apply a batch in one go; returns the events that come too early.

    Raises :class:`Rejected` for an event that the table of statuses forbids.
    """
    await tenants.ask(tx, events)
    await bodies.keep(tx.conn, events)
    await documents.keep(tx.conn, [(invoice_id(event), event) for event in events if documents.brings(event)])
    own = [event for event in events if concerns_invoice(event.data)]
    filed = [event for event in own if isinstance(event.data, InvoiceSubmitted) and event.data.works is not None]
    apart = {event.id for event in filed}
    not_yet = await _together(tx, [event for event in own if event.id not in apart])
    for event in filed:  # one after the other: each may change other pieces of its file
        plan = await files.submitted(tx, event, invoice_id(event))
        not_yet += await _written(tx, plan)
    return not_yet


async def _together(tx: Tx, own: Sequence[Event]) -> list[Event]:
    if not own:
        return []
    known = await store.load(tx.conn, {invoice_id(event) for event in own})
    sirets = {event.data.invoice.recipient_siret for event in own if isinstance(event.data, InvoiceSubmitted)}
    sirets |= {event.data.structure_siret for event in own if isinstance(event.data, InvoiceRouted)}
    return await _written(tx, fold(known, own, tx.now, await bodies.load(tx.conn, sirets)))


async def _written(tx: Tx, plan: Plan) -> list[Event]:
    if plan.refused:
        refused = plan.refused[0]
        raise Rejected(refused.reason, f"{refused.event.type}: {refused.message}")
    await write(tx, plan)
    return plan.not_yet
