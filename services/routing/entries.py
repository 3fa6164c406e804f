"""Entries of the directory in PostgreSQL: what is in force, by key, and the writing of new versions."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

import asyncpg
import msgspec

from contracts.events import Payload, TenantPublished
from invoice.directory import Engagement, Entry, Service, Structure, Tenant
from services.common import outbox
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.common.trace import RequestCause
from services.routing import search
from services.routing.domain import cause_id, entry_key, partition_key, published

DIRECTORY_LANE = "directory"
LOCK = "directory"
_CHUNK = 500
_MANY = 10_000  # changes after which the planner is told at once how the tables look now
_LONG = 600.0  # seconds that one statement of a national import may take

_DECODERS: dict[str, msgspec.json.Decoder[Entry]] = {
    kind.__name__.lower(): msgspec.json.Decoder(kind) for kind in (Tenant, Structure, Service, Engagement)
}
_IN_FORCE = """
select key, entry::text, version from (
    select 'tenant:' || id as key, entry, version from tenant where id = any($1::text[]) union all
    select 'structure:' || siret, entry, version from structure where siret = any($2::text[]) union all
    select 'service:' || siret || '/' || code, entry, version from service
        where (siret, code) in (select * from unnest($3::text[], $4::text[])) union all
    select 'engagement:' || siret || '/' || number, entry, version from engagement
        where (siret, number) in (select * from unnest($5::text[], $6::text[]))) held
