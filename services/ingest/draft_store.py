"""SQL of drafts: what a person writes beside or without a document, until it is sent or dropped."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.events import ClaimCheck
from invoice import cadres
from invoice.checks import NumberKey
from invoice.typed import Sheet
from services.common.auth import Principal
from services.common.db import Connection
from services.ingest import left, store
from services.ingest.depositing import depositor
from services.ingest.domain import State
from services.ingest.draft_rules import Examined, Filled, Source
from services.ingest.store import Stored

_encode = msgspec.json.Encoder(decimal_format="string").encode
_sheet = msgspec.json.Decoder(Sheet).decode
_sources = msgspec.json.Decoder(dict[str, Source]).decode
NO_NAME = "brouillon sans document"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a person saved. ``version`` counts the times."""

    filled: Filled
    version: int
    saved_at: datetime
    copied_from: UUID | None = None


async def find(connection: Connection, deposit: UUID) -> Draft | None:
    """What was saved of a draft; None where nobody wrote anything yet."""
    row = await connection.fetchrow(
        "select version, sheet, sources, copied_from, saved_at from draft where deposit_id = $1", deposit
    )
    if row is None:
        return None
    return Draft(
        filled=Filled(sheet=_sheet(row["sheet"]), sources=_sources(row["sources"])),
        version=row["version"],
        saved_at=row["saved_at"],
        copied_from=row["copied_from"],
    )


async def begin(
    connection: Connection, draft: UUID, principal: Principal, at: datetime, idempotency_key: str | None = None
) -> None:
    """A deposit that is a draft from the first, without a document."""
    by = depositor(principal)
    with left.told():
        await connection.execute(
            "insert into deposit (id, depositor, contact, structures, roles, idempotency_key, state, file_name,"
            " received_at, decided_at, given) values ($1, $2, $3, $4, $5, $6, 'to_verify', $7, $8, $8, '{}')",
            draft,
            principal.subject,
            principal.contact,
            list(by.structures),
            list(by.roles),
            idempotency_key,
            NO_NAME,
            at,
        )


async def save(connection: Connection, deposit: UUID, depositor: str, draft: Draft) -> None:
    """Keep what is written now."""
    await connection.execute(
        "insert into draft (deposit_id, depositor, version, sheet, sources, copied_from, saved_at)"
        " values ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7) on conflict (deposit_id) do update set"
        " version = excluded.version, sheet = excluded.sheet, sources = excluded.sources,"
        " saved_at = excluded.saved_at",
        deposit,
        depositor,
        draft.version,
        _encode(draft.filled.sheet).decode(),
        _encode(draft.filled.sources).decode(),
        draft.copied_from,
        draft.saved_at,
    )


async def take_document(connection: Connection, draft: UUID, refused: UUID) -> bool:
    """The draft stands on the document of a deposit that was refused; not where a deposit in force stands on it."""
    taken: bool = await connection.fetchval("select take_refused_document($1, $2)", draft, refused)
    return taken


async def touched(connection: Connection, deposit: UUID, at: datetime) -> None:
    """Something beside what is written has changed: whoever reads an older version is told so when he writes."""
    await connection.execute("update draft set version = version + 1, saved_at = $2 where deposit_id = $1", deposit, at)


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft becomes. ``number``: what it takes, if it takes one; ``document`` is new where it had none."""

    examined: Examined
    number: NumberKey | None
    document: ClaimCheck
    file_name: str
    contact: str
    at: datetime


async def submit(connection: Connection, deposit: UUID, sending: Sending) -> str:
    """Send a draft of the scope's own: ``submitted``; else ``taken`` or ``gone``, and the caller undoes the rest."""
    examined, document = sending.examined, sending.document
    header = examined.header
    assert header is not None
    decided: dict[str, Any] = {
        "decided_at": sending.at.isoformat(),
        "invoice_number": header.invoice_number.strip(),
        "header": header,
        "findings": examined.warnings,
        "given": examined.given,
        "issuer": cadres.issuer(header, examined.given),
        "works_file": None if examined.works is None else examined.works.file,
        "contact": sending.contact,
        "iban": examined.iban,
        "file_name": sending.file_name,
        "sha256": document.sha256,
        "size": document.size,
        "media_type": document.media_type,
        "bucket": document.bucket,
        "object_key": document.key,
    }
    became: str = await connection.fetchval(
        "select submit_draft($1, $2::jsonb, $3, $4)",
        deposit,
        _encode(decided).decode(),
        None if sending.number is None else sending.number.issuer,
        None if sending.number is None else sending.number.year,
    )
    return became


async def drop(connection: Connection, deposit: UUID) -> bool:
    """Delete a draft of the scope's own with all that hangs on it; whether there was one."""
    dropped: bool = await connection.fetchval("select drop_draft($1)", deposit)
    return dropped


async def page(connection: Connection, depositor: str, before: UUID | None, limit: int) -> list[tuple[Stored, Draft]]:
    """A depositor's drafts, newest first, those nobody wrote on included."""
    found = await store.page(connection, depositor, states=[State.TO_VERIFY], before=before, limit=limit)
    rows = await connection.fetch(
        "select deposit_id, version, sheet, sources, copied_from, saved_at from draft"
        " where deposit_id = any($1::uuid[])",
        [stored.id for stored in found],
    )
    saved = {
        row["deposit_id"]: Draft(
            filled=Filled(sheet=_sheet(row["sheet"]), sources=_sources(row["sources"])),
            version=row["version"],
            saved_at=row["saved_at"],
            copied_from=row["copied_from"],
        )
        for row in rows
    }
    return [(stored, saved.get(stored.id) or untouched(stored)) for stored in found]


def untouched(stored: Stored) -> Draft:
    """A draft as the reading left it."""
    return Draft(filled=Filled(sheet=Sheet()), version=1, saved_at=stored.decided_at or stored.received_at)


async def number_taken(connection: Connection, number: NumberKey | None) -> bool:
    """Whether somebody has the number. Asked with the worker's role: whose it is stays untold."""
    if number is None:
        return False
    found: bool = await connection.fetchval(
        "select exists (select from number_taken where issuer = $1 and year = $2 and number = $3)", *number
    )
    return found


def texts(stored: Stored) -> Sequence[str]:
    """What stands on the page, for suggestions."""
    return [field.raw for field in stored.fields]
