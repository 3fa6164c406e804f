"""Jobs and readings in PostgreSQL. Every instant of a lease is the database's own."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from contracts.events import ClaimCheck, DocumentRead, DocumentUnreadable
from services.common.db import Connection

Outcome = Literal["read", "empty", "unreadable"]
CHANNEL = "chorale_ocr_jobs"

_encode = msgspec.json.encode
_document = msgspec.json.Decoder(ClaimCheck).decode


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A document to read. ``event_id`` is the DocumentReceived event: the cause of the result."""

    event_id: UUID
    invoice_id: UUID
    document: ClaimCheck
    traceparent: str | None
    attempts: int = 0
    failures: int = 0


async def queue(connection: Connection, jobs: Sequence[Job]) -> None:
    """Queue jobs in the running transaction and wake the workers when it commits."""
    await connection.execute(
        "with wake as (select pg_notify($5, ''))"
        " insert into job (event_id, invoice_id, document, traceparent)"
        " select e, i, d::jsonb, t from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) x(e, i, d, t), wake"
        " on conflict do nothing",
        [job.event_id for job in jobs],
        [job.invoice_id for job in jobs],
        [_encode(job.document).decode() for job in jobs],
        [job.traceparent for job in jobs],
        CHANNEL,
    )


async def take(connection: Connection, owner: UUID, limit: int, lease: timedelta) -> list[Job]:
    """Lease up to ``limit`` jobs that are due, the longest due first."""
    rows = await connection.fetch(
        "with next as (select event_id, due_at from job where state <> 'done' and due_at <= now()"
        "  order by due_at limit $2 for update skip locked)"
        " update job set lease_owner = $1, due_at = now() + $3, attempts = attempts + 1"
        " from next where job.event_id = next.event_id"
        " returning job.event_id, invoice_id, document::text, traceparent, attempts, failures, next.due_at",
        owner,
        limit,
        lease,
    )
    return [
        Job(
            event_id=row["event_id"],
            invoice_id=row["invoice_id"],
            document=_document(row["document"]),
            traceparent=row["traceparent"],
            attempts=row["attempts"],
            failures=row["failures"],
        )
        for row in sorted(rows, key=lambda row: row["due_at"])
    ]


async def renew(connection: Connection, owner: UUID, held: Collection[UUID], lease: timedelta) -> None:
    """Lengthen the leases that this owner still has, and give up those it does not know of.

    It may not know of one when the answer to its :func:`take` was lost.
    """
    await connection.execute(
        "update job set due_at = case when event_id = any($2::uuid[]) then now() + $3 else now() end,"
        " lease_owner = case when event_id = any($2::uuid[]) then lease_owner end"
        " where lease_owner = $1 and state <> 'done'",
        owner,
        list(held),
        lease,
    )


async def put_back(
    connection: Connection, owner: UUID, held: Collection[UUID], delay: timedelta, trouble: str | None
) -> None:
    """Give leases up: the jobs are due again after ``delay``."""
    await connection.execute(
        "update job set due_at = now() + $3, lease_owner = null, trouble = $4"
        " where event_id = any($2::uuid[]) and lease_owner = $1 and state <> 'done'",
        owner,
        list(held),
        delay,
        trouble,
    )


async def release_all(connection: Connection, owner: UUID) -> None:
    """Give up every lease of an owner that stops: its jobs are due at once."""
    await connection.execute(
        "update job set due_at = now(), lease_owner = null where lease_owner = $1 and state <> 'done'", owner
    )


async def fail(
    connection: Connection, owner: UUID, event_id: UUID, *, trouble: str, delay: timedelta, lost_after: int
) -> bool:
    """Count a failure; after ``lost_after`` of them the job is ``failed``, for a person to see, and still tried.

    Returns whether it became failed just now.
    """
    row = await connection.fetchrow(
        "update job set failures = job.failures + 1, trouble = $3, due_at = now() + $4, lease_owner = null,"
        " state = case when job.failures + 1 >= $5 then 'failed' else job.state end"
        " from job before where before.event_id = job.event_id and job.event_id = $2 and job.lease_owner = $1"
        " and job.state <> 'done' returning job.state, before.state as before",
        owner,
        event_id,
        trouble,
        delay,
        lost_after,
    )
    return row is not None and row["state"] == "failed" and row["before"] != "failed"


async def mark_done(connection: Connection, event_ids: Collection[UUID]) -> set[UUID]:
    """Mark jobs as done; returns those that nobody had done before."""
    rows = await connection.fetch(
        "update job set state = 'done', done_at = now(), lease_owner = null, trouble = null"
        " where event_id = any($1::uuid[]) and state <> 'done' returning event_id",
        sorted(event_ids),
    )
    return {row["event_id"] for row in rows}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a document: the outcome, and the data of the event that tells it."""

    job: Job
    outcome: Outcome
    data: DocumentRead | DocumentUnreadable


async def keep_readings(connection: Connection, results: Sequence[Result], at: datetime) -> None:
    """Store readings of jobs that were just marked done."""
    await connection.execute(
        "insert into reading (invoice_id, event_id, outcome, result, document, read_at)"
        " select i, e, o, r::jsonb, d::jsonb, $6"
        " from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) x(i, e, o, r, d)",
        [result.job.invoice_id for result in results],
        [result.job.event_id for result in results],
        [result.outcome for result in results],
        [_encode(result.data).decode() for result in results],
        [_encode(result.job.document).decode() for result in results],
        at,
    )


class Backlog(msgspec.Struct, frozen=True):
    """Jobs that are not done in one state: how many, and the age of the oldest in seconds."""

    count: int
    oldest: float


async def backlog(connection: Connection) -> dict[str, Backlog]:
    """The jobs that are not done, by state."""
    rows = await connection.fetch(
        "select state, count(*) as n, extract(epoch from now() - min(queued_at))::float as oldest"
        " from job where state <> 'done' group by state"
    )
    return {row["state"]: Backlog(row["n"], row["oldest"]) for row in rows}


async def prune(connection: Connection, days: int) -> None:
    """Forget jobs done longer ago than any topic keeps their event; readings stay."""
    await connection.execute("delete from job where done_at < now() - make_interval(days => $1)", days)
