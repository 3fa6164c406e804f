"""Documents received become jobs: reading is slow, so it leaves the partition. Structures become known recipients."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.events import DocumentReceived, StructurePublished
from services.common import tenants
from services.common.deliver import Tx
from services.common.subject import invoice_id
from services.ocr import recipients, store


async def handle(tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
    """Queue one job per document; a document that has one keeps it. Keep what the directory says of structures."""
    jobs = [
        store.Job(
            event_id=event.id,
            invoice_id=invoice_id(event),
            document=event.data.document,
            traceparent=event.traceparent,
        )
        for event in events
        if isinstance(event.data, DocumentReceived)
    ]
    if jobs:
        await store.queue(tx.conn, jobs)
    published = [event.data for event in events if isinstance(event.data, StructurePublished)]
    if published:
        await recipients.keep(tx.conn, published)
    await tenants.ask(tx, events)
    return []
