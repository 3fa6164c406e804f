"""``python -m services.portal personal-data``: what the platform holds of a person, given or erased.

``export --subject S --to FILE``, ``erase --subject S --by WHO`` (the running portal does it), ``show [--subject S]``.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from services.common import clock
from services.common.db import Pool, open_pool
from services.common.deliver import transaction
from services.portal import people
from services.portal.account_keys import SigningKeys
from services.portal.neighbours import Neighbours
from services.portal.people import NotClosed, People
from services.portal.person_part import person
from services.portal.settings import PortalSettings
from services.portal.tokens import Tokens

_SHOWN = (
    "select json_build_object('id', id, 'subject', subject, 'asked_by', asked_by, 'asked_at', asked_at, 'attempts',"
    " attempts, 'trouble', trouble, 'done_at', done_at, 'outcomes', outcomes)::text from person_request"
    " where $1::text is null or subject = $1 order by asked_at"
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    given = _parser().parse_args(arguments)
    work: Callable[[argparse.Namespace, PortalSettings, Pool], Coroutine[Any, Any, int]] = given.work
    return asyncio.run(_with_pool(given, work))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.portal personal-data", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMANDE")
    export = commands.add_parser("export", help="tout ce que la plateforme détient d'une personne, en lignes JSON")
    export.add_argument("--subject", required=True)
    export.add_argument("--to", required=True, type=Path)
    export.set_defaults(work=_export)
    erase = commands.add_parser("erase", help="effacer les données d'une personne dont le compte est fermé")
    erase.add_argument("--subject", required=True)
    erase.add_argument("--by", required=True, help="qui le demande : un sujet, sans nom ni adresse")
    erase.set_defaults(work=_erase)
    show = commands.add_parser("show", help="les demandes, ce qui est effacé, ce qui est gardé et pourquoi")
    show.add_argument("--subject")
    show.set_defaults(work=_show)
    return parser


async def _with_pool(
    given: argparse.Namespace, work: Callable[[argparse.Namespace, PortalSettings, Pool], Coroutine[Any, Any, int]]
) -> int:
    settings = PortalSettings()
    pool = await open_pool(settings.dsn.get_secret_value(), "portal", max_size=2)
    try:
        return await work(given, settings, pool)
    finally:
        await pool.close()


async def _export(given: argparse.Namespace, settings: PortalSettings, pool: Pool) -> int:
    found = made(pool, settings)
    part = given.to.with_name(f"{given.to.name}.part")
    try:
        with part.open("wb") as out:
            async for some in found.export(given.subject):
                out.write(some)
    except (httpx.HTTPError, asyncpg.PostgresError) as error:
        sys.stderr.write(f"Un service ne répond pas ({type(error).__name__}) : rien n'est écrit, réessayez.\n")
        part.unlink(missing_ok=True)
        return 1
    part.rename(given.to)
    sys.stdout.write(f"{given.to}\n")
    return 0


async def _erase(given: argparse.Namespace, settings: PortalSettings, pool: Pool) -> int:
    try:
        async with transaction(pool, "portal", keys=[given.subject]) as tx:
            request = await people.ask(tx.conn, given.subject, by=given.by, now=clock.now())
    except NotClosed:
        sys.stderr.write("Ce compte est ouvert : fermez-le d'abord, puis redemandez l'effacement.\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{request}\n")
    return 0


async def _show(given: argparse.Namespace, settings: PortalSettings, pool: Pool) -> int:
    for row in await pool.fetch(_SHOWN, given.subject):
        sys.stdout.write(f"{row[0]}\n")
    return 0


def made(pool: Pool, settings: PortalSettings) -> People:
    """What gives and erases, by these settings."""
    lead, tail = (timedelta(seconds=each) for each in (settings.key_lead_seconds, settings.key_tail_seconds))
    keys = SigningKeys(pool, settings.secret, lead=lead, tail=tail)
    neighbours = Neighbours(pool, Tokens(keys, settings.token_seconds), settings.service_urls)
    return People(pool, neighbours, person(), seconds=settings.person_seconds)
