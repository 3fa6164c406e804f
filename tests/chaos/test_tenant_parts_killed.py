"""A process that is killed while it exports or erases its part of a tenant."""

from collections.abc import Mapping

import asyncpg
import pytest

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.db import Pool
from services.notify import tenant_part as notify_part
from services.notify.addresses import Manager
from services.notify.desk import Desk
from services.notify.gathering import Limits
from services.notify.handlers import Handlers as NotifyHandlers
from tests.integration.tenant_world import (
    BODY,
    end,
    export_asked,
    load_managers,
    opened,
)
from tests.processes import running
from tests.records import eventually


@pytest.mark.parametrize("kind", ["export", "erase"])
async def test_a_process_killed_in_the_middle_leaves_the_request_to_the_next_one(
    stack: Stack, dsns: Mapping[str, ServiceDsns], kind: str
) -> None:
    async with opened(
        stack, dsns, "notify", NotifyHandlers(Desk("chorale.example", Limits())), notify_part.part
    ) as world:
        await load_managers(world.pool, [Manager(siret=BODY, name="Service", email="m@body.example")])
        await world.take(*([export_asked()] if kind == "export" else end()))
        holder = await asyncpg.connect(dsns["notify"].worker, server_settings={"search_path": "notify"})
        async with holder.transaction():
            # notify counts its notices after it has deleted the addresses, and exports them after it wrote the others.
            await holder.execute("lock table message in access exclusive mode")
            async with running("notify", stack, dsns["notify"]):
                await eventually(lambda: _stands(world.pool), within=40)
        await holder.close()
        row = await world.pool.fetchrow("select state, outcome from tenant_request")
        assert row is not None
        assert tuple(row) == ("asked", None)
        assert await world.pool.fetchval("select count(*) from manager") == 1
        async with running("notify", stack, dsns["notify"]):
            await eventually(lambda: _done(world.pool), within=40)
        assert await world.pool.fetchval("select count(*) from manager") == (1 if kind == "export" else 0)


async def _stands(pool: Pool) -> bool:
    """Whether a statement of the service's part waits for the table that the test holds."""
    words = "%from message%audience in ('body'%"
    found: bool = await pool.fetchval(
        "select exists (select from pg_stat_activity a join pg_locks l on l.pid = a.pid and not l.granted"
        " where a.application_name = 'chorale-notify' and a.query like $1 and l.relation = 'message'::regclass)",
        words,
    )
    return found


async def _done(pool: Pool) -> bool:
    found: bool = await pool.fetchval("select bool_and(state = 'done') from tenant_request")
    return found
