"""What a flow's depositor may still deposit when its items come to their turn.

A flow may wait and be released for hours. Each item is judged by the rights that its depositor has in the transaction
that makes it a deposit: a right that was withdrawn meanwhile deposits nothing any more.
"""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
import msgspec

from invoice.cadres import Depositor
from invoice.findings import Finding
from invoice.identifiers import normalise
from services.common import account
from services.common.db import Connection
from services.common.principal import FOURNISSEUR
from services.ingest import depositing, flow_words
from services.ingest.flow_domain import Flow

Rows = Sequence[asyncpg.Record]


class Turn(NamedTuple):
    """A flow with what is left of its depositor's rights; items that he may deposit, and those that he may no more."""

    flow: Flow
    rows: Rows
    withdrawn: Rows


async def turn(connection: Connection, flow: Flow, rows: Rows, now: datetime) -> Turn:
    """Which of these items may still be deposited, and under which rights.

    A depositor without an account (a development token, a folder's) has no right that could be withdrawn.
    """
    who = await account.held(connection, flow.depositor, now) if rows else None
    if who is None:
        return Turn(flow, rows, ())
    before = Depositor(structures=flow.structures, roles=flow.roles)
    left = depositing.left(who, flow.structures, flow.roles)
    now_may = msgspec.structs.replace(flow, structures=left.structures, roles=left.roles)
    if depositing.within(flow.structures, flow.roles, left):
        return Turn(now_may, rows, ())
    gone = set(before.at(FOURNISSEUR)) - set(left.at(FOURNISSEUR))
    lost = {row["number"] for row in rows if not left.roles or _lost(row["supplier"], gone)}
    return Turn(
        now_may,
        [row for row in rows if row["number"] not in lost],
        [row for row in rows if row["number"] in lost],
    )


def _lost(supplier: str | None, gone: Container[str]) -> bool:
    """Whether an item is for a structure that he has left. One that names none is for nobody to guess."""
    return supplier is None or normalise(supplier) in gone


def said(row: asyncpg.Record) -> Finding:
    """Why an item is not deposited."""
    supplier: str | None = row["supplier"]
    whose = "au nom de cette structure" if supplier is None else f"pour le SIRET {supplier}"
    return flow_words.said("ENTRY_RIGHT_WITHDRAWN", supplier, whose=whose)
