"""``python -m services.ingest`` with a command: check, certificate (verify, rotate, keys), originals."""

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.common import clock, looks_by_command
from services.common.blobs import Blobs
from services.common.db import Pool, open_pool
from services.ingest import certificate, check_cli
from services.ingest.certificate_keys import Keys
from services.ingest.domain import paris_day
from services.ingest.expiry import Expiry
from services.ingest.originals import Originals
from services.ingest.settings import IngestSettings

T = TypeVar("T")
_ENDED = {"accepted": "facture", "refused": "dépôt refusé"}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    if list(arguments[:1]) == ["check"]:
        return check_cli.main(arguments)
    given = _parser().parse_args(arguments)
    work: Callable[[argparse.Namespace], int] = given.work
    return work(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.ingest", description="Commandes du service des dépôts")
    groups = parser.add_subparsers(required=True)
    groups.add_parser("check", help="contrôle des fichiers, sans serveur (check --help)", add_help=False)
    certificates = groups.add_parser("certificate", help="certificats de dépôt").add_subparsers(required=True)
    verify = certificates.add_parser("verify", help="vérifie un certificat, JSON ou PDF")
    verify.add_argument("file", type=Path)
    verify.add_argument("--keys", type=Path, help="les clés publiques, telles que /api/v1/certificates/keys les donne")
    verify.add_argument("--url", help="l'adresse de la plateforme, où demander les clés publiques")
    verify.add_argument(
        "--document", type=Path, action="append", default=[], help="un fichier à comparer au certificat"
    )
    verify.set_defaults(work=_verify)
    certificates.add_parser("rotate", help="fait une nouvelle clé de signature").set_defaults(work=_rotate)
    certificates.add_parser("keys", help="écrit les clés publiques").set_defaults(work=_keys)
    originals = groups.add_parser("originals", help="documents déposés").add_subparsers(required=True)
    again = originals.add_parser("verify", help="compare les documents et les pièces conservés à leur empreinte")
    again.set_defaults(work=_verify_originals)
    expire = originals.add_parser("expire", help="dit ce dont le terme de conservation est passé ; --delete l'efface")
    expire.add_argument("--delete", action="store_true", help="effacer, sans retour")
    expire.add_argument("--on", type=date.fromisoformat, help="ce qui le sera ce jour-là (AAAA-MM-JJ) ; sans --delete")
    expire.set_defaults(work=_expire)
    export = originals.add_parser("export", help="écrit le document et les pièces d'un dépôt dans un dossier")
    export.add_argument("deposit", type=UUID)
    export.add_argument("folder", type=Path)
    looks_by_command.add_arguments(export)
    export.set_defaults(work=_export)
    return parser


def _verify_originals(given: argparse.Namespace) -> int:
    """0: all whole; 1: some are not."""

    async def work(found: Originals) -> int:
        began, looked, damaged = clock.now(), 0, 0
        while batch := await found.once(began):
            looked += len(batch)
            for each in batch:
                if each.seen != "whole":
                    damaged += 1
                    sys.stdout.write(f"{each.place} {each.id} : {each.seen}\n")
        sys.stdout.write(f"{looked} fichiers comparés à leur empreinte, {damaged} endommagés\n")
        return 1 if damaged else 0

    return asyncio.run(_with_originals(work))


def _export(given: argparse.Namespace) -> int:
    async def work(found: Originals) -> int:
        try:
            look = looks_by_command.asked(given.by, given.reason, "python -m services.ingest originals export")
            written = await found.export(given.deposit, given.folder, look)
        except looks_by_command.Unexplained as error:
            sys.stderr.write(f"{error}\n")
            return 2
        except KeyError:
            sys.stderr.write("Aucun dépôt de cet identifiant n'a de document.\n")
            return 1
        sys.stdout.write("".join(f"{path}\n" for path in written))
        return 0

    return asyncio.run(_with_originals(work))


def _expire(given: argparse.Namespace) -> int:
    """0: said or done; 2: asked to delete before the day."""
    if given.delete and given.on is not None:
        sys.stderr.write("--on montre un autre jour ; --delete efface ce dont le terme est passé aujourd'hui.\n")
        return 2

    async def work(found: Expiry) -> int:
        now = clock.now()
        due = await found.due(given.on or paris_day(now))
        for one in due:
            sys.stdout.write(f"{one.id} : {_ENDED[one.what]}, effaçable depuis le {one.since.isoformat()}\n")
        objects = await found.delete(due, now) if given.delete else 0
        ended = f"{objects} fichiers effacés" if given.delete else "rien n'est effacé (--delete efface)"
        sys.stdout.write(f"{len(due)} dépôts dont le terme est passé, {ended}\n")
        return 0

    return asyncio.run(_with_store(lambda pool, blobs: work(Expiry(pool, blobs))))


async def _with_originals(work: Callable[[Originals], Awaitable[int]]) -> int:
    return await _with_store(lambda pool, blobs: work(Originals(pool, blobs)))


async def _with_store(work: Callable[[Pool, Blobs], Awaitable[int]]) -> int:
    settings = IngestSettings()
    clock.follow(settings.clock_file)
    blobs = Blobs(settings)
    pool = await open_pool(settings.dsn.get_secret_value(), "ingest", max_size=2)
    try:
        return await work(pool, blobs)
    finally:
        await blobs.close()
        await pool.close()


def _verify(given: argparse.Namespace) -> int:
    """0: authentic, and every document given is named; 1: not; 2: it cannot be said."""
    try:
        data = given.file.read_bytes()
        hashes = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in given.document}
        keys = _public_keys(given)
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError) as error:
        sys.stderr.write(f"Vérification impossible : {error}\n")
        return 2
    verdict = certificate.verify(certificate.unpacked(data), keys)
    sys.stdout.write(verdict.reason + "\n")
    if verdict.certificate is None:
        return 1
    about = verdict.certificate
    sys.stdout.write(
        f"Facture {about['invoice_number']} du {about['issue_date']}, déposée le {about['submitted_at']}, "
        f"dépôt {about['deposit']}\nDe {about['supplier_siret']} à {about['recipient_siret']}, "
        f"{about['payable']} {about['currency']} à payer\n"
    )
    if "sandbox" in about:
        sys.stdout.write(f"{about['sandbox']}\n")
    sys.stdout.write("".join(f"{each['role']} : {each['name']} {each['sha256']}\n" for each in about["files"]))
    wrong = certificate.wrong_files(about, hashes)
    for name in given.document:
        words = "n'est PAS un fichier de ce dépôt" if str(name) in wrong else "est bien un fichier de ce dépôt"
        sys.stdout.write(f"{name} {words}\n")
    return 1 if wrong else 0


