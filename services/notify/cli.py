"""``python -m services.notify``: ``preview NAME``, ``load FILE``, ``proofs [INVOICE]``, ``matrix``."""

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path
from uuid import UUID

import msgspec

from services.common import looks_by_command
from services.common.db import migrate, open_pool
from services.common.deliver import transaction
from services.common.looks_by_command import CommandLook
from services.notify import addresses, proof
from services.notify.addresses import InvalidManager
from services.notify.letter_examples import NAMES, example
from services.notify.matrix_page import page
from services.notify.settings import NotifySettings


def run(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.notify", description="Mail: examples and addresses")
    commands = parser.add_subparsers(dest="command", required=True)
    preview = commands.add_parser("preview", help="print an example of a message")
    preview.add_argument("name", choices=sorted(NAMES), metavar="NAME", help=", ".join(sorted(NAMES)))
    preview.add_argument("--html", action="store_true", help="the HTML part instead of the text")
    preview.add_argument("--english", action="store_true", help="in English instead of French")
    load = commands.add_parser("load", help="replace managers' addresses by those of a file (CHORALE_… as the service)")
    load.add_argument("file", type=Path)
    export = commands.add_parser(
        "proofs", help="print proofs of acceptance, a JSON line each (CHORALE_… as the service)"
    )
    export.add_argument("invoice", type=UUID, nargs="?", help="of one invoice; without it, all")
    looks_by_command.add_arguments(export)
    commands.add_parser("matrix", help="print docs/messages.md from the matrix")
    given = parser.parse_args(arguments)
    if given.command == "proofs":
        try:
            look = looks_by_command.asked(given.by, given.reason, f"{parser.prog} proofs")
            return asyncio.run(_proofs(given.invoice, look))
        except looks_by_command.Unexplained as error:
            sys.stderr.write(f"{error}\n")
            return 2
    if given.command == "matrix":
        sys.stdout.write(page())
        return 0
    if given.command == "preview":
        letter = example(given.name, "en" if given.english else "fr")
        sys.stdout.write(letter.html if given.html else f"{letter.subject}\n\n{letter.text}\n")
        return 0
    return _load(given.file)


def _load(path: Path) -> int:
    try:
        managers = addresses.from_file(path)
    except InvalidManager as error:
        for problem in error.problems:
            sys.stderr.write("{field}: {value!r}. {message} {action}\n".format(**problem))
        return 1
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f'{path}: {type(error).__name__}. A file of the form {{"managers": [...]}} is needed.\n')
        return 1
    structures = asyncio.run(_store(managers))
    sys.stdout.write(f"{len(managers)} managers of {structures} structures loaded\n")
    return 0


async def _store(managers: list[addresses.Manager]) -> int:
    dsn = NotifySettings().dsn.get_secret_value()
    await migrate(dsn, "notify", "services.notify")
    pool = await open_pool(dsn, "notify", max_size=1)
    try:
        keys = sorted({f"manager/{manager.siret}" for manager in managers})
        async with transaction(pool, "notify", keys=keys) as tx:
            return (await addresses.replace(tx.conn, managers)).structures
    finally:
        await pool.close()


async def _proofs(invoice: UUID | None, look: CommandLook) -> int:
    """Page by page; of each tenant that comes out, an entry before its first line."""
    told: set[str | None] = set()
    pool = await open_pool(NotifySettings().dsn.get_secret_value(), "notify", max_size=1)
    after: UUID | None = None
    try:
        while True:
            found = await proof.read(pool, subject=None if invoice is None else str(invoice), after=after)
            fresh = {tenant: n for tenant, n in Counter(one.tenant for one in found).items() if tenant not in told}
            async with pool.acquire() as connection:
                await look.among(connection, fresh, invoice)
            told.update(fresh)
            for one in found:
                sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
            if not found:
                return 0
            after = found[-1].message
    finally:
        await pool.close()
