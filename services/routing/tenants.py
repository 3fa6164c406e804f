"""Tenants: opened, suspended, exported and deleted; routing's own part of each."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import msgspec

from invoice.directory import Entry, Tenant, bare
from invoice.directory_checks import entry_problems
from services.common import telemetry
from services.common.db import Connection, Pool
from services.common.deliver import Tx, transaction
from services.routing import entries
from services.routing.entries import LOCK, Version

_CHUNK = 500
_LONG = 600.0
Command = Literal["create", "suspend", "resume", "export", "delete"]


class TenantError(Exception):
    """The command cannot be done: a sentence for the operator."""


async def create(pool: Pool, tenant: Tenant, *, by: str) -> int:
    """Open a tenant; returns the directory's version. Raises :class:`TenantError` where it exists or is not valid."""
    if problems := entry_problems(tenant):
        raise TenantError(" ".join(problems))
    async with transaction(pool, "routing", keys=[LOCK]) as tx:
        if await _known(tx.conn, tenant.id) is not None:
            raise TenantError(f"Le tenant {tenant.id} existe déjà : changez-le par un import.")
        _, version = await _put(tx, tenant, "create", by, replaces=None)
        return version


async def set_active(pool: Pool, tenant: str, active: bool, *, by: str) -> int:
    """Suspend a tenant, or let it receive again; returns the directory's version. Nothing happens when it is so."""
    async with transaction(pool, "routing", keys=[LOCK]) as tx:
        held = await _known(tx.conn, tenant)
        if held is None:
            raise _unknown(tenant)
        assert isinstance(held.entry, Tenant)
        if held.entry.active == active:
            return held.version
        changed = msgspec.structs.replace(held.entry, active=active)
        _, version = await _put(tx, changed, "resume" if active else "suspend", by, replaces=held.version)
        return version


async def delete(pool: Pool, tenant: str, *, by: str) -> int:
    """Take a tenant and all its entries out of the directory; returns how many entries.

    Every entry is announced as deleted, services and engagements before structures, the tenant last. The history keeps
    what a decision was taken by (legal term of the accounts); engagements, which name suppliers, leave it as well.
    """
    async with transaction(pool, "routing", keys=[LOCK]) as tx:
        if await _known(tx.conn, tenant) is None:
            raise _unknown(tenant)
        await _record(tx, tenant, "delete", by)
        first, end = await _bury(tx, tenant, by)
        await entries.publish(tx, entries.versions_between(tx.conn, first, end))
        for statement in (
            "update directory_history set replaces = null where tenant = $1 and deleted and key like 'engagement:%'",
            "delete from directory_history where tenant = $1 and not deleted and key like 'engagement:%'",
        ):
            await tx.conn.execute(statement, tenant, timeout=_LONG)
    telemetry.logger().info("tenant.deleted", tenant=tenant, entries=end - first)
    return end - first


async def _bury(tx: Tx, tenant: str, by: str) -> tuple[int, int]:
    """Replace every entry of a tenant by the announcement of its end; returns the versions, the last excluded."""
    rows = await tx.conn.fetch(
        "select key, entry::text, version from ("
        " select 'service:' || v.siret || '/' || v.code as key, v.entry, v.version, 0 as place from service v"
        " join structure s using (siret) where s.tenant = $1 union all"
        " select 'engagement:' || g.siret || '/' || g.number, g.entry, g.version, 0 from engagement g"
        " join structure s using (siret) where s.tenant = $1 union all"
        " select 'structure:' || siret, entry, version, 1 from structure where tenant = $1 union all"
        " select 'tenant:' || id, entry, version, 2 from tenant where id = $1) held order by place, key",
        tenant,
        timeout=_LONG,
    )
    first = await entries.next_versions(tx.conn, len(rows))
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        gone: list[Entry] = [bare(entries.decode(row["key"], row["entry"])) for row in chunk]
        await tx.conn.execute(
            "insert into directory_history (version, key, entry, replaces, changed_by, changed_at, tenant, deleted)"
            " select v, k, e::jsonb, r, $5, $6, $7, true"
            " from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) x(v, k, e, r)",
            list(range(first + start, first + start + len(chunk))),
            [row["key"] for row in chunk],
            [msgspec.json.encode(entry).decode() for entry in gone],
            [row["version"] for row in chunk],
            by,
            tx.now,
            tenant,
        )
    for statement in (
        "delete from engagement g using structure s where s.siret = g.siret and s.tenant = $1",
        "delete from service v using structure s where s.siret = v.siret and s.tenant = $1",
        "delete from structure where tenant = $1",
        "delete from tenant where id = $1",
    ):
        await tx.conn.execute(statement, tenant, timeout=_LONG)
    return first, first + len(rows)


