"""Starts the payment delay of invoices for which no notice was accepted in time."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid5

from contracts.envelope import NAMESPACE
from services.common import telemetry
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import is_transient
from services.status import metrics, store
from services.status.domain import overdue
from services.status.plan import Plan

_LIMIT = 200


class DelayWatch:
    """Runs in every instance; the invoices' locks make two of them harmless to each other."""

    def __init__(self, pool: Pool, every_seconds: float) -> None:
        self._pool = pool
        self._every = every_seconds

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                if await self.start_overdue(datetime.now(UTC)) == _LIMIT:
                    continue
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("delay.failed")
            await asyncio.sleep(self._every)

    async def start_overdue(self, now: datetime) -> int:
        """Start the delay of up to a batch of invoices from the portal's day; returns how many were due."""
        async with self._pool.acquire() as connection:
            due = await store.without_delay(connection, now, _LIMIT)
        if not due:
            return 0
        plan = Plan([], [], [], [], [], [], [])
        async with transaction(self._pool, "status", keys=[str(identity) for identity in due]) as tx:
            for invoice in (await store.load(tx.conn, due)).values():
                started = overdue(invoice, uuid5(NAMESPACE, f"{invoice.id}/delay/{invoice.available_entry}"), now)
                if started is not None:
                    plan.changed.append(started.invoice)
                    plan.entries.append(started.entry)
            await store.save(tx.conn, plan, tx.now)
        if plan.changed:
            metrics.DELAYS.labels(source="portal").inc(len(plan.changed))
            telemetry.logger().warning("delay.started_without_notice", invoices=len(plan.changed))
        return len(due)
