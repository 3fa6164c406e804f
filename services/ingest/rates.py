"""How often a client may ask: one row a client and limit in the database, so that all instances count together.

Reading and writing are counted apart: who looks too often is not kept from depositing.

The answers carry ``RateLimit-Policy`` and ``RateLimit`` (IETF draft *RateLimit header fields for HTTP*), also where
they are refusals; beyond a limit it is a 429 with ``Retry-After``.
"""

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Pool, set_scope
from services.common.web import Problem
from services.ingest.answering import answered

_COUNT = (
    "insert into rate_window as r (subject, name, seconds, started_at, used)"
    " select $1, p.name, p.seconds, now(), 1 from unnest($2::text[], $3::int[]) p(name, seconds)"
    " on conflict (subject, name) do update set seconds = excluded.seconds,"
    "  used = case when r.started_at + make_interval(secs => excluded.seconds) <= now() then 1 else r.used + 1 end,"
    "  started_at = case when r.started_at + make_interval(secs => excluded.seconds) <= now() then now()"
    "   else r.started_at end"
    " returning name, used, ceil(extract(epoch from started_at + make_interval(secs => seconds) - now()))::int as left"
)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """So many requests in so many seconds."""

    name: str
    quota: int
    seconds: int


class Rates:
    """A dependency of every route that knows who asks. ``seconds``: how long the database may take to count."""

    limits = True  # its routes answer 429, and say so (services.common.problems)

    def __init__(self, api_pool: Pool, writes: Sequence[Rate], reads: Sequence[Rate], seconds: float) -> None:
        self._pool = api_pool
        self._writes = {rate.name: rate for rate in writes}
        self._reads = {rate.name: rate for rate in reads}
        self._seconds = seconds

    async def __call__(self, request: Request, principal: CurrentPrincipal) -> None:
        """Count the request. Raises a 429 problem beyond a limit."""
        reads = request.method in ("GET", "HEAD")
        rates = self._reads if reads else self._of(principal)
        await self._ask(request, principal.subject, rates, reads=reads)

    async def of_network(self, request: Request, network: str) -> None:
        """Count a request of nobody known, as reading: nothing is kept of it."""
        await self._ask(request, f"@{network}", self._reads, reads=True)

    async def _ask(self, request: Request, subject: str, rates: Mapping[str, Rate], *, reads: bool) -> None:
        used = await answered(self._seconds, self._count(subject, list(rates.values())))
        request.state.rates = _headers(rates, used)
        for name, (count, left) in used.items():
            if count > rates[name].quota:
                raise _too_many(rates[name], left, reads=reads)

    def _of(self, principal: Principal) -> Mapping[str, Rate]:
        """The platform's limits on writing, or those that this client was given by the portal."""
        own = {60: principal.writes_each_minute, 86_400: principal.writes_each_day}
        return {
            name: rate if (quota := own.get(rate.seconds)) is None else msgspec.structs.replace(rate, quota=quota)
            for name, rate in self._writes.items()
        }

    async def _count(self, subject: str, rates: Sequence[Rate]) -> dict[str, tuple[int, int]]:
        async with self._pool.acquire() as connection, connection.transaction():
            await set_scope(connection, {"subject": subject})
            # A window that a crash takes back is no loss: the answer need not wait for the disk.
            await connection.execute("set local synchronous_commit = off")
            rows = await connection.fetch(
                _COUNT, subject, [rate.name for rate in rates], [rate.seconds for rate in rates]
            )
        return {row["name"]: (row["used"], max(1, row["left"])) for row in rows}


class Anybody:
    """The same for routes without a token: as much as one client may read, counted by the network that asks.

    A network stands in the table as its hash: no address is kept.
    """

    limits = True

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    async def __call__(self, request: Request) -> None:
        """Count the request. Raises a 429 problem beyond the limit."""
        await self._rates.of_network(request, hashlib.sha256(_network(request).encode()).hexdigest()[:32])


def _network(request: Request) -> str:
    """The address that a request comes from, of IPv6 the network that one client has."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "?"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network(f"{address}/{32 if address.version == 4 else 64}", strict=False))


def _headers(rates: Mapping[str, Rate], used: Mapping[str, tuple[int, int]]) -> list[tuple[bytes, bytes]]:
    policy = ", ".join(f'"{rate.name}";q={rate.quota};w={rate.seconds}' for rate in rates.values())
    state = ", ".join(
        f'"{name}";r={max(0, rates[name].quota - count)};t={left}' for name, (count, left) in used.items()
    )
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class RateHeaders:
    """Puts what was counted on the answer, whatever the answer is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            counted: Any = scope.get("state", {}).get("rates")
            if message["type"] == "http.response.start" and counted:
                message["headers"] = [*message["headers"], *counted]
            await send(message)

        await self._app(scope, receive, sent)


def _too_many(rate: Rate, left: int, *, reads: bool) -> Problem:
    daily = rate.seconds >= 86_400
    window = "jour" if daily else f"{rate.seconds} secondes"
    verb = "lire" if reads else "écrire"
    instead = (
        "Pour suivre beaucoup de factures, demandez la liste ou le rapport du flux plutôt que chacune."
        if reads
        else "Rien n'a été enregistré. Pour beaucoup de factures à la fois, déposez un flux."
    )
    return Problem(
        429,
        "QUOTA_EXHAUSTED" if daily else "RATE_LIMITED",
        "Quota du jour atteint" if daily else "Trop de demandes",
        f"Vous pouvez {verb} {rate.quota} fois par {window} : recommencez dans {left} secondes. {instead}",
        headers={"Retry-After": str(left)},
    )
