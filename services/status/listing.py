"""The newest invoices of a caller, found by index however many others there are.

Row-level security alone decides what may be seen; the claims below only say where to look, so that a page costs the
same in a table of a thousand invoices and of ten million.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from services.common.auth import Principal
from services.common.db import Connection

COLUMNS: Final = (
    "id, number, header, submitted_at, status, status_at, version, attempt, recipient_name, service_code,"
    " service_label, payment_delay_started_on, payment_delay_started_at, payment_delay_source"
)
_FILTER = (
    " and ($1::text is null or i.status = $1) and ($2::text is null or i.number = $2)"
    " and ($3::timestamptz is null or {when} >= $3)"
    " and ($4::timestamptz is null or ({when}, {id}) < ($4, $5::uuid))"
    " order by {when} desc, {id} desc limit $6"
)
_BY_NUMBER = f"select {COLUMNS} from invoice i where i.number = $2" + _FILTER.format(when="i.submitted_at", id="i.id")
_ALL = f"select {COLUMNS} from invoice i where true" + _FILTER.format(when="i.submitted_at", id="i.id")
#: One look per value of a claim: its newest invoices, in the order of an index of ``invoice_party``.
_LOOK = (
    "select found.invoice from unnest({values}::text[]) claim cross join lateral ("
    "select p.invoice from invoice_party p join invoice i on i.id = p.invoice where {party}"
    + _FILTER.format(when="p.submitted_at", id="p.invoice")
    + ") found"
)
_LOOKS: Final = (
    _LOOK.format(values="$7", party="p.structure = claim and p.role = 'FOURNISSEUR'"),
    _LOOK.format(values="$8", party="p.address = claim and p.role = 'DESTINATAIRE'"),
    _LOOK.format(values="$9", party="p.structure = claim and p.role = 'DESTINATAIRE'"),
    _LOOK.format(values="$10", party="p.tenant = claim and p.role = 'DESTINATAIRE'"),
)
_MINE = (
    f"select {COLUMNS} from invoice where id in ({' union all '.join(_LOOKS)})"
    " order by submitted_at desc, id desc limit $6"
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asks for; ``after`` is the last invoice of the page before."""

    status: str | None = None
    number: str | None = None
    since: datetime | None = None
    after: tuple[datetime, UUID] | None = None


async def newest(connection: Connection, principal: Principal, wanted: Wanted, limit: int) -> list[asyncpg.Record]:
    """Rows of ``invoice``, newest first. ``connection`` must be scoped to the principal."""
    when, identity = wanted.after or (None, None)
    filters = (wanted.status, wanted.number, wanted.since, when, identity, limit)
    if wanted.number is not None:
        return await connection.fetch(_BY_NUMBER, *filters)
    if "OPERATEUR" in principal.roles:
        return await connection.fetch(_ALL, *filters)
    structures, roles = list(principal.structures), principal.roles
    return await connection.fetch(
        _MINE,
        *filters,
        structures,
        list(principal.services),
        structures if "GESTIONNAIRE" in roles else [],
        list(principal.tenants) if "TENANT_ADMIN" in roles else [],
    )
