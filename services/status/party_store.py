"""The parties of invoices, as the worker writes them: who sees which, from when, until when."""

from collections.abc import Sequence
from datetime import datetime

from services.common.db import Connection
from services.status.model import Ended, Gone, Moved, Party


async def end(connection: Connection, ended: Sequence[Ended], now: datetime) -> None:
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


async def forget(connection: Connection, gone: Sequence[Gone]) -> None:
    for one in gone:  # one at a time: only an action does this
        await connection.execute(
            "update invoice_party set closed = true where invoice = $1 and structure = $2 and role = $3",
            one.invoice,
            one.structure,
            one.role,
        )


async def move(connection: Connection, moved: Sequence[Moved]) -> None:
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


async def write(connection: Connection, parties: Sequence[Party], now: datetime) -> None:
    if not parties:
        return
    await connection.execute(
        "insert into invoice_party (invoice, structure, service, role, tenant, since_entry, submitted_at, rank,"
        " depositor, valid_from) select t.*, $10 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[],"
        " $5::text[], $6::int[], $7::timestamptz[], $8::smallint[], $9::text[]) t on conflict do nothing",
        [p.invoice for p in parties],
        [p.structure for p in parties],
        [p.service for p in parties],
        [p.role for p in parties],
        [p.tenant for p in parties],
        [p.since for p in parties],
        [p.submitted_at for p in parties],
        [p.rank for p in parties],
        [p.depositor for p in parties],
        now,
    )
