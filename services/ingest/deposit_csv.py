"""A depositor's deposits as CSV, with what a table needs of each and no more."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from invoice.sandbox import MARK
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Connection, Pool, scoped
from services.common.table_csv import text
from services.ingest import list_csv
from services.ingest.api_checks import cursor_of
from services.ingest.domain import LABELS, State
from services.ingest.examples import DEPOSITS_CSV
from services.ingest.list_csv import Row
from services.ingest.settings import IngestSettings

FILE: Final = "depots.csv"
HEAD: Final = (
    "id",
    "fichier",
    "recu_le",
    "etat",
    "libelle_etat",
    "traite_le",
    "numero_facture",
    "siret_fournisseur",
    "siret_destinataire",
    "net_a_payer",
    "devise",
    "doublon_de",
    "taille_octets",
    "sha256",
    "mention",
)
_COLUMNS: Final = (
    "id, file_name, received_at, state, decided_at, invoice_number, header->>'supplier_siret' as supplier,"
    " header->>'recipient_siret' as recipient, header->>'payable' as payable,"
    " case when header is not null then coalesce(header->>'currency', 'EUR') end as currency,"
    " duplicate_of, size, sha256, sandbox"
)


def add_export(router: APIRouter, api_pool: Pool, settings: IngestSettings) -> None:
    """Serve the table."""

    @router.get("/export.csv", response_class=Response, responses=list_csv.responses(DEPOSITS_CSV))
    async def export(
        request: Request,
        principal: CurrentPrincipal,
        state: Annotated[list[State] | None, Query(description="Un ou plusieurs états.")] = None,
        cursor: str | None = None,
    ) -> Response:
        """Vos dépôts en CSV, du plus récent au plus ancien. « cursor » : la suite d'une liste coupée."""
        found = partial(read, api_pool, principal, state or ())
        table = list_csv.Table(FILE, HEAD, found, settings.store_seconds)
        return await list_csv.answer(request, principal, table, cursor_of(cursor))


async def read(
    api_pool: Pool, principal: Principal, states: Sequence[State], before: UUID | None, limit: int
) -> list[Row]:
    """His deposits, newest first, those minted before ``before``."""
    async with scoped(api_pool, principal.scope()) as connection:
        return [row(found) for found in await _found(connection, principal.subject, states, before, limit)]


async def _found(
    connection: Connection, depositor: str, states: Sequence[State], before: UUID | None, limit: int
) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await connection.fetch(
        f"select {_COLUMNS} from deposit where depositor = $1 and ($2::uuid is null or id < $2)"
        " and (cardinality($3::text[]) = 0 or state = any($3)) order by id desc limit $4",
        depositor,
        before,
        [state.value for state in states],
        limit,
    )
    return found


def row(found: asyncpg.Record | Mapping[str, Any]) -> Row:
    """A deposit, its cells in the order of ``HEAD``."""
    decided = found["decided_at"]
    cells = [
        found["id"],
        text(found["file_name"]),
        found["received_at"].isoformat(timespec="seconds"),
        found["state"],
        LABELS[State(found["state"])],
        "" if decided is None else decided.isoformat(timespec="seconds"),
        text(found["invoice_number"]),
        found["supplier"] or "",
        found["recipient"] or "",
        (found["payable"] or "").replace(".", ","),
        found["currency"] or "",
        found["duplicate_of"] or "",
        found["size"],
        found["sha256"],
        MARK if found["sandbox"] else "",
    ]
    return Row(found["id"], cells)
