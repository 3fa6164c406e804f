"""The worker's side of the status tables: read a batch of invoices, write a batch of what happened to them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from contracts.codec import codec
from invoice.model import InvoiceHeader
from services.common.db import Connection
from services.status.model import Ended, Entry, Invoice, Moved, Party
from services.status.payment_delay import NOTICE_PATIENCE, Delay
from services.status.plan import Plan

_header = codec(InvoiceHeader)
_json = msgspec.json.Encoder()
_COLUMNS = (
    "id, header, depositor, submitted_at, status, status_at, entries, attempt, recipient_name, service_code,"
    " service_label, tenant, available_entry, available_at, payment_delay_started_on, payment_delay_started_at,"
    " payment_delay_source, held_by, available_structure, transfer_attempt, version"
)


async def load(connection: Connection, identities: Iterable[UUID]) -> dict[UUID, Invoice]:
    """The invoices that exist among these."""
    rows = await connection.fetch(f"select {_COLUMNS} from invoice where id = any($1::uuid[])", list(identities))
    return {row["id"]: _invoice(row) for row in rows}


async def without_delay(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Invoices that the body could see for longer than the notice may take, and whose delay has not started."""
    rows = await connection.fetch(
        "select id from invoice where available_at < $1 and payment_delay_started_on is null"
        " order by available_at limit $2",
        now - NOTICE_PATIENCE,
        limit,
    )
    return [row["id"] for row in rows]


async def save(connection: Connection, plan: Plan, now: datetime) -> None:
    """Write a batch's plan in the running transaction."""
    await _end_parties(connection, plan.ended, now)  # first: it keeps the invoice as it stands before the plan
    await _insert(connection, plan.created)
    await _update(connection, plan.changed)
    await _write_history(connection, plan.entries, now)
    await _move_parties(connection, plan.moved)
    await _write_parties(connection, plan.parties, now)


def _invoice(row: asyncpg.Record) -> Invoice:
    started = row["payment_delay_started_on"]
    delay = started and Delay(
        started_on=started, started_at=row["payment_delay_started_at"], source=row["payment_delay_source"]
    )
    return Invoice(
        id=row["id"],
        header=_header.decode(row["header"].encode()),
        depositor=row["depositor"],
        submitted_at=row["submitted_at"],
        status=row["status"],
        status_at=row["status_at"],
        entries=row["entries"],
        attempt=row["attempt"],
        recipient_name=row["recipient_name"],
        service_code=row["service_code"],
        service_label=row["service_label"],
        tenant=row["tenant"],
        available_entry=row["available_entry"],
        available_at=row["available_at"],
        delay=delay,
        held_by=row["held_by"],
        available_structure=row["available_structure"],
        transfer_attempt=row["transfer_attempt"],
        version=row["version"],
    )


async def _insert(connection: Connection, invoices: Sequence[Invoice]) -> None:
    if not invoices:
        return
    await connection.execute(
        "insert into invoice (number, header, depositor, submitted_at, id, status, status_at, entries, attempt,"
        " recipient_name, service_code, service_label, tenant, available_entry, available_at,"
        " payment_delay_started_on, payment_delay_started_at, payment_delay_source, held_by, available_structure,"
        " transfer_attempt, version)"
        " select * from unnest($1::text[], $2::jsonb[], $3::text[], $4::timestamptz[], $5::uuid[], $6::text[],"
        " $7::timestamptz[], $8::int[], $9::int[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int[],"
        " $15::timestamptz[], $16::date[], $17::timestamptz[], $18::text[], $19::text[], $20::text[], $21::int[],"
        " $22::int[])",
        [i.header.invoice_number for i in invoices],
        [_header.encode(i.header).decode() for i in invoices],
        [i.depositor for i in invoices],
        [i.submitted_at for i in invoices],
        *_state(invoices),
    )


async def _update(connection: Connection, invoices: Sequence[Invoice]) -> None:
    if not invoices:
        return
    await connection.execute(
        "update invoice set status = t.status, status_at = t.status_at, entries = t.entries, attempt = t.attempt,"
        " recipient_name = t.recipient_name, service_code = t.service_code, service_label = t.service_label,"
        " tenant = t.tenant, available_entry = t.available_entry, available_at = t.available_at,"
        " payment_delay_started_on = t.started_on, payment_delay_started_at = t.started_at,"
        " payment_delay_source = t.source, held_by = t.held_by, available_structure = t.available_structure,"
        " transfer_attempt = t.transfer_attempt, version = t.version"
        " from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::int[], $6::text[], $7::text[],"
        " $8::text[], $9::text[], $10::int[], $11::timestamptz[], $12::date[], $13::timestamptz[], $14::text[],"
        " $15::text[], $16::text[], $17::int[], $18::int[])"
        " t(id, status, status_at, entries, attempt, recipient_name, service_code, service_label, tenant,"
        " available_entry, available_at, started_on, started_at, source, held_by, available_structure,"
        " transfer_attempt, version) where invoice.id = t.id",
        *_state(invoices),
    )


