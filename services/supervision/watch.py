"""Looks at Kafka and at the other services every second, and keeps a point of the curves every few."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from contracts.registry import SERVICES
from services.common import telemetry
from services.common.db import Pool, scoped
from services.common.loops import tried
from services.supervision import metrics, store, windows
from services.supervision.lag import Behind, Lag, LagUnknown
from services.supervision.neighbours import Neighbours, Seen
from services.supervision.sums import ALL, HOUR

_SWEEP_SECONDS: Final = 300.0
#: What is not known, or was not measured: no number, so that nobody reads it as none.
_UNKNOWN: Final = float("nan")
_SAMPLE: Final = (
    "insert into sample (at, service, unread, oldest_unread_seconds, outbox, outbox_seconds, waiting, dead_letters)"
    " select to_timestamp($1::bigint), * from unnest($2::text[], $3::bigint[], $4::float8[], $5::bigint[],"
    " $6::float8[], $7::bigint[], $8::bigint[]) on conflict do nothing"
)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen last: of Kafka (``at`` 0: nothing yet) and of the services."""

    at: float = 0.0
    behind: Mapping[str, Behind] = {}
    seen: Mapping[str, Seen] = {}


class Watch:
    """Every instance looks by itself; of points of the curves the first one written stays."""

    def __init__(
        self, pool: Pool, api_pool: Pool, lag: Lag, neighbours: Neighbours, every: float, sample_seconds: int
    ) -> None:
        self._pool, self._api_pool = pool, api_pool
        self._lag, self._neighbours = lag, neighbours
        self._every, self._sample = every, sample_seconds
        self._sampled = 0
        self._fields_at = float("-inf")
        self._swept = float("-inf")
        self.last = Look()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await tried(self.look, "watch.failed")
            await tried(self._keep, "watch.failed")
            if time.monotonic() - self._swept > _SWEEP_SECONDS:
                self._swept = time.monotonic()
                await tried(self.sweep, "sweep.failed")
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Once: what is behind, what the services say, and the gauges of both."""
        behind: Mapping[str, Behind] = self.last.behind
        at = self.last.at
        try:
            behind, at = await self._lag.read(), time.time()
        except LagUnknown as error:
            telemetry.logger().warning("lag.unknown", error=str(error))
        self.last = Look(at=at, behind=behind, seen=await self._neighbours.look())
        self._measure()
        await self._measure_windows()

    async def sweep(self) -> None:
        """Forget what is too old."""
        await store.sweep(self._pool)

    def _measure(self) -> None:
        now = time.time()
        for service, behind in self.last.behind.items():
            metrics.UNREAD.labels(service).set(behind.unread)
            metrics.OLDEST.labels(service).set(age(behind, now) or 0.0)
        metrics.DEAD.clear()
        for service, seen in self.last.seen.items():
            metrics.AWAY.labels(service).set(seen.away)
            for measured, number in (
                (metrics.OUTBOX, seen.outbox),
                (metrics.OUTBOX_AGE, seen.outbox_seconds),
                (metrics.WAITING, seen.waiting),
                (metrics.WAITING_AGE, seen.waiting_seconds),
            ):
                measured.labels(service).set(_UNKNOWN if seen.away else number)
            for reason, count in seen.dead.items():
                metrics.DEAD.labels(service, reason).set(count)
        status = self.last.seen.get("status", Seen())
        for gauge, found in ((metrics.INVOICES, status.invoices), (metrics.RISK, status.risk)):
            gauge.clear()
            for label, count in found.items():
                gauge.labels(label).set(count)
        metrics.INTEREST.clear()
        for part, euros in status.interest.items():
            metrics.INTEREST.labels(part).set(euros)

    async def _measure_windows(self) -> None:
        async with scoped(self._api_pool, {"reach": ALL}) as connection:
            now = store.now()
            for rate in await windows.rates(connection, (ALL,), now):
                metrics.STAGE_MINUTE.labels(rate.stage).set(rate.last_minute)
                metrics.STAGE_HOUR.labels(rate.stage).set(rate.last_hour)
            for found in await windows.times(connection, (ALL,), now):
                for quantile, seconds in (("0.5", found.p50), ("0.95", found.p95), ("0.99", found.p99)):
                    metrics.TIME.labels(found.measure, quantile).set(_UNKNOWN if seconds is None else seconds)
            if time.monotonic() - self._fields_at >= self._sample:  # a sum over every field of a day
                kept = await windows.kept(connection, (ALL,), windows.floor(now, HOUR) - timedelta(hours=24))
                share = windows.share(*kept)
                metrics.FIELDS.set(_UNKNOWN if share is None else share)
                self._fields_at = time.monotonic()

    async def _keep(self) -> None:
        now = time.time()
        slot = int(now // self._sample) * self._sample
        if slot == self._sampled or not self.last.at:
            return
        rows = []
        for service in SERVICES:
            behind, seen = self.last.behind.get(service), self.last.seen.get(service)
            known = seen if seen is not None and not seen.away else None
            rows.append(
                (
                    service,
                    behind.unread if behind else None,
                    age(behind, now) if behind else None,
                    known.outbox if known else None,
                    known.outbox_seconds if known else None,
                    known.waiting if known else None,
                    sum(known.dead.values()) if known else None,
                )
            )
        await self._pool.execute(_SAMPLE, slot, *(list(column) for column in zip(*rows, strict=True)))
        self._sampled = slot


def age(behind: Behind, now: float) -> float | None:
    """Seconds since the oldest unread record was written; None where everything is read."""
    return max(0.0, now - behind.oldest.timestamp()) if behind.oldest is not None else None
