"""SQL of flows and their segments: what the API adds and shows, what is released and finished."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from invoice.findings import Finding
from services.common.db import Connection
from services.ingest.flow_domain import ENDS, Flow, FlowState, Kind

_encode = msgspec.json.Encoder().encode
_findings = msgspec.json.Decoder(tuple[Finding, ...]).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode
COLUMNS = (
    "id, depositor, contact, structures, roles, file_name, way, kind, size, stored, sha256, step, state, begun_at,"
    " received_at, finished_at, entries, entries_read, items, errors, repeat_of, stuck_entry, stuck_times, traceparent,"
    " trial, genuine"
)


class Segment(NamedTuple):
    """A piece of a flow's bytes: from ``start_at``, ``size`` bytes."""

    start_at: int
    size: int
    sha256: str
    key: str


def flow_of(row: asyncpg.Record) -> Flow:
    """A flow out of a row of its columns."""
    given = dict(row)
    given["structures"], given["roles"] = tuple(row["structures"]), tuple(row["roles"])
    given["state"] = FlowState(row["state"])
    given["errors"] = _findings(row["errors"])
    return Flow(**given)


async def begin(connection: Connection, flow: Flow) -> None:
    """A flow whose bytes are still to come; the same id again changes nothing."""
    await connection.execute(
        "insert into flow (id, depositor, contact, structures, roles, file_name, way, size, step, state, begun_at,"
        " traceparent) values ($1, $2, $3, $4, $5, $6, $7, $8, 'upload', $9, $10, $11) on conflict do nothing",
        flow.id,
        flow.depositor,
        flow.contact,
        list(flow.structures),
        list(flow.roles),
        flow.file_name,
        flow.way,
        flow.size,
        FlowState.UPLOADING,
        flow.begun_at,
        flow.traceparent,
    )


async def find(connection: Connection, flow: UUID) -> Flow | None:
    """One flow, as far as the connection's scope may see it."""
    row = await connection.fetchrow(f"select {COLUMNS} from flow where id = $1", flow)
    return None if row is None else flow_of(row)


async def page(
    connection: Connection, depositor: str, *, states: Sequence[str], before: UUID | None, limit: int
) -> list[Flow]:
    """A depositor's flows, newest first."""
    rows = await connection.fetch(
        f"select {COLUMNS} from flow where depositor = $1 and ($2::uuid is null or id < $2)"
        " and (cardinality($3::text[]) = 0 or state = any($3)) order by id desc limit $4",
        depositor,
        before,
        list(states),
        limit,
    )
    return [flow_of(row) for row in rows]


