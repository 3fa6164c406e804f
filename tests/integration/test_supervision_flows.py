"""Flows that ended with refused invoices, from their events to the operator's list."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from contracts.events import FlowFinished
from deploy.database import ServiceDsns
from services.common.db import Pool, open_pool, scoped
from services.supervision import flows, store
from services.supervision.counting import Counting
from services.supervision.views import RefusedFlow
from tests.integration.supervision_world import store_migrated
from tests.records import event, record
from tests.unit.notify.samples import flow

NOW = datetime.now(UTC)


@pytest.fixture
async def pools(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[tuple[Pool, Pool]]:
    """The reader's, and the one that answers."""
    own = dsns["supervision"]
    await store_migrated(own)
    worker, api = await open_pool(own.worker, "supervision"), await open_pool(own.api, "supervision")
    yield worker, api
    await worker.close()
    await api.close()


def _ended(state: str, ago: timedelta, **counts: int) -> FlowFinished:
    return msgspec.structs.replace(flow(state, (), **counts), finished_at=NOW - ago)


async def _page(pool: Pool, after: str | None = None, limit: int = 10, reach: str = "*") -> list[RefusedFlow]:
    async with scoped(pool, {"reach": reach}) as connection:
        return list(await flows.page(connection, after, limit))


async def test_what_is_refused_is_listed_once_newest_first_and_to_the_operator_alone(pools: tuple[Pool, Pool]) -> None:
    worker, api = pools
    partial, whole, good = (str(uuid4()) for _ in range(3))
    first = _ended("IN_INTEGRE_PARTIEL", timedelta(hours=3), integrated=196, rejected=3, to_verify=1)
    told = [
        event(first, partial),
        event(_ended("IN_REJETE", timedelta(hours=1), rejected=2), whole),
        event(_ended("IN_INTEGRE", timedelta(hours=2), integrated=9), good),
    ]
    counting = Counting(worker)
    await counting.batch([record(one, offset=number) for number, one in enumerate(told)])
    # Offered again at other places, as a relay does after a crash; and as another event about the same end.
    again = [*told, event(first, partial)]
    await counting.batch([record(one, offset=10 + number) for number, one in enumerate(again)])
    found = await _page(api)
    assert [(one.flow, one.state) for one in found] == [(whole, "IN_REJETE"), (partial, "IN_INTEGRE_PARTIEL")]
    assert (found[1].integrated, found[1].rejected, found[1].to_verify) == (196, 3, 1)
    assert found[1].depositor == first.depositor
    [row] = await worker.fetch("select to_jsonb(r)::text as kept from refused_flow r where flow = $1", partial)
    assert first.contact not in row["kept"]
    assert first.file_name not in row["kept"]
    for reach in ("", "cd06", "cd06,cd31"):
        assert await _page(api, reach=reach) == []


async def test_pages_hold_each_flow_once_and_old_ones_go(pools: tuple[Pool, Pool]) -> None:
    worker, api = pools
    ended = [_ended("IN_REJETE", timedelta(days=days), rejected=1) for days in (0, 1, 1, 1, 30, 32)]
    names = [str(uuid4()) for _ in ended]
    batch = [record(event(one, name), offset=n) for n, (one, name) in enumerate(zip(ended, names, strict=True))]
    await Counting(worker).batch(batch)
    seen: list[str] = []
    while found := await _page(api, seen[-1] if seen else None, limit=2):
        seen += [one.flow for one in found]
    assert sorted(seen) == sorted(names)
    assert seen[0] == names[0]
    assert seen[-2:] == names[-2:]
    await store.sweep(worker)
    assert {one.flow for one in await _page(api)} == set(names[:-1])
    assert await _page(api, after=names[-1]) == []
    async with worker.acquire() as connection:
        await store.forget_everything(connection)
    assert await _page(api) == []
