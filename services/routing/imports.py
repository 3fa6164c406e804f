"""An import: every line checked, the difference found, all of it written or nothing.

Lines pass in chunks through one table of the database, so that a national file needs no more memory than a small one.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

import msgspec

from invoice.directory import Engagement, Entry, Service, Structure, Tenant
from invoice.directory_checks import entry_problems
from invoice.directory_file import DirectoryFile, InvalidDirectory
from services.common import telemetry
from services.common.db import Connection, Pool
from services.common.deliver import transaction
from services.routing import entries, metrics, search, words
from services.routing.domain import FieldChange, differences, entry_key
from services.routing.entries import LOCK, Held
from services.routing.import_checks import CHECKS
from services.routing.reach import EVERYTHING, Reach
from services.routing.sources import BadLine, Line, LineError, lines_of

_CHUNK = 250
_SHOWN = 200  # changes and errors that a report holds
_TOO_MANY = 5_000  # errors after which nothing more is read
_STAGED = ("line", "file", "number", "kind", "key", "siret", "tenant", "change", "entry", "replaces")
_SAID = ("label", "words", "supplier", "open", "code")
_encode = msgspec.json.Encoder().encode
Change = Literal["added", "changed", "same"]


class EntryChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a line changes: the entry's key and each field that differs."""

    file: str
    line: int
    key: str
    change: Literal["added", "changed"]
    fields: tuple[FieldChange, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or would do when ``dry_run``. ``version`` is the directory's version afterwards.

    ``changes`` holds the first two hundred.
    """

    added: int
    changed: int
    unchanged: int
    version: int
    dry_run: bool
    changes: tuple[EntryChange, ...] = ()


class InvalidImport(InvalidDirectory):
    """Lines that cannot be loaded: the first two hundred ``errors``, and how many there are in ``total``."""

    def __init__(self, errors: Sequence[LineError], total: int) -> None:
        self.errors = tuple(errors)
        self.total = total
        super().__init__(sentence(error) for error in errors)


def sentence(error: LineError) -> str:
    """An error for people: where, what, what to do."""
    where = ", ".join(part for part in (error.file, f"ligne {error.line}" if error.line else "") if part)
    return f"{where + ' : ' if where else ''}{error.message} {error.action}"


class _DryRun(Exception):
    """Ends the transaction of a dry run: nothing it wrote stays."""


async def import_directory(
    pool: Pool, wanted: DirectoryFile, *, by: str, dry_run: bool = False, traceparent: str | None = None
) -> Report:
    """:func:`import_lines` of entries that are in memory."""
    return await import_lines(pool, lines_of(wanted), by=by, dry_run=dry_run, traceparent=traceparent)


async def import_lines(
    pool: Pool,
    lines: Iterable[Line],
    *,
    by: str,
    dry_run: bool = False,
    traceparent: str | None = None,
    reach: Reach = EVERYTHING,
    also: Callable[[], Awaitable[bool]] | None = None,
) -> Report:
    """Bring the directory to what the lines say and publish what changed, in one transaction.

    One import runs at a time. A dry run does all of it and takes it back. ``reach``: whose entries the lines may
    touch. ``also`` is asked once the lines are read, before anything is written: whether the file
    says something beside them; what it raises ends the import. Raises :class:`InvalidImport` with every error, and then
    nothing is changed.
    """
    report: Report | None = None
    try:
        async with transaction(pool, "routing", keys=[LOCK]) as tx:
            await tx.conn.execute("truncate import_line")
            staging = _Staging(tx.conn, reach)
            await staging.take(lines)
            await staging.check(await also() if also is not None else False)
            await entries.write_staged(tx, by, traceparent)
            await tx.conn.execute("truncate import_line")
            report = await staging.report(dry_run)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    assert report is not None
    counts = {"added": report.added, "changed": report.changed}
    if not dry_run:
        for change, count in counts.items():
            metrics.DIRECTORY_CHANGES.labels(change=change).inc(count)
        telemetry.logger().info("directory.imported", **counts, unchanged=report.unchanged, version=report.version)
    return report


class _Staging:
    """The lines of one import on their way into ``import_line``."""

    def __init__(self, connection: Connection, reach: Reach) -> None:
        self._connection = connection
        self._reach = reach
        self._seen = 0
        self._counts: dict[Change, int] = {"added": 0, "changed": 0, "same": 0}
        self._changes: list[EntryChange] = []
        self._errors: list[LineError] = []
        self._total = 0

    def _wrong(self, error: LineError) -> None:
        self._total += 1
        if len(self._errors) < _SHOWN:
            self._errors.append(error)

    async def take(self, lines: Iterable[Line]) -> None:
        """Stage every line; wrong ones are remembered, and a file that is wrong throughout is not read to its end."""
        source: Iterator[Line] = iter(lines)
        while self._total < _TOO_MANY and (chunk := list(islice(source, _CHUNK))):
            await self._chunk(chunk)

    async def _chunk(self, chunk: Sequence[Line]) -> None:
        found: dict[int, Entry] = {}
        keys: dict[int, str] = {}
        for place, line in enumerate(chunk):
            try:
                key = line.key()
                if key is None:
                    found[place] = line.over(None)
                    key = entry_key(found[place])
                if "\0" in key or len(key) > 200:
                    raise line.bad("code", "KEY", "L'identifiant de l'entrée est illisible ou trop long.")
                keys[place] = key
            except BadLine as error:
                self._wrong(error.error)
        current = await entries.held(self._connection, set(keys.values()))
        staged = []
        for place, key in keys.items():
            line = chunk[place]
            try:
                entry = found.get(place) or line.over(current[key].entry if key in current else None)
                staged.append(self._stage(line, key, entry, current.get(key)))
            except BadLine as error:
                self._wrong(error.error)
        if not self._total:
            await self._connection.copy_records_to_table(
                "import_line", records=staged, columns=[*_STAGED, *_SAID], schema_name="routing"
            )

    def _stage(self, line: Line, key: str, entry: Entry, held: Held | None) -> tuple[object, ...]:
        self._seen += 1
        if entry_key(entry) != key:
            raise line.bad("siret", "KEY", "L'identifiant de l'entrée est mal écrit.")
        text = _encode(entry).decode()
        if "\\u0000" in text:
            raise line.bad(line.kind, "NUL", "Un caractère nul ne peut pas être gardé.")
        for problem in entry_problems(entry):
            self._wrong(line.bad(line.kind, "ENTRY", problem).error)
        if refusal := self._reach.refuses(held.entry if held is not None else None, entry):
            self._wrong(line.bad(refusal.field, refusal.rule, refusal.message).error)
        change: Change = "same" if held is not None and held.entry == entry else "added" if held is None else "changed"
        self._counts[change] += 1
        if change != "same" and len(self._changes) < _SHOWN:
            fields = differences(held.entry if held is not None else None, entry)
            self._changes.append(EntryChange(file=line.file, line=line.number, key=key, change=change, fields=fields))
        place = (self._seen, line.file, line.number, line.kind, key, _siret(entry), _tenant(entry), change)
        return (*place, text, held.version if held is not None else None, *_said(entry, key))

    async def check(self, more: bool = False) -> None:
        """What only all lines together can tell. ``more``: the file says something beside them.

        Raises :class:`InvalidImport`.
        """
        if not self._seen and not self._total and not more:
            self._wrong(LineError(line=0, field="fichier", rule="EMPTY", message="Le fichier ne dit rien."))
        if not self._total:
            await self._connection.execute(
                "update import_line l set tenant = coalesce("
                " (select s.tenant from import_line s where s.key = 'structure:' || l.siret limit 1),"
                " (select tenant from structure s where s.siret = l.siret))"
                " where l.kind in ('service', 'engagement')",
                timeout=600,
            )
            for rule, field, message, query in CHECKS:
                for row in await self._connection.fetch(query, *self._reach.places()):
                    self._wrong(
                        LineError(
                            file=row["file"],
                            line=row["number"],
                            field=field,
                            value=row["value"],
                            rule=rule,
                            message=message.format(row["value"]),
                        )
                    )
        if self._total:
            raise InvalidImport(self._errors, self._total)

    async def report(self, dry_run: bool) -> Report:
        """What was done."""
        version = await self._connection.fetchval("select coalesce(max(version), 0) from directory_history")
        return Report(
            added=self._counts["added"],
            changed=self._counts["changed"],
            unchanged=self._counts["same"],
            version=version,
            dry_run=dry_run,
            changes=tuple(self._changes),
        )


def _siret(entry: Entry) -> str | None:
    return None if isinstance(entry, Tenant) else entry.siret


def _tenant(entry: Entry) -> str | None:
    match entry:
        case Tenant():
            return entry.id
        case Structure():
            return entry.tenant
    return None


def _said(entry: Entry, key: str) -> tuple[str | None, str | None, str | None, bool | None, str | None]:
    """The columns that SQL needs beside the entry: label, words, supplier, open, code."""
    match entry:
        case Structure():
            return search.label(entry), words.structure_words(entry), None, None, None
        case Service():
            return None, words.service_words(entry), None, None, key.partition("/")[2]
        case Engagement():
            supplier = entry.supplier.normalised if entry.supplier is not None else None
            return None, None, supplier, entry.open, key.partition("/")[2]
    return None, None, None, None, None
