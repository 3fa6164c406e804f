"""Events become messages: rows, never mail. Workers send, so that no outside party holds a partition."""

from collections.abc import Sequence

import msgspec

from contracts.envelope import Event
from contracts.events import InvoiceSubmitted, StatusChanged, StructurePublished, TenantPublished
from invoice.sandbox import is_sandbox
from services.common import tenants
from services.common.deliver import Tx
from services.notify import correspondents, recap, recipients, webhook_store
from services.notify.desk import Desk
from services.notify.domain import Message, Told, messages
from services.notify.outcomes import nobody
from services.notify.telling import told


class Handlers:
    """Writes one message per event, audience and address."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        """Handle a batch; returns the status changes whose invoice's submission has not been seen yet."""
        await recipients.keep(tx.conn, [e.data for e in events if isinstance(e.data, StructurePublished)])
        await recipients.keep_senders(tx.conn, [e.data for e in events if isinstance(e.data, TenantPublished)])
        await tenants.ask(tx, events)
        await webhook_store.take(tx.conn, events, tx.now)  # in the order in which they came, whatever mail waits for
        await correspondents.keep(tx.conn, {e.subject: e.data for e in events if isinstance(e.data, InvoiceSubmitted)})
        changes = [(e, e.data) for e in events if isinstance(e.data, StatusChanged)]
        await correspondents.correct(tx.conn, {e.subject: c for e, c in changes if c.validator is not None})
        wanted = [(event, what) for event in events if (what := told_of(event)) is not None]
        known = await correspondents.parties(tx.conn, {event.subject for event, what in wanted if what.contact is None})
        not_yet = [
            event
            for event, what in wanted
            if what.contact is None
            and event.subject not in known
            and (what.facts.sandbox or what.to("supplier", "validator", "moe", "moa"))
        ]
        late = {event.id for event in not_yet}
        ready = [(event, what, known.get(event.subject)) for event, what in wanted if event.id not in late]
        book = await correspondents.book(tx.conn, [(what, of) for _, what, of in ready])
        made: list[Message] = []
        for event, what, of in ready:
            made += messages(what, event.id, event.subject, event.traceparent, book.addresses(what, of))
        for message in await self._desk.write(tx, made, book.people):
            if not message.address:
                nobody(tx, message)
        real = [(event, change) for event, change in changes if not is_sandbox(event.tenant)]
        done = [(change, known.get(event.subject)) for event, change in real if event.id not in late]
        await recap.count(tx.conn, done)
        return not_yet


def told_of(event: Event) -> Told | None:
    """Whom an event is told to, and what of it; of a sandbox's it says so."""
    what = told(event.data)
    if what is None or not is_sandbox(event.tenant):
        return what
    return msgspec.structs.replace(what, facts=msgspec.structs.replace(what.facts, sandbox=True))
