"""The directory and the decisions in PostgreSQL."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import get_args
from uuid import UUID

import msgspec

from contracts.events import InvoiceSubmitted
from invoice.addressing import index_services
from invoice.directory import Service, Structure, Tenant
from invoice.hints import display_name
from invoice.identifiers import normalise_code
from services.common.db import Connection
from services.routing.domain import Bodies, Body, Entry, Routing, entry_key, search_text

_encode = msgspec.json.encode
_DECODERS = {kind.__name__.lower(): msgspec.json.Decoder(kind) for kind in get_args(Entry)}

# One statement, so that the entries and the version are of one snapshot.
_IN_FORCE = """
with wanted as (select unnest($1::text[]) as siret)
select 'version' as kind, '' as siret, null::text as entry, coalesce(max(version), 0) as version from directory_history
union all
select 'tenant', s.siret, t.entry::text, t.version
from wanted join structure s using (siret) join tenant t on t.id = s.tenant
union all
select 'structure', s.siret, s.entry::text, s.version from wanted join structure s using (siret)
union all
select 'service', v.siret, v.entry::text, v.version from wanted join service v using (siret)
"""


class Snapshot(msgspec.Struct, frozen=True):
    """The part of the directory that was asked for, as it stood at ``version``."""

    version: int
    bodies: Bodies


class Directory:
    """The directory in force, remembered between batches.

    Each look-up asks PostgreSQL for the version in force together with what is not remembered; what is remembered
    counts only under the version it was read at, so an answer is never older than the transaction that asks.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._version = -1
        self._bodies: dict[str, Body | None] = {}

    async def look_up(self, connection: Connection, sirets: Collection[str]) -> Snapshot:
        """The structures of these SIRETs with their services and tenants; ``None`` where there is no structure."""
        # Another batch may replace the memory while this one waits: work on the pair taken here.
        version, known = self._version, self._bodies
        missing = [siret for siret in sirets if siret not in known]
        found = await in_force(connection, missing)
        if found.version == version:
            known.update(found.bodies)
            whole = Snapshot(version, {siret: known[siret] for siret in sirets})
        else:
            whole = found if len(missing) == len(sirets) else await in_force(connection, sirets)
            if whole.version > self._version:
                self._version, self._bodies = whole.version, dict(whole.bodies)
        if len(self._bodies) > self._limit:
            self._bodies = {}
        return whole


async def in_force(connection: Connection, sirets: Collection[str]) -> Snapshot:
    """Read a part of the directory, all of it from one snapshot."""
    rows = await connection.fetch(_IN_FORCE, list(sirets))
    version = 0
    tenants: dict[str, Tenant] = {}
    structures: dict[str, Structure] = {}
    services: dict[str, list[Service]] = {}
    for row in rows:
        if row["kind"] == "version":
            version = row["version"]
            continue
        match _DECODERS[row["kind"]].decode(row["entry"]):
            case Tenant() as tenant:
                tenants[row["siret"]] = tenant
            case Structure() as structure:
                structures[row["siret"]] = structure
            case Service() as service:
                services.setdefault(row["siret"], []).append(service)
    bodies = {
        siret: Body(structure, tenants[siret], index_services(services.get(siret, ())))
        for siret, structure in structures.items()
    }
    return Snapshot(version, {siret: bodies.get(siret) for siret in sirets})


class Decided(msgspec.Struct, frozen=True):
    """A submitted invoice and where it goes."""

    invoice: UUID
    event: UUID
    submitted: InvoiceSubmitted
    routing: Routing


async def keep_decisions(connection: Connection, decided: Sequence[Decided], at: datetime) -> set[UUID]:
    """Store decisions; returns the events whose decision is new. An invoice is decided once per attempt."""
    rows = await connection.fetch(
        "insert into decision (invoice_id, attempt, event_id, outcome, tenant, structure, service_code, findings,"
        " directory_version, decided_on, decided_at)"
        " select i, a, e, o, t, s, c, f::jsonb, v, d, $11 from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[],"
        " $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::date[]) x(i, a, e, o, t, s, c, f, v, d)"
        " on conflict do nothing returning event_id",
        [d.invoice for d in decided],
        [d.submitted.attempt for d in decided],
        [d.event for d in decided],
        [d.routing.decision.outcome for d in decided],
        [d.routing.tenant for d in decided],
        [d.routing.decision.structure.siret if d.routing.decision.structure else None for d in decided],
        [d.routing.decision.service_code for d in decided],
        [_encode(d.routing.decision.findings).decode() for d in decided],
        [d.routing.directory_version for d in decided],
        [d.routing.on for d in decided],
        at,
    )
    return {row["event_id"] for row in rows}


class InForce(msgspec.Struct, frozen=True):
    """Entries in force and their versions, by :func:`~services.routing.domain.entry_key`."""

    entries: dict[str, Entry]
    versions: dict[str, int]


