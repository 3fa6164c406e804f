"""Loads directory files: ``python -m services.routing.load FOLDER [--dry-run] --by NAME``.

All files of the folder are one import: it is written as a whole or not at all, and entries that are as the directory
holds them get no new version, so that running it again changes nothing.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from invoice.directory import Structure, Tenant
from invoice.directory_file import DirectoryFile, InvalidDirectory, merge, parse, problems
from services.common import telemetry
from services.common.db import Pool, migrate, open_pool
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.routing import metrics, store
from services.routing.domain import Changes, Entry, cause_id, compare, entry_key, partition_key, published

DIRECTORY_LANE = "directory"
_LOCK = "directory"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or would do when ``dry_run``. ``version`` is the directory's version afterwards."""

    added: int
    changed: int
    unchanged: int
    version: int
    dry_run: bool


class _DryRun(Exception):
    """Ends the transaction of a dry run: nothing it wrote stays."""


async def import_directory(
    pool: Pool, wanted: DirectoryFile, *, by: str, dry_run: bool = False, traceparent: str | None = None
) -> Report:
    """Bring the directory to these entries and publish what changed, in one transaction.

    One import runs at a time. A dry run does all of it and takes it back. Raises
    :class:`~invoice.directory_file.InvalidDirectory` with every problem, and then nothing is changed.
    """
    report: Report | None = None
    try:
        async with transaction(pool, "routing", keys=[_LOCK]) as tx:
            report = await _import(tx, wanted, by, dry_run, traceparent)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    assert report is not None
    if not dry_run:
        metrics.DIRECTORY_CHANGES.labels(change="added").inc(report.added)
        metrics.DIRECTORY_CHANGES.labels(change="changed").inc(report.changed)
        telemetry.logger().info("directory.imported", **msgspec.to_builtins(report))
    return report


async def _import(tx: Tx, wanted: DirectoryFile, by: str, dry_run: bool, traceparent: str | None) -> Report:
    entries: list[Entry] = [*wanted.tenants, *wanted.structures, *wanted.services]
    held = await store.related(tx.conn, entries)
    _refuse_problems(wanted, held)
    changes = compare(held.entries, entries)
    await _write(tx, changes, held, by, traceparent)
    return Report(
        added=len(changes.added),
        changed=len(changes.changed),
        unchanged=changes.unchanged,
        version=await store.version_in_force(tx.conn),
        dry_run=dry_run,
    )


def _refuse_problems(wanted: DirectoryFile, held: store.InForce) -> None:
    """A file may refer to entries that the directory already holds."""
    tenants = {tenant.id for tenant in wanted.tenants}
    sirets = {structure.siret for structure in wanted.structures}
    known = held.entries.values()
    completed = DirectoryFile(
        tenants=tuple(e for e in known if isinstance(e, Tenant) and e.id not in tenants),
        structures=tuple(e for e in known if isinstance(e, Structure) and e.siret not in sirets),
    )
    if found := problems(merge([wanted, completed])):
        raise InvalidDirectory(found)


async def _write(tx: Tx, changes: Changes, held: store.InForce, by: str, traceparent: str | None) -> None:
    # Tenants before structures before services, so that a replica meets nothing before what it refers to.
    order = {"Tenant": 0, "Structure": 1, "Service": 2}
    entries = sorted((*changes.added, *changes.changed), key=lambda entry: order[type(entry).__name__])
    if not entries:
        return
    versions = await store.next_versions(tx.conn, len(entries))
    by_version = dict(zip(versions, entries, strict=True))
    await store.write_entries(tx.conn, by_version, held.versions, by=by, at=tx.now)
    tenants = {e.siret: e.tenant for e in (*held.entries.values(), *entries) if isinstance(e, Structure)}
    for version, entry in by_version.items():
        tx.emit(
            published(entry, version, by, tx.now),
            key=entry_key(entry),
            cause=RequestCause(cause_id(entry, version), traceparent),
            tenant=entry.id if isinstance(entry, Tenant) else tenants[entry.siret],
            partition_key=partition_key(entry),
            lane=DIRECTORY_LANE,
        )


def read_folder(folder: Path) -> DirectoryFile:
    """All ``*.json`` of a folder as one file. Raises InvalidDirectory, each problem with its file's name."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise InvalidDirectory([f"{folder}: no .json file in this folder"])
    files: list[DirectoryFile] = []
    found: list[str] = []
    for path in paths:
        try:
            files.append(parse(path.read_bytes()))
        except InvalidDirectory as error:
            found += [f"{path.name}: {problem}" for problem in error.problems]
        except OSError as error:
            found.append(f"{path.name}: {error.strerror}")
    if found:
        raise InvalidDirectory(found)
    return merge(files)


class LoadSettings(BaseSettings):
    """The command needs the owner's DSN only (``CHORALE_DSN``)."""

    model_config = SettingsConfigDict(env_prefix="CHORALE_", extra="ignore", frozen=True)

    dsn: SecretStr
    log_level: str = "WARNING"


async def load(folder: Path, *, by: str, dry_run: bool, dsn: str) -> Report:
    """Import a folder into the database, which is migrated first when the service has not run yet."""
    wanted = read_folder(folder)
    await migrate(dsn, "routing", "services.routing")
    pool = await open_pool(dsn, "routing", max_size=1)
    try:
        return await import_directory(pool, wanted, by=by, dry_run=dry_run)
    finally:
        await pool.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0, or 2 when the files cannot be loaded."""
    parser = argparse.ArgumentParser(prog="python -m services.routing.load", description="Charge l'annuaire")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="dossier de fichiers .json")
    parser.add_argument("--by", required=True, metavar="NAME", help="qui charge : inscrit dans l'historique")
    parser.add_argument("--dry-run", action="store_true", help="tout vérifier et compter, sans rien écrire")
    given = parser.parse_args(arguments)
    settings = LoadSettings()
    telemetry.configure("routing", settings.log_level)
    try:
        report = asyncio.run(
            load(given.folder, by=given.by, dry_run=given.dry_run, dsn=settings.dsn.get_secret_value())
        )
    except InvalidDirectory as error:
        sys.stderr.write("Annuaire refusé, rien n'est changé :\n")
        sys.stderr.writelines(f"  - {problem}\n" for problem in error.problems)
        return 2
    prefix = "Essai, rien n'est écrit : " if report.dry_run else ""
    sys.stdout.write(
        f"{prefix}{report.added} ajoutées, {report.changed} modifiées, {report.unchanged} inchangées"
        f" (version {report.version})\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
