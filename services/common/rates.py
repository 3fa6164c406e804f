"""How often a client may ask a service: one row a client and limit in the database, so that all instances count alike.

Reading and writing are counted apart: who looks too often is not kept from writing. Each service counts for itself.

The answers carry ``RateLimit-Policy`` and ``RateLimit`` (IETF draft *RateLimit header fields for HTTP*), also where
they are refusals; beyond a limit it is a 429 with ``Retry-After``.
"""

import asyncio
import hashlib
import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import asyncpg
import msgspec
from fastapi import Request

from services.common.db import Pool
from services.common.in_time import in_time
from services.common.loops import every
from services.common.principal import SERVICE, Principal
from services.common.problems import LIMITED
from services.common.settings import ServiceSettings
from services.common.web import Problem

#: How long the database may take to count; a request that it does not count is a 503.
COUNT_SECONDS: Final = 10.0
_SWEEP_SECONDS: Final = 600.0
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DAY: Final = 86_400
#: Two statements that wait for one row: the second's ``now()`` may be before the window that the first began.
_COUNT: Final = (
    "insert into rate_window as r (subject, name, seconds, started_at, used)"
    " select subject, name, seconds, now(), used"
    "  from unnest($1::text[], $2::text[], $3::int[], $4::int[]) t(subject, name, seconds, used) order by 1, 2"
    " on conflict (subject, name) do update set seconds = excluded.seconds,"
    "  used = case when r.started_at + make_interval(secs => excluded.seconds) <= now() then excluded.used"
    "   else r.used + excluded.used end,"
    "  started_at = case when r.started_at + make_interval(secs => excluded.seconds) <= now() then now()"
    "   else r.started_at end"
    " returning subject, name, used,"
    "  least(seconds, ceil(extract(epoch from started_at + make_interval(secs => seconds) - now())))::int as left"
)
#: Whoever counts in such a row now is not waited for, so that nobody waits for the sweep in turn.
_SWEEP: Final = (
    "delete from rate_window where (subject, name) in (select subject, name from rate_window"
    " where started_at + make_interval(secs => seconds) <= now() for update skip locked)"
)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """So many requests in so many seconds."""

    name: str
    quota: int
    seconds: int


class Place(msgspec.Struct, frozen=True):
    """Which one a request is in its window, counted from 1, and the seconds that are left of the window."""

    number: int
    left: int


class _Asked(msgspec.Struct, frozen=True):
    subject: str
    rates: Sequence[Rate]
    places: asyncio.Future[Mapping[str, Place]]


