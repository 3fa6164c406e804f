"""One circuit for each receiver: what failed in a row, when it is tried again, and when its owner is told."""

import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from services.common import telemetry
from services.common.db import Connection
from services.common.deliver import Tx
from services.notify import webhook_metrics, webhook_store
from services.notify.desk import Desk
from services.notify.webhook_mail import tell_owner
from services.notify.webhook_rules import Patience, circuit, counted_on
from services.notify.webhook_store import Finished

_TELL_AGAIN = timedelta(hours=24)
_GONE = 410


class Counted(msgspec.Struct):
    """What one receiver did in a batch of attempts."""

    well: bool = False
    failed: int = 0
    gone: bool = False


async def settle(tx: Tx, done: Sequence[Finished], patience: Patience, desk: Desk) -> None:
    """Count what each receiver did; open, keep open or close its circuit, in the transaction of the outcomes."""
    counted = _count(done)
    well = [webhook for webhook, seen in counted.items() if seen.well]
    if well:
        await _close(tx.conn, well)
    for webhook, seen in sorted(counted.items()):
        if seen.failed:
            await _failed(tx, webhook, seen, patience, desk)


def _count(done: Sequence[Finished]) -> dict[UUID, Counted]:
    counted: dict[UUID, Counted] = {}
    for finished in done:
        if finished.outcome is None or finished.outcome.result == "fault":
            continue  # a fault of ours says nothing about the receiver
        seen = counted.setdefault(finished.claimed.webhook, Counted())
        if finished.outcome.result == "delivered":
            seen.well = True
        else:
            seen.failed += 1
            seen.gone = seen.gone or finished.outcome.status == _GONE
    return counted


async def _close(connection: Connection, webhooks: Sequence[UUID]) -> None:
    """What failed while the circuit was open is tried at once."""
    rows = await connection.fetch(
        "with was as (select id, open_until from webhook where id = any($1)"
        " and (failures > 0 or open_until is not null) order by id for no key update)"
        " update webhook w set failures = 0, open_until = null from was where w.id = was.id"
        " returning w.id, was.open_until is not null as was_open",
        list(webhooks),
    )
    opened = [row["id"] for row in rows if row["was_open"]]
    if opened:
        await connection.execute(
            "update webhook_delivery set next_attempt_at = now()"
            " where webhook = any($1) and state = 'waiting' and next_attempt_at > now()",
            opened,
        )
        telemetry.logger().info("webhook.circuit_closed", webhooks=[str(webhook) for webhook in opened])


async def _failed(tx: Tx, webhook: UUID, seen: Counted, patience: Patience, desk: Desk) -> None:
    row = await tx.conn.fetchrow(
        "select failures, told_at, open_until > now() as open from webhook where id = $1 for no key update", webhook
    )
    assert row is not None
    failures = counted_on(patience, row["failures"], seen.failed, still_open=bool(row["open"]))
    pause = None if row["open"] else circuit(patience, failures, random.random())
    tell = (pause is not None or seen.gone) and (row["told_at"] is None or tx.now - row["told_at"] > _TELL_AGAIN)
    await tx.conn.execute(
        "update webhook set failures = $2, state = case when $3 and state = 'active' then 'gone' else state end,"
        " open_until = case when $4::float is null then open_until else now() + make_interval(secs => $4) end,"
        " told_at = case when $5 then $6 else told_at end where id = $1",
        webhook,
        failures,
        seen.gone,
        pause,
        tell,
        tx.now,
    )
    if pause is not None:
        telemetry.logger().warning("webhook.circuit_open", webhook=str(webhook), failures=failures)
        await give_up_the_overdue(tx.conn, webhook, patience)
    if tell:
        await tell_owner(tx, desk, webhook, gone=seen.gone)


async def give_up_the_overdue(connection: Connection, webhook: UUID, patience: Patience) -> None:
    """While a receiver is away for longer than deliveries are tried, those whose time is over end together."""
    rows = await connection.fetch(
        "update webhook_delivery set state = 'given_up', done_at = now() where webhook = $1"
        " and state in ('behind', 'waiting') and created_at < now() - make_interval(secs => $2)"
        " returning webhook, subject",
        webhook,
        patience.limit,
    )
    if rows:
        webhook_metrics.GIVEN_UP.inc(len(rows))
        await webhook_store.promote(connection, {(row["webhook"], row["subject"]) for row in rows})
