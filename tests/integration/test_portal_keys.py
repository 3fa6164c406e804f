"""The keys of tokens: rotated without a gap; and the first operator, by command."""

import asyncio
import base64
import json
import os
import subprocess
import sys

import asyncpg
import httpx

from deploy.servers.workspace import ROOT
from tests.integration.account_world import PASSWORD, A, World, new_address


def command(accounts: World, *arguments: str) -> str:
    """What a command of portal writes."""
    environment = {**os.environ, **accounts.stack.environment("portal"), "CHORALE_PORT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "services.portal", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def kid(token: str) -> str:
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


async def test_a_key_is_followed_by_another_and_no_token_is_refused_meanwhile(accounts: World) -> None:
    async with accounts.browser() as client:
        await accounts.open(client)
        old = await accounts.token(client)
        assert await accounts.ask_notify(old) == 200
        rotated = asyncio.create_task(asyncio.to_thread(command, accounts, "keys", "rotate"))
        seen: set[str] = set()
        async with asyncio.timeout(60):
            while not rotated.done() or rotated.result().strip() not in seen:
                token = await accounts.token(client)
                assert await accounts.ask_notify(token) == 200
                assert await accounts.ask_notify(old) == 200
                seen.add(kid(token))
                await asyncio.sleep(0.2)
        made = rotated.result().strip()
        assert seen == {kid(old), made}
        async with httpx.AsyncClient(base_url=accounts.stack.base_url("portal")) as anybody:
            keys = (await anybody.get("/api/v1/oauth/jwks")).json()["keys"]
        assert {kid(old), made} <= {key["kid"] for key in keys}
        assert all(set(key) & {"d", "k"} == set() for key in keys)


async def test_private_keys_and_secrets_of_second_factors_are_wrapped_and_links_open_nothing_by_themselves(
    accounts: World,
) -> None:
    async with accounts.browser() as client:
        await accounts.open(client)
        secret = (await client.post(f"{A}/me/totp")).json()["secret"]
        cookie = client.cookies["chorale"]
    connection = await asyncpg.connect(accounts.stack.dsns["portal"].worker)
    try:
        tables = [row[0] for row in await connection.fetch("select tablename from pg_tables where schemaname='portal'")]
        rows = [
            str(row[0])
            for table in tables
            for row in await connection.fetch(f'select to_jsonb(t)::text from portal."{table}" t limit 5000')
        ]
        wrapped = await connection.fetchval("select wrapped from portal.own_signing_key limit 1")
    finally:
        await connection.close()
    everything = "\n".join(rows)
    assert len(wrapped) > 100
    for plain in (secret, cookie, PASSWORD, secret.encode().hex(), cookie.encode().hex(), "token="):
        assert plain not in everything


async def test_the_api_role_reads_no_secret_and_nobody_elses_account(accounts: World) -> None:
    async with accounts.browser() as client:
        await accounts.open(client)
    connection = await asyncpg.connect(accounts.stack.dsns["portal"].api, server_settings={"search_path": "portal"})
    try:
        assert await connection.fetchval("select count(*) from (select subject from account) a") == 0
        for column, table in (
            ("password_hash", "account"),
            ("digest", "session"),
            ("wrapped", "totp"),
            ("digest", "recovery_code"),
            ("wrapped", "own_signing_key"),
            ("data", "errand"),
            ("data", "wish"),
            ("id", "mail_link"),
        ):
            try:
                await connection.fetch(f"select {column} from {table}")
            except asyncpg.InsufficientPrivilegeError:
                continue
            raise AssertionError(f"{table}.{column} can be read")
    finally:
        await connection.close()


async def test_the_first_operator_is_made_by_command_and_activates_by_the_mail(accounts: World) -> None:
    email = new_address()
    said = await asyncio.to_thread(command, accounts, "operator", "add", "--email", email, "--name", "Ada")
    assert "exploitant" in said
    link = await accounts.link(email, "Activez")
    async with accounts.browser() as client:
        assert (await client.post(f"{A}/links", json={"token": link, "password": PASSWORD})).status_code == 200
        token = await accounts.token(client)
    async with httpx.AsyncClient(base_url=accounts.stack.base_url("notify")) as notify:
        headers = {"Authorization": f"Bearer {token}", "X-Chorale-Reason": "Premier essai de la plateforme"}
        assert (await notify.get("/api/v1/messages", headers=headers)).status_code == 200


async def test_a_printed_link_makes_an_operator_without_a_mail(accounts: World) -> None:
    email = new_address()
    said = await asyncio.to_thread(command, accounts, "operator", "add", "--email", email, "--print")
    token = said.rpartition("token=")[2].strip()
    async with accounts.browser() as client:
        assert (await client.post(f"{A}/links", json={"token": token, "password": PASSWORD})).status_code == 200
    assert await accounts.mails(email) == []
