"""What time and use would bring, written into the services' own tables: old proofs, limits that are reached."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.common.db import open_pool
from tests.browser.world import Platform


def run(platform: Platform, service: str, statement: str, *values: Any) -> list[dict[str, Any]]:
    """One statement as the owner of a service's schema, and its rows; aside, for Playwright has a loop of its own."""

    async def asked() -> list[dict[str, Any]]:
        pool = await open_pool(platform.stack.dsns[service].worker, service, max_size=1)
        try:
            return [dict(row) for row in await pool.fetch(statement, *values)]
        finally:
            await pool.close()

    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(asyncio.run, asked()).result()


def subject(platform: Platform, name: str) -> str:
    """The subject of a person."""
    found = run(platform, "portal", "select subject from account where email = $1", platform.account(name))
    return str(found[0]["subject"])


def proofs_are_old(platform: Platform, name: str, *, password: bool = True) -> None:
    """It is an hour since somebody showed who he is; ``password`` false: since he showed a second factor."""
    run(
        platform,
        "portal",
        "update session set factor_at = factor_at - interval '1 hour',"
        " proved_at = case when $2 then proved_at - interval '1 hour' else proved_at end where subject = $1",
        subject(platform, name),
        password,
    )


def proofs_are_fresh(platform: Platform, name: str) -> None:
    """Somebody has just shown who he is, by a second factor too where he has one."""
    run(
        platform,
        "portal",
        "update session set proved_at = now(), factor_at = case when factor_at is null then null else now() end"
        " where subject = $1",
        subject(platform, name),
    )


def asked_too_often(platform: Platform, name: str, service: str, seconds: int = 600) -> None:
    """Somebody has read all that he may of a service, for so long."""
    run(
        platform,
        service,
        "insert into rate_window (subject, name, seconds, started_at, used) values ($1, 'lecture', $2, now(), 1000000)"
        " on conflict (subject, name) do update set seconds = excluded.seconds, started_at = now(), used = 1000000",
        subject(platform, name),
        seconds,
    )


def reads(platform: Platform, name: str, service: str) -> int:
    """How often somebody has read of a service since :func:`begin`."""
    found = run(
        platform,
        service,
        "select used from rate_window where subject = $1 and name = 'lecture'",
        subject(platform, name),
    )
    return int(found[0]["used"]) if found else 0


def begin(platform: Platform, name: str, service: str) -> None:
    """Count anew what somebody reads of a service."""
    run(platform, service, "delete from rate_window where subject = $1", subject(platform, name))
