"""``python -m services.common.deadletter list|show|replay|drop --service NAME``: the operator's tool.

Replaying and dropping are dry runs unless ``--apply``; who did it and why is kept. The running service replays what
is marked, in order, and releases the events parked behind. The database is given by ``CHORALE_DSN``. What a message
says may be a tenant's: ``show --payload`` wants ``--by`` and ``--note``, and stands in that tenant's trail.
"""

import argparse
import asyncio
import json
import os
import sys
from uuid import UUID

import asyncpg

from contracts.registry import SERVICES
from services.common.db import Connection
from services.common.looks import one_line
from services.common.looks_by_command import Unexplained, asked
from services.common.record import unpack_headers

_OPEN = "state in ('parked', 'replay')"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.common.deadletter", description=__doc__)
    parser.add_argument("action", choices=("list", "show", "replay", "drop"))
    parser.add_argument("ids", nargs="*", type=int, help="numbers of dead letters, as listed")
    parser.add_argument("--service", required=True, choices=SERVICES)
    parser.add_argument("--key", help="every letter of this key")
    parser.add_argument("--reason", help="every letter with this reason code")
    parser.add_argument("--all", action="store_true", help="every open letter")
    parser.add_argument("--settled", action="store_true", help="list: those replayed or dropped, too")
    parser.add_argument("--payload", action="store_true", help="show: the message's value as well (--by, --note)")
    parser.add_argument("--apply", action="store_true", help="do it; without it nothing is changed")
    parser.add_argument("--by", help="who decides or looks (required with --apply and --payload)")
    parser.add_argument("--note", help="why, for the audit; with --payload for the tenant")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


async def _chosen(
    connection: Connection, given: argparse.Namespace, *, settled: bool = False, lock: bool = False
) -> list[asyncpg.Record]:
    where, arguments = ["true"] if settled else [_OPEN], []
    for column, value in (
        ("id = any(${}::bigint[])", given.ids),
        ("key = ${}", given.key),
        ("reason = ${}", given.reason),
    ):
        if value:
            arguments.append(value)
            where.append(column.format(len(arguments)))
    return await connection.fetch(
        f"select * from dead_letter where {' and '.join(where)} order by id limit 10000{_locked(lock)}", *arguments
    )


def _locked(lock: bool) -> str:
    """Whoever replays or settles the same letters at the same time waits, and then sees them as they have become."""
    return " for update" if lock else ""


def _plain(text: str) -> str:
    """For a terminal: keys are bytes that anybody may have sent."""
    return text if text.isprintable() else ascii(text)


def _readable(line: str) -> str:
    """JSON for a terminal: accents stay, what could move its cursor or turn its text round is escaped."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)


async def _list(connection: Connection, given: argparse.Namespace) -> int:
    rows = await _chosen(connection, given, settled=given.settled)
    for row in rows:
        place = f"{row['topic']}/{row['kafka_partition']}/{row['kafka_offset']}"
        _say(
            f"{row['id']:>6}  {row['parked_at']:%Y-%m-%d %H:%M:%S}  {row['state']:<8}  {row['kind']:<8}  "
            f"{row['reason']:<24}  {row['type'] or '?':<36}  {_plain(row['key'] or '-')}  {place}"
        )
    _say(f"{len(rows)} dead letters of {given.service}")
    return 0


async def _show(connection: Connection, given: argparse.Namespace) -> int:
    rows = await _chosen(connection, given, settled=given.settled or bool(given.ids))
    if given.payload:
        try:
            await _look(connection, given, rows)
        except Unexplained as error:
            _say(f"{error} (--note)")
            return 2
    for row in rows:
        shown = {name: str(value) for name, value in row.items() if name not in ("headers", "value")}
        shown["headers"] = {
            name: (value or b"").decode("utf-8", "backslashreplace") for name, value in unpack_headers(row["headers"])
        }  # type: ignore[assignment]
        shown["value_bytes"] = str(len(row["value"] or b""))
        if given.payload:
            shown["value"] = (row["value"] or b"").decode("utf-8", "backslashreplace")
        _say("\n".join(map(_readable, json.dumps(shown, indent=2, ensure_ascii=False).split("\n"))))
        for step in await connection.fetch(
            "select * from dead_letter_audit where dead_letter_id = $1 order by id", row["id"]
        ):
            _say(f"  {step['at']:%Y-%m-%d %H:%M:%S} {step['action']} by {step['operator']}: {step['note'] or ''}")
    return 0


async def _look(connection: Connection, given: argparse.Namespace, rows: list[asyncpg.Record]) -> None:
    """Write whose messages are about to be shown; one that names no tenant may be any tenant's."""
    look = asked(given.by, given.note, "python -m services.common.deadletter show")
    whose = [(_tenant(row), _invoice(row)) for row in rows]
    if any(tenant is None for tenant, _ in whose):
        await look.everywhere(connection)
    for tenant, invoice in whose:
        if tenant is not None:
            await look.at(connection, tenant, invoice)


