"""Structures in SQL. Writes belong to a transaction that holds the lock ``structure/<key>``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from invoice.directory import Identifier
from services.common.db import Connection
from services.portal.structure import Bank, Postal, identifier, right_key, structure_id
from services.portal.structure_directory import Body

_COLUMNS: Final = "id, kind, key, written, name, street, complement, postal_code, town, country, prefilled, version"


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """A structure as it stands, without its bank references. ``prefilled``: fields that are still the file's."""

    id: UUID
    kind: str
    key: str
    written: str
    name: str
    street: str | None
    complement: str | None
    postal_code: str | None
    town: str | None
    country: str
    prefilled: tuple[str, ...]
    version: int

    @property
    def postal(self) -> Postal:
        """Its postal address."""
        names = ("street", "complement", "postal_code", "town", "country")
        return Postal(**{name: getattr(self, name) for name in names})


def lock_of(key: str) -> str:
    """The key under which a structure is locked."""
    return f"structure/{key}"


def _structure(row: asyncpg.Record) -> Structure:
    return Structure(**{**dict(row), "prefilled": tuple(row["prefilled"])})


async def by_key(connection: Connection, key: str) -> Structure | None:
    """The structure that rights name so, or None; through the API's role, only one that the caller may see."""
    row = await connection.fetchrow(f"select {_COLUMNS} from structure where key = $1", key)
    return None if row is None else _structure(row)


async def by_id(connection: Connection, identity: UUID) -> Structure | None:
    """The structure with this id, or None."""
    row = await connection.fetchrow(f"select {_COLUMNS} from structure where id = $1", identity)
    return None if row is None else _structure(row)


async def by_ids(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Structure]:
    """These structures, by id."""
    rows = await connection.fetch(f"select {_COLUMNS} from structure where id = any($1::uuid[])", list(ids))
    return {row["id"]: _structure(row) for row in rows}


async def make(
    connection: Connection,
    found: Identifier,
    *,
    name: str,
    postal: Postal,
    prefilled: Sequence[str],
    by: str,
    now: datetime,
) -> Structure:
    """The structure of this identifier, made with these fields where it is not there yet."""
    await connection.execute(
        "insert into structure (id, kind, identifier, written, key, name, street, complement, postal_code, town,"
        " country, prefilled, created_at, created_by, changed_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $13) on conflict do nothing",
        structure_id(found),
        found.type,
        found.normalised,
        found.value,
        right_key(found),
        name,
        postal.street,
        postal.complement,
        postal.postal_code,
        postal.town,
        postal.country,
        list(prefilled),
        now,
        by,
    )
    made = await by_key(connection, right_key(found))
    assert made is not None
    return made


async def of_body(connection: Connection, body: Body, by: str, now: datetime) -> Structure:
    """The row of a public structure: people belong to it, its name and address are the directory's."""
    postal = Postal(postal_code=body.postal_code, town=body.town)
    found = identifier("SIRET", body.siret)
    return await make(connection, found, name=body.name, postal=postal, prefilled=(), by=by, now=now)


async def change(
    connection: Connection, structure: Structure, name: str, postal: Postal, prefilled: Sequence[str], now: datetime
) -> Structure:
    """Keep another name and address under the next version."""
    row = await connection.fetchrow(
        "update structure set name = $2, street = $3, complement = $4, postal_code = $5, town = $6, country = $7,"
        f" prefilled = $8, version = version + 1, changed_at = $9 where id = $1 returning {_COLUMNS}",
        structure.id,
        name,
        postal.street,
        postal.complement,
        postal.postal_code,
        postal.town,
        postal.country,
        list(prefilled),
        now,
    )
    assert row is not None
    return _structure(row)


async def keep_bank(connection: Connection, structure: UUID, bank: Bank | None, now: datetime) -> None:
    """Keep the bank references; None forgets them."""
    await connection.execute(
        "update structure set iban = $2, bic = $3, holder = $4, version = version + 1, changed_at = $5 where id = $1",
        structure,
        bank.iban if bank else None,
        bank.bic if bank else None,
        bank.holder if bank else None,
        now,
    )


async def banks_of(connection: Connection, structures: Sequence[UUID]) -> dict[UUID, Bank]:
    """The bank references of those that have any; the owner of the schema alone can read them."""
    rows = await connection.fetch(
        "select id, iban, bic, holder from structure where id = any($1::uuid[]) and iban is not null", list(structures)
    )
    return {row["id"]: Bank(iban=row["iban"], bic=row["bic"], holder=row["holder"]) for row in rows}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A structure that a search finds."""

    key: str
    name: str
    town: str | None
    postal_code: str | None
    public: bool
    registered: bool


_SEARCH: Final = (
    "select p.siret as key, p.name, p.town, p.postal_code, true as public, true as registered from public_structure p"
    " where not p.deleted and {public} union all"
    " select s.key, s.name, s.town, s.postal_code, false, true from structure s where s.kind <> 'PARTICULIER'"
    " and not exists (select from public_structure p where p.siret = s.key and not p.deleted) and {own} union all"
    " select e.siret, coalesce(e.name, ''), e.town, e.postal_code, false, false from sirene_establishment e"
    " where e.active and not exists (select from public_structure p where p.siret = e.siret and not p.deleted)"
    " and not exists (select from structure s where s.key = e.siret) and {sirene}"
    " order by public desc, registered desc, name, key limit $2"
)
_BY_DIGITS: Final = _SEARCH.format(
    public="p.siret like '%' || $1 || '%'",
    own="s.kind = 'SIRET' and s.identifier like '%' || $1 || '%'",
    sirene="e.siret like $1 || '%'",
)
_BY_NAME: Final = _SEARCH.format(
    public="lower(p.name) = lower($1)", own="lower(s.name) = lower($1)", sirene="lower(e.name) = lower($1)"
)


async def search(connection: Connection, *, digits: str | None, name: str | None, limit: int) -> list[Listed]:
    """Structures by a part of their SIRET, else by their exact name; private persons are never found.

    Among the millions of INSEE's file only the first digits are looked for.
    """
    statement, wanted = (_BY_DIGITS, digits) if digits else (_BY_NAME, name)
    return [Listed(**dict(row)) for row in await connection.fetch(statement, wanted, limit)]
