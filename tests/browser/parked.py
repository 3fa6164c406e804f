"""A dead letter in the platform of the browser tests, as status parks one."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import msgspec

from contracts.envelope import encode, headers
from contracts.events import StatusChanged
from services.common import deadletter
from services.common.deadletter import Reason
from services.common.record import Record, read
from tests.browser.world import Platform
from tests.records import event
from tests.supervised import example

#: That of the page that is looked at among all others.
SHOWN = "7d4f0f63-5555-4222-8333-444455556660"


def park(platform: Platform, key: str, *reasons: str, tenant: str | None = None) -> list[str]:
    """Letters of one invoice, one of each reason; the addresses of their pages, the same for the same ones."""
    with ThreadPoolExecutor(max_workers=1) as aside:  # Playwright has a loop of its own in this thread
        numbers = aside.submit(asyncio.run, _park(platform, key, reasons, tenant)).result()
    return [f"/supervision/lettres/status/{number}" for number in numbers]


async def _park(platform: Platform, key: str, reasons: Sequence[str], tenant: str | None) -> list[int]:
    dsn = platform.stack.dsns["status"].worker
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "status"})
    try:
        known = await connection.fetch("select id from dead_letter where key = $1 order by id", key)
        if known:
            return [row["id"] for row in known]
        for offset, reason in enumerate(reasons):
            found = msgspec.structs.replace(event(example(StatusChanged, "minimal"), key), tenant=tenant)
            record = Record(
                topic="chorale.lifecycle.v1",
                partition=0,
                offset=offset,
                key=key.encode(),
                headers=headers(found),
                value=encode(found.data),
            )
            why = Reason("behind" if offset else "rejected", reason, "Le statut ne suit pas le précédent.")
            await deadletter.park(connection, "status", [(read(record), why)])
        rows = await connection.fetch("select id from dead_letter where key = $1 order by id", key)
        return [row["id"] for row in rows]
    finally:
        await connection.close()


def shown(platform: Platform) -> str:
    """The address of a letter that stays as it is."""
    return park(platform, SHOWN, "STATUS_ORDER", tenant="cd06")[0]
