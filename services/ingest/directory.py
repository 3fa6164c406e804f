"""The replica of the directory: latest versions only, complete before anything is refused by it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing

import msgspec

from contracts.events import EngagementPublished, ServicePublished, StructurePublished, TenantPublished
from contracts.registry import TOPIC_OF
from invoice.addressing import index_services
from invoice.directory import Engagement, Service, Structure, Tenant
from invoice.identifiers import normalise_code, siren_of
from services.common import telemetry
from services.common.consumer import read_to_end
from services.common.db import Connection, Pool
from services.common.failures import backoff
from services.common.record import Record, read
from services.common.versions import highest
from services.ingest import metrics
from services.ingest.domain import Directory

Published = TenantPublished | StructurePublished | ServicePublished | EngagementPublished
PUBLISHED = (TenantPublished, StructurePublished, ServicePublished, EngagementPublished)
TOPIC = TOPIC_OF[StructurePublished].name

_VERSIONS = 2**63
_encode = msgspec.json.Encoder().encode
_structure = msgspec.json.Decoder(Structure).decode
_service = msgspec.json.Decoder(Service).decode
_services = msgspec.json.Decoder(list[Service]).decode
_tenant = msgspec.json.Decoder(Tenant).decode


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the replica. ``entry`` is the event's subject; ``owner`` a SIRET, or a tenant's own id.

    ``name`` is the normalised code or number that an invoice is compared with; ``supplier`` for whom an engagement is.
    """

    kind: str
    entry: str
    owner: str
    version: int
    deleted: bool
    data: str
    name: str = ""
    supplier: str | None = None


def entry(subject: str, data: Published) -> Entry:
    """The row that an event makes."""
    name, supplier = "", None
    match data:
        case TenantPublished(tenant=tenant):
            kind, owner, content = "tenant", tenant.id, _encode(tenant)
        case StructurePublished(structure=structure):
            kind, owner, content = "structure", structure.siret, _encode(structure)
        case ServicePublished(service=service):
            kind, owner, content = "service", service.siret, _encode(service)
            name = normalise_code(service.code)
        case EngagementPublished(engagement=engagement):
            kind, owner, content = "engagement", engagement.siret, _encode(engagement)
            name, supplier = normalise_code(engagement.number), supplier_key(engagement)
    return Entry(
        kind=kind,
        entry=subject,
        owner=owner,
        version=data.version,
        deleted=data.deleted,
        data=content.decode(),
        name=name,
        supplier=supplier,
    )


def supplier_key(engagement: Engagement) -> str | None:
    """For whom an engagement is, as rows are looked up: the SIREN where there is one."""
    theirs = engagement.supplier
    if theirs is None:
        return None
    return siren_of(theirs.normalised) if theirs.type == "SIRET" else theirs.normalised


async def apply(connection: Connection, entries: Sequence[Entry]) -> None:
    """Keep the highest version of each entry; a deletion is a version too, so that no older one comes back."""
    rows = highest(entries, lambda new: (new.kind, new.entry))
    if not rows:
        return
    await connection.execute(
        "insert into directory_entry as e (kind, entry, owner, version, deleted, data, name, supplier)"
        " select kind, entry, owner, version, deleted, data::jsonb, name, supplier"
        " from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bool[], $6::text[], $7::text[], $8::text[])"
        "  as n(kind, entry, owner, version, deleted, data, name, supplier)"
        " on conflict (kind, entry) do update set owner = excluded.owner, version = excluded.version,"
        "  deleted = excluded.deleted, data = excluded.data, name = excluded.name, supplier = excluded.supplier"
        " where e.version < excluded.version",
        [row.kind for row in rows],
        [row.entry for row in rows],
        [row.owner for row in rows],
        [row.version for row in rows],
        [row.deleted for row in rows],
        [row.data for row in rows],
        [row.name for row in rows],
        [row.supplier for row in rows],
    )


_LOAD = """
with found as (
    select kind, owner, data from directory_entry where not deleted and kind = 'structure' and owner = any($1::text[])
)
select * from found
union all
select kind, owner, data from directory_entry where not deleted and kind = 'tenant'
    and owner in (select data->>'tenant' from found)
union all
select kind, owner, data from directory_entry where not deleted and kind = 'service' and owner = any($2::text[])
union all
select e.kind, e.owner, e.data from unnest($3::text[], $4::text[]) as named(owner, name)
    join directory_entry e on left(e.owner, 9) = left(named.owner, 9) and e.name = named.name and e.owner = named.owner
    where not e.deleted and e.kind = 'service' and e.kind in ('service', 'engagement')
"""