class Rates:
    """The limits of one service. ``seconds``: how long the database may take to count.

    One statement is under way at a time; those who ask meanwhile are counted together by the next one. So a request
    waits for one round trip, under load for part of two, and many cost the database little more than one.
    """

    def __init__(self, pool: Pool, settings: ServiceSettings, *, seconds: float = COUNT_SECONDS) -> None:
        """``pool`` is the worker's: nobody who asks may touch the counts."""
        self._pool, self._seconds = pool, seconds
        self._writes = (
            Rate(name="minute", quota=settings.writes_each_minute, seconds=60),
            Rate(name="jour", quota=settings.writes_each_day, seconds=_DAY),
        )
        self._reads = (Rate(name="lecture", quota=settings.reads_each_minute, seconds=60),)
        self._waiting: list[_Asked] = []
        self._counting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Forget windows that are over, until cancelled."""
        await every(_SWEEP_SECONDS, self.sweep, "rates.sweep_failed")

    async def sweep(self) -> None:
        """Forget windows that are over: nothing is kept of anybody for longer than its window."""
        await self._pool.execute(_SWEEP)

    async def of_client(self, request: Request, principal: Principal) -> None:
        """Count a request of somebody known; services of the platform have no limit. Raises a 429 problem beyond."""
        if SERVICE in principal.roles:
            return
        reads = request.method in _READS
        await self._ask(request, principal.subject, self._reads if reads else self._of(principal), reads=reads)

    async def of_network(self, request: Request) -> None:
        """Count a request of nobody known, as reading, by its network: its hash, so that no address is kept."""
        network = hashlib.sha256(_network(request).encode()).hexdigest()[:32]
        await self._ask(request, f"@{network}", self._reads, reads=True)

    async def _ask(self, request: Request, subject: str, rates: Sequence[Rate], *, reads: bool) -> None:
        places = await self._counted(subject, rates)
        request.state.rates = _headers(rates, places)
        for rate in rates:
            if places[rate.name].number > rate.quota:
                raise _too_many(rate, places[rate.name].left, reads=reads)

    def _of(self, principal: Principal) -> Sequence[Rate]:
        """The platform's limits on writing, or those that this client was given by the portal."""
        own = {60: principal.writes_each_minute, _DAY: principal.writes_each_day}
        if own == {60: None, _DAY: None}:
            return self._writes
        return [
            rate if (quota := own[rate.seconds]) is None else msgspec.structs.replace(rate, quota=quota)
            for rate in self._writes
        ]

    async def _counted(self, subject: str, rates: Sequence[Rate]) -> Mapping[str, Place]:
        asked = _Asked(subject, rates, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count_waiting())
        return await asked.places

    async def _count_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                rows = await in_time(self._seconds, self._count(batch))
            except Exception as error:
                for asked in batch:
                    if not asked.places.done():
                        asked.places.set_exception(error)
            else:
                _give(batch, rows)

    async def _count(self, batch: Iterable[_Asked]) -> list[asyncpg.Record]:
        """One statement, and its own transaction: an unlogged table makes no commit wait for the disk."""
        counts = Counter((asked.subject, rate.name, rate.seconds) for asked in batch for rate in asked.rates)
        columns = zip(*counts, strict=True)
        return await self._pool.fetch(_COUNT, *(list(column) for column in columns), list(counts.values()))


async def by_network(request: Request) -> None:
    """FastAPI dependency of a route without a token: as much as one client may read. Raises a 429 problem beyond."""
    rates: Rates | None = getattr(request.app.state, "rates", None)
    if rates is not None:
        await rates.of_network(request)


LIMITED.add(by_network)


def _give(batch: Sequence[_Asked], rows: Iterable[asyncpg.Record]) -> None:
    """Each its own number: the last that asked has that of the row."""
    counted = {(row["subject"], row["name"]): Place(row["used"], max(1, row["left"])) for row in rows}
    behind: Counter[tuple[str, str]] = Counter()
    for asked in reversed(batch):
        places: dict[str, Place] = {}
        for key in [(asked.subject, rate.name) for rate in asked.rates]:
            places[key[1]] = Place(counted[key].number - behind[key], counted[key].left)
            behind[key] += 1
        if not asked.places.done():
            asked.places.set_result(places)


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


def _headers(rates: Sequence[Rate], places: Mapping[str, Place]) -> list[tuple[bytes, bytes]]:
    policy = ", ".join(f'"{rate.name}";q={rate.quota};w={rate.seconds}' for rate in rates)
    state = ", ".join(
        f'"{rate.name}";r={max(0, rate.quota - places[rate.name].number)};t={places[rate.name].left}' for rate in rates
    )
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


def _too_many(rate: Rate, left: int, *, reads: bool) -> Problem:
    daily = rate.seconds >= _DAY
    window = "jour" if daily else f"{rate.seconds} secondes"
    verb = "lire" if reads else "écrire"
    instead = (
        "Pour suivre beaucoup de factures, demandez une liste ou un rapport plutôt que chacune."
        if reads
        else "Rien n'a été enregistré. Pour beaucoup de factures à la fois, déposez un flux ou agissez par lot."
    )
    return Problem(
        429,
        "QUOTA_EXHAUSTED" if daily else "RATE_LIMITED",
        "Quota du jour atteint" if daily else "Trop de demandes",
        f"Vous pouvez {verb} {rate.quota} fois par {window} : recommencez dans {left} secondes. {instead}",
        headers={"Retry-After": str(left)},
    )
