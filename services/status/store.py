"""The worker's side of the status tables: read a batch of invoices, write a batch of what happened to them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from contracts.codec import codec
from invoice import model
from invoice.clock import Terms
from invoice.model import InvoiceHeader, Works
from services.common.db import Connection
from services.status import party_store
from services.status.bodies import policy
from services.status.model import Delay, Entry, FieldChange, Invoice, Notice
from services.status.plan import Plan

_header = codec(InvoiceHeader)
_json = msgspec.json.Encoder()
_terms = msgspec.json.Decoder(Terms)
_works = msgspec.json.Decoder(Works)
_companies = msgspec.json.Decoder(tuple[model.Party, ...])
_notice = msgspec.json.Decoder(Notice)
_changes = msgspec.json.Decoder(tuple[FieldChange, ...])
#: What everybody's deeds change of an invoice: column → its type. ``_state`` gives them in this order.
_STATE: Final = {
    "id": "uuid",
    "status": "text",
    "status_at": "timestamptz",
    "entries": "int",
    "attempt": "int",
    "recipient_name": "text",
    "service_code": "text",
    "service_label": "text",
    "tenant": "text",
    "available_entry": "int",
    "available_at": "timestamptz",
    "payment_delay_started_on": "date",
    "payment_delay_started_at": "timestamptz",
    "payment_delay_source": "text",
    "due_on": "date",
    "payment_delay_state": "text",
    "held_by": "text",
    "available_structure": "text",
    "transfer_attempt": "int",
    "version": "int",
    "validators": "jsonb",
    "works": "jsonb",
    "terms": "jsonb",
    "assigned_to": "text",
}
_DEPOSITED: Final = {
    "number": "text",
    "header": "jsonb",
    "depositor": "text",
    "submitted_at": "timestamptz",
    "trial": "text",
    "read_as": "uuid",
}
_LOAD: Final = (
    "select i.*, t.policy::text as policy from invoice i left join known_body b on b.siret = i.recipient"
    " left join known_tenant t on t.tenant = b.tenant where i.id = any($1::uuid[])"
)
_CLOCK: Final = (
    "select invoice, entry, kind, status_from, status_to, actor, at, visibility, cause, notice, action, changes,"
    " structure from history where invoice = any($1::uuid[]) order by invoice, entry"
)


def _arrays(columns: Mapping[str, str]) -> str:
    return ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(columns.values(), 1))


_INSERT: Final = (
    f"insert into invoice ({', '.join((*_DEPOSITED, *_STATE))}) select * from unnest({_arrays(_DEPOSITED | _STATE)})"
)
_UPDATE: Final = (
    f"update invoice set {', '.join(f'{name} = t.{name}' for name in _STATE if name != 'id')}"
    f" from unnest({_arrays(_STATE)}) t({', '.join(_STATE)}) where invoice.id = t.id"
)


async def load(connection: Connection, identities: Iterable[UUID]) -> dict[UUID, Invoice]:
    """The invoices that exist among these."""
    rows = await connection.fetch(_LOAD, list(identities))
    return {row["id"]: _invoice(row) for row in rows}


async def clock_entries(connection: Connection, invoices: Sequence[UUID]) -> dict[UUID, list[Entry]]:
    """The history of these invoices as the clock reads it: without reasons and words."""
    found: dict[UUID, list[Entry]] = {}
    for row in await connection.fetch(_CLOCK, list(invoices)) if invoices else ():
        entry = Entry(
            invoice=row["invoice"],
            number=row["entry"],
            kind=row["kind"],
            actor=row["actor"],
            at=row["at"],
            visibility=row["visibility"],
            cause=row["cause"],
            status_from=row["status_from"],
            status_to=row["status_to"],
            notice=row["notice"] and _notice.decode(row["notice"]),
            action=row["action"],
            changes=_changes.decode(row["changes"]),
            structure=row["structure"],
        )
        found.setdefault(entry.invoice, []).append(entry)
    return found


async def save(connection: Connection, plan: Plan, now: datetime) -> None:
    """Write a batch's plan in the running transaction."""
    await party_store.end(connection, plan.ended, now)  # first: it keeps the invoice as it stands before the plan
    await _insert(connection, plan.created)
    await _update(connection, plan.changed)
    await _write_history(connection, plan.entries, now)
    await party_store.move(connection, plan.moved)
    await party_store.forget(connection, plan.gone)
    await party_store.write(connection, plan.parties, now)


