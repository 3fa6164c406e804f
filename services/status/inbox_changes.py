"""What has changed since a cursor, read in the caller's scope: invoices that are his, and that they are his no more."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from services.common.auth import Principal
from services.common.db import Connection
from services.common.web import Problem
from services.status import inbox, inbox_store, viewing
from services.status.inbox_store import Changed, Place
from services.status.inbox_views import ChangeOut, Changes
from services.status.listing import COLUMNS
from services.status.views import InvoiceItem, InvoicePage

#: As a cursor: from the beginning.
BEGINNING: Final = "0"
_FETCHED: Final = (
    "select invoice, min(entry) as entry from history where invoice = any ($1::uuid[]) and action = $2 group by invoice"
)


async def changed_page(connection: Connection, principal: Principal, since: str, limit: int) -> InvoicePage:
    """The same as a list of invoices: those that are the caller's, oldest change first. ``next`` is always there."""
    found = await changes_since(connection, principal, None if since == BEGINNING else since, limit)
    shown = [change.invoice for change in found.changes if change.invoice is not None]
    return InvoicePage(invoices=shown, next=found.next)


async def changes_since(connection: Connection, principal: Principal, since: str | None, limit: int) -> Changes:
    """The next changes. Raises a problem for a cursor that is none, or of a database that was restored since."""
    after = await _after(connection, since)
    found = await inbox_store.page(connection, principal, after, limit)
    ids = [each.invoice for each in found]
    rows = await connection.fetch(f"select {COLUMNS} from invoice where id = any ($1::uuid[])", ids)
    known = {row["id"]: row for row in rows}
    told = await fetched_by(connection, ids)
    return Changes(
        changes=[_change(each, known.get(each.invoice), told) for each in found],
        next=inbox.write_cursor(found[-1].at if found else after),
        more=len(found) == limit,
    )


async def _after(connection: Connection, since: str | None) -> Place:
    if since is None:
        return inbox.START
    try:
        after = inbox.read_cursor(since)
    except ValueError as error:
        raise Problem(
            400,
            "CURSOR_INVALID",
            "Curseur illisible",
            "Reprenez la valeur « next » de la réponse précédente, sans la modifier.",
            errors=[{"field": "since", "value": since[:40], "rule": "next", "action": "Ou repartez sans « since »."}],
        ) from error
    if not await inbox_store.is_known(connection, after):
        raise Problem(
            410,
            "CURSOR_GONE",
            "Curseur périmé",
            "La base a été restaurée depuis : repartez sans « since », chaque facture vous sera redonnée une fois.",
            errors=[{"field": "since", "value": since[:40], "rule": "curseur de cette base"}],
        )
    return after


def _change(each: Changed, row: asyncpg.Record | None, told: Mapping[UUID, int]) -> ChangeOut:
    return ChangeOut(
        id=each.invoice,
        structure=each.structure,
        entry=each.entry,
        left=row is None,
        fetched_entry=told.get(each.invoice),
        invoice=None if row is None else InvoiceItem(**viewing.item(row)),
    )


async def fetched_by(connection: Connection, invoices: Sequence[UUID]) -> dict[UUID, int]:
    """By which entry invoices were fetched, as far as the connection's scope sees."""
    rows = await connection.fetch(_FETCHED, list(invoices), inbox.FETCHED)
    return {row["invoice"]: row["entry"] for row in rows}
