"""Where the documents of an invoice lie: claim checks, kept as their events come."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from contracts.codec import codec
from contracts.envelope import Event
from contracts.events import AttachmentStored, ClaimCheck, InvoiceSubmitted
from services.common.db import Connection

#: The document that was deposited; attachments have ids of their own.
INVOICE: Final = "invoice"
_claim = codec(ClaimCheck)


class Held(msgspec.Struct, frozen=True):
    """A document of an invoice."""

    document: str
    name: str
    claim: ClaimCheck


def brings(event: Event) -> bool:
    """Whether an event tells of documents."""
    return isinstance(event.data, InvoiceSubmitted | AttachmentStored)


async def keep(connection: Connection, events: Sequence[tuple[UUID, Event]]) -> None:
    """Write down the documents that these invoices' events tell of; a repeat changes nothing."""
    found = [(invoice, held) for invoice, event in events for held in _told(event)]
    if not found:
        return
    await connection.execute(
        "insert into invoice_document (invoice, document, name, claim)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) on conflict do nothing",
        [invoice for invoice, _ in found],
        [held.document for _, held in found],
        [held.name for _, held in found],
        [_claim.encode(held.claim).decode() for _, held in found],
    )


def _told(event: Event) -> Iterable[Held]:
    match event.data:
        case InvoiceSubmitted() as data:
            yield Held(INVOICE, data.file_name, data.document)
            yield from (Held(one.id, one.name, one.document) for one in data.attachments)
        case AttachmentStored() as data:
            yield Held(data.attachment.id, data.attachment.name, data.attachment.document)


async def of_invoices(connection: Connection, invoices: Iterable[UUID]) -> Mapping[UUID, list[Held]]:
    """The documents of these invoices that the connection's scope may see, the deposited one first."""
    rows = await connection.fetch(
        "select invoice, document, name, claim::text from invoice_document where invoice = any ($1::uuid[])"
        f" order by invoice, document <> '{INVOICE}', name, document",
        list(invoices),
    )
    found: dict[UUID, list[Held]] = {}
    for row in rows:
        held = Held(row["document"], row["name"], _claim.decode(row["claim"].encode()))
        found.setdefault(row["invoice"], []).append(held)
    return found
