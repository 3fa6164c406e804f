"""SQL of deposits: what the API adds and shows, what the handlers look up and decide. Sets, never row by row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from contracts.events import ClaimCheck, ReadField
from invoice.cadres import Given
from invoice.checks import NumberKey
from invoice.findings import Finding
from invoice.model import InvoiceHeader
from services.common.db import Connection
from services.ingest import left
from services.ingest.domain import Contents, Decided, Deposit, State

_encode = msgspec.json.Encoder(decimal_format="string").encode
_fields = msgspec.json.Decoder(tuple[ReadField, ...]).decode
_findings = msgspec.json.Decoder(tuple[Finding, ...]).decode
_contents = msgspec.json.Decoder(Contents).decode
_header = msgspec.json.Decoder(InvoiceHeader).decode
_given = msgspec.json.Decoder(Given).decode

_SHOWN = (
    "id, state, duplicate_of, file_name, sha256, size, media_type, bucket, object_key, received_at, overdue_at,"
    " pack_offset, read_at, decided_at, invoice_number, header, fields, findings, contents, given, works_file, sandbox,"
    " expired_at, read_as"
)


#: Of a draft that is typed: the platform makes its document when it is sent.
NO_DOCUMENT = ClaimCheck(bucket="", key="", sha256="", size=0, media_type="")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit as its depositor sees it."""

    id: UUID
    state: State
    duplicate_of: UUID | None
    file_name: str
    document: ClaimCheck
    received_at: datetime
    overdue_at: datetime | None = None
    read_at: datetime | None = None
    decided_at: datetime | None = None
    invoice_number: str | None = None
    header: InvoiceHeader | None = None
    fields: tuple[ReadField, ...] = ()
    findings: tuple[Finding, ...] = ()
    contents: Contents | None = None
    given: Given = Given()
    works_file: UUID | None = None
    sandbox: bool = False
    expired_at: datetime | None = None
    read_as: UUID | None = None

    @property
    def pages_of(self) -> UUID:
        """The deposit that its pages were drawn for."""
        return self.read_as or self.id


class New(msgspec.Struct, frozen=True, kw_only=True):
    """A row to add: ``duplicate_of`` makes it a duplicate, whose document is the earlier deposit's."""

    id: UUID
    depositor: str
    contact: str
    structures: tuple[str, ...]
    idempotency_key: str | None
    file_name: str
    document: ClaimCheck
    received_at: datetime
    duplicate_of: UUID | None = None
    roles: tuple[str, ...] = ()
    given: Given = Given()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a reading changes in a row."""

    id: UUID
    state: Decided
    read_at: datetime
    invoice_number: str | None
    header: InvoiceHeader | None
    fields: tuple[ReadField, ...]
    findings: tuple[Finding, ...]
    contents: Contents | None = None
    issuer: str | None = None
    works_file: UUID | None = None
    sandbox: bool = False


async def add(connection: Connection, new: New) -> Stored:
    """Insert a deposit, received or duplicate. Raises the problem of :func:`services.ingest.left.told`."""
    state = State.RECEIVED if new.duplicate_of is None else State.DUPLICATE
    with left.told():
        await connection.execute(
            "insert into deposit (id, depositor, contact, structures, idempotency_key, state, duplicate_of, file_name,"
            " sha256, size, media_type, bucket, object_key, received_at, roles, given, pack_offset)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::jsonb, $17)",
            new.id,
            new.depositor,
            new.contact,
            list(new.structures),
            new.idempotency_key,
            state,
            new.duplicate_of,
            new.file_name,
            new.document.sha256,
            new.document.size,
            new.document.media_type,
            new.document.bucket,
            new.document.key,
            new.received_at,
            list(new.roles),
            _encode(new.given).decode(),
            new.document.offset,
        )
    return Stored(
        id=new.id,
        state=state,
        duplicate_of=new.duplicate_of,
        file_name=new.file_name,
        document=new.document,
        received_at=new.received_at,
        given=new.given,
    )


async def earlier(
    connection: Connection, depositor: str, idempotency_key: str | None, sha256: str
) -> tuple[Stored | None, Stored | None]:
    """This depositor's deposit under the same key, and the one of the same content that is pending or accepted."""
    rows = await connection.fetch(
        f"select {_SHOWN}, true as same_key from deposit where depositor = $1 and idempotency_key = $2"
        f" union all select {_SHOWN}, false from deposit"
        "  where depositor = $1 and sha256 = $3 and state in ('received', 'to_verify', 'submitted')",
        depositor,
        idempotency_key,
        sha256,
    )
    by_key = next((_stored(row) for row in rows if row["same_key"]), None)
    by_content = next((_stored(row) for row in rows if not row["same_key"]), None)
    return by_key, by_content


async def find(connection: Connection, deposit: UUID) -> Stored | None:
    """One deposit, as far as the connection's scope may see it."""
    row = await connection.fetchrow(f"select {_SHOWN} from deposit where id = $1", deposit)
    return None if row is None else _stored(row)


async def page(
    connection: Connection, depositor: str, *, states: Sequence[State], before: UUID | None, limit: int
) -> list[Stored]:
    """A depositor's deposits, newest first, those minted before ``before``."""
    rows = await connection.fetch(
        f"select {_SHOWN} from deposit where depositor = $1 and ($2::uuid is null or id < $2)"
        " and (cardinality($3::text[]) = 0 or state = any($3)) order by id desc limit $4",
        depositor,
        before,
        [state.value for state in states],
        limit,
    )
    return [_stored(row) for row in rows]


