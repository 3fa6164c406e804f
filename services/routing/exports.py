"""The open-data export: the whole public directory as CSV and JSON, written to files when it changed."""

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from invoice.directory import Entry
from services.common import telemetry
from services.common.db import Connection, Pool
from services.routing import entries
from services.routing.columns import PUBLIC_NAMES, Kind, cells, write_csv

LICENCE = "Licence Ouverte / Open Licence 2.0"
LICENCE_URL = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"
# Small enough for other requests of the process to pass in between.
_CHUNK = 100
_REST = 20
# What is not public (engagements, who changed what) is in none of these tables and columns.
_TABLES: tuple[tuple[Kind, str], ...] = (
    ("tenant", "select entry::text from tenant order by id"),
    ("structure", "select entry::text from structure order by siret"),
    ("service", "select entry::text from service order by siret, code"),
)


class ExportFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the export. ``size`` in bytes."""

    path: Path
    size: int
    sha256: str


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """The directory as it stood at ``version``."""

    version: int
    at: datetime
    counts: dict[str, int]
    csv: ExportFile
    json: ExportFile


class Exports:
    """Writes the files beside the service's other work and keeps the latest two, for those still reading the older."""

    def __init__(self, pool: Pool, *, every_seconds: float = 60.0) -> None:
        self._pool = pool
        self._every = every_seconds
        self._folder = Path(tempfile.mkdtemp(prefix="chorale-export-"))
        self._kept: list[Export] = []

    @property
    def latest(self) -> Export | None:
        """What there is to fetch; None until the first one is written."""
        return self._kept[-1] if self._kept else None

    async def run(self) -> None:
        """Write again whenever the directory has changed, for the life of the process."""
        while True:
            begun = time.monotonic()
            try:
                await self.once()
            except Exception as error:
                telemetry.logger().warning("export.failed", error=type(error).__name__)
            # A directory that changes all the time costs a twentieth of a core at the most.
            await asyncio.sleep(max(self._every, _REST * (time.monotonic() - begun)))

    async def close(self) -> None:
        """Remove the files."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def once(self) -> Export:
        """The export of the directory as it stands."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            version: int = await connection.fetchval("select coalesce(max(version), 0) from directory_history")
            if self.latest is not None and self.latest.version == version:
                return self.latest
            export = await self._write(connection, version)
        self._kept.append(export)
        for old in self._kept[:-2]:
            old.csv.path.unlink(missing_ok=True)
            old.json.path.unlink(missing_ok=True)
        self._kept = self._kept[-2:]
        telemetry.logger().info("export.written", version=version, **export.counts)
        return export

    async def _write(self, connection: Connection, version: int) -> Export:
        at = datetime.now(UTC).replace(microsecond=0)
        table, document = (_Writer(self._folder / f"annuaire-{version}.{form}") for form in ("csv", "json"))
        counts: dict[str, int] = {kind: 0 for kind, _ in _TABLES}
        try:
            table.add(next(write_csv((), PUBLIC_NAMES)))
            document.add('{"about":' + msgspec.json.encode(about(version, at)).decode())
            for kind, query in _TABLES:
                document.add(f',\n"{kind}s":[')
                async for chunk in _chunks(connection, query):
                    found = [entries.decode(f"{kind}:", text) for text in chunk]
                    table.add(_lines(kind, found))
                    document.add((",\n" if counts[kind] else "\n") + ",\n".join(chunk))
                    counts[kind] += len(chunk)
                document.add("]")
            document.add("}\n")
            return Export(version=version, at=at, counts=counts, csv=table.done(), json=document.done())
        finally:
            table.close()
            document.close()


async def _chunks(connection: Connection, query: str) -> AsyncIterator[list[str]]:
    cursor = await connection.cursor(query)
    while rows := await cursor.fetch(_CHUNK):
        yield [row["entry"] for row in rows]
        await asyncio.sleep(0)


def _lines(kind: Kind, found: list[Entry]) -> str:
    _, *lines = write_csv((cells(kind, entry) for entry in found), PUBLIC_NAMES)
    return "".join(lines)


def about(version: int, at: datetime) -> dict[str, str | int]:
    """What stands in the export about itself."""
    return {
        "title": "Annuaire des structures publiques",
        "licence": LICENCE,
        "licence_url": LICENCE_URL,
        "date": at.isoformat(),
        "version": version,
    }


class _Writer:
    """A file that is counted and hashed while it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._size = 0

    def add(self, text: str) -> None:
        content = text.encode()
        self._file.write(content)
        self._hash.update(content)
        self._size += len(content)

    def done(self) -> ExportFile:
        self._file.flush()
        return ExportFile(path=self._path, size=self._size, sha256=self._hash.hexdigest())

    def close(self) -> None:
        self._file.close()
