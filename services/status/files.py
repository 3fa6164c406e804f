"""Works pieces in their billing file: what a new piece does to those deposited before it."""

from uuid import UUID, uuid5

import msgspec

from contracts.envelope import NAMESPACE, Event
from contracts.events import InvoiceSubmitted
from invoice.clock import paris_day
from invoice.findings import Finding
from invoice.lifecycle import Forbidden, NotYet
from invoice.works import PIECES, Filed, FileMove, clock_piece, move_of
from services.common.db import Connection, lock_keys
from services.common.deliver import Tx
from services.common.trace import RequestCause
from services.status import bodies, store
from services.status.domain import submitted as deposited
from services.status.model import Applied, FieldChange, Invoice
from services.status.moves import platform_move
from services.status.plan import Plan, Refusal, note

_FILE = (
    "select id, header ->> 'frame' as piece, status, works ->> 'previous' as previous, payment_delay_started_on,"
    " payment_delay_source, (select min(at) from history h where h.invoice = i.id and h.status_to = any ($2))"
    " as received from invoice i where works_file = $1 order by submitted_at, id"
)
_REPLACED = "REMPLACEE_PAR_A22"
_RECEIVED = ["MISE_A_DISPOSITION_MOE", "MISE_A_DISPOSITION_MOA", "A_ASSOCIER_FOURNISSEUR", "MISE_A_DISPOSITION"]


class File(msgspec.Struct, frozen=True):
    """A billing file as it stands: its pieces, and which has started a payment delay since when, and by what."""

    pieces: tuple[Filed, ...]
    started: dict[str, tuple[str, str]]


async def submitted(tx: Tx, event: Event, identity: UUID) -> Plan:
    """The plan of a works piece that was submitted: the piece itself, and the pieces that it links or replaces."""
    data = event.data
    assert isinstance(data, InvoiceSubmitted)
    works = data.works
    assert works is not None
    await lock_keys(tx.conn, "status", [f"file {works.file}"])
    others = await tx.conn.fetch("select id from invoice where works_file = $1", works.file)
    await lock_keys(tx.conn, "status", [str(row["id"]) for row in others])
    plan = Plan()
    known = await store.load(tx.conn, [identity])
    file = await _file(tx.conn, works.file, identity)
    piece, on = data.invoice.cadre_code, paris_day(data.submitted_at)
    move = move_of(piece, file.pieces, works.previous, on=on) if piece in PIECES else FileMove()
    if works.previous is not None and all(filed.id != works.previous for filed in file.pieces):
        plan.not_yet.append(event)
        return plan
    found = await bodies.load(tx.conn, [data.invoice.recipient_siret])
    outcome = deposited(known.get(identity), event, data, tx.now, found, _started(file, data, identity))
    if isinstance(outcome, NotYet):
        plan.not_yet.append(event)
    elif isinstance(outcome, Forbidden):
        plan.refused.append(Refusal(event, outcome.reason, outcome.message))
    elif isinstance(outcome, Applied):
        if not isinstance(move, FileMove):
            outcome = _not_linked(outcome, move)
            move = FileMove()
        note(plan, outcome, event)
        plan.created.append(outcome.last)
        await _move_others(tx, plan, event, move)
    return plan


async def _file(connection: Connection, file: str, new: UUID) -> File:
    rows = [row for row in await connection.fetch(_FILE, file, _RECEIVED) if row["id"] != new]
    pieces = tuple(
        Filed(
            id=str(row["id"]),
            piece=row["piece"],
            status=row["status"],
            previous=row["previous"],
            received_on=None if row["received"] is None else paris_day(row["received"]),
        )
        for row in rows
    )
    started = {
        str(row["id"]): (row["payment_delay_started_on"].isoformat(), row["payment_delay_source"])
        for row in rows
        if row["payment_delay_started_on"] is not None
    }
    return File(pieces, started)


def _started(file: File, data: InvoiceSubmitted, identity: UUID) -> tuple[FieldChange, ...]:
    """Since when the delay of a payable piece runs, where an earlier piece that the MOE had has started it."""
    piece, works = data.invoice.cadre_code, data.works
    if works is None or piece not in PIECES or not PIECES[piece].payable:
        return ()
    new = Filed(id=str(identity), piece=piece, status="DEPOSEE", previous=works.previous)
    first = clock_piece((*file.pieces, new), new.id)
    if first is None or first not in file.started:
        return ()
    on, proof = file.started[first]
    return FieldChange("file_started_on", None, on), FieldChange("file_proof", None, proof)


def _not_linked(outcome: Applied, findings: tuple[Finding, ...]) -> Applied:
    """The deposit stands, for its certificate is given; its history says why it follows nothing (decision 0037)."""
    first = outcome.entry
    entry = msgspec.structs.replace(first, reasons=findings)
    return msgspec.structs.replace(outcome, entry=entry)


async def _move_others(tx: Tx, plan: Plan, event: Event, move: FileMove) -> None:
    targets = {UUID(identity): _REPLACED for identity in move.replaces}
    if move.links is not None:
        targets[UUID(move.links)] = "ASSOCIEE"
    if not targets:
        return
    others = await store.load(tx.conn, targets)
    data = event.data
    assert isinstance(data, InvoiceSubmitted)
    for identity, target in sorted(targets.items()):
        if target == _REPLACED and others[identity].header.supplier_siret != data.invoice.supplier_siret:
            continue  # one company's tacit procedure ends no other company's account
        moved = platform_move(others[identity], target, tx.now, _cause(event, others[identity]), changes=_next(event))
        if isinstance(moved, Applied):
            note(plan, moved, RequestCause(id=moved.entry.cause, traceparent=event.traceparent))
            plan.changed.append(moved.last)


def _next(event: Event) -> tuple[FieldChange, ...]:
    return (FieldChange("next_piece", None, event.subject),)


def _cause(event: Event, other: Invoice) -> UUID:
    return uuid5(NAMESPACE, f"{event.id}/file/{other.id}")