async def related(connection: Connection, wanted: Iterable[Entry]) -> InForce:
    """What the directory holds under the keys of the wanted entries, and what these refer to."""
    tenants, sirets = set(), set()
    for entry in wanted:
        match entry:
            case Tenant():
                tenants.add(entry.id)
            case Structure():
                tenants.add(entry.tenant)
                sirets.add(entry.siret)
            case Service():
                sirets.add(entry.siret)
    rows = await connection.fetch(
        "select 'tenant' as kind, entry::text, version from tenant where id = any($1::text[])"
        " or id in (select tenant from structure where siret = any($2::text[])) union all"
        " select 'structure', entry::text, version from structure where siret = any($2::text[]) union all"
        " select 'service', entry::text, version from service where siret = any($2::text[])",
        list(tenants),
        list(sirets),
    )
    entries: dict[str, Entry] = {}
    versions: dict[str, int] = {}
    for row in rows:
        entry = _DECODERS[row["kind"]].decode(row["entry"])
        entries[entry_key(entry)] = entry
        versions[entry_key(entry)] = row["version"]
    return InForce(entries, versions)


async def version_in_force(connection: Connection) -> int:
    """The directory's version; 0 before the first import."""
    version: int = await connection.fetchval("select coalesce(max(version), 0) from directory_history")
    return version


async def next_versions(connection: Connection, count: int) -> list[int]:
    """Numbers for that many changes, growing."""
    rows = await connection.fetch("select nextval('directory_version') as n from generate_series(1, $1)", count)
    return sorted(row["n"] for row in rows)


async def write_entries(
    connection: Connection,
    entries: Mapping[int, Entry],
    replaced: Mapping[str, int],
    *,
    by: str,
    at: datetime,
) -> None:
    """Put entries, by their new version, in force and into the history. ``replaced``: versions in force, by key."""
    await _write_tenants(connection, {v: e for v, e in entries.items() if isinstance(e, Tenant)}, by, at)
    await _write_structures(connection, {v: e for v, e in entries.items() if isinstance(e, Structure)}, by, at)
    await _write_services(connection, {v: e for v, e in entries.items() if isinstance(e, Service)}, by, at)
    await connection.execute(
        "insert into directory_history (version, key, entry, replaces, changed_by, changed_at)"
        " select v, k, e::jsonb, r, $5, $6"
        " from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) x(v, k, e, r)",
        list(entries),
        [entry_key(entry) for entry in entries.values()],
        [_encode(entry).decode() for entry in entries.values()],
        [replaced.get(entry_key(entry)) for entry in entries.values()],
        by,
        at,
    )


async def _write_tenants(connection: Connection, entries: Mapping[int, Tenant], by: str, at: datetime) -> None:
    await connection.execute(
        "insert into tenant (id, entry, version, changed_by, changed_at)"
        " select i, e::jsonb, v, $4, $5 from unnest($1::text[], $2::text[], $3::bigint[]) x(i, e, v)"
        " on conflict (id) do update set entry = excluded.entry, version = excluded.version,"
        " changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        [entry.id for entry in entries.values()],
        [_encode(entry).decode() for entry in entries.values()],
        list(entries),
        by,
        at,
    )


async def _write_structures(connection: Connection, entries: Mapping[int, Structure], by: str, at: datetime) -> None:
    await connection.execute(
        "insert into structure (siret, tenant, search, entry, version, changed_by, changed_at)"
        " select s, t, q, e::jsonb, v, $6, $7"
        " from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) x(s, t, q, e, v)"
        " on conflict (siret) do update set tenant = excluded.tenant, search = excluded.search,"
        " entry = excluded.entry, version = excluded.version, changed_by = excluded.changed_by,"
        " changed_at = excluded.changed_at",
        [entry.siret for entry in entries.values()],
        [entry.tenant for entry in entries.values()],
        [search_text(f"{display_name(entry)} {entry.siret}") for entry in entries.values()],
        [_encode(entry).decode() for entry in entries.values()],
        list(entries),
        by,
        at,
    )


async def _write_services(connection: Connection, entries: Mapping[int, Service], by: str, at: datetime) -> None:
    await connection.execute(
        "insert into service (siret, code, entry, version, changed_by, changed_at)"
        " select s, c, e::jsonb, v, $5, $6 from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) x(s, c, e, v)"
        " on conflict (siret, code) do update set entry = excluded.entry, version = excluded.version,"
        " changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        [entry.siret for entry in entries.values()],
        [normalise_code(entry.code) for entry in entries.values()],
        [_encode(entry).decode() for entry in entries.values()],
        list(entries),
        by,
        at,
    )


async def search(connection: Connection, text: str, limit: int) -> list[Structure]:
    """Structures whose name or SIRET holds every word of ``text`` (see ``domain.search_text``), by name."""
    rows = await connection.fetch(
        "select entry::text from structure where not exists"
        " (select from unnest($1::text[]) word where strpos(search, word) = 0) order by search limit $2",
        text.split(),
        limit,
    )
    return [msgspec.json.decode(row["entry"], type=Structure) for row in rows]
