"""Supervision's tables as they are asked for and swept, and what one instance does beside another."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from deploy.database import ServiceDsns
from services.common.db import Pool, open_pool
from services.supervision import curve_data, lag, rebuild, store, windows
from services.supervision.settings import SupervisionSettings
from services.supervision.sums import ALL, HOUR
from tests.integration.supervision_world import store_migrated

NOW = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
_FIELD = "insert into field_window (start, tenant, supplier, source, field, outcome, count)"


@pytest.fixture
async def pool(dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Pool]:
    own = dsns["supervision"]
    await store_migrated(own)
    found = await open_pool(own.worker, "supervision")
    yield found
    await found.close()


class Counted:
    """A connection that says how many rows came back."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.rows = 0

    async def fetch(self, *given: Any) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._connection.fetch(*given)
        self.rows += len(found)
        return found


async def test_layouts_are_added_up_where_they_lie_and_only_those_shown_are_read(pool: Pool) -> None:
    await pool.execute(
        f"{_FIELD} select $1, '*', 'S' || lpad(s::text, 4, '0'), 'text', 'f' || f,"
        " case when s = 7 and f <= 2 then 'changed' else 'kept' end, case when s = 7 then 1 + f else 1 end"
        " from generate_series(1, 2000) s, generate_series(1, 11) f",
        windows.floor(NOW, HOUR),
    )
    async with pool.acquire() as connection:
        counted: Any = Counted(connection)
        found = await windows.layouts(counted, (ALL,), NOW, hours=24, limit=3)
        kept = await windows.kept(counted, (ALL,), NOW - timedelta(hours=24))
    total = 1999 * 11 + sum(1 + f for f in range(1, 12))
    assert (found.fields, found.kept) == (total, total - 2 - 3)
    assert kept == (total - 5, total)
    assert [one.supplier for one in found.layouts] == ["S0007", "S0001", "S0002"]
    assert found.layouts[0].corrected == ["f2", "f1"]
    assert found.layouts[1].share == 1.0
    assert counted.rows < 10


async def test_nothing_read_has_no_share(pool: Pool) -> None:
    async with pool.acquire() as connection:
        found = await windows.layouts(connection, (ALL,), NOW, hours=24, limit=3)
        assert (found.fields, found.kept, found.share, found.layouts) == (0, 0, None, [])
        assert windows.share(*await windows.kept(connection, (ALL,), NOW)) is None


async def test_days_are_those_of_paris(pool: Pool) -> None:
    """22:30 and 23:30 UTC of a November day lie on two days."""
    for at in (NOW, NOW + timedelta(hours=1)):
        await pool.execute(
            "insert into stage_window values ($1, $2, '*', 'received', 5)", HOUR, windows.floor(at, HOUR)
        )
        await pool.execute("insert into sample (at, service, unread) values ($1, 'ocr', 5)", at)
    points = curve_data.STEPS["month"].points(NOW + timedelta(hours=1))
    assert len(points) == 31
    assert [point.isoformat() for point in points[-2:]] == ["2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00"]
    assert points[0].isoformat() == "2026-10-25T00:00:00+02:00"  # clocks went back on that day
    async with pool.acquire() as connection:
        found = await windows.stage_series(connection, (ALL,), points[0], HOUR, windows.DAY)
        rows = await connection.fetch(f"select {windows.stepped('at', windows.DAY)} as at from sample order by 1")
    assert {at: count for at, _, count in found} == {points[-2]: 5, points[-1]: 5}
    assert [row["at"] for row in rows] == points[-2:]


async def test_samples_of_a_month_keep_the_highest_of_each_hour(pool: Pool) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=5)
    rows = [
        *((hour + timedelta(minutes=minute), n) for minute, n in ((0, 2), (1, 9), (59, 4))),
        (hour + timedelta(minutes=60), 1),
        (hour - timedelta(days=27), 8),
        (datetime.now(UTC), 3),
    ]
    for at, unread in rows:
        await pool.execute("insert into sample (at, service, unread, waiting) values ($1, 'ocr', $2, null)", at, unread)
    for _ in range(2):
        await store.sweep(pool)
        found = await pool.fetch("select at, unread, waiting from sample order by at")
        assert [row["unread"] for row in found] == [9, 1, 3]
        assert (found[0]["at"], found[0]["waiting"]) == (hour, None)


async def test_journeys_stay_as_long_as_their_times_can_still_become_known(pool: Pool) -> None:
    instant = 1_700_000_000.0
    states: dict[str, tuple[dict[str, Any], bool, float]] = {
        "done": ({"submitted": instant, "supplier": "s"}, True, 3),
        "just done": ({"submitted": instant}, True, 1),
        "never told": ({"submitted": instant, "available": instant, "supplier": "s"}, False, 25),
        "not told yet": ({"submitted": instant, "available": instant}, False, 23),
        "a mail alone": ({"early": [["mail_accepted", instant]]}, False, 25),
        "a draft": ({"received": instant, "drafted": True}, False, 24 * 30),
        "an old draft": ({"received": instant, "drafted": True}, False, 24 * 32),
        "on its way": ({"submitted": instant, "routed": instant}, False, 24 * 30),
    }
    for invoice, (state, done, hours) in states.items():
        await pool.execute(
            "insert into journey values ($1, $2::text::jsonb, $3, now() - make_interval(hours => $4))",
            invoice,
            msgspec.json.encode(state).decode(),
            done,
            int(hours),
        )
    await store.sweep(pool)
    left = {row["invoice"] for row in await pool.fetch("select invoice from journey")}
    assert left == {"just done", "not told yet", "a draft", "on its way"}


async def test_a_place_that_another_instance_advances_meanwhile_is_not_lost(
    pool: Pool, dsns: Mapping[str, ServiceDsns], monkeypatch: pytest.MonkeyPatch
) -> None:
    await pool.execute("insert into read_through values ('t', 0, 9), ('t', 1, 50)")

    async def ends(_: str) -> dict[tuple[str, int], int]:
        """As they are now; then the other instance counts what was written since."""
        async with pool.acquire() as other:
            await other.execute("set lock_timeout = '300ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.execute("update read_through set kafka_offset = 15 where kafka_partition = 0")
        return {("t", 0): 10, ("t", 1): 10}

    monkeypatch.setattr(lag, "ends", ends)
    settings = SupervisionSettings.model_construct(kafka="nowhere")
    async with pool.acquire() as connection:
        assert await rebuild.forget_lost(settings, connection) == 1
    assert await pool.fetchval("select kafka_offset from read_through where kafka_partition = 0") == 9
