"""Events kept for the ways out, and their deliveries, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from contracts.envelope import Event, encode
from invoice.sandbox import MARK, is_sandbox
from services.common.db import Connection
from services.notify.webhook_rules import TEST_TYPE, Known, Scope, State, kept, test_data
from services.notify.webhook_send import Outcome

WAKE_CHANNEL = "chorale_notify_webhooks"
Key = tuple[UUID, UUID]
_OPEN = "('behind', 'waiting', 'sending')"


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this process may try. ``n`` numbers the attempt and fences off whoever claimed it before.

    ``scope`` is None when the owner has lost the right to the event.
    """

    webhook: UUID
    url: str
    event: Known
    scope: Scope | None
    n: int
    failures: int
    created_at: datetime

    @property
    def key(self) -> Key:
        """The delivery's."""
        return self.webhook, self.event.id


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt came to, and where the delivery stands after it. ``outcome`` None: nothing was sent."""

    claimed: Claimed
    at: datetime
    state: State
    wait: float = 0.0
    outcome: Outcome | None = None


async def take(connection: Connection, events: Sequence[Event], now: datetime) -> None:
    """Keep the events that a way out may carry and write their deliveries, in the consumer's transaction.

    An event that was kept before changes nothing. Whoever calls holds the locks of the subjects.
    """
    found = [(event, about) for event in events if (about := kept(event.data)) is not None]
    if not found:
        return
    await recheck_owners(connection)
    written = await connection.fetchval(
        "with fresh as (insert into webhook_event (id, type, subject, time, data, status, visibility, supplier_siret,"
        " recipient_siret, address, tenant, depositor, sandbox, recorded_at)"
        " select t.id, t.type, t.subject, t.time, t.data, t.status, t.visibility, t.supplier, t.recipient, t.address,"
        " t.tenant, t.depositor, t.sandbox, $13 from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[],"
        " $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],"
        " $14::bool[]) with ordinality t(id, type, subject, time, data, status, visibility, supplier, recipient,"
        " address, tenant, depositor, sandbox, o)"
        " order by t.o on conflict (id) do nothing returning webhook_event as e),"
        " made as (insert into webhook_delivery (webhook, event, position, subject, type, state, next_attempt_at,"
        " created_at) select w.id, (f.e).id, (f.e).position, (f.e).subject, (f.e).type, case when w.kind = 'http' and ("
        " row_number() over (partition by w.id, (f.e).subject order by (f.e).position) > 1 or exists (select from"
        f" webhook_delivery d where d.webhook = w.id and d.subject = (f.e).subject and d.state in {_OPEN}))"
        " then 'behind' else 'waiting' end, $13, $13 from fresh f"
        " join webhook w on w.state in ('active', 'paused') and webhook_wants(w, f.e)"
        " join webhook_owner o on o.subject = w.owner and webhook_scope(o, f.e) is not null"
        " on conflict do nothing returning 1) select count(*) from made",
        [event.id for event, _ in found],
        [event.type for event, _ in found],
        [event.subject for event, _ in found],
        [event.time for event, _ in found],
        [_data(event) for event, _ in found],
        [about.status for _, about in found],
        [about.visibility for _, about in found],
        [about.supplier_siret for _, about in found],
        [about.recipient_siret for _, about in found],
        [about.address for _, about in found],
        [about.tenant for _, about in found],
        [about.depositor for _, about in found],
        now,
        [is_sandbox(event.tenant) for event, _ in found],
    )
    if written:
        await wake(connection)


async def recheck_owners(connection: Connection) -> None:
    """Dated rights of owners begin and end at their instant: asked before it is decided what leaves."""
    await connection.execute("select recheck_owners()")


def _data(event: Event) -> str:
    """The event's data as they came; those of a sandbox with its mark."""
    data = encode(event.data)
    if is_sandbox(event.tenant):
        data = msgspec.json.encode({**msgspec.json.decode(data), "sandbox": MARK})
    return data.decode()


async def wake(connection: Connection) -> None:
    """Wake the workers at commit."""
    await connection.execute("select pg_notify($1, '')", WAKE_CHANNEL)


async def claim(
    connection: Connection, held: Mapping[UUID, tuple[int, int]], *, first: int, limit: int, lease: timedelta
) -> list[Claimed]:
    """Take up to ``limit`` due deliveries for ``lease``, fairly: a few of each receiver, the least busy first.

    ``held`` says for receivers this process is busy with how many deliveries it holds and how many more it may take;
    of any other it takes ``first``, of one whose circuit was open a single one.
    """
    await recheck_owners(connection)
    rows = await connection.fetch(
        "with busy as (select * from unnest($1::uuid[], $2::int[], $3::int[]) t(webhook, held, room)),"
        " usable as (select w.id, w.state = 'active' and (w.open_until is null or w.open_until <= now()) as open,"
        " case when w.open_until is not null and coalesce(b.held, 0) > 0 then 0 when w.open_until is not null then 1"
        " else coalesce(b.room, $4) end as room, coalesce(b.held, 0) as held"
        " from webhook w left join busy b on b.webhook = w.id where w.kind = 'http' and w.state in ('active', 'paused')"
        " and exists (select from webhook_delivery d where d.webhook = w.id and d.state in ('waiting', 'sending')"
        " and d.next_attempt_at <= now())),"
        " due as (select d.webhook, d.event from usable u cross join lateral (select d.webhook, d.event from"
        " webhook_delivery d where d.webhook = u.id and d.state in ('waiting', 'sending')"
        " and d.next_attempt_at <= now() and (u.open or d.urgent) order by d.next_attempt_at, d.position"
        " limit u.room for update skip locked) d order by u.held, random() limit $5),"
        " ours as (update webhook_delivery d set state = 'sending', attempts = d.attempts + 1,"
        " next_attempt_at = now() + $6::interval from due where d.webhook = due.webhook and d.event = due.event"
        " returning d.*)"
        " select d.webhook, d.event, d.subject, d.type, d.attempts, d.failures, d.created_at, w.url, e.time, e.data,"
        " case when e.id is not null then webhook_scope(o, e) end as scope from ours d"
        " join webhook w on w.id = d.webhook join webhook_owner o on o.subject = w.owner"
        " left join webhook_event e on e.id = d.event order by d.position",
        list(held),
        [holds for holds, _ in held.values()],
        [room for _, room in held.values()],
        first,
        limit,
        lease,
    )
    return [_claimed(row) for row in rows]


