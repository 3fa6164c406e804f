"""SQL of pages: what a signed link opens, and what was drawn. Row-level security shows one document at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from contracts.events import ClaimCheck
from invoice.findings import Finding
from services.common.db import Connection
from services.ocr.answers import Source
from services.ocr.store import Outcome

_document = msgspec.json.Decoder(ClaimCheck).decode
_finding = msgspec.json.Decoder(Finding).decode


class _Result(msgspec.Struct):
    """The part of a result that its pages need."""

    page_sizes: tuple[tuple[float, float], ...] = ()
    source: Source = "text"


_result = msgspec.json.Decoder(_Result).decode


class Readable(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was looked at: where it is, and the sizes of its pages in PDF points."""

    outcome: Outcome
    document: ClaimCheck
    sizes: tuple[tuple[float, float], ...]
    source: Source = "text"


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was drawn, at ``claim``; or that could not be, for ``refusal``."""

    number: int
    drawn_at: datetime
    claim: ClaimCheck | None = None
    refusal: Finding | None = None


class Old(msgspec.Struct, frozen=True):
    """A picture that may be forgotten."""

    invoice: UUID
    number: int
    drawn_at: datetime
    key: str | None


async def readable(connection: Connection, invoice: UUID) -> Readable | None:
    """The document of a reading, as far as the connection's scope may see it."""
    row = await connection.fetchrow(
        "select outcome, document::text, result::text from reading where invoice_id = $1 and document is not null",
        invoice,
    )
    if row is None:
        return None
    result = _result(row["result"])
    return Readable(
        outcome=row["outcome"], document=_document(row["document"]), sizes=result.page_sizes, source=result.source
    )


async def drawn(connection: Connection, invoice: UUID, number: int, bucket: str, media_type: str) -> Drawn | None:
    """What became of a page when it was drawn last."""
    row = await connection.fetchrow(
        "select object_key, sha256, size, refusal::text, drawn_at from page where invoice_id = $1 and number = $2",
        invoice,
        number,
    )
    if row is None:
        return None
    if row["refusal"] is not None:
        return Drawn(number=number, drawn_at=row["drawn_at"], refusal=_finding(row["refusal"]))
    claim = ClaimCheck(
        bucket=bucket, key=row["object_key"], sha256=row["sha256"], size=row["size"], media_type=media_type
    )
    return Drawn(number=number, drawn_at=row["drawn_at"], claim=claim)


async def keep(connection: Connection, invoice: UUID, found: Drawn) -> None:
    """Note what became of a page; the last drawing stands."""
    await connection.execute(
        "insert into page (invoice_id, number, object_key, sha256, size, refusal, drawn_at)"
        " values ($1, $2, $3, $4, $5, $6::jsonb, $7) on conflict (invoice_id, number) do update"
        " set object_key = excluded.object_key, sha256 = excluded.sha256, size = excluded.size,"
        " refusal = excluded.refusal, drawn_at = excluded.drawn_at",
        invoice,
        found.number,
        None if found.claim is None else found.claim.key,
        None if found.claim is None else found.claim.sha256,
        None if found.claim is None else found.claim.size,
        None if found.refusal is None else msgspec.json.encode(found.refusal).decode(),
        found.drawn_at,
    )


async def old(connection: Connection, age: timedelta, limit: int) -> list[Old]:
    """Pages drawn longer ago than ``age``, the oldest first."""
    rows = await connection.fetch(
        "select invoice_id, number, drawn_at, object_key from page where drawn_at < now() - $1::interval"
        " order by drawn_at limit $2",
        age,
        limit,
    )
    return [Old(*row) for row in rows]


async def forget(connection: Connection, pages: Sequence[Old]) -> None:
    """Forget these pages, but for those that were drawn again meanwhile."""
    await connection.execute(
        "delete from page using unnest($1::uuid[], $2::int[], $3::timestamptz[]) gone(invoice, number, at)"
        " where page.invoice_id = gone.invoice and page.number = gone.number and page.drawn_at = gone.at",
        [page.invoice for page in pages],
        [page.number for page in pages],
        [page.drawn_at for page in pages],
    )
