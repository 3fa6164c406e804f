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
from services.common import deadletter_desk as desk
from services.common.db import Connection
from services.common.looks import one_line
from services.common.looks_by_command import Unexplained, asked
from services.common.record import unpack_headers


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


def _choice(given: argparse.Namespace) -> desk.Choice:
    return desk.Choice(ids=tuple(given.ids), key=given.key, reason=given.reason)


def _plain(text: str) -> str:
    """For a terminal: keys are bytes that anybody may have sent."""
    return text if text.isprintable() else ascii(text)


def _readable(line: str) -> str:
    """JSON for a terminal: accents stay, what could move its cursor or turn its text round is escaped."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)


async def _list(connection: Connection, given: argparse.Namespace) -> int:
    rows = await desk.find(connection, _choice(given), settled=given.settled)
    for row in rows:
        place = f"{row['topic']}/{row['kafka_partition']}/{row['kafka_offset']}"
        _say(
            f"{row['id']:>6}  {row['parked_at']:%Y-%m-%d %H:%M:%S}  {row['state']:<8}  {row['kind']:<8}  "
            f"{row['reason']:<24}  {row['type'] or '?':<36}  {_plain(row['key'] or '-')}  {place}"
        )
    _say(f"{len(rows)} dead letters of {given.service}")
    return 0


async def _show(connection: Connection, given: argparse.Namespace) -> int:
    rows = await desk.find(connection, _choice(given), settled=given.settled or bool(given.ids))
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
        for step in await desk.steps(connection, row["id"]):
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
    decided = desk.Decided(by=given.by, note=given.note) if given.apply else None
    async with connection.transaction():
        found = await desk.settle(connection, _choice(given), given.action, decided)
    for row in found.rows:
        _say(f"{given.action} {row['id']} ({row['kind']} {row['reason']}, key {_plain(row['key'] or '-')})")
    if decided is None:
        _say(f"Dry run: {len(found.rows)} letters would be affected. Add --apply --by NAME to do it.")
        return 0
    if found.released:
        _say(f"{len(found.released)} letters parked behind are released.")
    _say(f"{len(found.rows)} letters: {'replay' if given.action == 'replay' else 'dropped'}.")
    return 0


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