def _tenant(row: asyncpg.Record) -> str | None:
    named = next((value for name, value in unpack_headers(row["headers"]) if name == "ce_tenant"), None)
    return one_line((named or b"").decode("utf-8", "replace")) or None


def _invoice(row: asyncpg.Record) -> UUID | None:
    try:
        return UUID(row["key"] or "")
    except ValueError:
        return None


async def _settle(connection: Connection, given: argparse.Namespace) -> int:
    if not (given.ids or given.key or given.reason or given.all):
        _say("Say which: numbers, --key, --reason or --all.")
        return 2
    if given.apply and not given.by:
        _say("--apply needs --by NAME: the decision is kept with its author.")
        return 2
    async with connection.transaction():
        rows = await _chosen(connection, given, lock=given.apply)
        ids = [row["id"] for row in rows]
        if given.action == "replay":
            ids = await _with_followers(connection, ids, lock=given.apply)
        state = {"replay": "replay", "drop": "dropped"}[given.action]
        for row in await connection.fetch(
            "select id, kind, reason, key from dead_letter where id = any($1) order by id", ids
        ):
            _say(f"{given.action} {row['id']} ({row['kind']} {row['reason']}, key {_plain(row['key'] or '-')})")
        if not given.apply:
            _say(f"Dry run: {len(ids)} letters would be affected. Add --apply --by NAME to do it.")
            return 0
        await connection.execute(
            "update dead_letter set state = $2, settled_at = case when $2 = 'dropped' then now() end"
            " where id = any($1::bigint[])",
            ids,
            state,
        )
        await _audit(connection, ids, given.action, given)
        if given.action == "drop":
            await _release(connection, [row["key"] for row in rows if row["key"]], given)
    _say(f"{len(ids)} letters: {state}.")
    return 0


async def _with_followers(connection: Connection, ids: list[int], *, lock: bool) -> list[int]:
    """A key's letters are replayed together and in order, or the invoice's events would overtake each other."""
    rows = await connection.fetch(
        f"select id from dead_letter where {_OPEN} and (id = any($1::bigint[]) or key in"
        f" (select key from dead_letter where id = any($1::bigint[]) and key is not null)) order by id{_locked(lock)}",
        ids,
    )
    return [row["id"] for row in rows]


async def _release(connection: Connection, keys: list[str], given: argparse.Namespace) -> None:
    """After a drop, what was only parked behind goes on, up to the next letter of the key that stays parked."""
    rows = await connection.fetch(
        "update dead_letter l set state = 'replay' where key = any($1::text[]) and state = 'parked' and kind = 'behind'"
        " and not exists (select from dead_letter b where b.key = l.key and b.id < l.id and b.state = 'parked'"
        "  and b.kind <> 'behind') returning id",
        keys,
    )
    await _audit(connection, [row["id"] for row in rows], "released", given)
    if rows:
        _say(f"{len(rows)} letters parked behind are released.")


async def _audit(connection: Connection, ids: list[int], action: str, given: argparse.Namespace) -> None:
    await connection.executemany(
        "insert into dead_letter_audit (dead_letter_id, action, operator, note) values ($1, $2, $3, $4)",
        [(number, action, given.by, given.note) for number in ids],
    )


async def _run(given: argparse.Namespace) -> int:
    dsn = os.environ.get("CHORALE_DSN")
    if not dsn:
        _say("Set CHORALE_DSN to the service's database.")
        return 2
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": given.service})
    try:
        actions = {"list": _list, "show": _show, "replay": _settle, "drop": _settle}
        return await actions[given.action](connection, given)
    finally:
        await connection.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns its exit code."""
    return asyncio.run(_run(_parser().parse_args(arguments)))
