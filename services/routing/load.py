"""Loads directory files: ``python -m services.routing.load FOLDER|FILE … [--dry-run] --by NAME``.

CSV, JSON Lines and JSON files (services/routing/columns.py names the columns). All of them are one import: it is
written as a whole or not at all, and entries that are as the directory holds them get no new version, so that running
it again changes nothing.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common import telemetry
from services.common.db import Pool, migrate, open_pool
from services.routing.entries import DIRECTORY_LANE
from services.routing.imports import EntryChange, InvalidImport, Report, import_directory, import_lines, sentence
from services.routing.managers import Counts, Managers, ManagersAway, ManagersRefused
from services.routing.sources import Line, LineError, form_of, read

__all__ = ["DIRECTORY_LANE", "Report", "import_directory", "load", "main"]


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, those of folders included. Raises :class:`InvalidImport` where there is none."""
    found = [
        file
        for path in paths
        for file in (sorted(p for p in path.iterdir() if form_of(p.name)) if path.is_dir() else [path])
    ]
    missing = [path for path in [*paths, *found] if not path.exists() or (path.is_file() and not form_of(path.name))]
    if missing or not found:
        named = ", ".join(str(path) for path in missing or paths)
        message = f"{named} : aucun fichier .csv, .jsonl ou .json."
        raise InvalidImport([LineError(line=0, field="fichier", rule="NO_FILE", message=message)], 1)
    return found


def lines_of_files(paths: Sequence[Path]) -> Iterator[Line]:
    """The lines of several files, each with its file's name. A file is open while its lines are read."""
    for path in paths:
        form = form_of(path.name)
        assert form is not None
        with path.open("rb") as file:
            for line in read(file, form):
                error = msgspec.structs.replace(line.error, file=path.name) if line.error is not None else None
                yield msgspec.structs.replace(line, file=path.name, error=error)


class LoadSettings(BaseSettings):
    """The command needs the owner's DSN (``CHORALE_DSN``).

    Where files name managers to notify, ``CHORALE_PUBLIC_URL`` (or ``CHORALE_MESSAGES_URL``) says where notify answers,
    and ``CHORALE_TOKEN`` holds the token of an operator.
    """

    model_config = SettingsConfigDict(env_prefix="CHORALE_", extra="ignore", frozen=True)

    dsn: SecretStr
    log_level: str = "WARNING"
    public_url: str = ""
    messages_url: str = ""
    token: SecretStr = SecretStr("")

    def managers(self) -> Managers:
        """The way to notify."""
        return Managers(self.messages_url or self.public_url, f"Bearer {self.token.get_secret_value()}")


async def opened(dsn: str) -> Pool:
    """A pool of one connection; the database is migrated first when the service has not run yet."""
    await migrate(dsn, "routing", "services.routing")
    return await open_pool(dsn, "routing", max_size=1, idle_in_transaction_seconds=120)


async def load(
    paths: Sequence[Path], *, by: str, dry_run: bool, dsn: str, managers: Managers | None = None
) -> tuple[Report, Counts | None]:
    """Import files and folders into the database; managers named in them go to notify, checked before and put after."""
    files = files_of(paths)
    handed = managers if managers is not None else Managers("", "")
    would: list[Counts] = []

    async def also() -> bool:
        if handed:
            try:
                would.append(await handed.check())
            except ManagersRefused as error:
                raise InvalidImport(error.errors, len(error.errors)) from error
        return bool(handed)

    pool = await opened(dsn)
    try:
        lines = handed.divert(lines_of_files(files))
        report = await import_lines(pool, lines, by=by, dry_run=dry_run, also=also)
    finally:
        await pool.close()
    if dry_run or not would:
        return report, would[0] if would else None
    return report, await handed.put()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0, or 2 when the files cannot be loaded."""
    parser = argparse.ArgumentParser(prog="python -m services.routing.load", description="Charge l'annuaire")
    parser.add_argument("paths", type=Path, nargs="+", metavar="FICHIER", help=".csv, .jsonl, .json, ou un dossier")
    parser.add_argument("--by", required=True, metavar="NOM", help="qui charge : inscrit dans l'historique")
    parser.add_argument("--dry-run", action="store_true", help="tout vérifier et montrer, sans rien écrire")
    given = parser.parse_args(arguments)
    settings = LoadSettings()
    telemetry.configure("routing", settings.log_level)
    try:
        dsn, managers = settings.dsn.get_secret_value(), settings.managers()
        report, counts = asyncio.run(load(given.paths, by=given.by, dry_run=given.dry_run, dsn=dsn, managers=managers))
    except InvalidImport as error:
        sys.stderr.write(f"Annuaire refusé ({error.total} erreurs), rien n'est changé :\n")
        sys.stderr.writelines(f"  - {sentence(found)}\n" for found in error.errors)
        return 2
    except (ManagersAway, ManagersRefused):
        sys.stderr.write(
            "Les gestionnaires ne sont pas enregistrés : le service des messages ne répond pas, ou refuse le jeton."
            " Vérifiez CHORALE_PUBLIC_URL et CHORALE_TOKEN, puis relancez la commande : rien n'est fait deux fois.\n"
        )
        return 3
    if report.dry_run:
        sys.stdout.writelines(f"{line}\n" for change in report.changes for line in _shown(change))
    prefix = "Essai, rien n'est écrit : " if report.dry_run else ""
    sys.stdout.write(
        f"{prefix}{report.added} ajoutées, {report.changed} modifiées, {report.unchanged} inchangées"
        f" (version {report.version})\n"
    )
    if counts is not None:
        sys.stdout.write(
            f"{prefix}{counts.managers} gestionnaires de {counts.structures} structures :"
            f" {counts.added} ajoutés, {counts.removed} retirés\n"
        )
    return 0


def _shown(change: EntryChange) -> Iterator[str]:
    yield f"{change.file}:{change.line} {'+' if change.change == 'added' else '~'} {change.key}"
    if change.change == "changed":
        for field in change.fields:
            yield f"    {field.field} : {_text(field.before)} → {_text(field.after)}"


def _text(value: object) -> str:
    return "(par défaut)" if value is None else msgspec.json.encode(value).decode()


if __name__ == "__main__":
    raise SystemExit(main())
