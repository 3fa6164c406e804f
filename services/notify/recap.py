"""The weekly recap of each structure: what entered each status, counted as it happens, told on Monday morning."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from contracts.events import StatusChanged
from services.common.db import Connection, Pool
from services.common.deliver import transaction
from services.common.loops import every
from services.notify.correspondents import Parties
from services.notify.desk import Desk
from services.notify.domain import PARIS, Facts, Figure, Message, clean_address, message_id
from services.notify.gathering import DIGEST_HOUR, monday
from services.notify.matrix import Audience, rule_of

_SIDES: Final[tuple[Audience, ...]] = ("supplier", "validator", "body")
#: An address that a supplier used lately gets the recap of his structure.
_LATELY = timedelta(weeks=13)


async def count(connection: Connection, changes: Sequence[tuple[StatusChanged, Parties | None]]) -> None:
    """Add a batch of status changes to their structures' weeks. Rows are locked in order."""
    found: dict[tuple[str, str, str, str], list[Decimal]] = defaultdict(list)
    for change, of in changes:
        week, status = monday(change.changed_at), change.status_to
        found[week, "body", change.recipient_siret, status].append(change.payable)
        if change.visibility == "all":
            found[week, "supplier", change.supplier_siret, status].append(change.payable)
        if status in ("A_VALIDER_1", "A_VALIDER_2") and of is not None:
            for siret in of.validators[int(status[-1]) - 1 : int(status[-1])]:
                found[week, "validator", siret, status].append(change.payable)
    if not found:
        return
    keys = sorted(found)
    await connection.execute(
        "insert into week_figure as f (week, side, siret, status, invoices, payable)"
        " select w::date, s, i, st, n, p from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[],"
        " $6::numeric[]) t(w, s, i, st, n, p) order by 1, 2, 3, 4"
        " on conflict (week, side, siret, status) do update set invoices = f.invoices + excluded.invoices,"
        " payable = f.payable + excluded.payable",
        *[list(column) for column in zip(*keys, strict=True)],
        [len(found[key]) for key in keys],
        [sum(found[key], Decimal(0)) for key in keys],
    )


class Recap:
    """Tells each structure of its week, once. ``clock`` gives the instant, so that a test can move it."""

    def __init__(self, pool: Pool, desk: Desk, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._pool = pool
        self._desk = desk
        self._clock = clock

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        await every(60, self.tell, "notify.recap_failed")

    async def tell(self) -> int:
        """Write the recap of the last whole week unless it is written already; returns how many messages."""
        now = self._clock()
        this_week = date.fromisoformat(monday(now))
        if now < datetime.combine(this_week, time(DIGEST_HOUR), PARIS):
            return 0
        week = this_week - timedelta(days=7)
        if await self._pool.fetchval("select true from recap_sent where week = $1", week):
            return 0
        async with transaction(self._pool, "notify", keys=[f"recap/{week}"]) as tx:
            done = await tx.conn.fetchval(
                "insert into recap_sent (week, at) values ($1, $2) on conflict do nothing returning true", week, tx.now
            )
            if not done:
                return 0
            written = 0
            for side in _SIDES:
                written += len(await self._desk.write(tx, await _messages(tx.conn, side, week)))
            await tx.conn.execute("delete from week_figure where week < $1", week - timedelta(weeks=52))
            return written


async def _messages(connection: Connection, side: Audience, week: date) -> list[Message]:
    figures: dict[str, list[Figure]] = defaultdict(list)
    for row in await connection.fetch(
        "select siret, status, invoices, payable from week_figure where week = $1 and side = $2 order by siret, status",
        week,
        side,
    ):
        figures[row["siret"]].append(Figure(row["status"], row["invoices"], row["payable"]))
    at = datetime.combine(week, time(12), PARIS)
    made: list[Message] = []
    for row in await connection.fetch(_ADDRESSES[side], list(figures), at - _LATELY):
        address = clean_address(row["address"])
        if address is None:
            continue
        cause = uuid5(NAMESPACE_URL, f"recap/{side}/{row['siret']}/{week}")
        made.append(
            Message(
                id=message_id(cause, side, address),
                subject=f"recap/{row['siret']}/{week}",
                kind="WEEKLY_RECAP",
                audience=side,
                address=address,
                facts=Facts(at=at.astimezone(UTC), about=row["siret"], figures=tuple(figures[row["siret"]])),
                cause=cause,
                legal=rule_of("WEEKLY_RECAP", side).legal,
                tenant=row["tenant"],
            )
        )
    return made


_ADDRESSES: Final = {
    "body": "select distinct m.siret, m.email as address, r.tenant from manager m"
    " left join recipient r on r.siret = m.siret where m.siret = any($1) and m.service_key is null"
    " and $2::timestamptz is not null",
    "validator": "select distinct siret, email as address, null as tenant from correspondent"
    " where role = 'validator' and siret = any($1) and $2::timestamptz is not null",
    "supplier": "select distinct siret, email as address, null as tenant from correspondent"
    " where role = 'supplier' and siret = any($1)"
    " union select distinct c.supplier, coalesce(k.address, c.contact), null from invoice_contact c"
    " left join contact k on k.subject = c.depositor where c.supplier = any($1) and c.seen_at > $2",
}
