"""Invoices that were there before people could act on them can be acted on after the update."""

from collections.abc import Mapping
from uuid import uuid4

import pytest

from contracts.codec import codec
from deploy.database import ServiceDsns
from invoice.model import InvoiceHeader
from services.common import db
from services.common.db import migrate, open_pool
from services.status import store
from services.status.action import Wanted
from services.status.actions import perform
from services.status.domain import Applied
from tests.unit.status.samples import BODY, NOON, SERVICE, SUPPLIER, TENANT, header

MIGRATED = ()  # its tests do that themselves, in two steps


async def test_an_invoice_of_the_first_version_knows_who_has_it_and_its_last_status(
    dsns: Mapping[str, ServiceDsns], monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn, files = dsns["status"].worker, db.migration_files
    with monkeypatch.context() as before:
        before.setattr(db, "migration_files", lambda package: [f for f in files(package) if f[0] < "status/0003"])
        await migrate(dsn, "status", "services.status")
    available, deposited = uuid4(), uuid4()
    pool = await open_pool(dsn, "status")
    try:
        for invoice, status, entries in ((available, "MISE_A_DISPOSITION", 3), (deposited, "DEPOSEE", 1)):
            await pool.execute(
                "insert into invoice (id, number, header, depositor, submitted_at, status, status_at, entries, attempt)"
                " values ($1, 'F-1', $2::text::jsonb, 'x', $3, $4, $3, $5, 1)",
                invoice,
                codec(InvoiceHeader).encode(header()).decode(),
                NOON,
                status,
                entries,
            )
            for entry, kind in ((1, "status"), (2, "status"), (3, "delay"))[:entries]:
                await pool.execute(
                    "insert into history (invoice, entry, kind, status_to, actor, at, recorded_at, visibility, reasons,"
                    " cause) values ($1, $2, $3::text, case when $3 = 'status' then $4 end, 'S', $5, $5, 'all', '[]',"
                    " gen_random_uuid())",
                    invoice,
                    entry,
                    kind,
                    status,
                    NOON,
                )
        parties = [(available, SUPPLIER, None, "FOURNISSEUR", None), (deposited, SUPPLIER, None, "FOURNISSEUR", None)]
        for party in (*parties, (available, BODY, SERVICE, "DESTINATAIRE", TENANT)):
            await pool.execute(
                "insert into invoice_party (invoice, structure, service, role, tenant, since_entry, submitted_at,"
                " valid_from) values ($1, $2, $3, $4, $5, 1, now(), now())",
                *party,
            )
        await migrate(dsn, "status", "services.status")
        async with pool.acquire() as connection:
            found = await store.load(connection, [available, deposited])
        assert [(i.held_by, i.available_structure, i.version) for i in (found[available], found[deposited])] == [
            (BODY, BODY, 2),
            (None, None, 1),
        ]
        wanted = Wanted(action="return_for_recycling", comment="Pas pour nous, voyez la voirie.")
        assert isinstance(perform(found[available], wanted, ["D"], "clerk", NOON), Applied)
    finally:
        await pool.close()
