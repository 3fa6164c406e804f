"""What a request pays to know whose token it carries and what may be done with it, with few rights kept and with many.

*Known*: a token that was seen before, its rights kept; a request of a session under way. *New*: a token seen for the
first time, so a signature to check and a row to read. Both are measured on a copy of 100 accounts and on one of
100,000, in turns, the tokens taken from all over it. The check is the whole one: token, session, rights that hold now,
settings for row-level security, and one question to the table of rights.
"""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from deploy import database
from deploy.local import Stack
from invoice import rights
from services.common import account_replica
from services.common.access import Access
from services.common.db import migrate, open_pool
from tests.accounts import SUPPLIER, TOWN, Signer
from tests.bench.report import Figure

FEW, MANY = 100, 100_000
TURNS, SESSIONS, KNOWN, NEW = 20, 100, 1_000, 100
_FILL = (
    "insert into account_right (subject, version, kind, state, grants, scopes)"
    " select 's' || n, 1, 'person', 'active', $2::jsonb, '{}' from generate_series(1, $1::int) n"
)
_GRANTS = (
    f'[{{"role": "FOURNISSEUR", "structure": "{SUPPLIER}"}},'
    f' {{"role": "GESTIONNAIRE", "structure": "{TOWN}", "tenant": "demo"}}]'
)


def measure() -> Sequence[Figure]:
    """Microseconds of known and new tokens, with few and with many accounts."""
    with Stack() as stack:
        return asyncio.run(_measure(stack.postgres.admin_dsn))


async def _measure(admin_dsn: str) -> Sequence[Figure]:
    signer, dice = Signer(), random.Random(7)
    known: dict[int, list[float]] = {FEW: [], MANY: []}
    new: dict[int, list[float]] = {FEW: [], MANY: []}
    async with AsyncExitStack() as open_:
        access = {count: await open_.enter_async_context(_copy(admin_dsn, count, signer)) for count in (FEW, MANY)}
        sessions = {count: [_token(signer, dice, count) for _ in range(SESSIONS)] for count in access}
        await asyncio.sleep(1)  # listening has begun
        for turn in range(TURNS + 1):
            for count, found in access.items():
                fresh = await _each(found, [_token(signer, dice, count) for _ in range(NEW)])
                await _each(found, sessions[count])
                again = await _each(found, dice.choices(sessions[count], k=KNOWN))
                if turn:  # the first warms up
                    new[count] += fresh
                    known[count] += again
    return _figures(known, new)


def _token(signer: Signer, dice: random.Random, count: int) -> str:
    return signer.token(f"s{dice.randint(1, count)}", sid=str(dice.random()))


@asynccontextmanager
async def _copy(admin_dsn: str, count: int, signer: Signer) -> AsyncIterator[Access]:
    """An instance on a copy of so many accounts, in a database of its own."""
    name = f"accounts_bench_{count}"
    dsn = (await database.bootstrap(admin_dsn, name))["ocr"].worker
    try:
        await migrate(dsn, "ocr", "services.ocr")
        pool = await open_pool(dsn, "ocr")
        async with pool.acquire() as connection, connection.transaction():
            await account_replica.apply(connection, "ocr", [signer.entry()])
        await pool.execute(_FILL, count, _GRANTS)
        await pool.execute("vacuum analyze account_right")
        access = Access(pool, dsn, "ocr")
        listening = asyncio.create_task(access.run())
        try:
            yield access
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await pool.close()
    finally:
        await database.drop(admin_dsn, name)


async def _each(access: Access, tokens: Sequence[str]) -> list[float]:
    """Microseconds of each check."""
    spent = []
    for number, token in enumerate(tokens):
        started = time.perf_counter()
        principal = await access.principal(token)
        settings = principal.scope()
        allowed = rights.allows(principal.held, "invoice.act_as_body", structure=TOWN, tenant="demo")
        spent.append((time.perf_counter() - started) * 1e6)
        assert allowed
        assert settings["recipient_structures"] == TOWN
        if number % 100 == 0:
            await asyncio.sleep(0)  # the listening connection is heard, as between requests
    return spent


def _figures(known: dict[int, list[float]], new: dict[int, list[float]]) -> Sequence[Figure]:
    def figure(kind: str, value: float, beside: float, at_most: float | None = None) -> Figure:
        return Figure(
            bench="accounts",
            figure=f"token and rights, {kind}, {MANY:,} accounts",
            value=value,
            unit="µs",
            at_most=at_most,
            baseline={f"{FEW} accounts": beside},
        )

    def times(kind: str, of: dict[int, list[float]]) -> Figure:
        value = statistics.median(of[MANY]) / statistics.median(of[FEW])
        name = f"{kind}, {MANY:,} accounts against {FEW}"
        return Figure(bench="accounts", figure=name, value=value, unit="times", at_most=1.2)

    p99 = {count: statistics.quantiles(spent, n=100)[98] for count, spent in known.items()}
    return [
        figure("known", statistics.median(known[MANY]), statistics.median(known[FEW]), at_most=100.0),
        figure("known, p99", p99[MANY], p99[FEW]),
        figure("new", statistics.median(new[MANY]), statistics.median(new[FEW])),
        times("known", known),
        times("new", new),
    ]