def _claimed(row: asyncpg.Record) -> Claimed:
    test = row["type"] == TEST_TYPE
    known = Known(
        id=row["event"],
        type=row["type"],
        subject=row["subject"],
        time=row["created_at"] if test else row["time"] or row["created_at"],
        data=test_data() if test else row["data"] or "{}",
    )
    return Claimed(
        webhook=row["webhook"],
        url=row["url"],
        event=known,
        scope="body" if test else row["scope"],
        n=row["attempts"],
        failures=row["failures"],
        created_at=row["created_at"],
    )


async def secrets_of(connection: Connection, webhooks: Sequence[UUID]) -> dict[UUID, list[asyncpg.Record]]:
    """The sealed secrets that sign now, newest first."""
    found: dict[UUID, list[asyncpg.Record]] = {webhook: [] for webhook in webhooks}
    for row in await connection.fetch(
        "select webhook, id, kind, sealed from webhook_secret where webhook = any($1)"
        " and (expires_at is null or expires_at > now()) order by created_at desc",
        list(webhooks),
    ):
        found[row["webhook"]].append(row)
    return found


async def renew(connection: Connection, held: Sequence[Claimed], lease: timedelta) -> set[Key]:
    """Hold on to deliveries under way; returns those that are still ours."""
    rows = await connection.fetch(
        "update webhook_delivery d set next_attempt_at = now() + $4::interval"
        " from unnest($1::uuid[], $2::uuid[], $3::int[]) t(webhook, event, n)"
        " where d.webhook = t.webhook and d.event = t.event and d.attempts = t.n and d.state = 'sending'"
        " returning d.webhook, d.event",
        *_keys(held),
        lease,
    )
    return {(row["webhook"], row["event"]) for row in rows}


async def release(connection: Connection, untouched: Sequence[Claimed]) -> None:
    """Give back deliveries that were claimed and not tried."""
    await connection.execute(
        "update webhook_delivery d set state = 'waiting', attempts = d.attempts - 1, next_attempt_at = now()"
        " from unnest($1::uuid[], $2::uuid[], $3::int[]) t(webhook, event, n)"
        " where d.webhook = t.webhook and d.event = t.event and d.attempts = t.n and d.state = 'sending'",
        *_keys(untouched),
    )


async def finish(connection: Connection, done: Sequence[Finished]) -> None:
    """Record attempts, where their deliveries stand, and let the next event of each invoice go.

    A delivery always counts, whoever holds it by now; any other outcome only from its holder.
    """
    tried = [(f, f.outcome) for f in done if f.outcome is not None]
    await connection.execute(
        "insert into webhook_attempt (webhook, event, n, at, duration_ms, result, status, answer)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::int[], $6::text[], $7::int[],"
        " $8::text[]) on conflict do nothing",
        *_keys([f.claimed for f, _ in tried]),
        [f.at for f, _ in tried],
        [outcome.ms for _, outcome in tried],
        [outcome.result for _, outcome in tried],
        [outcome.status for _, outcome in tried],
        [outcome.answer for _, outcome in tried],
    )
    await connection.execute(
        "update webhook_delivery d set state = t.state, failures = d.failures + t.failed,"
        " next_attempt_at = now() + make_interval(secs => t.wait),"
        " done_at = case when t.state = 'waiting' then null else t.at end"
        " from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::float[], $6::timestamptz[], $7::int[])"
        " t(webhook, event, n, state, wait, at, failed) where d.webhook = t.webhook and d.event = t.event"
        f" and d.state in {_OPEN} and (t.state = 'delivered' or d.attempts = t.n)",
        *_keys([f.claimed for f in done]),
        [f.state for f in done],
        [f.wait for f in done],
        [f.at for f in done],
        [int(f.state != "delivered") for f in done],
    )
    await promote(connection, {(f.claimed.webhook, f.claimed.event.subject) for f in done if f.state != "waiting"})


async def promote(connection: Connection, pairs: set[tuple[UUID, str]]) -> None:
    """Let the first event go that is not done, of each way out and invoice."""
    if pairs:
        ordered = sorted(pairs)
        await connection.execute(
            "update webhook_delivery d set state = 'waiting', next_attempt_at = now()"
            " from unnest($1::uuid[], $2::text[]) t(webhook, subject) where d.webhook = t.webhook"
            " and d.subject = t.subject and d.state = 'behind' and not exists (select from webhook_delivery e"
            " where e.webhook = d.webhook and e.subject = d.subject and e.position < d.position"
            f" and e.state in {_OPEN})",
            [webhook for webhook, _ in ordered],
            [subject for _, subject in ordered],
        )


def _keys(of: Sequence[Claimed]) -> tuple[list[UUID], list[UUID], list[int]]:
    return [c.webhook for c in of], [c.event.id for c in of], [c.n for c in of]
