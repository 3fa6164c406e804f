"""What status keeps of the directory: of each tenant its policy, of each structure how and how soon it pays."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from contracts.envelope import Event
from contracts.events import EngagementPublished, Payload, ServicePublished, StructurePublished, TenantPublished
from invoice.kinds import payment_days
from invoice.policies import DEFAULT, Policy, policy_of
from services.common.db import Connection
from services.status.model import Body

_KEEP = (
    "insert into {table} as held ({key}, {columns}, version) select * from unnest({arrays}) on conflict ({key})"
    " do update set {sets}, version = excluded.version where held.version < excluded.version"
)
_json = msgspec.json.Encoder()
_policy = msgspec.json.Decoder(Policy)


def not_kept(data: Payload) -> bool:
    """Events of the directory of which status keeps nothing: the consumer skips them."""
    return isinstance(data, EngagementPublished)


async def keep(connection: Connection, events: Sequence[Event]) -> None:
    """Keep the latest version of what these events say; an older one never replaces a newer one."""
    tenants: dict[str, tuple[Any, ...]] = {}
    structures: dict[str, tuple[Any, ...]] = {}
    services: dict[tuple[str, str], tuple[Any, ...]] = {}
    for event in events:
        match event.data:
            case TenantPublished() as data:
                policy = Policy() if data.deleted else policy_of(data.tenant.policies)
                _latest(tenants, data.tenant.id, (_json.encode(policy).decode(), data.version))
            case StructurePublished() as data:
                body, gone = data.structure, data.deleted
                reported = None if gone else body.parameters.payment_status_reported
                row = (None if gone else body.tenant, 30 if gone else payment_days(body), reported, data.version)
                _latest(structures, body.siret, row)
            case ServicePublished() as data:
                told = None if data.deleted else data.service.payment_status_reported
                _latest(services, (data.service.siret, data.service.code), (told, data.version))
            case _:
                pass
    await _write(connection, "known_tenant", ("tenant",), ("policy:jsonb",), tenants)
    await _write(connection, "known_body", ("siret",), ("tenant:text", "days:int", "reported:boolean"), structures)
    await _write(connection, "known_service", ("siret", "code"), ("reported:boolean",), services)


def _latest(found: dict[Any, tuple[Any, ...]], key: Any, row: tuple[Any, ...]) -> None:
    if key not in found or found[key][-1] < row[-1]:
        found[key] = row


async def _write(
    connection: Connection, table: str, keys: tuple[str, ...], columns: tuple[str, ...], rows: Mapping[Any, Any]
) -> None:
    if not rows:
        return
    typed = [*(f"{key}:text" for key in keys), *columns, "version:bigint"]
    names = [column.partition(":")[0] for column in columns]
    statement = _KEEP.format(
        table=table,
        key=", ".join(keys),
        columns=", ".join(names),
        arrays=", ".join(f"${n}::{column.partition(':')[2]}[]" for n, column in enumerate(typed, 1)),
        sets=", ".join(f"{name} = excluded.{name}" for name in names),
    )
    lines = [((key,) if len(keys) == 1 else key) + row for key, row in sorted(rows.items())]
    await connection.execute(statement, *([line[n] for line in lines] for n in range(len(typed))))


async def load(connection: Connection, sirets: Collection[str]) -> Mapping[str, Body]:
    """What is known of these structures; one that is not known is not there."""
    if not sirets:
        return {}
    rows = await connection.fetch(
        "select b.siret, b.days, b.reported, t.policy::text,"
        " (select jsonb_object_agg(s.code, s.reported)::text from known_service s"
        "  where s.siret = b.siret and s.reported is not null) as services"
        " from known_body b left join known_tenant t using (tenant) where b.siret = any($1::text[])",
        list(sirets),
    )
    return {row["siret"]: _body(row) for row in rows}


def _body(row: asyncpg.Record) -> Body:
    services = {} if row["services"] is None else msgspec.json.decode(row["services"])
    return Body(policy=policy(row["policy"]), days=row["days"], reported=row["reported"], services=services)


def policy(written: str | None) -> Policy:
    """A tenant's policy as it is kept; the defaults where nothing is known."""
    return DEFAULT if written is None else _policy.decode(written)