def _public_keys(given: argparse.Namespace) -> dict[str, certificate.Key]:
    if given.keys is not None:
        published = json.loads(given.keys.read_bytes())
    elif given.url is not None:
        answer = httpx.get(f"{given.url.rstrip('/')}/api/v1/certificates/keys", timeout=20)
        published = answer.raise_for_status().json()
    else:
        published = asyncio.run(_with_keys(_published))
    return {key["id"]: _key(key) for key in published["keys"]}


def _key(published: dict[str, Any]) -> certificate.Key:
    until = published["valid_until"]
    return certificate.Key(
        raw=_raw(published["pem"]),
        valid_from=datetime.fromisoformat(published["valid_from"]),
        valid_until=None if until is None else datetime.fromisoformat(until),
    )


def _raw(pem: str) -> bytes:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("clé publique qui n'est pas Ed25519")
    return key.public_bytes_raw()


def _rotate(given: argparse.Namespace) -> int:
    name = asyncio.run(_with_keys(lambda keys: keys.rotate(clock.now())))
    sys.stdout.write(f"Nouvelle clé : {name}. Les anciennes restent publiées et vérifient ce qu'elles ont signé.\n")
    return 0


def _keys(given: argparse.Namespace) -> int:
    sys.stdout.write(json.dumps(asyncio.run(_with_keys(_published)), indent=2) + "\n")
    return 0


async def _published(keys: Keys) -> dict[str, Any]:
    found = await keys.public()
    return {
        "keys": [
            {
                "id": key.id,
                "pem": key.pem,
                "valid_from": key.valid_from.isoformat(),
                "valid_until": None if key.valid_until is None else key.valid_until.isoformat(),
            }
            for key in found
        ]
    }


async def _with_keys(work: Callable[[Keys], Awaitable[T]]) -> T:
    settings = IngestSettings()
    clock.follow(settings.clock_file)
    pool = await open_pool(settings.dsn.get_secret_value(), "ingest", max_size=1)
    try:
        return await work(Keys(pool, settings.certificate_wrapping))
    finally:
        await pool.close()
