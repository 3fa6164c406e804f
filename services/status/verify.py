"""``python -m services.status verify FILE|ID``: whether a history is the one that was written.

FILE is an export, checked offline. ID is an invoice, read from the service's own tables (``CHORALE_DSN``); that is a
look into a tenant's invoice, so it wants ``--by`` and ``--reason`` and stands in the tenant's trail.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from services.common import looks_by_command
from services.common.looks_by_command import CommandLook, Unexplained
from services.status import looked, proofs
from services.status.chain import Export, check

_MOST_BYTES = 100_000_000


class Unreadable(Exception):
    """There is nothing to verify; the words say why, in French."""


def run(arguments: Sequence[str]) -> int:
    """0: untouched; 1: not; 2: nothing to verify."""
    parser = argparse.ArgumentParser(
        prog="python -m services.status verify", description="Vérifie l'histoire d'une facture."
    )
    parser.add_argument("what", help="un fichier exporté, ou l'identifiant d'une facture (avec CHORALE_DSN)")
    parser.add_argument("--head", help="une empreinte détenue d'ailleurs, que l'histoire doit contenir")
    looks_by_command.add_arguments(parser)
    given = parser.parse_args(arguments)
    try:
        export = _found(given, parser.prog)
    except (Unreadable, Unexplained) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return report(export, given.head)


def report(export: Export, head: str | None) -> int:
    """Print the verdict, one line a fault."""
    faults = check(export, head=head)
    sealed = sum(line.sealed is not None for line in export.history)
    shown = f"{export.entries} entrées" + (f", dont {sealed} scellées (non visibles pour ce lecteur)" if sealed else "")
    sys.stdout.write(f"Facture {export.number} ({export.invoice}) : {shown}\n")
    for fault in faults:
        sys.stdout.write(f"  entrée {fault.entry} : {fault.message} [{fault.code}]\n")
    if faults:
        sys.stdout.write("NON CONFORME : cette histoire n'est pas celle qui a été écrite.\n")
        return 1
    sys.stdout.write(f"CONFORME. Empreinte : {export.head}\n")
    if head is None:
        sys.stdout.write("Pour exclure un fichier refait en entier, comparez l'empreinte à celle que vous détenez.\n")
    return 0


def _found(given: argparse.Namespace, command: str) -> Export:
    what: str = given.what
    path = Path(what)
    if path.is_file():
        if path.stat().st_size > _MOST_BYTES:
            raise Unreadable(f"{what} : trop gros pour l'histoire d'une facture.")
        try:
            return msgspec.json.decode(path.read_bytes(), type=Export)
        except msgspec.DecodeError as error:
            raise Unreadable(f"{what} n'est pas un export d'histoire lisible : {error}") from error
    try:
        invoice = UUID(what)
    except ValueError as error:
        raise Unreadable(f"{what} n'est ni un fichier, ni l'identifiant d'une facture.") from error
    look = looks_by_command.asked(given.by, given.reason, command)
    return asyncio.run(_read(invoice, os.environ.get("CHORALE_DSN"), look))


async def _read(invoice: UUID, dsn: str | None, look: CommandLook) -> Export:
    if not dsn:
        raise Unreadable("Donnez CHORALE_DSN, l'adresse de la base du service status, ou un fichier exporté.")
    try:
        connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": "status"})
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Unreadable(f"La base du service status ne répond pas : {type(error).__name__}.") from error
    try:
        export = await proofs.export_whole(connection, invoice)
        if export is not None:
            await look.at(connection, await looked.tenant_of(connection, invoice), invoice)
    finally:
        await connection.close()
    if export is None:
        raise Unreadable(f"Aucune facture ne porte l'identifiant {invoice}.")
    return export
