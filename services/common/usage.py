"""How much each client asks of a service: counted in memory, added to a table every few seconds.

A process that is killed loses what it counted since: figures are for planning and quotas, not for bills.
"""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from fastapi import FastAPI, Query

from services.common import clock, telemetry
from services.common.auth import CurrentPrincipal, require_role
from services.common.db import Pool
from services.common.failures import is_transient

FLUSH_SECONDS: Final = 3.0
KEEP_DAYS: Final = 400
_PRUNE_ROUNDS: Final = 1200
#: The role under which the portal asks: no person holds it.
ASKER: Final = "SERVICE"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ADD: Final = (
    "insert into client_usage as u (day, subject, tenant, area, act, requests, refused, failed)"
    " select * from unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],"
    "  $8::bigint[]) order by 1, 2, 3, 4, 5"
    " on conflict (day, subject, tenant, area, act) do update set requests = u.requests + excluded.requests,"
    "  refused = u.refused + excluded.refused, failed = u.failed + excluded.failed"
)
_SUMS: Final = (
    "select day, subject, tenant, area, act, requests, refused, failed from client_usage"
    " where day between $1 and $2 and ($3::text[] is null or tenant = any($3)) and ($4::text[] is null or"
    " subject = any($4)) order by day, subject, tenant, area, act limit 20000"
)
_Key = tuple[date, str, str, str, str]


class UsageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One day of one client in one area. ``subject`` is empty for people, ``tenant`` where a client has not just one.

    ``refused`` are answers 4xx, ``failed`` 5xx.
    """

    day: date
    subject: str
    tenant: str
    area: str
    act: str
    requests: int
    refused: int
    failed: int


class Usage:
    """The counts of one process. ``count`` costs a dictionary entry; ``run`` writes them down."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts: dict[_Key, list[int]] = {}

    def count(self, principal: Any, method: str, path: str, status: int) -> None:
        """One answered request of somebody known. ``path`` is the route's: ``/api/v1/<area>/…``."""
        area = path.split("/", 4)[3] if path.startswith("/api/v1/") else ""
        if not area:
            return
        tenants: tuple[str, ...] = principal.tenants
        client = principal.subject if principal.kind == "software" else ""
        act = "read" if method in _READS else "write"
        key = (clock.now().date(), client, tenants[0] if len(tenants) == 1 else "", area, act)
        found = self._counts.setdefault(key, [0, 0, 0])
        found[0] += 1
        if status >= 400:
            found[1 if status < 500 else 2] += 1

    async def run(self) -> None:
        """Write down every few seconds until cancelled; what cannot be written is kept for the next time."""
        rounds = 0
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            rounds += 1
            try:
                await self.flush()
                if rounds % _PRUNE_ROUNDS == 1:
                    await self.prune()
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("usage.failed")

    async def flush(self) -> None:
        """Add what was counted to the table."""
        taken, self._counts = self._counts, {}
        if not taken:
            return
        try:
            keys = list(zip(*taken, strict=True))
            sums = list(zip(*taken.values(), strict=True))
            await self._pool.execute(_ADD, *(list(column) for column in (*keys, *sums)))
        except BaseException:
            for key, counted in taken.items():
                kept = self._counts.setdefault(key, [0, 0, 0])
                self._counts[key] = [a + b for a, b in zip(kept, counted, strict=True)]
            raise

    async def sums(
        self, first: date, last: date, tenants: list[str] | None, subjects: list[str] | None
    ) -> list[UsageLine]:
        """What is written down of these days, both included, at most 20,000 lines."""
        return [UsageLine(**dict(row)) for row in await self._pool.fetch(_SUMS, first, last, tenants, subjects)]

    async def prune(self) -> None:
        """Forget days older than thirteen months."""
        await self._pool.execute("delete from client_usage where day < current_date - $1::int", KEEP_DAYS)


def add_route(app: FastAPI, service: str, usage: Usage) -> None:
    """``GET /internal/<service>/usage``: for the portal, which sums. The gateway does not lead there."""

    @app.get(f"/internal/{service}/usage", include_in_schema=False)
    async def read(
        principal: CurrentPrincipal,
        first: date,
        last: date,
        tenant: Annotated[list[str] | None, Query()] = None,
        subject: Annotated[list[str] | None, Query()] = None,
    ) -> list[Mapping[str, Any]]:
        require_role(principal, ASKER)
        lines = await usage.sums(first, last, tenant, subject)
        return [msgspec.to_builtins(line) for line in lines]
