"""What the platform does by itself once a status is entered: it asks the next, brings it to who has to act. Pure."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.events import RoutingRequested
from invoice import model
from invoice.findings import Finding
from invoice.lifecycle import Apply, decide
from invoice.policies import follow_up, is_routed
from invoice.works import PIECES
from services.status.model import Applied, Entry, FieldChange, Invoice, Outcome, Party, Role


def platform_move(
    invoice: Invoice,
    target: str,
    now: datetime,
    cause: UUID,
    *,
    reasons: tuple[Finding, ...] = (),
    changes: tuple[FieldChange, ...] = (),
) -> Outcome:
    """Move the invoice in the platform's name, as its circuit allows it, with all that follows."""
    verdict = decide(invoice.status, target, "S", was_available=invoice.was_available, table=invoice.circuit.table)
    if not isinstance(verdict, Apply):
        return verdict
    return followed(_step(invoice, target, now, cause, reasons, changes), now)


def followed(done: Applied, now: datetime) -> Applied:
    """Add to a status that was entered who sees the invoice from now on, and what the platform does right after."""
    entry, after = done.entry, done.invoice
    if entry.status_to is None:
        return done
    done = msgspec.structs.replace(done, parties=(*done.parties, *_asked(after, entry)))
    target = follow_up(after.circuit, entry.status_to)
    if target is None:
        return done
    return msgspec.structs.replace(done, then=followed(_step(after, target, now, entry.cause), now))


def _step(
    before: Invoice,
    target: str,
    now: datetime,
    cause: UUID,
    reasons: tuple[Finding, ...] = (),
    changes: tuple[FieldChange, ...] = (),
) -> Applied:
    number = before.entries + 1
    after = msgspec.structs.replace(before, status=target, status_at=now, entries=number, version=number)
    asks = None
    if target == "DEPOSEE" and is_routed(before.circuit):
        # The validators have had their say: who receives it is asked by the rules of the day, as a later attempt.
        after = msgspec.structs.replace(after, attempt=before.attempt + 1)
        asks = routing_asked(after, now)
    entry = Entry(
        invoice=before.id,
        number=number,
        kind="status",
        status_from=before.status,
        status_to=target,
        actor="S",
        at=now,
        visibility="all",
        cause=cause,
        reasons=reasons,
        changes=changes,
    )
    return Applied(invoice=after, entry=entry, asks=asks)


def routing_asked(after: Invoice, now: datetime) -> RoutingRequested:
    """The request for the attempt that ``after`` counts, for an invoice that nobody has had yet."""
    return RoutingRequested(
        attempt=after.attempt,
        purpose="recycled",
        invoice=after.header,
        submitted_at=after.submitted_at,
        requested_at=now,
    )


def _asked(invoice: Invoice, entry: Entry) -> Iterator[Party]:
    """Those whom a status asks: they see the invoice from then on, and go on seeing it."""
    works, status = invoice.works, entry.status_to
    if status in ("A_VALIDER_1", "A_VALIDER_2"):
        rank = 1 if status == "A_VALIDER_1" else 2
        yield party(invoice, invoice.validators[rank - 1], "VALIDATEUR", entry.number, rank)
    elif works is None:
        return
    elif status == "MISE_A_DISPOSITION_MOE" and works.moe is not None:
        yield party(invoice, works.moe, "MOE", entry.number)
    elif status == "MISE_A_DISPOSITION_MOA":
        if works.moa is not None:
            yield party(invoice, works.moa, "MOA", entry.number)
        if "MOE" in PIECES[invoice.circuit.cadre].copy_to and works.moe is not None:
            yield party(invoice, works.moe, "MOE", entry.number)


def party(invoice: Invoice, who: model.Party, role: Role, since: int, rank: int | None = None) -> Party:
    """Somebody beside the body who may see the invoice."""
    return Party(
        invoice=invoice.id,
        structure=who.siret,
        service=who.service,
        role=role,
        since=since,
        submitted_at=invoice.submitted_at,
        rank=rank,
    )