def _state(invoices: Sequence[Invoice]) -> tuple[list[object], ...]:
    """The columns that events change, as arrays."""
    delays = [i.delay for i in invoices]
    return (
        [i.id for i in invoices],
        [i.status for i in invoices],
        [i.status_at for i in invoices],
        [i.entries for i in invoices],
        [i.attempt for i in invoices],
        [i.recipient_name for i in invoices],
        [i.service_code for i in invoices],
        [i.service_label for i in invoices],
        [i.tenant for i in invoices],
        [i.available_entry for i in invoices],
        [i.available_at for i in invoices],
        [d and d.started_on for d in delays],
        [d and d.started_at for d in delays],
        [d and d.source for d in delays],
        [i.held_by for i in invoices],
        [i.available_structure for i in invoices],
        [i.transfer_attempt for i in invoices],
        [i.version for i in invoices],
    )


async def _write_history(connection: Connection, entries: Sequence[Entry], now: datetime) -> None:
    if not entries:
        return
    await connection.execute(
        "insert into history (invoice, entry, kind, status_from, status_to, actor, at, visibility, reasons, notice,"
        " cause, action, motif, comment, by_subject, changes, recorded_at)"
        " select t.*, $17 from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[],"
        " $7::timestamptz[], $8::text[], $9::jsonb[], $10::jsonb[], $11::uuid[], $12::text[], $13::text[],"
        " $14::text[], $15::text[], $16::jsonb[]) t",
        [e.invoice for e in entries],
        [e.number for e in entries],
        [e.kind for e in entries],
        [e.status_from for e in entries],
        [e.status_to for e in entries],
        [e.actor for e in entries],
        [e.at for e in entries],
        [e.visibility for e in entries],
        [_list(e.reasons) for e in entries],
        [None if e.notice is None else _json.encode(e.notice).decode() for e in entries],
        [e.cause for e in entries],
        [e.action for e in entries],
        [e.motif for e in entries],
        [e.comment for e in entries],
        [e.by for e in entries],
        [_list(e.changes) for e in entries],
        now,
    )


def _list(items: tuple[msgspec.Struct, ...]) -> str:
    return _json.encode(items).decode() if items else "[]"


async def _end_parties(connection: Connection, ended: Sequence[Ended], now: datetime) -> None:
    for end in ended:  # one at a time: only an action ends a party
        await connection.execute(
            "update invoice_party p set until_entry = $3, valid_until = $4,"
            " left_as = (select to_jsonb(i) - 'depositor' from invoice i where i.id = p.invoice)"
            " where p.invoice = $1 and p.structure = $2 and p.role = 'DESTINATAIRE' and p.valid_until is null",
            end.invoice,
            end.structure,
            end.until,
            now,
        )


async def _move_parties(connection: Connection, moved: Sequence[Moved]) -> None:
    if moved:
        await connection.execute(
            "update invoice_party p set service = t.service"
            " from unnest($1::uuid[], $2::text[], $3::text[]) t(invoice, structure, service)"
            " where p.invoice = t.invoice and p.structure = t.structure and p.role = 'DESTINATAIRE'"
            " and p.valid_until is null",
            [m.invoice for m in moved],
            [m.structure for m in moved],
            [m.service for m in moved],
        )


async def _write_parties(connection: Connection, parties: Sequence[Party], now: datetime) -> None:
    if not parties:
        return
    await connection.execute(
        "insert into invoice_party (invoice, structure, service, role, tenant, since_entry, submitted_at, valid_from)"
        " select t.*, $8 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[],"
        " $7::timestamptz[]) t",
        [p.invoice for p in parties],
        [p.structure for p in parties],
        [p.service for p in parties],
        [p.role for p in parties],
        [p.tenant for p in parties],
        [p.since for p in parties],
        [p.submitted_at for p in parties],
        now,
    )