async def counted(connection: Connection, flows: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Items of each of these flows per outcome, as :func:`services.ingest.flow_items.counts` has them of one."""
    rows = await connection.fetch(
        "select f.id, coalesce(case when f.step = 'done' then f.counts end, (select jsonb_object_agg(c.outcome, c.n)"
        " from (select coalesce(i.outcome, 'waiting') as outcome, count(*) as n from flow_item i where i.flow_id = f.id"
        " group by 1) c), '{}') as counts from flow f where f.id = any($1)",
        list(flows),
    )
    return {row["id"]: _counts(row["counts"]) for row in rows}


async def uploads_open(connection: Connection, depositor: str) -> int:
    """How many uploads a depositor has begun and not finished."""
    found: int = await connection.fetchval(
        "select count(*) from flow where depositor = $1 and step = 'upload'", depositor
    )
    return found


async def add_segment(connection: Connection, flow: UUID, segment: Segment, kind: Kind | None) -> bool:
    """A piece is durable; False when another request has gone on from the same place. ``kind`` with the first."""
    moved = await connection.fetchval(
        "update flow set stored = stored + $3, kind = coalesce(kind, $4)"
        " where id = $1 and step = 'upload' and stored = $2 returning id",
        flow,
        segment.start_at,
        segment.size,
        kind,
    )
    if moved is None:
        return False
    await connection.execute(
        "insert into flow_segment (flow_id, start_at, size, sha256, object_key) values ($1, $2, $3, $4, $5)",
        flow,
        *segment,
    )
    return True


async def received(connection: Connection, flow: UUID, sha256: str | None, at: datetime) -> bool:
    """The last byte is durable: the flow is received, and begins to be worked on."""
    found = await connection.fetchval(
        "update flow set step = 'check', state = $3, received_at = $4, sha256 = $2, size = stored"
        " where id = $1 and step = 'upload' and stored > 0 and stored = coalesce(size, stored) returning id",
        flow,
        sha256,
        FlowState.RECEIVED,
        at,
    )
    return found is not None


async def earlier(connection: Connection, depositor: str, sha256: str, but: UUID) -> Flow | None:
    """The depositor's flow of the same bytes, under way or wholly integrated; one with refusals may be resent."""
    row = await connection.fetchrow(
        f"select {COLUMNS} from flow where depositor = $1 and sha256 = $2 and id <> $3 and step <> 'upload'"
        " and state <> all($4::text[]) order by received_at limit 1",
        depositor,
        sha256,
        but,
        [FlowState.PARTIAL.value, FlowState.REJECTED.value],
    )
    return None if row is None else flow_of(row)


async def segments(connection: Connection, flow: UUID) -> list[Segment]:
    """A flow's pieces, in order."""
    rows = await connection.fetch(
        "select start_at, size, sha256, object_key from flow_segment where flow_id = $1 order by start_at", flow
    )
    return [Segment(*row) for row in rows]


async def abandon(connection: Connection, flow: UUID) -> bool:
    """Forget a flow that is still being uploaded; its objects are the caller's to delete."""
    # Locked first: its last byte may come at this moment, and what is received is nobody's to forget.
    held = await connection.fetchval("select id from flow where id = $1 and step = 'upload' for update", flow)
    if held is None:
        return False
    await connection.execute("delete from flow_segment where flow_id = $1", flow)
    await connection.execute("delete from flow where id = $1", flow)
    return True


async def existing(connection: Connection, flows: Sequence[UUID]) -> set[UUID]:
    """Those of these flows that there are."""
    return {row["id"] for row in await connection.fetch("select id from flow where id = any($1::uuid[])", list(flows))}


async def stale(connection: Connection, before: datetime, limit: int) -> list[Flow]:
    """Uploads begun before an instant and never finished."""
    rows = await connection.fetch(
        f"select {COLUMNS} from flow where step = 'upload' and begun_at < $1 limit $2", before, limit
    )
    return [flow_of(row) for row in rows]


_WAITING = "select from flow_item i where i.flow_id = f.id and i.outcome is null and i.deposit_id is null"


async def releasing(connection: Connection) -> list[Flow]:
    """Each depositor's oldest flow with something to release."""
    rows = await connection.fetch(
        f"select distinct on (f.depositor) {COLUMNS} from flow f where f.step in ('read', 'release') and ("
        f"  exists ({_WAITING} and i.reading is not null) or exists ({_WAITING} and i.reading is null))"
        " order by f.depositor, f.received_at"
    )
    return [flow_of(row) for row in rows]


async def ending(connection: Connection) -> list[Flow]:
    """Flows whose entries are all rows."""
    return [flow_of(row) for row in await connection.fetch(f"select {COLUMNS} from flow where step = 'release'")]


async def repeats(connection: Connection, flow: UUID, of: UUID, errors: Sequence[Finding]) -> None:
    """The same bytes came before."""
    await connection.execute(
        "update flow set repeat_of = $2, errors = $3::jsonb where id = $1", flow, of, _encode(tuple(errors)).decode()
    )


async def incident(connection: Connection, flow: UUID) -> None:
    """Its items cannot be released: the operator has to look. It is tried again all the same."""
    await connection.execute(
        "update flow set state = $2 where id = $1 and step in ('read', 'release') and state <> $2",
        flow,
        FlowState.INCIDENT,
    )


async def finish(connection: Connection, flow: UUID, state: FlowState, counts: dict[str, int], at: datetime) -> bool:
    """The end; False when it had ended before."""
    assert state in ENDS
    found = await connection.fetchval(
        "update flow set step = 'done', state = $2, counts = $3::jsonb, finished_at = $4, lease = null,"
        " lease_until = null where id = $1 and step <> 'done' and step <> 'upload' returning id",
        flow,
        state,
        _encode(counts).decode(),
        at,
    )
    return found is not None
