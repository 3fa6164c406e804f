"""What an action reads and writes beside the invoice's own tables: who asks, and what was answered before."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from contracts.codec import codec
from invoice.model import InvoiceHeader
from services.common.auth import Principal
from services.common.db import Connection, Pool, scoped
from services.status.model import Applied

_header = codec(InvoiceHeader)
_DAYS_KEPT = 30
#: Role of a party → the actor of ``lifecycle.yaml`` that its people act as.
ACTOR_OF = {"FOURNISSEUR": "F", "DESTINATAIRE": "D"}


class Standing(msgspec.Struct, frozen=True):
    """Where somebody stands before an invoice: ``sees`` it, had it before it ``left``, acts as ``actors``."""

    sees: bool
    left: bool
    actors: tuple[str, ...]


class Answered(msgspec.Struct, frozen=True):
    """What an earlier request under the same key asked for and was answered."""

    invoice: UUID
    digest: bytes
    answer: bytes


async def standing(api_pool: Pool, principal: Principal, invoice: UUID) -> Standing:
    """Read through row-level security, which alone decides. An operator sees every invoice and acts for nobody."""
    async with scoped(api_pool, principal.scope()) as connection:
        sees = await connection.fetchval("select exists (select from invoice where id = $1)", invoice)
    own = {**principal.scope(), "roles": ",".join(role for role in principal.roles if role != "OPERATEUR")}
    async with scoped(api_pool, own) as connection:
        rows = await connection.fetch(
            "select distinct role, valid_until is null as current from invoice_party where invoice = $1"
            " order by role desc",
            invoice,
        )
    actors = tuple(ACTOR_OF[row["role"]] for row in rows if row["current"])
    return Standing(sees, bool(rows) and not actors, actors)


def digest(invoice: UUID, body: bytes) -> bytes:
    """What makes two requests the same."""
    return hashlib.sha256(invoice.bytes + body).digest()


async def answered(connection: Connection, subject: str, key: str) -> Answered | None:
    """What this subject was answered under this key, if anything."""
    row = await connection.fetchrow(
        "select invoice, digest, answer::text from action_request where subject = $1 and key = $2", subject, key
    )
    return None if row is None else Answered(row["invoice"], row["digest"], row["answer"].encode())


async def keep_answer(
    connection: Connection, subject: str, key: str, invoice: UUID, asked: bytes, answer: bytes, now: datetime
) -> None:
    """Remember an answer, in the transaction of what it tells. What the subject asked a month ago is forgotten."""
    await connection.execute(
        "delete from action_request where subject = $1 and at < $2", subject, now - timedelta(days=_DAYS_KEPT)
    )
    await connection.execute(
        "insert into action_request (subject, key, invoice, digest, answer, at) values ($1, $2, $3, $4, $5::jsonb, $6)",
        subject,
        key,
        invoice,
        asked,
        answer.decode(),
        now,
    )


async def save_header(connection: Connection, done: Applied) -> None:
    """Write the address that the supplier has corrected."""
    if any(change.before != change.after for change in done.entry.changes):
        await connection.execute(
            "update invoice set header = $2::jsonb where id = $1",
            done.invoice.id,
            _header.encode(done.invoice.header).decode(),
        )
