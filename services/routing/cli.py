"""``python -m services.routing tenant create|suspend|resume|export|delete …`` and ``… republish``."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from invoice.directory import Contact, Policies, Tenant
from services.common import telemetry
from services.common.db import Pool
from services.routing import entries, tenants
from services.routing.load import LoadSettings, opened
from services.routing.sources import said
from services.routing.strictly import strict
from services.routing.tenants import TenantError


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns 0, or 2 when it cannot be done."""
    given = _parser().parse_args(arguments)
    settings = LoadSettings()
    telemetry.configure("routing", settings.log_level)
    try:
        sys.stdout.write(asyncio.run(_do(given, settings.dsn.get_secret_value())) + "\n")
    except TenantError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.routing", description="L'annuaire et ses tenants")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("republish", help="redire la dernière version de chaque entrée aux répliques")
    what = commands.add_parser("tenant", help="ouvrir, suspendre, exporter, supprimer un tenant").add_subparsers(
        dest="action", required=True
    )
    for action, words in (
        ("create", "ouvrir un tenant"),
        ("suspend", "ses structures ne reçoivent plus rien"),
        ("resume", "ses structures reçoivent de nouveau"),
        ("export", "écrire la part de l'annuaire en JSON Lines et demander la leur aux autres services"),
        ("delete", "le retirer de l'annuaire avec toutes ses entrées"),
    ):
        one = what.add_parser(action, help=words)
        one.add_argument("id", metavar="TENANT")
        one.add_argument("--by", required=True, metavar="NOM", help="qui le demande : inscrit dans l'historique")
        if action == "create":
            _describe(one)
        if action == "export":
            one.add_argument("--to", required=True, type=Path, metavar="FICHIER")
        if action == "delete":
            one.add_argument("--yes", action="store_true", help="confirmer : rien ne revient")
    return parser


def _describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True)
    parser.add_argument("--logo", help="adresse https ou URI data: d'une image")
    parser.add_argument("--sender", help="adresse d'expédition des courriels")
    for part in ("name", "email", "telephone", "hours"):
        parser.add_argument(f"--contact-{part}", help="contact public")
    parser.add_argument("--policies", default="{}", metavar="JSON", help="comme la colonne « regles » d'un fichier")


async def _do(given: argparse.Namespace, dsn: str) -> str:
    pool = await opened(dsn)
    try:
        if given.command == "republish":
            return f"{await entries.republish(pool)} entrées redites."
        return await _tenant(pool, given)
    finally:
        await pool.close()


async def _tenant(pool: Pool, given: argparse.Namespace) -> str:
    match given.action:
        case "create":
            version = await tenants.create(pool, _tenant_of(given), by=given.by)
            return f"Tenant {given.id} ouvert (annuaire version {version})."
        case "suspend" | "resume":
            version = await tenants.set_active(pool, given.id, given.action == "resume", by=given.by)
            state = "reçoit de nouveau" if given.action == "resume" else "est suspendu"
            return f"Tenant {given.id} {state} (annuaire version {version})."
        case "export":
            return await _export(pool, given)
        case _:
            if not given.yes:
                raise TenantError("Rien n'est fait. Exportez d'abord, puis confirmez la suppression par --yes.")
            return f"Tenant {given.id} supprimé : {await tenants.delete(pool, given.id, by=given.by)} entrées."


def _tenant_of(given: argparse.Namespace) -> Tenant:
    contact = Contact(
        name=given.contact_name,
        email=given.contact_email,
        telephone=given.contact_telephone,
        hours=given.contact_hours,
    )
    return Tenant(
        id=given.id,
        name=given.name,
        logo=given.logo,
        sender=given.sender,
        contacts=() if contact == Contact() else (contact,),
        policies=_policies(given.policies),
    )


def _policies(text: str) -> Policies:
    """Raises :class:`TenantError` where they are none, or name something that there is not."""
    try:
        return strict(text.encode(), Policies)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise TenantError(f"--policies : {said(error)}") from error


async def _export(pool: Pool, given: argparse.Namespace) -> str:
    request = await tenants.announce_export(pool, given.id, by=given.by)
    lines = 0
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        with given.to.open("wb") as out:
            async for line in tenants.export(connection, given.id):
                out.write(line)
                lines += 1
    return f"{lines} lignes dans {given.to} (demande {request})."
