"""The directory and the decisions in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from invoice.addressing import index_services
from invoice.directory import Service, Structure, Tenant
from services.common.db import Connection, Pool
from services.routing.domain import Asked, Bodies, Body, Routing, purpose_of

_encode = msgspec.json.encode
_DECODERS: dict[str, msgspec.json.Decoder[Tenant | Structure | Service]] = {
    kind.__name__.lower(): msgspec.json.Decoder(kind) for kind in (Tenant, Structure, Service)
}

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
    """An invoice, what asked for a decision, and where it goes."""

    invoice: UUID
    event: UUID
    asked: Asked
    routing: Routing


async def keep_decisions(connection: Connection, decided: Sequence[Decided], at: datetime) -> set[UUID]:
    """Store decisions; returns the events whose decision is new. An invoice is decided once per attempt.

    An attempt below one that is decided already is stale and leaves nothing.
    """
    rows = await connection.fetch(
        "insert into decision (invoice_id, attempt, event_id, outcome, tenant, structure, service_code, findings,"
        " directory_version, decided_on, purpose, decided_at)"
        " select i, a, e, o, t, s, c, f::jsonb, v, d, p, $12 from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[],"
        " $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::date[], $11::text[])"
        " with ordinality x(i, a, e, o, t, s, c, f, v, d, p, n)"
        " where not exists (select from decision later where later.invoice_id = i and later.attempt > a)"
        " order by n"
        " on conflict do nothing returning event_id",
        [d.invoice for d in decided],
        [d.asked.attempt for d in decided],
        [d.event for d in decided],
        [d.routing.decision.outcome for d in decided],
        [d.routing.tenant for d in decided],
        [d.routing.decision.structure.siret if d.routing.decision.structure else None for d in decided],
        [d.routing.decision.service_code for d in decided],
        [_encode(d.routing.decision.findings).decode() for d in decided],
        [d.routing.directory_version for d in decided],
        [d.routing.on for d in decided],
        [purpose_of(d.asked) for d in decided],
        at,
    )
    return {row["event_id"] for row in rows}


async def as_of(connection: Connection, siret: str, *, at: datetime | None, version: int | None) -> Snapshot:
    """A structure as it stood at an instant, or at a version; the history answers, not what is in force."""
    wanted = version
    if wanted is None:
        wanted = await connection.fetchval("select directory_version_at($1)", at)
    rows = await connection.fetch("select key, entry::text from structure_as_of($1, $2)", wanted, siret)
    found: dict[str, list[Tenant | Structure | Service]] = {"tenant": [], "structure": [], "service": []}
    for row in rows:
        kind = row["key"].partition(":")[0]
        found[kind].append(_DECODERS[kind].decode(row["entry"]))
    body = None
    if found["structure"] and found["tenant"]:
        structure, tenant = found["structure"][0], found["tenant"][0]
        assert isinstance(structure, Structure)
        assert isinstance(tenant, Tenant)
        services = index_services(service for service in found["service"] if isinstance(service, Service))
        body = Body(structure, tenant, services)
    return Snapshot(wanted, {siret: body})


async def decisions(connection: Pool, invoice: UUID, tenants: Collection[str] | None) -> list[asyncpg.Record]:
    """The decisions about an invoice, first attempt first. ``tenants``: whose are shown, None for all."""
    return await connection.fetch(
        "select invoice_id as invoice, attempt, purpose, outcome, structure, service_code, findings::text, tenant,"
        " directory_version, decided_on::text, decided_at::text from decision"
        " where invoice_id = $1 and ($2 or tenant = any ($3::text[])) order by attempt",
        invoice,
        tenants is None,
        sorted(tenants or ()),
    )
