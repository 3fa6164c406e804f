"""How often a network or address may ask, how long a lock lasts, and that what cannot be done holds nothing up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from services.common.web import Problem
from services.portal.account_limits import Limits
from tests.integration.account_world import A, World, new_address, sign_up
from tests.unit.portal.samples import settings
from tests.unit.portal.test_sessions import request


@pytest.fixture
async def tables(accounts: World) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(accounts.stack.dsns["portal"].worker, server_settings={"search_path": "portal"})
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_network_has_its_minute_and_another_network_its_own(tables: asyncpg.Connection) -> None:
    limits = Limits(settings(network_each_minute=3))
    here, beside, elsewhere = (request(client=f"198.51.{n}.7") for n in (100, 101, 102))
    for _ in range(3):
        await limits.network(tables, here)
    with pytest.raises(Problem) as raised:
        await limits.network(tables, here)
    await limits.network(tables, beside)
    await limits.network(tables, elsewhere)
    assert (raised.value.status, raised.value.code) == (429, "TOO_MANY_REQUESTS")
    assert raised.value.headers is not None
    assert 0 < int(raised.value.headers["Retry-After"]) <= 60
    kept = await tables.fetch("select to_jsonb(r)::text as row from account_rate r")
    assert not any("198.51" in row["row"] for row in kept)


async def test_each_wrong_password_doubles_the_lock_up_to_its_ceiling_and_a_quiet_day_forgets(
    tables: asyncpg.Connection,
) -> None:
    limits, now = Limits(settings(lock_ceiling_seconds=600)), datetime.now(UTC)
    key = limits.key("login", str(uuid4()))
    seen: list[float | None] = []
    for _ in range(10):
        tried = await limits.begin(tables, key, now)
        seen.append((tried.locks_until - now).total_seconds() if tried.locks_until else None)
        if tried.locks_until is not None:
            during = await limits.begin(tables, key, now + timedelta(seconds=1))
            assert (during.locked_until, during.locks_until) == (tried.locks_until, None)
            now = tried.locks_until
    assert seen == [None, None, None, None, 60, 120, 240, 480, 600, 600]
    later = await limits.begin(tables, key, now + timedelta(days=2))
    assert (later.failures, later.locks_until) == (1, None)
    await limits.succeeded(tables, key)
    assert (await limits.begin(tables, key, now)).failures == 1


async def test_a_wish_that_cannot_be_done_keeps_no_other_waiting(accounts: World, tables: asyncpg.Connection) -> None:
    bad = uuid4()
    await tables.execute(
        "insert into wish (id, kind, email, data, made_at, next_attempt_at)"
        " values ($1, 'sign_up', 'x@y.example', 'no json', now(), now() - interval '1 hour')",
        bad,
    )
    email = new_address()
    async with accounts.browser() as client:
        assert (await client.post(A, json=sign_up(email))).status_code == 202
    await accounts.mail(email, "Activez")
    row = await tables.fetchrow(
        "delete from wish where id = $1 returning attempts, next_attempt_at > now() as later", bad
    )
    assert row is not None
    assert (row["attempts"], row["later"]) == (1, True)
