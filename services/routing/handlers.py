"""Invoices are routed: once when they are submitted, once more for every attempt that status asks for."""

from collections.abc import Mapping, Sequence

from contracts.envelope import Event
from contracts.events import InvoiceSubmitted, Payload, RoutingRequested
from invoice import cadres
from invoice.address import Around
from services.common.deliver import Tx
from services.common.failures import Transient
from services.common.subject import invoice_id
from services.routing import metrics, store
from services.routing.around import References, look_around, references_of
from services.routing.domain import Asked, in_its_world, outcome_event, route, sirets_of
from services.routing.store import Decided, Directory, Snapshot
from services.routing.suggested import with_suggestions


class Handlers:
    """Decides every invoice that asks for no validation, and every later attempt."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def __call__(self, tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        """Store and emit one decision per invoice and attempt; everything else is of no concern here."""
        wanted = [(event, asked) for event in events if (asked := asked_of(event.data)) is not None]
        if not wanted:
            return []
        snapshot, around = await self._known(tx, [asked for _, asked in wanted])
        decided = {
            event.id: Decided(
                invoice_id(event),
                event.id,
                asked,
                in_its_world(
                    route(asked, snapshot.bodies, snapshot.version, around[references_of(asked)]), event.tenant
                ),
            )
            for event, asked in wanted
        }
        decided = await with_suggestions(tx.conn, decided, snapshot.bodies, around)
        new = await store.keep_decisions(tx.conn, list(decided.values()), tx.now)
        for event, asked in wanted:
            if event.id in new:
                routing = decided[event.id].routing
                outcome = outcome_event(routing, asked.attempt, tx.now)
                tx.emit(outcome, key=event.subject, cause=event, tenant=routing.tenant)
                metrics.DECISIONS.labels(outcome=routing.decision.outcome).inc()
        return []

    async def _known(self, tx: Tx, wanted: Sequence[Asked]) -> tuple[Snapshot, Mapping[References, Around]]:
        """The directory of a batch, all of it as it stood at one version: that is what a decision names.

        Raises :class:`Transient` when the directory changes faster than it can be read.
        """
        sirets = {siret for asked in wanted for siret in sirets_of(asked)}
        references = {references_of(asked) for asked in wanted}
        for _ in range(10):
            snapshot = await self._directory.look_up(tx.conn, sirets)
            found = await look_around(tx.conn, references, snapshot.bodies)
            if found.version == snapshot.version:
                return snapshot, found.around
        raise Transient("DirectoryChanging")


def asked_of(data: Payload) -> Asked | None:
    """What asks for a decision: a deposit that nobody acts on before its recipient, or status. None for all else.

    A validator, or a works piece that a MOE, a MOA or the supplier reads first: status asks when their turn is over.
    """
    match data:
        case InvoiceSubmitted():
            return (
                data if data.attempt == 1 and not data.validators and cadres.of(data.invoice).routed_at_once else None
            )
        case RoutingRequested():
            return data
        case _:
            return None
