"""SQL of the work on flows: whose turn it is, under a lease that another process may take over, and how far it came.

One flow of a depositor is worked on at a time, over all instances: whatever is wrong with his, it holds one worker.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from invoice.findings import Finding
from services.common.db import Connection, lock_keys
from services.ingest.flow_domain import Flow, FlowState
from services.ingest.flow_store import COLUMNS, flow_of

_encode = msgspec.json.Encoder().encode
#: Flows that may be worked on now. A depositor of whom another flow is worked on waits.
_READY: Final = (
    "w.step in ('check', 'read') and w.try_at <= now() and (w.lease_until is null or w.lease_until < now())"
    " and not exists (select from flow h where h.depositor = w.depositor and h.step in ('check', 'read')"
    "  and h.lease_until >= now() and h.lease is distinct from {but})"
)
#: First come, first served; whose other flow was served since waits as if he had come then.
_TURN: Final = (
    "greatest(w.served_at, (select max(o.served_at) from flow o where o.depositor = w.depositor"
    " and o.received_at > now() - interval '1 day' and o.served_at >= o.received_at)), w.served_at, w.id"
)


async def take(connection: Connection, lease: UUID, seconds: float) -> Flow | None:
    """The flow to work on next; another process that holds one has a lease."""
    async with connection.transaction():
        await lock_keys(connection, "ingest", ["flow-turn"])  # or two would each take a flow of one depositor
        row = await connection.fetchrow(
            "update flow set lease = $1, lease_until = now() + $2::interval, served_at = now(), state = $3"
            f" where id = (select w.id from flow w where {_READY.format(but='null')} order by {_TURN} limit 1"
            f" for update skip locked) returning {COLUMNS}",
            lease,
            timedelta(seconds=seconds),
            FlowState.RUNNING,
        )
    return None if row is None else flow_of(row)


async def others_wait(connection: Connection, lease: UUID) -> bool:
    """Whether another flow could be worked on, if the one under this lease were not."""
    found: bool = await connection.fetchval(
        f"select exists (select from flow w where {_READY.format(but='$1')})", lease
    )
    return found


async def keep_lease(connection: Connection, flow: UUID, lease: UUID, seconds: float) -> bool:
    """Hold a flow for longer; False when it was lost."""
    found = await connection.fetchval(
        "update flow set lease_until = now() + $3::interval where id = $1 and lease = $2 and step <> 'done'"
        " returning id",
        flow,
        lease,
        timedelta(seconds=seconds),
    )
    return found is not None


async def let_go(
    connection: Connection, flow: UUID, lease: UUID, state: FlowState = FlowState.WAITING, after: float = 0.0
) -> None:
    """Give a flow back, to be gone on with ``after`` seconds."""
    await connection.execute(
        "update flow set lease = null, lease_until = null, state = $3, try_at = now() + $4::interval"
        " where id = $1 and lease = $2 and step in ('check', 'read')",
        flow,
        lease,
        state,
        timedelta(seconds=after),
    )


async def checked(connection: Connection, flow: UUID, lease: UUID, entries: int, sha256: str) -> None:
    """The file can be read in full."""
    await connection.execute(
        "update flow set step = 'read', entries = $3, sha256 = $4, stuck_entry = null, stuck_times = 0"
        " where id = $1 and lease = $2",
        flow,
        lease,
        entries,
        sha256,
    )


async def hashed(connection: Connection, flow: UUID, sha256: str) -> None:
    """What the bytes are is known."""
    await connection.execute("update flow set sha256 = $2 where id = $1", flow, sha256)


async def progressed(connection: Connection, flow: UUID, lease: UUID, entries_read: int, items: int) -> bool:
    """These entries are rows; False when the lease was lost, and nothing may be written."""
    found = await connection.fetchval(
        "update flow set entries_read = $3, items = $4 where id = $1 and lease = $2 and step = 'read' returning id",
        flow,
        lease,
        entries_read,
        items,
    )
    return found is not None


async def stuck(connection: Connection, flow: UUID, lease: UUID, entry: int) -> int:
    """A process was lost at this entry; returns how many times in a row."""
    found: int | None = await connection.fetchval(
        "update flow set stuck_times = case when stuck_entry = $3 then stuck_times + 1 else 1 end, stuck_entry = $3"
        " where id = $1 and lease = $2 returning stuck_times",
        flow,
        lease,
        entry,
    )
    return found or 0


async def read_through(connection: Connection, flow: UUID, lease: UUID, errors: Sequence[Finding]) -> None:
    """Every entry is a row: what is left is to release them."""
    await connection.execute(
        "update flow set step = 'release', lease = null, lease_until = null, errors = $3::jsonb, state = $4"
        " where id = $1 and lease = $2 and step in ('check', 'read')",
        flow,
        lease,
        _encode(tuple(errors)).decode(),
        FlowState.RUNNING,
    )