async def load(
    connection: Connection,
    recipients: Collection[str],
    suppliers: Collection[str],
    named: Collection[tuple[str, str]] = (),
) -> Directory:
    """Both parties' structures, their tenants, all services of the recipients, and the services ``named``.

    A service is named by its structure's SIRET and its normalised code: one row of a body that may have thousands.
    """
    rows = await connection.fetch(
        _LOAD,
        sorted({*recipients, *suppliers}),
        sorted(recipients),
        [siret for siret, _ in named],
        [code for _, code in named],
    )
    services: dict[str, list[Service]] = {}
    for row in rows:
        if row["kind"] == "service":
            services.setdefault(row["owner"], []).append(_service(row["data"]))
    return Directory(
        structures={row["owner"]: _structure(row["data"]) for row in rows if row["kind"] == "structure"},
        services={siret: index_services(found) for siret, found in services.items()},
        tenants={row["owner"]: _tenant(row["data"]) for row in rows if row["kind"] == "tenant"},
    )


async def services_of(connection: Connection, sirets: Collection[str]) -> dict[str, Mapping[str, Service]]:
    """All services of these structures, by normalised code. One row a structure: a body may have thousands."""
    rows = await connection.fetch(
        "select owner, jsonb_agg(data) as services from directory_entry"
        " where not deleted and kind = 'service' and owner = any($1::text[]) group by owner",
        sorted(sirets),
    )
    found: dict[str, Mapping[str, Service]] = {row["owner"]: index_services(_services(row["services"])) for row in rows}
    return {siret: found.get(siret, index_services(())) for siret in sirets}


async def gap(connection: Connection) -> str | None:
    """Why nothing may be refused by this replica yet, or ``None``."""
    row = await connection.fetchrow(
        "select exists (select from directory_read_to_end) as complete,"
        " exists (select from directory_entry where kind = 'structure' and not deleted) as filled"
    )
    assert row is not None
    if not row["filled"]:
        return "directory is empty"
    return None if row["complete"] else "directory not read to its end yet"


class CatchUp:
    """Reads the directory's topic to its end once in the life of the database, beside the consumer group.

    The group alone cannot tell: its offsets stop before a transaction's end marker, and a batch of readings may come
    to it before the directory does. Both apply the same versions, so neither disturbs the other.
    """

    def __init__(self, pool: Pool, kafka: str, *, quiet_seconds: float) -> None:
        self._pool = pool
        self._kafka = kafka
        self._quiet = quiet_seconds

    async def problem(self) -> str | None:
        """Readiness: what is missing, or ``None``."""
        async with asyncio.timeout(2), self._pool.acquire() as connection:
            missing = await gap(connection)
        metrics.DIRECTORY_COMPLETE.set(missing is None)
        return missing

    async def run(self) -> None:
        """Catch up, then rest for the life of the process. Whatever fails is tried again."""
        attempt = 0
        while True:
            attempt += 1
            try:
                if await self.once():
                    break
            except Exception as error:
                telemetry.logger().warning("directory.away", error=type(error).__name__)
            await asyncio.sleep(backoff(attempt))
        metrics.DIRECTORY_COMPLETE.set(1)
        await asyncio.Event().wait()

    async def once(self) -> bool:
        """Read to the end unless that was done before; true when the replica is complete and not empty."""
        async with self._pool.acquire() as connection:
            if await gap(connection) is None:
                return True
        count = 0
        async with aclosing(read_to_end(self._kafka, TOPIC, quiet_seconds=self._quiet)) as batches:
            async for records in batches:
                count += await self._apply(records)
        if not count:
            return False
        async with self._pool.acquire() as connection:
            await connection.execute("insert into directory_read_to_end default values on conflict do nothing")
            missing = await gap(connection)
        telemetry.logger().info("directory.read_to_end", entries=count, problem=missing)
        return missing is None

    async def _apply(self, records: Sequence[Record]) -> int:
        """Apply what are entries; anything else is for the group to park, also a version that no row can hold."""
        events = [event for record in records if (event := read(record).event) is not None]
        published = [(event.subject, event.data) for event in events if isinstance(event.data, PUBLISHED)]
        entries = [entry(subject, data) for subject, data in published if abs(data.version) < _VERSIONS]
        async with self._pool.acquire() as connection, connection.transaction():
            await apply(connection, entries)
        return len(entries)
