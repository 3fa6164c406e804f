"""Submitted invoices are routed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.envelope import Event
from contracts.events import InvoiceSubmitted
from invoice.address import Around
from services.common.deliver import Tx
from services.common.failures import Rejected, Transient
from services.routing import metrics, store
from services.routing.around import References, look_around, references_of
from services.routing.domain import outcome_event, route, sirets_of
from services.routing.store import Decided, Directory, Snapshot


class Handlers:
    """Decides the first round of every invoice that asks for no validation; later rounds are asked for by status."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def __call__(self, tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        """Store and emit one decision per invoice and attempt; everything else is of no concern here."""
        submitted = [
            (event, event.data) for event in events if isinstance(event.data, InvoiceSubmitted) and _ours(event.data)
        ]
        if not submitted:
            return []
        snapshot, around = await self._known(tx, [data for _, data in submitted])
        decided = {
            event.id: Decided(
                invoice_id(event),
                event.id,
                data,
                route(data, snapshot.bodies, snapshot.version, around[references_of(data)]),
            )
            for event, data in submitted
        }
        new = await store.keep_decisions(tx.conn, list(decided.values()), tx.now)
        for event, data in submitted:
            if event.id in new:
                routing = decided[event.id].routing
                outcome = outcome_event(routing, data.attempt, tx.now)
                tx.emit(outcome, key=event.subject, cause=event, tenant=routing.tenant)
                metrics.DECISIONS.labels(outcome=routing.decision.outcome).inc()
        return []

    async def _known(
        self, tx: Tx, submitted: Sequence[InvoiceSubmitted]
    ) -> tuple[Snapshot, Mapping[References, Around]]:
        """The directory of a batch, all of it as it stood at one version: that is what a decision names.

        Raises :class:`Transient` when the directory changes faster than it can be read.
        """
        sirets = {siret for data in submitted for siret in sirets_of(data)}
        references = {references_of(data) for data in submitted}
        for _ in range(10):
            snapshot = await self._directory.look_up(tx.conn, sirets)
            found = await look_around(tx.conn, references, snapshot.bodies)
            if found.version == snapshot.version:
                return snapshot, found.around
        raise Transient("DirectoryChanging")


def _ours(submitted: InvoiceSubmitted) -> bool:
    return submitted.attempt == 1 and not submitted.validators


def invoice_id(event: Event) -> UUID:
    """The invoice an event is about. Raises :class:`Rejected` when its subject is no invoice id."""
    try:
        found = UUID(event.subject)
    except ValueError as error:
        raise Rejected("SUBJECT_NOT_AN_INVOICE", "ce_subject must be the invoice's UUID") from error
    if str(found) != event.subject:  # another spelling would be another key: other locks, another order
        raise Rejected("SUBJECT_NOT_AN_INVOICE", "ce_subject must be the invoice's UUID in its canonical spelling")
    return found