"""
_WRITE = (
    "insert into directory_history (version, key, entry, replaces, changed_by, changed_at, tenant)"
    " select version, key, entry::jsonb, replaces, $1, $2, tenant from import_line"
    " where change <> 'same' order by version",
    "insert into tenant (id, entry, version, changed_by, changed_at)"
    " select substr(key, 8), entry::jsonb, version, $1, $2 from import_line where kind = 'tenant' and change <> 'same'"
    " on conflict (id) do update set entry = excluded.entry, version = excluded.version,"
    " changed_by = excluded.changed_by, changed_at = excluded.changed_at",
    "insert into structure (siret, tenant, label, words, entry, version, changed_by, changed_at)"
    " select siret, tenant, label, words, entry::jsonb, version, $1, $2 from import_line"
    " where kind = 'structure' and change <> 'same'"
    " on conflict (siret) do update set tenant = excluded.tenant, label = excluded.label, words = excluded.words,"
    " entry = excluded.entry, version = excluded.version, changed_by = excluded.changed_by,"
    " changed_at = excluded.changed_at",
    "insert into service (siret, code, words, entry, version, changed_by, changed_at)"
    " select siret, code, words, entry::jsonb, version, $1, $2 from import_line"
    " where kind = 'service' and change <> 'same'"
    " on conflict (siret, code) do update set words = excluded.words, entry = excluded.entry,"
    " version = excluded.version, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
    "insert into engagement (siret, number, tenant, supplier, open, entry, version, changed_by, changed_at)"
    " select siret, code, tenant, supplier, open, entry::jsonb, version, $1, $2 from import_line"
    " where kind = 'engagement' and change <> 'same'"
    " on conflict (siret, number) do update set tenant = excluded.tenant, supplier = excluded.supplier,"
    " open = excluded.open, entry = excluded.entry, version = excluded.version, changed_by = excluded.changed_by,"
    " changed_at = excluded.changed_at",
)
_FOLLOW = (
    "update engagement g set tenant = l.tenant from import_line l"
    " where l.kind = 'structure' and l.change = 'changed' and g.siret = l.siret and g.tenant <> l.tenant"
)


_LATEST = tuple(
    "select k.key, h.entry::text, h.version, h.tenant, h.changed_by, h.changed_at, h.deleted from ("
    ' select distinct key collate "C" as key from directory_history where key collate "C" > $1'
    f""" and key collate "C" >= '{low}' and key collate "C" < '{high}' order by 1 limit $2) k cross join lateral ("""
    ' select * from directory_history h where h.key collate "C" = k.key order by h.version desc limit 1) h order by 1'
    for low, high in (("tenant:", "tenant;"), ("structure:", "structure;"), ("", "structure:"))
)


class Held(msgspec.Struct, frozen=True):
    """An entry in force with its version."""

    entry: Entry
    version: int


async def held(connection: Connection, keys: Collection[str]) -> dict[str, Held]:
    """What is in force under these keys (see :func:`~services.routing.domain.entry_key`)."""
    names: dict[str, list[str]] = {kind: [] for kind in _DECODERS}
    for key in keys:
        kind, _, name = key.partition(":")
        names[kind].append(name)
    pairs = {kind: [name.partition("/") for name in names[kind]] for kind in ("service", "engagement")}
    rows = await connection.fetch(
        _IN_FORCE,
        names["tenant"],
        names["structure"],
        [siret for siret, _, _ in pairs["service"]],
        [code for _, _, code in pairs["service"]],
        [siret for siret, _, _ in pairs["engagement"]],
        [number for _, _, number in pairs["engagement"]],
    )
    return {row["key"]: Held(decode(row["key"], row["entry"]), row["version"]) for row in rows}


def decode(key: str, text: str) -> Entry:
    """The entry of a key."""
    return _DECODERS[key.partition(":")[0]].decode(text)


async def next_versions(connection: Connection, count: int) -> int:
    """The first of ``count`` numbers in a row. The caller holds :data:`LOCK`."""
    first: int = await connection.fetchval("select nextval('directory_version')")
    if count > 1:
        await connection.execute("select setval('directory_version', $1)", first + count - 1)
    return first


async def write_staged(tx: Tx, by: str, traceparent: str | None) -> None:
    """Put the lines of ``import_line`` that change something in force, into the history, the index and the outbox.

    Tenants before structures before services, so that a replica meets nothing before what it refers to.
    """
    count = await tx.conn.fetchval("select count(*) from import_line where change <> 'same'")
    if not count:
        return
    first = await next_versions(tx.conn, count)
    await tx.conn.execute(
        "update import_line l set version = $1 + o.place from ("
        " select line, row_number() over (order by case kind when 'tenant' then 0 when 'structure' then 1 else 2 end,"
        " line) - 1 as place from import_line where change <> 'same') o where o.line = l.line",
        first,
        timeout=_LONG,
    )
    for statement in _WRITE:
        await tx.conn.execute(statement, by, tx.now, timeout=_LONG)
    await tx.conn.execute(_FOLLOW, timeout=_LONG)
    if count > _MANY:
        await tx.conn.execute("analyze structure, service, engagement", timeout=_LONG)
    await _index_staged(tx.conn)
    if count > _MANY:
        await tx.conn.execute("analyze search_entry, search_word, search_variant", timeout=_LONG)
    await publish(tx, versions_between(tx.conn, first, first + count), traceparent)


async def _index_staged(connection: Connection) -> None:
    said: Counter[str] = Counter()
    last = 0
    while rows := await connection.fetch(
        "select version, words from import_line where version > $1 and words is not null order by version limit 5000",
        last,
    ):
        said.update(word for row in rows for word in row["words"].split())
        last = rows[-1]["version"]
    await search.learn(connection, said)
    sirets = [
        row["siret"]
        for row in await connection.fetch(
            "select distinct siret from import_line where change <> 'same' and kind in ('structure', 'service')"
        )
    ]
    await search.index(connection, sirets)


class Version(msgspec.Struct, frozen=True):
    """A version of an entry, as it is told to the replicas."""

    entry: Entry
    version: int
    tenant: str | None
    by: str
    at: datetime
    deleted: bool = False
    export_request: str | None = None


async def versions_between(connection: Connection, first: int, end: int) -> AsyncIterator[Sequence[Version]]:
    """Versions from ``first`` up to ``end``, which is excluded, in chunks."""
    for start in range(first, end, _CHUNK):
        yield [
            version(row)
            for row in await connection.fetch(
                "select key, entry::text, version, tenant, changed_by, changed_at, deleted from directory_history"
                " where version >= $1 and version < $2 order by version",
                start,
                min(start + _CHUNK, end),
            )
        ]


def version(row: asyncpg.Record) -> Version:
    """A row of the history."""
    entry = decode(row["key"], row["entry"])
    return Version(entry, row["version"], row["tenant"], row["changed_by"], row["changed_at"], row["deleted"])


async def publish(tx: Tx, versions: AsyncIterator[Sequence[Version]], traceparent: str | None = None) -> int:
    """Write the events of versions to the outbox, a chunk at a time; returns how many."""
    count = 0
    async for chunk in versions:
        for found in chunk:
            tx.emit(
                event_of(found),
                key=entry_key(found.entry),
                cause=RequestCause(cause_id(found.entry, found.version), traceparent),
                tenant=found.tenant,
                partition_key=partition_key(found.entry),
                lane=DIRECTORY_LANE,
            )
        await outbox.write(tx.conn, tx.service, tx.outgoing)
        tx.outgoing.clear()
        count += len(chunk)
    return count


def event_of(found: Version) -> Payload:
    """The event that says a version."""
    said = published(found.entry, found.version, found.by, found.at, deleted=found.deleted)
    if isinstance(said, TenantPublished) and found.export_request is not None:
        return msgspec.structs.replace(said, export_request=found.export_request)
    return said


async def republish(pool: Pool) -> int:
    """Tell the latest version of every entry again, deletions too; returns how many.

    A replica that starts from nothing then needs the topic alone. One that knows a version drops it. Each chunk holds
    the directory's lock, so that no older version is ever told after a newer one.
    """
    count, after = 0, ""
    for rank in range(3):
        after = ""
        while True:
            async with transaction(pool, "routing", keys=[LOCK]) as tx:
                rows = await tx.conn.fetch(_LATEST[rank], after, _CHUNK * 4)
                if not rows:
                    break
                count += await publish(tx, _chunk([version(row) for row in rows]))
                after = rows[-1]["key"]
    return count


async def _chunk(versions: Sequence[Version]) -> AsyncIterator[Sequence[Version]]:
    yield versions
