"""The end of a secret is announced by mail exactly once, though portal is killed again and again meanwhile."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

import asyncpg
import httpx

from services.common import timers
from services.portal.software import NOTICE
from tests.integration.account_world import accounts_stack

READER = "person:55555555-5555-4555-8555-555555555555"
ADDRESS = "claire@menuiserie.example"
SECRETS = 16
KILLS = 2


async def _prepare(dsn: str) -> None:
    """Programs whose secrets end in seven days less a moment: the letters are due one after the other, from now on."""
    now = datetime.now(UTC)
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "portal"})
    try:
        await connection.execute(
            "insert into account (subject, email, email_key, state, created_at, activated_at)"
            " values ($1, $2, $2, 'active', now(), now())",
            READER,
            ADDRESS,
        )
        for number in range(SECRETS):
            software, secret = uuid4(), uuid4()
            ends = now + timedelta(days=7, seconds=number / 4)
            await connection.execute(
                "insert into software (id, structure, name, roles, scopes, made_by, made_at, changed_at)"
                " values ($1, '1', $2, '{LECTURE}', '{invoices.read}', $3, now(), now())",
                software,
                f"ERP-{number:02d}",
                READER,
            )
            await connection.execute(
                "insert into software_secret (id, software, digest, hint, made_by, made_at, expires_at)"
                " values ($1, $2, $3, 'abcd', $4, now(), $5)",
                secret,
                software,
                bytes(32),
                READER,
                ends,
            )
            await timers.start(
                connection, _timer(secret), key=str(secret), kind=NOTICE, due_at=ends - timedelta(days=7)
            )
    finally:
        await connection.close()


def _timer(secret: UUID) -> UUID:
    return uuid5(secret, "7")


async def _subjects(url: str | None) -> list[str]:
    async with httpx.AsyncClient(timeout=10) as client:
        mails = (await client.get(f"{url}/api/messages", params={"limit": 200})).json()
    return [mail["subject"] for mail in mails if mail["to"] == [ADDRESS]]


async def test_each_letter_is_written_once_though_portal_is_killed() -> None:
    with accounts_stack() as stack:
        await _prepare(stack.dsns["portal"].worker)
        for _ in range(KILLS):
            await asyncio.sleep(1.3)
            await asyncio.to_thread(stack.kill, "portal")
            await asyncio.to_thread(stack.start, "portal")
        async with asyncio.timeout(60):
            while True:
                if len(await _subjects(stack.smtp.url)) >= SECRETS:
                    break
                await asyncio.sleep(0.3)
        await asyncio.sleep(2)
        found = Counter(await _subjects(stack.smtp.url))
        assert len(found) == SECRETS
        assert set(found.values()) == {1}
        assert all("expire dans 7 jours" in subject for subject in found)
