"""Drafts that wait: after 2, 7 and 30 days each says again that it is not sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from contracts.envelope import event_id
from contracts.events import DraftAged
from services.common import telemetry
from services.common.db import Connection
from services.common.deliver import Tx
from services.common.timers import Timer
from services.common.trace import RequestCause
from services.ingest import trial

DAYS = (2, 7, 30)
KINDS = {f"draft_aged_{days}": days for days in DAYS}


async def start(connection: Connection, drafts: Sequence[UUID], made_at: datetime) -> None:
    """Begin the ageing of these drafts. It is never called off: a timer that finds no draft does nothing."""
    rows = [(event_id(draft, kind), draft, kind, days) for draft in drafts for kind, days in KINDS.items()]
    if not rows:
        return
    await connection.execute(
        "insert into timer (id, key, kind, due_at, next_try_at)"
        " select id, key, kind, due_at, due_at from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])"
        "  as t(id, key, kind, due_at) on conflict do nothing",
        [row[0] for row in rows],
        [str(row[1]) for row in rows],
        [row[2] for row in rows],
        [made_at + timedelta(days=row[3]) for row in rows],
    )


async def aged(tx: Tx, due: Sequence[Timer]) -> None:
    """Tell of the drafts that still are ones."""
    rows = await tx.conn.fetch(
        "select d.id, d.depositor, d.contact, d.file_name, coalesce(d.decided_at, d.received_at) as made_at,"
        " coalesce(w.version, 1) as version,"
        " coalesce(w.sheet->'values'->>'invoice_number', d.invoice_number) as number,"
        " coalesce(w.sheet->'values'->>'recipient_siret',"
        "  (select f->>'value' from jsonb_array_elements(d.fields) f where f->>'name' = 'recipient_siret' limit 1))"
        "  as recipient"
        " from deposit d left join draft w on w.deposit_id = d.id"
        " where d.id = any($1::uuid[]) and d.state = 'to_verify'",
        [UUID(timer.key) for timer in due],
    )
    drafts = {str(row["id"]): row for row in rows}
    sandboxes = await trial.tenants_of(tx.conn, {row["recipient"] for row in rows if row["recipient"]})
    for timer in due:
        row = drafts.get(timer.key)
        if row is None:
            continue
        told = DraftAged(
            depositor=row["depositor"],
            contact=row["contact"],
            file_name=row["file_name"],
            days=KINDS[timer.kind],
            version=row["version"],
            made_at=row["made_at"],
            aged_at=tx.now,
            invoice_number=row["number"] or None,
        )
        tx.emit(
            told, key=timer.key, cause=RequestCause(timer.id, timer.traceparent), tenant=sandboxes.get(row["recipient"])
        )
    if drafts:
        telemetry.logger().info("drafts.aged", drafts=len(drafts))
