"""The history of an invoice with its proofs, as one reader may have it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec

from invoice.lifecycle import ACTORS
from services.common.auth import Principal
from services.common.db import Connection, Pool, scoped
from services.status.chain import Export, Line

#: Digests of every entry; facts and words are taken of those only that row-level security shows to the reader.
_LINES = (
    "select entry, actor, encode(chain, 'hex') as chain, encode(salt, 'hex') as salt, history_facts(h)::text as facts,"
    " encode(entry_digest(salt, history_facts(h)), 'hex') as sealed, by_subject, encode(subject_salt, 'hex') as"
    " subject_salt, comment, encode(comment_salt, 'hex') as comment_salt"
    " from history h where invoice = $1 order by entry"
)
_LEFT = (
    "select left_as ->> 'number' as number, until_entry from invoice_party where invoice = $1 and left_as is not null"
    " order by until_entry desc limit 1"
)
_AUTHORS = "select entry, by_subject from history where invoice = $1 and actor = any ($2) and by_subject is not null"
#: Whose side acted. Names are shown to one's own side: the other one learns the role.
_SIDES = {"FOURNISSEUR": ("F",), "DESTINATAIRE": ("D", "C")}


async def export_for(pool: Pool, api_pool: Pool, principal: Principal, invoice: UUID) -> Export | None:
    """What ``principal`` may take away; None when he may not see the invoice. ``pool`` is the owner's.

    A body that the invoice has left has the history up to then: not even the number of what came after.
    """
    async with scoped(api_pool, principal.scope()) as connection:
        number = await connection.fetchval("select number from invoice where id = $1", invoice)
        left = None if number is not None else await connection.fetchrow(_LEFT, invoice)
        visible = await connection.fetch("select entry from history where invoice = $1", invoice)
        roles = await connection.fetch("select distinct role from invoice_party where invoice = $1", invoice)
    if left is not None:
        number = left["number"]
    if number is None:
        return None
    sides = _named(roles, principal)
    async with pool.acquire() as worker:
        rows = await worker.fetch(_LINES, invoice)
    if left is not None:
        rows = rows[: left["until_entry"]]
    return _export(invoice, number, rows, {row["entry"] for row in visible}, sides)


async def authors(pool: Pool, api_pool: Pool, principal: Principal, invoice: UUID) -> Mapping[int, str]:
    """Who made which entry, of those of the reader's own side. ``pool`` is the owner's."""
    async with scoped(api_pool, principal.scope()) as connection:
        roles = await connection.fetch("select distinct role from invoice_party where invoice = $1", invoice)
    sides = _named(roles, principal)
    if not sides:
        return {}
    rows = await pool.fetch(_AUTHORS, invoice, sorted(sides))
    return {row["entry"]: row["by_subject"] for row in rows}


def _named(roles: list[asyncpg.Record], principal: Principal) -> set[str]:
    """The actors whose names the reader may know."""
    if "OPERATEUR" in principal.roles:
        return set(ACTORS)
    return {actor for row in roles for actor in _SIDES.get(row["role"], ())}


async def export_whole(connection: Connection, invoice: UUID) -> Export | None:
    """Everything, for whoever runs the platform; None when there is no such invoice.

    Its number of entries is the invoice's own count, so that entries missing at the end are seen.
    """
    found = await connection.fetchrow("select number, entries from invoice where id = $1", invoice)
    if found is None:
        return None
    rows = await connection.fetch(_LINES, invoice)
    export = _export(invoice, found["number"], rows, {row["entry"] for row in rows}, {row["actor"] for row in rows})
    return msgspec.structs.replace(export, entries=found["entries"])


def _export(invoice: UUID, number: str, rows: list[asyncpg.Record], visible: set[int], sides: set[str]) -> Export:
    return Export(
        invoice=invoice,
        number=number,
        exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
        entries=len(rows),
        head=rows[-1]["chain"] if rows else "",
        history=tuple(_shown(row, row["actor"] in sides) if row["entry"] in visible else _sealed(row) for row in rows),
    )


def _sealed(row: asyncpg.Record) -> Line:
    return Line(entry=row["entry"], chain=row["chain"], sealed=row["sealed"])


def _shown(row: asyncpg.Record, named: bool) -> Line:
    return Line(
        entry=row["entry"],
        chain=row["chain"],
        facts=msgspec.json.decode(row["facts"]),
        salt=row["salt"],
        who=row["by_subject"] if named else None,
        who_salt=row["subject_salt"] if named else None,
        comment=row["comment"],
        comment_salt=row["comment_salt"],
    )