def _stored(row: asyncpg.Record) -> Stored:
    return Stored(
        id=row["id"],
        state=State(row["state"]),
        duplicate_of=row["duplicate_of"],
        file_name=row["file_name"],
        document=_claim(row),
        received_at=row["received_at"],
        overdue_at=row["overdue_at"],
        read_at=row["read_at"],
        decided_at=row["decided_at"],
        invoice_number=row["invoice_number"],
        header=None if row["header"] is None else _header(row["header"]),
        fields=_fields(row["fields"]),
        findings=_findings(row["findings"]),
        contents=None if row["contents"] is None else _contents(row["contents"]),
        given=_given(row["given"]),
        works_file=row["works_file"],
        sandbox=row["sandbox"],
        expired_at=row["expired_at"],
        read_as=row["read_as"],
    )


def _claim(row: asyncpg.Record) -> ClaimCheck:
    if row["sha256"] is None:
        return NO_DOCUMENT
    return ClaimCheck(
        bucket=row["bucket"],
        key=row["object_key"],
        sha256=row["sha256"],
        size=row["size"],
        media_type=row["media_type"],
        offset=row["pack_offset"],
        length=None if row["pack_offset"] is None else row["size"],
    )


async def load(connection: Connection, deposits: Sequence[UUID]) -> dict[UUID, Deposit]:
    """The deposits of a batch. Their keys are locked, so nobody else decides on them meanwhile."""
    rows = await connection.fetch(
        "select id, state, depositor, contact, structures, file_name, received_at, bucket, object_key, sha256, size,"
        " pack_offset, media_type, roles, given from deposit where id = any($1::uuid[])",
        list(deposits),
    )
    return {
        row["id"]: Deposit(
            id=row["id"],
            state=State(row["state"]),
            depositor=row["depositor"],
            contact=row["contact"],
            structures=tuple(row["structures"]),
            file_name=row["file_name"],
            received_at=row["received_at"],
            document=_claim(row),
            roles=tuple(row["roles"]),
            given=_given(row["given"]),
        )
        for row in rows
    }


async def take_numbers(connection: Connection, wanted: Mapping[NumberKey, UUID]) -> set[UUID]:
    """Take invoice numbers; returns the deposits that got theirs. Sorted, so that two batches never cross."""
    if not wanted:
        return set()
    keys = sorted(wanted)
    rows = await connection.fetch(
        "insert into number_taken (issuer, year, number, deposit_id)"
        " select * from unnest($1::text[], $2::int[], $3::text[], $4::uuid[]) on conflict (issuer, year, number)"
        " do nothing returning deposit_id",
        [key.issuer for key in keys],
        [key.year for key in keys],
        [key.number for key in keys],
        [wanted[key] for key in keys],
    )
    return {row["deposit_id"] for row in rows}


async def decide(connection: Connection, decisions: Sequence[Decision], decided_at: datetime) -> None:
    """Write the decisions of a batch."""
    if not decisions:
        return
    await connection.execute(
        "update deposit set state = d.state, read_at = d.read_at, decided_at = $8, invoice_number = d.number,"
        " header = d.header::jsonb, fields = d.fields::jsonb, findings = d.findings::jsonb,"
        " contents = d.contents::jsonb, issuer = d.issuer, works_file = d.works_file, sandbox = d.sandbox"
        " from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "  $9::text[], $10::text[], $11::uuid[], $12::bool[])"
        "  as d(id, state, read_at, number, header, fields, findings, contents, issuer, works_file, sandbox)"
        " where deposit.id = d.id",
        [d.id for d in decisions],
        [d.state.value for d in decisions],
        [d.read_at for d in decisions],
        [d.invoice_number for d in decisions],
        [None if d.header is None else _encode(d.header).decode() for d in decisions],
        [_encode(d.fields).decode() for d in decisions],
        [_encode(d.findings).decode() for d in decisions],
        decided_at,
        [None if d.contents is None else _encode(d.contents).decode() for d in decisions],
        [d.issuer for d in decisions],
        [d.works_file for d in decisions],
        [d.sandbox for d in decisions],
    )


async def mark_overdue(connection: Connection, deposits: Sequence[UUID], at: datetime) -> set[UUID]:
    """Note that these readings take too long; returns those that are still awaited."""
    rows = await connection.fetch(
        "update deposit set overdue_at = $2 where id = any($1::uuid[]) and state = 'received' and overdue_at is null"
        " returning id",
        list(deposits),
        at,
    )
    return {row["id"] for row in rows}


async def under_other_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of these objects that a deposit stands on though they are not named after it."""
    rows = await connection.fetch(
        "select object_key from deposit where object_key = any($1::text[]) and position(id::text in object_key) = 0",
        list(keys),
    )
    return {row["object_key"] for row in rows}


async def with_document(connection: Connection, deposits: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that are deposits with a document of their own."""
    rows = await connection.fetch(
        "select id from deposit where id = any($1::uuid[]) and state <> 'duplicate'", list(deposits)
    )
    return {row["id"] for row in rows}
