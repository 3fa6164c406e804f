"""Events become messages: rows, never mail. Workers send, so that no outside party holds a partition."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.events import InvoiceSubmitted, NotificationFailed, StructurePublished
from services.common import telemetry, tenants
from services.common.deliver import Tx
from services.common.trace import RequestCause
from services.notify import metrics, recipients, store
from services.notify.domain import Audience, Message, Told, messages, told


class Handlers:
    """Writes one message per event, audience and address. ``domain`` is the right part of every Message-ID."""

    def __init__(self, domain: str) -> None:
        self._domain = domain

    async def __call__(self, tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        """Handle a batch; returns the status changes whose invoice's submission has not been seen yet."""
        await recipients.keep(tx.conn, [e.data for e in events if isinstance(e.data, StructurePublished)])
        await tenants.ask(tx, events)
        await store.keep_contacts(
            tx.conn, {e.subject: e.data.contact for e in events if isinstance(e.data, InvoiceSubmitted)}
        )
        wanted = [(event, what) for event in events if (what := told(event.data)) is not None]
        known = await store.contacts(tx.conn, {e.subject for e, what in wanted if what.contact is None})
        ready, not_yet = [], []
        for event, what in wanted:
            contact = what.contact if what.contact is not None else known.get(event.subject)
            if contact is None and what.to("supplier"):
                not_yet.append(event)
            else:
                ready.append((event, what, contact))
        await self._write(tx, ready)
        return not_yet

    async def _write(self, tx: Tx, ready: Sequence[tuple[Event, Told, str | None]]) -> None:
        sirets = {what.facts.recipient_siret for _, what, _ in ready if what.to("body")} - {None}
        managers = await store.managers(tx.conn, [siret for siret in sirets if siret])
        made: list[Message] = []
        for event, what, contact in ready:
            facts = what.facts
            body = managers.told(facts.recipient_siret, facts.service_code) if facts.recipient_siret else []
            addresses: dict[Audience, Sequence[str]] = {"supplier": [contact] if contact else [], "body": body}
            made += messages(what, event.id, event.subject, event.traceparent, addresses)
        new = await store.write(tx.conn, made, self._domain, tx.now)
        for message in made:
            if message.id in new:
                _count(message)
                if message.state == "no_address":
                    _nobody(tx, message)


def _count(message: Message) -> None:
    metrics.WRITTEN.labels(kind=message.kind, audience=message.audience).inc()


def _nobody(tx: Tx, message: Message) -> None:
    """Nobody can be written to: it is said aloud and in the invoice's history, and holds nothing up."""
    metrics.NO_ADDRESS.labels(audience=message.audience).inc()
    telemetry.logger().error("notify.no_address", kind=message.kind, audience=message.audience, subject=message.subject)
    tx.emit(
        NotificationFailed(
            message=str(message.id),
            kind=message.kind,
            audience=message.audience,
            failed_at=tx.now,
            cause="permanent",
            entry=message.entry,
        ),
        key=message.subject,
        cause=RequestCause(id=message.id, traceparent=message.traceparent),
    )
