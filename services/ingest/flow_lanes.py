"""Whose turn it is: how many items each depositor's flow gives to each tenant in a round (architecture.md, Delivery 7).

A round's batch is shared equally among the depositors, and a depositor's share among the tenants that he writes to.
Whoever has so many events that are not sent yet waits: his own flow is held back, and nobody else's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg

from services.common.db import Connection
from services.ingest.flow_domain import Flow


class Unsent(NamedTuple):
    """Events that wait to be sent: all of them, and those of items of flows by depositor and by tenant."""

    total: int
    depositors: Mapping[str, int]
    tenants: Mapping[str, int]


class Bounds(NamedTuple):
    """At most so many: in one round, unsent of one depositor, unsent to one tenant."""

    batch: int
    depositor: int
    tenant: int


Lanes = Mapping[str, Sequence[str]]
Shares = Mapping[str, Mapping[str, int]]


def shares(lanes: Lanes, unsent: Unsent, bounds: Bounds, turn: int) -> Shares:
    """How many items each depositor gives to each tenant. ``turn`` counts rounds: whoever was last is first next."""
    left = {tenant: max(0, bounds.tenant - unsent.tenants.get(tenant, 0)) for of in lanes.values() for tenant in of}
    found: dict[str, dict[str, int]] = {}
    for depositor in _turned(sorted(lanes), turn):
        room = bounds.depositor - unsent.depositors.get(depositor, 0)
        share = max(0, min(room, max(1, bounds.batch // len(lanes))))
        found[depositor] = _of_one(_turned(sorted(lanes[depositor]), turn), share, left)
    return found


def _of_one(tenants: Sequence[str], share: int, left: dict[str, int]) -> dict[str, int]:
    """One depositor's share among his tenants, equally; what one may not take, the others get."""
    given: Counter[str] = Counter()
    open_ = [tenant for tenant in tenants if left[tenant]]
    while share and open_:
        equal = max(1, share // len(open_))
        for tenant in open_:
            count = min(equal, left[tenant], share)
            given[tenant] += count
            left[tenant] -= count
            share -= count
        open_ = [tenant for tenant in open_ if left[tenant]]
    return {tenant: count for tenant, count in given.items() if count}


def _turned(names: Sequence[str], turn: int) -> Sequence[str]:
    at = turn % len(names) if names else 0
    return [*names[at:], *names[:at]]


async def unsent(connection: Connection, limit: int) -> Unsent:
    """What waits in the outbox; beyond ``limit`` nothing is counted further."""
    rows = await connection.fetch(
        "select f.depositor, i.tenant, count(*) as events from"
        " (select case when topic = 'chorale.deposit.v1' then key::uuid end as deposit from outbox"
        "  where sequence is null limit $1) o"
        " left join flow_item i on i.deposit_id = o.deposit left join flow f on f.id = i.flow_id group by 1, 2",
        limit,
    )
    depositors: Counter[str] = Counter()
    tenants: Counter[str] = Counter()
    for row in rows:
        if row["depositor"] is not None:
            depositors[row["depositor"]] += row["events"]
            tenants[row["tenant"]] += row["events"]
    return Unsent(sum(row["events"] for row in rows), depositors, tenants)


async def lanes(connection: Connection, flows: Sequence[Flow]) -> dict[str, list[str]]:
    """To which tenants each depositor's flow has items with data that wait: one step of the index for each."""
    rows = await connection.fetch(
        "with recursive lane as ("
        " select f.id, (select min(i.tenant) from flow_item i where i.flow_id = f.id and i.outcome is null"
        "  and i.deposit_id is null and i.reading is not null) as tenant from unnest($1::uuid[]) f(id)"
        " union all select l.id, (select min(i.tenant) from flow_item i where i.flow_id = l.id and i.outcome is null"
        "  and i.deposit_id is null and i.reading is not null and i.tenant > l.tenant)"
        "  from lane l where l.tenant is not null"
        ") select id, tenant from lane where tenant is not null",
        [flow.id for flow in flows],
    )
    depositors = {flow.id: flow.depositor for flow in flows}
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(depositors[row["id"]], []).append(row["tenant"])
    return found


async def waiting(connection: Connection, flow: Flow, share: Mapping[str, int]) -> list[asyncpg.Record]:
    """The next items of a flow whose data are read, so many to each tenant, locked; in the order of the file."""
    rows = await connection.fetch(
        "select i.* from unnest($2::text[], $3::int[]) t(tenant, most) cross join lateral ("
        "  select flow_id, number, name, media_type, size, sha256, object_key, pack_offset, reading, unreadable,"
        "  supplier from flow_item where flow_id = $1 and outcome is null and deposit_id is null"
        "  and reading is not null and tenant = t.tenant order by number limit t.most for update skip locked) i",
        flow.id,
        list(share),
        list(share.values()),
    )
    return sorted(rows, key=lambda row: row["number"])
