"""What a bulk request was about, and what each of its invoices was answered: so that it can be asked again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.common.db import Connection

_DAYS_KEPT = 30


class Chosen(msgspec.Struct, frozen=True):
    """An invoice of a selection, with the version that it was chosen in."""

    invoice: UUID
    version: int | None


_chosen = msgspec.json.Decoder(tuple[Chosen, ...])


class Begun(msgspec.Struct, frozen=True):
    """A request under a key: what it asked for, and of which invoices."""

    digest: bytes
    chosen: tuple[Chosen, ...]


async def begun(connection: Connection, subject: str, key: str) -> Begun | None:
    """The request that this subject has begun under this key, if any."""
    row = await connection.fetchrow(
        "select digest, chosen::text from bulk_request where subject = $1 and key = $2", subject, key
    )
    return None if row is None else Begun(row["digest"], _chosen.decode(row["chosen"]))


async def begin(
    connection: Connection, subject: str, key: str, digest: bytes, chosen: Sequence[Chosen], now: datetime
) -> None:
    """Write down which invoices it is about, before the first of them is touched."""
    await connection.execute(
        "delete from bulk_request where subject = $1 and at < $2", subject, now - timedelta(days=_DAYS_KEPT)
    )
    await connection.execute(
        "insert into bulk_request (subject, key, digest, chosen, at) values ($1, $2, $3, $4::jsonb, $5)",
        subject,
        key,
        digest,
        msgspec.json.encode(chosen).decode(),
        now,
    )


async def answer_of(connection: Connection, subject: str, key: str, invoice: UUID) -> str | None:
    """What one invoice was answered, if it was its turn already."""
    found: str | None = await connection.fetchval(
        "select answer::text from bulk_answer where subject = $1 and key = $2 and invoice = $3", subject, key, invoice
    )
    return found


async def keep_answer(connection: Connection, subject: str, key: str, invoice: UUID, answer: str) -> None:
    """Remember it, in the transaction of what it tells."""
    await connection.execute(
        "insert into bulk_answer (subject, key, invoice, answer) values ($1, $2, $3, $4::jsonb)",
        subject,
        key,
        invoice,
        answer,
    )
