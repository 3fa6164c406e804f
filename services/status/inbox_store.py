"""Where the changes of a body's invoices stand, for the finance systems that follow them.

``note`` runs in the transaction of the entries, ``page`` reads what no running transaction can add to any more: a
cursor never passes a change that is not yet committed.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from services.common.auth import Principal
from services.common.db import Connection
from services.status.model import Entry
from services.status.places import places

#: Bodies of an invoice that have it, or have just lost it by what is being written.
_NOTE: Final = (
    "insert into inbox (invoice, structure, entry)"
    " select t.invoice, p.structure, max(t.entry) from unnest($1::uuid[], $2::int[]) t(invoice, entry)"
    " join invoice_party p on p.invoice = t.invoice and p.role = 'DESTINATAIRE'"
    "  and (p.until_entry is null or p.until_entry = t.entry - 1)"
    " group by t.invoice, p.structure order by t.invoice, p.structure"
    " on conflict (invoice, structure) do update set entry = greatest(inbox.entry, excluded.entry),"
    " xid = excluded.xid, place = excluded.place"
)
_PAGE: Final = (
    "select invoice, structure, entry, xid::text, place from inbox"
    " where structure = any ($1::text[]) and (xid, place) > ($2::text::xid8, $3)"
    " and xid < pg_snapshot_xmin(pg_current_snapshot())"
    " order by xid, place limit $4"
)


class Place(msgspec.Struct, frozen=True):
    """A position: everything up to it was given. ``xid`` counts transactions, ``place`` tells those of one apart."""

    xid: int
    place: int


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice of the caller's that has changed, last by this entry."""

    invoice: UUID
    structure: str
    entry: int
    at: Place


async def note(connection: Connection, entries: Sequence[Entry]) -> None:
    """These entries were written, and the parties as they are after them."""
    if entries:
        await connection.execute(_NOTE, [each.invoice for each in entries], [each.number for each in entries])


async def page(connection: Connection, principal: Principal, after: Place, limit: int) -> list[Changed]:
    """What has changed after ``after``, oldest first; an invoice stands where it changed last.

    ``connection`` is scoped: row-level security decides whose it is.
    """
    rows = await connection.fetch(_PAGE, places(principal).bodies, str(after.xid), after.place, limit)
    return [
        Changed(
            invoice=row["invoice"],
            structure=row["structure"],
            entry=row["entry"],
            at=Place(int(row["xid"]), row["place"]),
        )
        for row in rows
    ]


async def is_known(connection: Connection, at: Place) -> bool:
    """Whether a position can be one of this database: a restore into another cluster counts from the start again."""
    known: bool = await connection.fetchval(
        "select $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())", str(at.xid)
    )
    return known
