"""SQL of attachments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from contracts.events import Attachment, ClaimCheck
from services.common.db import Connection
from services.ingest.domain import State

_SHOWN = (
    "id, deposit_id, name, short_name, type, label, sha256, size, media_type, bucket, object_key, pack_offset,"
    " stored_at"
)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment as its parties see it."""

    id: UUID
    deposit: UUID
    name: str
    short_name: str
    type: str
    label: str | None
    document: ClaimCheck
    stored_at: datetime

    def told(self) -> Attachment:
        """As events carry it."""
        return Attachment(
            id=str(self.id),
            document=self.document,
            name=self.name,
            short_name=self.short_name,
            type=self.type,
            label=self.label,
        )


class Target(msgspec.Struct, frozen=True):
    """The deposit that attachments go to: its state, whose it is, and the size of its own document in bytes."""

    state: State
    depositor: str
    document_size: int


async def target(connection: Connection, deposit: UUID) -> Target | None:
    """The deposit, if the connection's scope may attach to it; None otherwise."""
    row = await connection.fetchrow("select state, depositor, document_size from attaching($1)", deposit)
    return None if row is None else Target(State(row["state"]), row["depositor"], row["document_size"])


async def add(connection: Connection, kept: Kept, stored_by: str, *, after_submission: bool) -> None:
    """Insert an attachment; one that comes after the submission is not certified with the deposit."""
    await connection.execute(
        "insert into attachment (id, deposit_id, stored_by, name, type, label, sha256, size, media_type, bucket,"
        " object_key, stored_at, after_submission, short_name, pack_offset)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        kept.id,
        kept.deposit,
        stored_by,
        kept.name,
        kept.type,
        kept.label,
        kept.document.sha256,
        kept.document.size,
        kept.document.media_type,
        kept.document.bucket,
        kept.document.key,
        kept.stored_at,
        after_submission,
        kept.short_name,
        kept.document.offset,
    )


async def shown(connection: Connection, deposit: UUID) -> bool:
    """Whether the caller may read the files of this deposit."""
    found: bool = await connection.fetchval("select exists (select from attaching($1)) or reading_files($1)", deposit)
    return found


async def listed(connection: Connection, deposit: UUID) -> list[Kept]:
    """The attachments of a deposit in their order, as far as the connection's scope may see them."""
    rows = await connection.fetch(f"select {_SHOWN} from attachment where deposit_id = $1 order by id", deposit)
    return [_kept(row) for row in rows]


async def find(connection: Connection, deposit: UUID, attachment: UUID) -> Kept | None:
    """One attachment of a deposit, as far as the connection's scope may see it."""
    row = await connection.fetchrow(
        f"select {_SHOWN} from attachment where deposit_id = $1 and id = $2", deposit, attachment
    )
    return None if row is None else _kept(row)


async def expired(connection: Connection, deposit: UUID) -> datetime | None:
    """When the files of a deposit, of which the caller sees an attachment, were deleted because their term was over."""
    found: datetime | None = await connection.fetchval("select files_expired($1)", deposit)
    return found


async def of(connection: Connection, deposits: Sequence[UUID]) -> dict[UUID, tuple[Attachment, ...]]:
    """The attachments of these deposits, as events carry them. Their keys are locked, so none is added meanwhile."""
    if not deposits:
        return {}
    rows = await connection.fetch(
        f"select {_SHOWN} from attachment where deposit_id = any($1::uuid[]) order by id", list(deposits)
    )
    found: dict[UUID, tuple[Attachment, ...]] = {}
    for row in rows:
        found[row["deposit_id"]] = (*found.get(row["deposit_id"], ()), _kept(row).told())
    return found


async def certified(connection: Connection, deposit: UUID) -> list[Attachment]:
    """The attachments that a deposit had when it became an invoice."""
    rows = await connection.fetch(
        f"select {_SHOWN} from attachment where deposit_id = $1 and not after_submission order by id", deposit
    )
    return [_kept(row).told() for row in rows]


async def existing(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of these objects that an attachment stands on: the one they were stored for, or one that reuses them."""
    rows = await connection.fetch(
        "select distinct object_key from attachment where object_key = any($1::text[])", list(keys)
    )
    return {row["object_key"] for row in rows}


async def own(connection: Connection, attachment: UUID, subject: str) -> Kept | None:
    """An attachment that this subject stored himself, as far as the connection's scope may see it."""
    row = await connection.fetchrow(
        f"select {_SHOWN} from attachment where id = $1 and stored_by = $2", attachment, subject
    )
    return None if row is None else _kept(row)


async def reusable(connection: Connection, deposit: UUID, subject: str, limit: int) -> list[Kept]:
    """The pieces that this subject sent with other deposits, newest first, each content once and none that it has."""
    rows = await connection.fetch(
        f"select {_SHOWN} from attachment a where stored_by = $2 and deposit_id <> $1"
        " and files_expired(deposit_id) is null"
        " and not exists (select from attachment here where here.deposit_id = $1 and here.sha256 = a.sha256)"
        " order by id desc limit $3",
        deposit,
        subject,
        limit,
    )
    found: dict[str, Kept] = {}
    for row in rows:
        found.setdefault(row["sha256"], _kept(row))
    return list(found.values())


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(
        id=row["id"],
        deposit=row["deposit_id"],
        name=row["name"],
        short_name=row["short_name"],
        type=row["type"],
        label=row["label"],
        document=ClaimCheck(
            bucket=row["bucket"],
            key=row["object_key"],
            sha256=row["sha256"],
            size=row["size"],
            media_type=row["media_type"],
            offset=row["pack_offset"],
            length=None if row["pack_offset"] is None else row["size"],
        ),
        stored_at=row["stored_at"],
    )
