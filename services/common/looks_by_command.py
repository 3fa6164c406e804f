"""An operator's look by a command that reads the database: with his name and a reason, in the tenant's own trail.

Whoever may read the database needs no command of ours; whoever uses one leaves what a request would have left.
"""

import argparse
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from services.common.db import Connection
from services.common.looks import LONGEST, SHORTEST, Entry, insert, one_line

#: Before the name that was given, which is no account's.
WHO: Final = "commande:"
_LONGEST_NAME: Final = 100


class Unexplained(Exception):
    """Nothing is shown. Its text, French, says why not and what to do."""


class CommandLook(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks by which command, and why. Write before anything is shown; a failure to write shows nothing."""

    subject: str
    reason: str
    what: str

    async def at(self, connection: Connection, tenant: str | None, invoice: UUID | None) -> None:
        """One invoice, which is this tenant's. Raises :class:`Unexplained` when it cannot be written."""
        await self._write(connection, [(tenant, invoice, 1)])

    async def among(
        self, connection: Connection, counts: Mapping[str | None, int], invoice: UUID | None = None
    ) -> None:
        """So many of each tenant, all about the one invoice if one is given. Raises :class:`Unexplained` as ``at``."""
        await self._write(connection, [(tenant, invoice, count) for tenant, count in counts.items()])

    async def everywhere(self, connection: Connection) -> None:
        """What is shown may be any tenant's. Raises :class:`Unexplained` as ``at``."""
        await self._write(connection, [(None, None, None)], everywhere=True)

    async def _write(self, connection: Connection, entries: list[Entry], *, everywhere: bool = False) -> None:
        try:
            await insert(
                connection,
                entries,
                subject=self.subject,
                reason=self.reason,
                what=self.what,
                everywhere=everywhere,
            )
        except asyncpg.PostgresError as error:
            raise Unexplained(
                "Rien n'est montré : cette consultation n'a pas pu être écrite au journal de la collectivité"
                f" ({type(error).__name__}). Il faut la base principale et le rôle du service."
            ) from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--by`` and ``--reason``; :func:`asked` wants them when the database is read."""
    parser.add_argument("--by", metavar="NOM", help="qui regarde : la collectivité le lit à son journal")
    parser.add_argument("--reason", metavar="MOTIF", help=f"pourquoi, en {SHORTEST} caractères au moins : elle le lit")


def asked(by: str | None, reason: str | None, command: str) -> CommandLook:
    """Who looks and why. Raises :class:`Unexplained` when either is missing. ``command``: as it is typed."""
    name, why = one_line(by or ""), one_line(reason or "")
    if not name or len(name) > _LONGEST_NAME or not SHORTEST <= len(why) <= LONGEST:
        raise Unexplained(
            "Vous regardez ce qui est à une collectivité, qui lit à son journal qui l'a fait et pourquoi : donnez votre"
            f" nom et votre motif (de {SHORTEST} à {LONGEST} caractères), par exemple"
            ' --by "Camille Martin" --reason "Réclamation 4711".'
        )
    return CommandLook(subject=f"{WHO}{name}", reason=why, what=command)
