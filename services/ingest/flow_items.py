"""SQL of the items of flows: kept while they wait, released in batches, counted and told."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from invoice.findings import Finding
from invoice.sandbox import PREFIX
from services.common.db import Connection
from services.ingest.flow_domain import Outcome

_encode = msgspec.json.Encoder(decimal_format="string").encode
_counts = msgspec.json.Decoder(dict[str, int]).decode
_findings = msgspec.json.Decoder(tuple[Finding, ...]).decode
PARIS = ZoneInfo("Europe/Paris")
_TOLD = (
    "i.flow_id, i.number, i.name, i.invoice_number, i.supplier, i.recipient, i.outcome, i.findings, i.deposit_id,"
    " i.duplicate_of, i.settled_at, i.tenant, f.file_name"
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One item as it is written. ``object_key`` and ``pack_offset``: where its bytes lie."""

    number: int
    name: str
    media_type: str | None = None
    size: int = 0
    sha256: str | None = None
    object_key: str | None = None
    pack_offset: int | None = None
    reading: bytes | None = None
    unreadable: bool = False
    invoice_number: str | None = None
    supplier: str | None = None
    recipient: str | None = None
    outcome: Outcome | None = None
    findings: tuple[Finding, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One item as its depositor sees it."""

    flow_id: UUID
    number: int
    name: str
    file_name: str
    invoice_number: str | None
    supplier: str | None
    recipient: str | None
    outcome: Outcome | None
    findings: tuple[Finding, ...]
    deposit_id: UUID | None
    duplicate_of: UUID | None
    settled_at: datetime | None
    tenant: str


#: Whether what a flow brings is for sandboxes or for real bodies, by these of its items. A flow with anything for a
#: real body is a real one: then the items that are trials bear the mark alone. Its row is written only if it changes.
_FOR_WHOM = (
    "update flow f set trial = coalesce(f.trial, w.trial), genuine = f.genuine or w.genuine from (select"
    f" min(tenant) filter (where starts_with(tenant, '{PREFIX}')) as trial,"
    f" coalesce(bool_or(tenant <> '' and not starts_with(tenant, '{PREFIX}')), false) as genuine"
    " from flow_item where flow_id = $1 and ($2::int[] is null or number = any($2))) w where f.id = $1"
    " and ((f.trial is null and w.trial is not null) or (w.genuine and not f.genuine))"
)


async def for_whom(connection: Connection, flow: UUID, numbers: Sequence[int] | None = None) -> str | None:
    """Note of a flow whether these of its items, or all, are for sandboxes; returns the one that all are for."""
    await connection.execute(_FOR_WHOM, flow, None if numbers is None else list(numbers))
    row = await connection.fetchrow("select trial, genuine from flow where id = $1", flow)
    return None if row is None or row["genuine"] else row["trial"]


async def add(connection: Connection, flow: UUID, rows: Sequence[Row], at: datetime) -> None:
    """Write items; those that are there already stay as they are."""
    await connection.execute(
        "insert into flow_item (flow_id, number, name, media_type, size, sha256, object_key, pack_offset, reading,"
        " unreadable, invoice_number, supplier, recipient, outcome, findings, settled_at, tenant)"
        " select $1, r.number, r.name, r.media_type, r.size, r.sha256, r.object_key, r.pack_offset, r.reading,"
        " r.unreadable, r.invoice_number, r.supplier, r.recipient, r.outcome, r.findings::jsonb,"
        " case when r.outcome is not null then $2::timestamptz end, coalesce(d.data->>'tenant', '')"
        " from unnest($3::int[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::bigint[],"
        "  $10::bytea[], $11::boolean[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])"
        "  r(number, name, media_type, size, sha256, object_key, pack_offset, reading, unreadable, invoice_number,"
        "  supplier, recipient, outcome, findings)"
        " left join directory_entry d on d.kind = 'structure' and d.owner = r.recipient and not d.deleted"
        " on conflict do nothing",
        flow,
        at,
        [row.number for row in rows],
        [row.name for row in rows],
        [row.media_type for row in rows],
        [row.size for row in rows],
        [row.sha256 for row in rows],
        [row.object_key for row in rows],
        [row.pack_offset for row in rows],
        [row.reading for row in rows],
        [row.unreadable for row in rows],
        [row.invoice_number for row in rows],
        [row.supplier for row in rows],
        [row.recipient for row in rows],
        [row.outcome for row in rows],
        [_encode(row.findings).decode() for row in rows],
    )
    await for_whom(connection, flow, [row.number for row in rows])


async def pages(connection: Connection, flow: UUID, limit: int) -> list[asyncpg.Record]:
    """The next items of a flow for the reader, locked."""
    return await connection.fetch(
        "select flow_id, number, name, media_type, size, sha256, object_key, pack_offset, reading, unreadable, supplier"
        " from flow_item where flow_id = $1 and outcome is null and deposit_id is null and reading is null"
        " order by number limit $2 for update skip locked",
        flow,
        limit,
    )


async def running(connection: Connection, depositor: str) -> int:
    """How many of a depositor's items are released and wait for their reading."""
    found: int = await connection.fetchval(
        "select count(*) from flow_item i join flow f on f.id = i.flow_id"
        " where f.depositor = $1 and f.step in ('read', 'release') and i.outcome is null and i.deposit_id is not null",
        depositor,
    )
    return found


async def released(connection: Connection, flow: UUID, deposits: Mapping[int, UUID]) -> None:
    """These items are deposits now; what was read of them is kept there."""
    await connection.execute(
        "update flow_item set deposit_id = d.id, reading = null from unnest($2::int[], $3::uuid[]) d(number, id)"
        " where flow_item.flow_id = $1 and flow_item.number = d.number",
        flow,
        list(deposits),
        list(deposits.values()),
    )


async def duplicates(
    connection: Connection, flow: UUID, found: Mapping[int, tuple[UUID, Finding]], at: datetime
) -> None:
    """These items were deposited before."""
    await connection.execute(
        "update flow_item set outcome = 'duplicate', duplicate_of = d.id, reading = null, findings = d.said::jsonb,"
        " settled_at = $5 from unnest($2::int[], $3::uuid[], $4::text[]) d(number, id, said)"
        " where flow_item.flow_id = $1 and flow_item.number = d.number",
        flow,
        list(found),
        [deposit for deposit, _ in found.values()],
        [_encode((said,)).decode() for _, said in found.values()],
        at,
    )


async def rejected(connection: Connection, flow: UUID, found: Mapping[int, Finding], at: datetime) -> None:
    """These items are not deposited, and why: they take no number and leave no deposit behind."""
    await connection.execute(
        "update flow_item set outcome = 'rejected', reading = null, findings = d.said::jsonb, settled_at = $4"
        " from unnest($2::int[], $3::text[]) d(number, said)"
        " where flow_item.flow_id = $1 and flow_item.number = d.number and outcome is null and deposit_id is null",
        flow,
        list(found),
        [_encode((said,)).decode() for said in found.values()],
        at,
    )


class Settled(NamedTuple):
    """What became of a deposit. ``supplier``: whose invoice it is, where it is one. ``recipient``: as it was read."""

    deposit: UUID
    outcome: Outcome
    findings: tuple[Finding, ...]
    invoice_number: str | None
    tenant: str | None = None
    supplier: str | None = None
    recipient: str | None = None


async def settle(connection: Connection, decided: Sequence[Settled], at: datetime) -> dict[UUID, UUID]:
    """What became of deposits, where they are items of a flow: outcome, reasons, invoice number. Returns their flows.

    An item has one outcome, the one at the end of its flow: a draft that is completed later changes nothing here.
    Whom pages are for is known here at the earliest, so the flow bears the mark of a sandbox from here on.
    """
    rows = await connection.fetch(
        "update flow_item set outcome = d.outcome, findings = d.said::jsonb, settled_at = $5,"
        " invoice_number = coalesce(d.invoice, invoice_number), tenant = coalesce(d.tenant, flow_item.tenant),"
        " supplier = coalesce(d.supplier, flow_item.supplier), recipient = coalesce(d.recipient, flow_item.recipient)"
        " from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $6::text[], $7::text[], $8::text[])"
        "  d(id, outcome, said, invoice, tenant, supplier, recipient)"
        " where flow_item.deposit_id = d.id and flow_item.outcome is null returning deposit_id, flow_id, number",
        [one.deposit for one in decided],
        [one.outcome.value for one in decided],
        [_encode(one.findings).decode() for one in decided],
        [one.invoice_number for one in decided],
        at,
        [one.tenant for one in decided],
        [one.supplier for one in decided],
        [one.recipient for one in decided],
    )
    numbers: dict[UUID, list[int]] = {}
    for row in rows:
        numbers.setdefault(row["flow_id"], []).append(row["number"])
    for flow in sorted(numbers):
        await for_whom(connection, flow, numbers[flow])
    return {row["deposit_id"]: row["flow_id"] for row in rows}


async def open_ones(connection: Connection, flow: UUID) -> bool:
    """Whether an item has no outcome yet."""
    found: bool = await connection.fetchval(
        "select exists (select from flow_item where flow_id = $1 and outcome is null and deposit_id is null"
        "  and reading is not null)"
        " or exists (select from flow_item where flow_id = $1 and outcome is null and deposit_id is null"
        "  and reading is null)"
        " or exists (select from flow_item where flow_id = $1 and outcome is null and deposit_id is not null)",
        flow,
    )
    return found


async def counts(connection: Connection, flow: UUID) -> dict[str, int]:
    """Items per outcome; ``waiting`` for those without. Of a flow that has ended they were counted then."""
    kept: str | None = await connection.fetchval("select counts from flow where id = $1 and step = 'done'", flow)
    if kept is not None:
        return _counts(kept)
    rows = await connection.fetch(
        "select coalesce(outcome, 'waiting') as outcome, count(*) as n from flow_item where flow_id = $1 group by 1",
        flow,
    )
    return {row["outcome"]: row["n"] for row in rows}


def _told(row: asyncpg.Record) -> Told:
    given: dict[str, Any] = dict(row)
    given["outcome"] = None if row["outcome"] is None else Outcome(row["outcome"])
    given["findings"] = _findings(row["findings"])
    return Told(**given)


async def told(
    connection: Connection, flow: UUID, *, outcomes: Sequence[str] = (), after: int = 0, limit: int = 1000
) -> list[Told]:
    """Items of a flow behind ``after``, in order."""
    rows = await connection.fetch(
        f"select {_TOLD} from flow_item i join flow f on f.id = i.flow_id where i.flow_id = $1 and i.number > $2"
        " and (cardinality($3::text[]) = 0 or coalesce(i.outcome, 'waiting') = any($3)) order by i.number limit $4",
        flow,
        after,
        list(outcomes),
        limit,
    )
    return [_told(row) for row in rows]


async def rejected_on(connection: Connection, day: date, supplier: str | None) -> AsyncIterator[Told]:
    """The items refused on a legal day, of one supplier or of all, as far as the scope sees them."""
    begin = datetime.combine(day, datetime.min.time(), PARIS)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), PARIS)
    query = (
        f"select {_TOLD} from flow_item i join flow f on f.id = i.flow_id where i.outcome = 'rejected'"
        " and i.settled_at >= $1 and i.settled_at < $2 and ($3::text is null or i.supplier = $3)"
        " order by i.supplier nulls last, i.settled_at, i.flow_id, i.number"
    )
    async for row in connection.cursor(query, begin, end, supplier, prefetch=500):
        yield _told(row)
