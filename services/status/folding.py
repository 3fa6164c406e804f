"""Folds what changes have written for the figures into sums, so that reading them stays quick."""

from services.common.db import Pool, lock_number
from services.common.loops import every


class Folding:
    """Runs in every instance; one at a time folds."""

    def __init__(self, pool: Pool, every_seconds: float) -> None:
        self._pool = pool
        self._every = every_seconds

    async def run(self) -> None:
        """Fold again and again until cancelled."""
        await every(self._every, self.fold, "figures.failed")

    async def fold(self) -> int:
        """The rows folded; 0 also while somebody else is at it."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", lock_number("status/tally", "")):
                return 0
            folded: int = await connection.fetchval("select fold_tally()")
            return folded
