"""The tables of a service, attacked as the API's role under the settings of somebody's token."""

from typing import Any

import asyncpg

from services.common.db import set_scope
from tests.e2e.walls import Side

#: Tables that the API's role may read as a whole, and why. Every other one has a policy, or no right to it.
READ_BY_ALL = {
    "routing.tenant": "the public directory",
    "routing.structure": "the public directory",
    "routing.service": "the public directory",
    "routing.search_entry": "the public directory, as it is searched",
    "routing.search_word": "words of the public directory",
    "routing.search_variant": "words of the public directory",
    "ocr.recipient": "SIRETs and tenants of the public directory",
    "routing.directory_history": "version and instant only: what a public answer is dated by",
}


async def tables(connection: Any, schema: str) -> list[tuple[str, bool, list[str]]]:
    """Every table with whether it has row-level security, and the columns that may be read."""
    rows = await connection.fetch(
        "select c.relname, c.relrowsecurity, array(select a.attname::text from pg_attribute a where a.attrelid = c.oid"
        " and a.attnum > 0 and not a.attisdropped and has_column_privilege(c.oid, a.attnum, 'select')) as columns"
        " from pg_class c where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')",
        schema,
    )
    return [tuple(row) for row in rows]


async def attack_table(
    connection: Any, table: str, columns: list[str], scope: dict[str, str], side: Side, case: str
) -> None:
    """Read, change and empty a table under these settings: nothing of ``side`` shows, and no row that does not."""
    seen = 0
    async with connection.transaction(readonly=True):
        await set_scope(connection, scope)
        if columns:
            listed = ", ".join(f'"{column}"' for column in columns)
            rows = await connection.fetch(f'select to_jsonb(t)::text as row from (select {listed} from "{table}") t')
            seen = len(rows)
            text = " ".join(row["row"] for row in rows)
            assert not [mark for mark in (*side.marks, side.invoice) if mark in text], case
    column = await connection.fetchval(
        "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped"
        " and attgenerated = '' and attidentity <> 'a' limit 1",
        table,
    )
    change = f'update "{table}" set "{column}" = "{column}"'
    for statement in (f'delete from "{table}"', change, f'truncate "{table}"'):
        transaction = connection.transaction()
        await transaction.start()
        try:
            await set_scope(connection, scope)
            status = await connection.execute(statement)
            assert int(status.rpartition(" ")[2]) <= seen, f"{case}: {statement}"
        except asyncpg.InsufficientPrivilegeError:
            pass
        finally:
            await transaction.rollback()
