"""What a person wrote becomes an invoice: its document, its number, its row and its event."""

import asyncio
import io
from uuid import UUID

from contracts.envelope import event_id
from contracts.events import ClaimCheck, InvoiceSubmitted
from invoice.sandbox import is_sandbox, mark
from invoice.typed import Assembled, Sheet
from services.common import clock
from services.common.auth import Principal
from services.common.blobs import Blobs
from services.common.deliver import Tx
from services.common.trace import RequestCause
from services.ingest import attachment_store, draft_refusals, draft_rules, draft_store, metrics, typed_pdf
from services.ingest.deposits import hash_of, object_key
from services.ingest.domain import State
from services.ingest.draft_rules import Examined
from services.ingest.draft_store import Sending
from services.ingest.identity import uuid7
from services.ingest.kinds import PDF


async def made(sheet: Sheet, assembled: Assembled, tenant: str | None) -> tuple[bytes, str]:
    """The document made of what was typed for this tenant, and its name."""
    header, computed = assembled.header, assembled.computed
    assert header is not None
    assert computed is not None
    content = await asyncio.to_thread(typed_pdf.render, header, computed, sheet, mark(tenant))
    safe = "".join(char if char.isalnum() or char in "-_+" else "-" for char in header.invoice_number)
    return content, f"facture-{safe}.pdf"


async def keep(blobs: Blobs, principal: Principal, content: bytes) -> ClaimCheck:
    """Store a document that the platform made, under a key of its own.

    Two requests may send two versions of one draft: the one that loses never writes over the other's document.
    """
    return await blobs.put(
        object_key(principal.subject, uuid7(clock.now()), PDF),
        io.BytesIO(content),
        size=len(content),
        sha256=hash_of(content),
        media_type=PDF,
    )


async def send(
    tx: Tx,
    principal: Principal,
    deposit: UUID,
    examined: Examined,
    document: ClaimCheck,
    name: str,
    traceparent: str | None,
    read_as: UUID | None = None,
) -> None:
    """Take the number, change the row and tell of the invoice, in the running transaction.

    ``read_as``: the deposit that the document was read for, where it is made again with it.

    Raises the problem of a number that somebody has taken meanwhile, and of a draft that is gone.
    """
    header = examined.header
    assert header is not None
    sending = Sending(
        examined=examined,
        number=draft_rules.number_of(examined.assembled, sandbox=is_sandbox(examined.tenant)),
        document=document,
        file_name=name,
        contact=principal.contact,
        at=tx.now,
    )
    became = await draft_store.submit(tx.conn, deposit, sending)
    if became == "taken":
        raise draft_refusals.to_correct([draft_rules.taken(examined)], typed=False)
    if became != "submitted":
        raise draft_refusals.unknown()
    attached = await attachment_store.of(tx.conn, [deposit])
    tx.emit(
        InvoiceSubmitted(
            invoice=header,
            document=document,
            depositor=principal.subject,
            contact=principal.contact,
            file_name=name,
            submitted_at=tx.now,
            warnings=examined.warnings,
            validators=tuple(party.siret for party in examined.given.validators),
            validator_parties=examined.given.validators,
            works=examined.works,
            attachments=attached.get(deposit, ()),
            read_as=None if read_as is None else str(read_as),
        ),
        key=str(deposit),
        cause=RequestCause(event_id(deposit, "sent-by-hand"), traceparent),
        tenant=examined.tenant,
    )
    metrics.DECIDED.labels(state=State.SUBMITTED.value).inc()
