"""portal is killed where an account, its link and its mail are made: there is never the one without the others."""

import asyncio
import random
from contextlib import suppress

import asyncpg
import httpx

from tests.integration.account_world import PASSWORD, A, World, accounts_stack, new_address, sign_up

PEOPLE = 6


async def _ask(world: World, email: str) -> None:
    """Until it is taken: a person whose request was cut presses the button again."""
    async with asyncio.timeout(60):
        while True:
            with suppress(httpx.HTTPError):
                async with world.browser() as client:
                    if (await client.post(A, json=sign_up(email))).status_code == 202:
                        return
            await asyncio.sleep(0.2)


async def _kill(world: World, service: str, times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(random.uniform(0.1, 0.6))
        await asyncio.to_thread(world.stack.kill, service)
        await asyncio.to_thread(world.stack.start, service)


async def test_killed_in_the_middle_of_sign_ups_every_person_still_gets_one_working_link_and_one_account() -> None:
    with accounts_stack() as stack:
        world = World(stack)
        people = [new_address() for _ in range(PEOPLE)]
        await asyncio.gather(_kill(world, "portal", 3), *(_ask(world, email) for email in people))
        await _kill(world, "notify", 1)
        for email in people:
            async with world.browser() as client:
                await _activate(world, client, email)
        connection = await asyncpg.connect(stack.dsns["portal"].worker, server_settings={"search_path": "portal"})
        try:
            accounts = await connection.fetch("select email, state from account order by email")
            await _none_left(connection, "select count(*) from errand where done_at is null")
            wishes = await connection.fetchval("select count(*) from wish")
            members = await connection.fetchval("select count(*) from membership")
        finally:
            await connection.close()
        kept = await _secrets_left(world)
    assert [(row["email"], row["state"]) for row in accounts] == [(email, "active") for email in sorted(people)]
    assert (wishes, members, kept) == (0, PEOPLE, 0)


async def _activate(world: World, client: httpx.AsyncClient, email: str) -> None:
    """By the last link: one asked for twice has ended the first."""
    async with asyncio.timeout(60):
        while True:
            token = await world.link(email, "Activez")
            answer = await client.post(f"{A}/links", json={"token": token, "password": PASSWORD})
            if answer.status_code == 200:
                return


async def _secrets_left(world: World) -> int:
    """Links that notify still keeps although their mail has been taken."""
    connection = await asyncpg.connect(world.stack.dsns["notify"].worker, server_settings={"search_path": "notify"})
    try:
        await _none_left(connection, "select count(*) from message where state in ('created', 'sending')")
        found: int = await connection.fetchval(
            "select count(*) from message where data ? 'link' or data::text like '%token=%'"
        )
        return found
    finally:
        await connection.close()


async def _none_left(connection: asyncpg.Connection, count: str) -> None:
    async with asyncio.timeout(40):
        while True:
            if not await connection.fetchval(count):
                return
            await asyncio.sleep(0.2)
