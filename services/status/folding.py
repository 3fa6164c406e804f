"""Folds what changes have written for the figures into sums, so that reading them stays quick."""

from services.common import clock
from services.common.db import Connection, Pool, lock_number
from services.common.loops import every
from services.status import metrics
from services.status.payment_delay import paris_day
from services.status.risks import due_days, reckon
from services.status.sides import Side

_ALL = Side("operator", ("S",), ["*"], "tenant", True)


class Folding:
    """Runs in every instance; one at a time folds."""

    def __init__(self, pool: Pool, every_seconds: float) -> None:
        self._pool = pool
        self._every = every_seconds

    async def run(self) -> None:
        """Fold again and again until cancelled; the gauges follow."""
        await every(self._every, self._round, "figures.failed")

    async def _round(self) -> None:
        await self.fold()
        async with self._pool.acquire() as connection:
            await measure(connection)

    async def fold(self) -> int:
        """The rows folded; 0 also while somebody else is at it."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", lock_number("status/tally", "")):
                return 0
            folded: int = await connection.fetchval("select fold_tally()")
            return folded


async def measure(connection: Connection) -> None:
    """Set the gauges of the whole platform's sums. ``connection`` is the owner's."""
    rows = await connection.fetch(
        "select status, sum(count)::bigint as count from tally where kind = 'tenant' and scope = '*' group by status"
    )
    metrics.INVOICES.clear()
    for row in rows:
        metrics.INVOICES.labels(row["status"]).set(row["count"])
    found = reckon(await due_days(connection, _ALL), "operator", paris_day(clock.now()))
    for risk in found.risks:
        metrics.AT_RISK.labels(risk.range).set(risk.count)
    metrics.INTEREST.labels("interest").set(float(sum(risk.interest for risk in found.risks)))
    metrics.INTEREST.labels("indemnities").set(float(sum(risk.indemnity for risk in found.risks)))
