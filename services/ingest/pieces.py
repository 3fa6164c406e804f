"""The works pieces that deposits refer to, as far as they were submitted here."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from invoice.cadre_files import Piece, parties_of, references
from invoice.cadres import Given
from invoice.model import InvoiceHeader
from services.common.db import Connection

_header = msgspec.json.Decoder(InvoiceHeader).decode
_given = msgspec.json.Decoder(Given).decode


async def load(connection: Connection, given: Sequence[Given]) -> dict[str, Piece]:
    """The submitted works pieces referred to, by id. Nothing is asked where no deposit refers to any."""
    asked = sorted({UUID(id_) for each in given for id_ in references(each)})
    if not asked:
        return {}
    rows = await connection.fetch(
        "select id, header, given, works_file from deposit"
        " where id = any($1::uuid[]) and state = 'submitted' and works_file is not null",
        asked,
    )
    return {str(row["id"]): _piece(row) for row in rows}


def _piece(row: asyncpg.Record) -> Piece:
    header = _header(row["header"])
    return Piece(
        id=str(row["id"]),
        cadre=header.cadre_code,
        supplier=header.supplier_siret,
        file=str(row["works_file"]),
        parties=parties_of(header, _given(row["given"])),
    )
