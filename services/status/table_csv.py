"""Invoices as CSV."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import asyncpg
import msgspec

from invoice.lifecycle import STATUSES, turn
from services.common import clock
from services.common.auth import Principal
from services.common.db import Pool, scoped
from services.common.looks import Looking
from services.common.table_csv import MARK, lines, text
from services.status import queries
from services.status.looked import Trail
from services.status.payment_delay import paris_day
from services.status.risks import interest_of
from services.status.search import OPEN, After, Search
from services.status.words import TURNS

Row = asyncpg.Record | Mapping[str, Any]
PAGE: Final = 500
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
    "interets_moratoires",
)


def whole(rows: Iterable[asyncpg.Record]) -> str:
    """A whole table of invoices, as of today."""
    today = paris_day(clock.now())
    return lines([HEAD, *(cells(row, today) for row in rows)])


def cells(row: Row, today: date) -> list[object]:
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
        _interest(row, header, today),
    ]


def _interest(row: Row, header: Mapping[str, Any], today: date) -> str:
    """What lateness comes to today, of an open invoice in euros; nothing for the others."""
    if row["due_on"] is None or row["due_on"] >= today or row["status"] not in OPEN:
        return ""
    if header.get("currency", "EUR") != "EUR":
        return ""
    return str(interest_of(row["due_on"], Decimal(str(header["payable"])), today)).replace(".", ",")


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
    today = paris_day(now)
    yield (MARK + lines([HEAD])).encode()
    async for page in rows(trail.api_pool, principal, wanted, now):
        await trail.listed(looking, [row["id"] for row in page])
        yield lines(cells(row, today) for row in page).encode()
