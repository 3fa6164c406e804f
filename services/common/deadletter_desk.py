"""What an operator does with dead letters, whatever he does it with: find, look, replay, drop. Decisions are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from services.common.db import Connection

OPEN = "state in ('parked', 'replay')"
#: So many letters are found or settled at once.
_MOST: Final = 10_000
#: What a list shows of a letter.
SHOWN = (
    *("id", "state", "kind", "reason", "detail", "type", "key", "tenant", "attempts", "parked_at"),
    *("topic", "kafka_partition", "kafka_offset"),
)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters: those that meet all that is given. ``tenants``: only theirs; None: whosever they are."""

    ids: tuple[int, ...] = ()
    key: str | None = None
    reason: str | None = None
    tenants: tuple[str, ...] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing was given."""
        return not (self.ids or self.key or self.reason)


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides, and why."""

    by: str
    note: str | None = None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The letters concerned, and those parked behind them that a drop lets go on."""

    rows: Sequence[asyncpg.Record]
    released: tuple[int, ...] = ()


async def find(
    connection: Connection, choice: Choice, *, settled: bool = False, limit: int = _MOST
) -> list[asyncpg.Record]:
    """The letters chosen with their content, oldest first; only open ones unless ``settled``."""
    where, arguments = _where(choice, settled)
    return await connection.fetch(f"select * from dead_letter where {where} order by id limit {limit}", *arguments)


async def page(
    connection: Connection, choice: Choice, after: tuple[datetime, int] | None, limit: int, *, settled: bool = False
) -> list[asyncpg.Record]:
    """One page of the letters chosen, without their content, in the order of parking; ``after``: the one before."""
    where, arguments = _where(choice, settled)
    if after is not None:
        arguments += after
        where += f" and (parked_at, id) > (${len(arguments) - 1}, ${len(arguments)})"
    return await connection.fetch(
        f"select {', '.join(SHOWN)} from dead_letter where {where} order by parked_at, id limit {limit}", *arguments
    )


async def reasons(connection: Connection, choice: Choice) -> list[asyncpg.Record]:
    """How many open letters there are of each reason, the most frequent first, and since when."""
    where, arguments = _where(choice, settled=False)
    return await connection.fetch(
        "select reason, count(*) as count, min(parked_at) as oldest from dead_letter"
        f" where {where} group by reason order by 2 desc, 1",
        *arguments,
    )


def _where(choice: Choice, settled: bool) -> tuple[str, list[object]]:
    where, arguments = ["true"] if settled else [OPEN], list[object]()
    for column, value in (
        ("id = any(${}::bigint[])", list(choice.ids) or None),
        ("key = ${}", choice.key or None),
        ("reason = ${}", choice.reason or None),
        ("tenant = any(${}::text[])", None if choice.tenants is None else list(choice.tenants)),
    ):
        if value is not None:
            arguments.append(value)
            where.append(column.format(len(arguments)))
    return " and ".join(where), arguments


async def steps(connection: Connection, letter: int) -> list[asyncpg.Record]:
    """What was decided about a letter, oldest first."""
    return await connection.fetch(
        "select action, operator, note, at from dead_letter_audit where dead_letter_id = $1 order by id", letter
    )


async def settle(connection: Connection, choice: Choice, action: str, decided: Decided | None) -> Settled:
    """Mark letters to be replayed, or drop them, in the running transaction; without ``decided`` only say which.

    The running service replays what is marked, in order.
    """
    where, arguments = _where(choice, settled=False)
    rows = await connection.fetch(
        f"select id, key from dead_letter where {where} order by id limit {_MOST}{_locked(decided is not None)}",
        *arguments,
    )
    ids = [row["id"] for row in rows]
    if action == "replay":
        ids = await _with_followers(connection, ids, lock=decided is not None)
    chosen = await connection.fetch("select id, kind, reason, key from dead_letter where id = any($1) order by id", ids)
    if decided is None:
        return Settled(rows=chosen)
    await connection.execute(
        "update dead_letter set state = $2, settled_at = case when $2 = 'dropped' then now() end"
        " where id = any($1::bigint[])",
        ids,
        {"replay": "replay", "drop": "dropped"}[action],
    )
    await _audit(connection, ids, action, decided)
    released: list[int] = []
    if action == "drop":
        released = await _release(connection, [row["key"] for row in rows if row["key"]], decided)
    return Settled(rows=chosen, released=tuple(released))


def _locked(lock: bool) -> str:
    """Whoever replays or settles the same letters at the same time waits, and then sees them as they have become."""
    return " for update" if lock else ""


async def _with_followers(connection: Connection, ids: list[int], *, lock: bool) -> list[int]:
    """A key's letters are replayed together and in order, or the invoice's events would overtake each other."""
    rows = await connection.fetch(
        f"select id from dead_letter where {OPEN} and (id = any($1::bigint[]) or key in"
        f" (select key from dead_letter where id = any($1::bigint[]) and key is not null)) order by id{_locked(lock)}",
        ids,
    )
    return [row["id"] for row in rows]


async def _release(connection: Connection, keys: list[str], decided: Decided) -> list[int]:
    """After a drop, what was only parked behind goes on, up to the next letter of the key that stays parked."""
    rows = await connection.fetch(
        "update dead_letter l set state = 'replay' where key = any($1::text[]) and state = 'parked' and kind = 'behind'"
        " and not exists (select from dead_letter b where b.key = l.key and b.id < l.id and b.state = 'parked'"
        "  and b.kind <> 'behind') returning id",
        keys,
    )
    released = [row["id"] for row in rows]
    await _audit(connection, released, "released", decided)
    return released


async def _audit(connection: Connection, ids: list[int], action: str, decided: Decided) -> None:
    await connection.executemany(
        "insert into dead_letter_audit (dead_letter_id, action, operator, note) values ($1, $2, $3, $4)",
        [(number, action, decided.by, decided.note) for number in ids],
    )
