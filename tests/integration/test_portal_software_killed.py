"""The end of a secret is announced by mail exactly once, though portal is killed again and again meanwhile."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

import asyncpg

from services.common import timers
from services.portal.software import NOTICE
from tests.integration.account_world import A, World
from tests.records import eventually

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


async def test_each_letter_is_written_once_though_portal_is_killed(accounts: World) -> None:
    stack = accounts.stack
    await _prepare(stack.dsns["portal"].worker)
    for n in range(1, KILLS + 1):
        await _come(accounts, n * SECRETS // 8)
        await asyncio.to_thread(stack.kill, "portal")
        await asyncio.to_thread(stack.start, "portal")
    await _come(accounts, SECRETS)
    # What leaves later has overtaken none.
    async with accounts.browser() as client:
        assert (await client.post(f"{A}/password/reset", json={"email": ADDRESS})).status_code == 202
    await accounts.mail(ADDRESS, "nouveau mot de passe")
    found = Counter(subject for subject in await accounts.mails(ADDRESS) if "nouveau" not in subject)
    assert len(found) == SECRETS
    assert set(found.values()) == {1}
    assert all("expire dans 7 jours" in subject for subject in found)


async def _come(accounts: World, some: int) -> None:
    """Until so many letters have come."""

    async def so() -> bool:
        return len(await accounts.mails(ADDRESS)) >= some

    await eventually(so, within=60)
