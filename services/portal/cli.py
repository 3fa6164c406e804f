"""Commands of ``python -m services.portal``: keys, operator, republish, rights, personal-data, sirene.

``keys rotate`` and ``keys list``; ``operator add --email A [--name N] [--print]``; ``rights republish``;
``republish [--apply]`` (:mod:`services.portal.republication`);
``personal-data …`` (:mod:`services.portal.people_cli`); ``sirene load FILE`` (:mod:`services.portal.sirene`).
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

from services.common import clock, telemetry
from services.common.db import open_pool
from services.common.deliver import transaction
from services.common.failures import Transient
from services.common.trace import RequestCause
from services.portal import (
    account_store,
    account_topic,
    audit,
    emails,
    member_store,
    people_cli,
    republication,
    rights,
    sirene,
)
from services.portal.account_limits import show_instant
from services.portal.mail_links import Purpose
from services.portal.parts import Parts, assemble
from services.portal.settings import PortalSettings
from services.portal.structure_parts import republish

_OTHERS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "personal-data": people_cli.main,
    "sirene": lambda arguments: sirene.main(list(arguments)),
}
Work = Callable[[argparse.Namespace, Parts], Awaitable[int]]


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    if arguments and arguments[0] in _OTHERS:
        return _OTHERS[arguments[0]](arguments[1:])
    given = _parser().parse_args(arguments)
    return asyncio.run(_with_parts(given, given.work))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.portal", description="Commandes des comptes")
    groups = parser.add_subparsers(required=True, metavar="COMMANDE")
    for name in _OTHERS:
        groups.add_parser(name, help=f"{name} --help", add_help=False)
    keys = groups.add_parser("keys", help="clés qui signent les jetons d'accès").add_subparsers(required=True)
    keys.add_parser("rotate", help="publie une nouvelle clé, qui signe une minute après").set_defaults(work=_rotate)
    keys.add_parser("list", help="écrit les clés publiques en service").set_defaults(work=_keys)
    published = groups.add_parser("rights", help="droits des comptes").add_subparsers(required=True)
    publish = published.add_parser("republish", aliases=["publish"], help="publie ce qui ne l'est pas")
    publish.set_defaults(work=_publish)
    again = groups.add_parser("republish", help="après une restauration : compare le sujet des droits avec la base")
    again.add_argument("--apply", action="store_true", help="publie ce qui diffère au lieu de le dire")
    again.set_defaults(work=_republish)
    operators = groups.add_parser("operator", help="exploitants de la plateforme").add_subparsers(required=True)
    add = operators.add_parser("add", help="fait d'une adresse celle d'un exploitant ; un lien l'active")
    add.add_argument("--email", required=True)
    add.add_argument("--name", default="")
    add.add_argument("--print", action="store_true", help="écrit le lien ici au lieu de l'envoyer")
    add.set_defaults(work=_add_operator)
    return parser


async def _with_parts(given: argparse.Namespace, work: Work) -> int:
    settings = PortalSettings()
    telemetry.configure("portal", settings.log_level)
    pool = await open_pool(settings.dsn.get_secret_value(), "portal", max_size=2)
    parts = assemble(settings, pool, pool)
    try:
        return await work(given, parts)
    finally:
        await parts.passwords.close()
        await pool.close()


async def _rotate(given: argparse.Namespace, parts: Parts) -> int:
    sys.stdout.write(f"{await parts.keys.rotate()}\n")
    return 0


async def _keys(given: argparse.Namespace, parts: Parts) -> int:
    for key in await parts.keys.public(clock.now()):
        ends = key.until.isoformat() if key.until else "-"
        sys.stdout.write(f"{key.kid}  {key.signs_from.isoformat()}  {ends}\n")
    return 0


async def _publish(given: argparse.Namespace, parts: Parts) -> int:
    sys.stdout.write(f"{await republish(parts.pool)} entrées publiées\n")
    return 0


_WHY: Final[dict[republication.Why, str]] = {
    "missing": "absent du sujet",
    "differs": "autre dans le sujet que dans la base",
    "unknown": "inconnu de la base : retiré",
    "outdated": "une entrée plus ancienne est venue en dernier",
    "adopted": "terminé selon le sujet : le reste",
}


async def _republish(given: argparse.Namespace, parts: Parts) -> int:
    """Nothing is published without --apply. What is published leaves with the running portal."""

    def said(changes: Sequence[republication.Change]) -> None:
        sys.stdout.write("".join(f"{change.key} : {_WHY[change.why]}\n" for change in changes))
        sys.stdout.flush()

    read_at = clock.now()
    try:
        topic = await account_topic.whole(parts.settings.kafka)
    except (Transient, OSError, TimeoutError) as error:
        sys.stderr.write(f"Kafka ne répond pas ({str(error) or type(error).__name__}) : rien n'est fait, réessayez.\n")
        return 1
    if topic.unreadable:
        sys.stderr.write(f"{topic.unreadable} messages du sujet ne sont pas lisibles : ils sont laissés.\n")
    found = await republication.Republication(parts.pool, topic, read_at, apply=given.apply, said=said).run()
    done = "publiées ou reprises" if given.apply else "diffèrent ; rien n'est fait sans --apply"
    sys.stdout.write(f"{found} entrées {done}\n")
    return 0


async def _add_operator(given: argparse.Namespace, parts: Parts) -> int:
    """The running portal sends the link; whoever has the account already has the right at once."""
    email = emails.clean(given.email)
    if email is None:
        sys.stderr.write("Ce n'est pas une adresse électronique.\n")
        return 2
    async with transaction(parts.pool, "portal", keys=[f"login/{emails.key(email)}"]) as tx:
        known = await account_store.by_email(tx.conn, email)
        if known is None:
            made = await account_store.make(tx.conn, email, given.name, "fr", "pending", tx.now)
            known = await account_store.of(tx.conn, made)
        assert known is not None
        if known.state not in ("pending", "active"):
            sys.stderr.write("Ce compte est fermé ou bloqué : rien n'est fait.\n")
            return 1
        await member_store.give_office(tx.conn, known.subject, "OPERATEUR", None, "platform", tx.now)
        await audit.write(tx.conn, at=tx.now, actor="platform", action="operator.added", about=known.subject)
        said = f"{known.subject} est exploitant.\n"
        if known.state == "pending":
            lasts = timedelta(hours=parts.settings.activation_hours)
            purpose: Purpose = "activation"
            link = await parts.mailing.links.make(tx.conn, known.subject, purpose, now=tx.now, lasts=lasts)
            if given.print:
                said += f"{parts.mailing.links.url(link)}\n"
            else:
                values = {"until": show_instant(tx.now + lasts)}
                await parts.mailing.letter(
                    tx.conn,
                    "ACCOUNT_ACTIVATION",
                    address=email,
                    subject=known.subject,
                    values=values,
                    link=link,
                    now=tx.now,
                )
                said += "Un lien d'activation part à son adresse.\n"
        await rights.publish(tx, [known.subject], RequestCause(uuid4()))
    sys.stdout.write(said)
    return 0