def _invoice(row: asyncpg.Record) -> Invoice:
    started = row["payment_delay_started_on"]
    delay = started and Delay(
        started_on=started,
        started_at=row["payment_delay_started_at"],
        source=row["payment_delay_source"],
        due_on=row["due_on"],
    )
    return Invoice(
        id=row["id"],
        header=_header.decode(row["header"].encode()),
        depositor=row["depositor"],
        submitted_at=row["submitted_at"],
        trial=row["trial"],
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
        delay_state=row["payment_delay_state"],
        validators=_companies.decode(row["validators"]) if row["validators"] else (),
        works=row["works"] and _works.decode(row["works"]),
        terms=row["terms"] and _terms.decode(row["terms"]),
        assigned_to=row["assigned_to"],
        policy=policy(row["policy"]),
        read_as=row["read_as"],
    )


async def _insert(connection: Connection, invoices: Sequence[Invoice]) -> None:
    if not invoices:
        return
    await connection.execute(
        _INSERT,
        [i.header.invoice_number for i in invoices],
        [_header.encode(i.header).decode() for i in invoices],
        [i.depositor for i in invoices],
        [i.submitted_at for i in invoices],
        [i.trial for i in invoices],
        [i.read_as for i in invoices],
        *_state(invoices),
    )


async def _update(connection: Connection, invoices: Sequence[Invoice]) -> None:
    if invoices:
        await connection.execute(_UPDATE, *_state(invoices))


def _state(invoices: Sequence[Invoice]) -> tuple[list[object], ...]:
    """The columns of ``_STATE``, as arrays."""
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
        [d and d.due_on for d in delays],
        [i.delay_state for i in invoices],
        [i.held_by for i in invoices],
        [i.available_structure for i in invoices],
        [i.transfer_attempt for i in invoices],
        [i.version for i in invoices],
        [_written(i.validators or None) for i in invoices],
        [_written(i.works) for i in invoices],
        [_written(i.terms) for i in invoices],
        [i.assigned_to for i in invoices],
    )


def _written(value: object) -> str | None:
    return None if value is None else _json.encode(value).decode()


async def _write_history(connection: Connection, entries: Sequence[Entry], now: datetime) -> None:
    if not entries:
        return
    await connection.execute(
        "insert into history (invoice, entry, kind, status_from, status_to, actor, at, visibility, reasons, notice,"
        " cause, action, motif, comment, by_subject, changes, structure, recorded_at)"
        " select t.*, $18 from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[],"
        " $7::timestamptz[], $8::text[], $9::jsonb[], $10::jsonb[], $11::uuid[], $12::text[], $13::text[],"
        " $14::text[], $15::text[], $16::jsonb[], $17::text[]) t",
        [e.invoice for e in entries],
        [e.number for e in entries],
        [e.kind for e in entries],
        [e.status_from for e in entries],
        [e.status_to for e in entries],
        [e.actor for e in entries],
        [e.at for e in entries],
        [e.visibility for e in entries],
        [_list(e.reasons) for e in entries],
        [_written(e.notice) for e in entries],
        [e.cause for e in entries],
        [e.action for e in entries],
        [e.motif for e in entries],
        [e.comment for e in entries],
        [e.by for e in entries],
        [_list(e.changes) for e in entries],
        [e.structure for e in entries],
        now,
    )


def _list(items: tuple[msgspec.Struct, ...]) -> str:
    return _json.encode(items).decode() if items else "[]"
