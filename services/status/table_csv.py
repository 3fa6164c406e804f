"""Invoices as CSV: semicolons and a byte-order mark, as French spreadsheets expect."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from invoice.lifecycle import STATUSES, turn
from services.common.auth import Principal
from services.common.db import Pool, scoped
from services.common.looks import Looking
from services.status import queries
from services.status.looked import Trail
from services.status.search import After, Search
from services.status.words import TURNS

PAGE: Final = 500
MARK: Final = "\ufeff"
HEAD: Final = (
    "id",
    "numero",
    "date_facture",
    "depose_le",
    "siret_fournisseur",
    "siret_destinataire",
    "destinataire",
    "code_service",
    "service",
    "engagement",
    "marche",
    "net_a_payer",
    "devise",
    "statut",
    "libelle_statut",
    "statut_depuis",
    "a_qui_d_agir",
    "delai_depuis",
    "echeance",
)
#: A spreadsheet would take a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV text."""
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def cells(row: asyncpg.Record) -> list[object]:
    """The cells of an invoice, in the order of ``HEAD``."""
    header: dict[str, Any] = msgspec.json.decode(row["header"])
    status, actor = STATUSES[row["status"]], turn(row["status"])
    return [
        row["id"],
        text(row["number"]),
        header["issue_date"],
        row["submitted_at"].isoformat(timespec="seconds"),
        header["supplier_siret"],
        header["recipient_siret"],
        text(row["recipient_name"]),
        text(row["service_code"]),
        text(row["service_label"]),
        text(header.get("engagement")),
        text(header.get("contract")),
        str(header["payable"]).replace(".", ","),
        header.get("currency", "EUR"),
        row["status"],
        status.label_fr,
        row["status_at"].isoformat(timespec="seconds"),
        TURNS.get(actor, actor) if actor else "",
        row["payment_delay_started_on"] or "",
        row["due_on"] or "",
    ]


def text(value: str | None) -> str:
    """A cell of text, which no spreadsheet may take for a formula."""
    if value is None:
        return ""
    return f"'{value}" if value.startswith(_FORMULA) else value


async def rows(
    api_pool: Pool, principal: Principal, wanted: Search, now: datetime
) -> AsyncIterator[list[asyncpg.Record]]:
    """Every invoice that meets the conditions, page by page: a slow reader holds no connection."""
    while True:
        async with scoped(api_pool, principal.scope()) as connection:
            page = await queries.search(connection, principal, wanted, PAGE, now)
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = page[-1]
        place = last["submitted_at"] if wanted.sort == "recent" else last["due_on"]
        wanted = msgspec.structs.replace(wanted, after=After(place, last["id"]))


async def stream(
    trail: Trail, principal: Principal, looking: Looking, wanted: Search, now: datetime
) -> AsyncIterator[bytes]:
    """The whole table as it is written out."""
    yield (MARK + lines([HEAD])).encode()
    async for page in rows(trail.api_pool, principal, wanted, now):
        await trail.listed(looking, [row["id"] for row in page])
        yield lines(cells(row) for row in page).encode()
