"""What is done about sollicitations in the background: files that belong to nothing go, old sollicitations end, and
questions that nobody has answered are closed."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid5

import msgspec

from contracts.events import ClaimCheck
from services.common import clock, telemetry
from services.common.blobs import Blobs
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.loops import every
from services.common.trace import RequestCause
from services.portal import solicitation as kept
from services.portal import solicitation_acts as acts
from services.portal.solicitation_papers import FOLDER
from services.portal.solicitation_words import UNANSWERED

_HOURLY: Final = 3600.0
#: A file that is joined to nothing goes after a day.
LOOSE_FOR: Final = timedelta(days=1)
#: A public debt can be claimed for four years; what was said about it is kept a year longer.
KEEP: Final = timedelta(days=5 * 366)
#: A question to which nobody has written for so long is closed by the platform: nobody waits for its answer any more.
UNANSWERED_FOR: Final = timedelta(days=365)
_AT_ONCE: Final = 100
#: So many files of the store are looked at in a round; the next one goes on behind them.
_PAGE: Final = 1000


class SolicitationChores:
    """Runs in every instance; whatever is done twice is done once."""

    def __init__(self, pool: Pool, blobs: Blobs) -> None:
        self._pool = pool
        self._blobs = blobs
        self._after = ""

    async def run(self) -> None:
        """Look every hour, until cancelled."""
        await every(_HOURLY, self._round, "solicitations.failed")

    async def _round(self) -> None:
        now = clock.now()
        closed, ended = await close_unanswered(self._pool, now), await forget(self._pool, now)
        erased = await sweep(self._pool, self._blobs, now)
        orphans, self._after = await sweep_orphans(self._pool, self._blobs, now, self._after)
        if closed or ended or erased or orphans:
            telemetry.logger().info("solicitations.ended", closed=closed, erased=ended, files=erased + orphans)


async def close_unanswered(pool: Pool, now: datetime) -> int:
    """Close questions to which nobody has written for :data:`UNANSWERED_FOR`; returns how many. Their askers are told
    as of any closing."""
    rows = await pool.fetch(
        "select id from solicitation where state = 'waiting' and changed_at < $1 order by changed_at limit $2",
        now - UNANSWERED_FOR,
        _AT_ONCE,
    )
    closed = 0
    for row in rows:
        async with transaction(pool, "portal", keys=[str(row["id"])]) as tx:
            found = await kept.one(tx.conn, row["id"])
            if found is None or found.state != "waiting" or found.changed_at >= now - UNANSWERED_FOR:
                continue
            cause = RequestCause(uuid5(found.id, f"unanswered/{found.turn}"))
            await acts.close(tx, found, "platform", None, UNANSWERED, cause)
            closed += 1
    return closed


async def forget(pool: Pool, now: datetime) -> int:
    """Delete what was closed longer ago than :data:`KEEP`; returns how many. Their files are orphans then."""
    async with transaction(pool, "portal") as tx:
        rows = await tx.conn.fetch(
            "select id from solicitation where closed_at < $1 order by closed_at limit $2 for update skip locked",
            now - KEEP,
            _AT_ONCE,
        )
        ids = [row["id"] for row in rows]
        for table, column in (("solicitation_paper", "solicitation"), ("solicitation_entry", "solicitation")):
            await tx.conn.execute(f"delete from {table} where {column} = any($1::uuid[])", ids)
        await tx.conn.execute("delete from solicitation where id = any($1::uuid[])", ids)
    return len(ids)


async def sweep(pool: Pool, blobs: Blobs, now: datetime) -> int:
    """Erase files that were joined to nothing; returns how many.

    A file goes before its row does: whoever is killed between erases again.
    """
    async with transaction(pool, "portal") as tx:
        rows = await tx.conn.fetch(
            "select id, document::text from solicitation_paper where solicitation is null and sent_at < $1 limit $2"
            " for update skip locked",
            now - LOOSE_FOR,
            _AT_ONCE,
        )
        for row in rows:
            if row["document"] is not None:
                await blobs.delete(msgspec.json.decode(row["document"], type=ClaimCheck).key)
        await kept.drop_papers(tx.conn, [row["id"] for row in rows])
    return len(rows)


async def sweep_orphans(pool: Pool, blobs: Blobs, now: datetime, after: str, page: int = _PAGE) -> tuple[int, str]:
    """Erase files that no row speaks of among those behind ``after``: how many, and behind which to go on."""
    keys = await blobs.older_than(f"{FOLDER}/", now - LOOSE_FOR, page, after=after)
    orphans = await pool.fetch(
        "select k from unnest($1::text[]) k where not exists"
        " (select from solicitation_paper p where p.document ->> 'key' = k)",
        keys,
    )
    for row in orphans:
        await blobs.delete(row["k"])
    return len(orphans), keys[-1] if len(keys) == page else ""