async def announce_export(pool: Pool, tenant: str, *, by: str) -> str:
    """Ask every service to export its part of a tenant; returns the request's id.

    Of a tenant that is deleted nothing is left elsewhere: then nobody is asked, and the history can still be exported.
    """
    async with transaction(pool, "routing", keys=[LOCK]) as tx:
        if not await tx.conn.fetchval("select exists (select from directory_history where tenant = $1)", tenant):
            raise _unknown(tenant)
        held = await _known(tx.conn, tenant)
        if held is None:
            return await _record(tx, tenant, "export", by)
        assert isinstance(held.entry, Tenant)
        request, _ = await _put(tx, held.entry, "export", by, replaces=held.version)
        return request


async def export(connection: Connection, tenant: str) -> AsyncIterator[bytes]:
    """Routing's part of a tenant as JSON lines: every version of its entries with who and when, and its decisions.

    The caller holds a transaction.
    """
    about = {
        "entree": "export",
        "tenant": tenant,
        "service": "routing",
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    yield msgspec.json.encode(about) + b"\n"
    for query in (
        "select json_build_object('entree', 'version', 'key', key, 'version', version, 'replaces', replaces,"
        " 'deleted', deleted, 'changed_by', changed_by, 'changed_at', changed_at, 'entry', entry)::text as line"
        " from directory_history where tenant = $1 order by version",
        "select json_build_object('entree', 'decision', 'invoice', invoice_id, 'attempt', attempt, 'outcome', outcome,"
        " 'structure', structure, 'service_code', service_code, 'findings', findings,"
        " 'directory_version', directory_version, 'decided_on', decided_on, 'decided_at', decided_at)::text as line"
        " from decision where tenant = $1 order by decided_at, invoice_id, attempt",
        "select json_build_object('entree', 'commande', 'id', id, 'command', command, 'by', commanded_by,"
        " 'at', commanded_at)::text as line from tenant_command where tenant = $1 order by commanded_at",
    ):
        async for row in connection.cursor(query, tenant, prefetch=_CHUNK):
            yield row["line"].encode() + b"\n"


async def _known(connection: Connection, tenant: str) -> entries.Held | None:
    return (await entries.held(connection, [f"tenant:{tenant}"])).get(f"tenant:{tenant}")


def _unknown(tenant: str) -> TenantError:
    return TenantError(f"Le tenant {tenant} n'existe pas : vérifiez son identifiant.")


async def _put(tx: Tx, tenant: Tenant, command: Command, by: str, *, replaces: int | None) -> tuple[str, int]:
    """A new version of a tenant, told and recorded; returns the command's id and the version."""
    request = await _record(tx, tenant.id, command, by)
    version = await entries.next_versions(tx.conn, 1)
    entry = msgspec.json.encode(tenant).decode()
    await tx.conn.execute(
        "insert into directory_history (version, key, entry, replaces, changed_by, changed_at, tenant)"
        " values ($1, 'tenant:' || $2::text, $3::text::jsonb, $4, $5, $6, $2)",
        version,
        tenant.id,
        entry,
        replaces,
        by,
        tx.now,
    )
    await tx.conn.execute(
        "insert into tenant (id, entry, version, changed_by, changed_at) values ($1, $2::text::jsonb, $3, $4, $5)"
        " on conflict (id) do update set entry = excluded.entry, version = excluded.version,"
        " changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        tenant.id,
        entry,
        version,
        by,
        tx.now,
    )
    asked = request if command == "export" else None
    await entries.publish(tx, _one(Version(tenant, version, tenant.id, by, tx.now, export_request=asked)))
    return request, version


async def _one(version: Version) -> AsyncIterator[Sequence[Version]]:
    yield [version]


async def _record(tx: Tx, tenant: str, command: Command, by: str) -> str:
    request = str(uuid4())
    await tx.conn.execute(
        "insert into tenant_command (id, tenant, command, commanded_by, commanded_at)"
        " values ($1::text::uuid, $2, $3, $4, $5)",
        request,
        tenant,
        command,
        by,
        tx.now,
    )
    telemetry.logger().info("tenant.command", tenant=tenant, command=command)
    return request
