"""The figures out of the windows, for tenants or the whole platform. Connections are scoped by the caller's reach."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from invoice.clock import PARIS
from services.common.db import Connection
from services.supervision.domain import MEASURES, STAGES
from services.supervision.sketch import percentile
from services.supervision.sums import HOUR, LIVE
from services.supervision.views import Layout, Layouts, Rate, TimeTaken

DAY: Final = 86_400
_MINUTE: Final = 60
_SHARES: Final = (0.5, 0.95, 0.99)


async def rates(connection: Connection, tenants: Sequence[str], now: datetime) -> list[Rate]:
    """How many events of each stage: in the last whole minute (six live windows), the last hour, the last day."""
    end = floor(now, LIVE)
    rows = await connection.fetch(
        "select stage, sum(count) filter (where size = $2 and start >= $3 and start < $4)::bigint as minute,"
        " sum(count) filter (where size = $2 and start >= $5)::bigint as hour,"
        " sum(count) filter (where size = $6)::bigint as day from stage_window"
        " where tenant = any($1) and (size = $2 and start >= $5 or size = $6 and start >= $7) group by stage",
        list(tenants),
        LIVE,
        end - timedelta(seconds=_MINUTE),
        end,
        floor(now, LIVE) - timedelta(seconds=HOUR),
        HOUR,
        floor(now, HOUR) - timedelta(hours=23),
    )
    found = {row["stage"]: row for row in rows}
    return [
        Rate(
            stage=stage,
            last_minute=int(found[stage]["minute"] or 0) if stage in found else 0,
            per_second=round(int(found[stage]["minute"] or 0) / _MINUTE, 3) if stage in found else 0.0,
            last_hour=int(found[stage]["hour"] or 0) if stage in found else 0,
            last_day=int(found[stage]["day"] or 0) if stage in found else 0,
        )
        for stage in STAGES
    ]


async def times(
    connection: Connection, tenants: Sequence[str], now: datetime, *, hours: int = 1, size: int = LIVE
) -> list[TimeTaken]:
    """p50, p95 and p99 of each measure over the last hours."""
    rows = await connection.fetch(
        "select measure, bucket, sum(count)::bigint as count from time_window"
        " where tenant = any($1) and size = $2 and start >= $3 group by measure, bucket having sum(count) > 0",
        list(tenants),
        size,
        floor(now, size) - timedelta(hours=hours),
    )
    counted: dict[str, dict[int, int]] = {measure: {} for measure in MEASURES}
    for row in rows:
        counted.setdefault(row["measure"], {})[row["bucket"]] = row["count"]
    return [TimeTaken(measure=measure, **_percentiles(found)) for measure, found in counted.items()]


def _percentiles(found: dict[int, int]) -> dict[str, Any]:
    p50, p95, p99 = (percentile(found, share) for share in _SHARES)
    return {"count": sum(found.values()), "p50": _short(p50), "p95": _short(p95), "p99": _short(p99)}


def _short(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


_SINCE: Final = "from field_window where tenant = any($1) and start >= $2"
_TOLD: Final = "sum(count)::bigint as fields, coalesce(sum(count) filter (where outcome = 'kept'), 0)::bigint as kept"


async def kept(connection: Connection, tenants: Sequence[str], since: datetime) -> tuple[int, int]:
    """Of all fields since an instant: those kept as they were read, and how many there are."""
    [row] = await connection.fetch(f"select {_TOLD} {_SINCE}", list(tenants), since)
    return row["kept"], row["fields"] or 0


async def layouts(connection: Connection, tenants: Sequence[str], now: datetime, *, hours: int, limit: int) -> Layouts:
    """The share of fields kept as they were read, all together and of the ``limit`` busiest layouts."""
    since = floor(now, HOUR) - timedelta(hours=hours)
    total_kept, total = await kept(connection, tenants, since)
    rows = await connection.fetch(
        f"select supplier, source, {_TOLD} {_SINCE} group by 1, 2 having sum(count) > 0 order by 3 desc, 1, 2 limit $3",
        list(tenants),
        since,
        limit,
    )
    wrong = await _corrected(connection, tenants, since, [(row["supplier"], row["source"]) for row in rows])
    shown = [
        Layout(
            **dict(row),
            share=share(row["kept"], row["fields"]),
            corrected=wrong.get((row["supplier"], row["source"]), []),
        )
        for row in rows
    ]
    return Layouts(since=since, fields=total, kept=total_kept, share=share(total_kept, total), layouts=shown)


async def _corrected(
    connection: Connection, tenants: Sequence[str], since: datetime, shown: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[str]]:
    """The fields of these layouts that were not kept, worst first."""
    rows = await connection.fetch(
        f"select supplier, source, field {_SINCE} and outcome <> 'kept'"
        " and (supplier, source) in (select * from unnest($3::text[], $4::text[]))"
        " group by 1, 2, 3 having sum(count) > 0 order by sum(count) desc, 3",
        list(tenants),
        since,
        [supplier for supplier, _ in shown],
        [source for _, source in shown],
    )
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        found.setdefault((row["supplier"], row["source"]), []).append(row["field"])
    return found


def share(kept_fields: int, total: int) -> float | None:
    """The share to four decimals; None of nothing."""
    return round(kept_fields / total, 4) if total else None


async def stage_series(
    connection: Connection, tenants: Sequence[str], since: datetime, size: int, step: int
) -> list[tuple[datetime, str, int]]:
    """Events by stage and step of time."""
    rows = await connection.fetch(
        f"select {stepped('start', step)} as at, stage, sum(count)::bigint as count"
        " from stage_window where tenant = any($1) and size = $2 and start >= $3 group by 1, 2",
        list(tenants),
        size,
        since,
    )
    return [(row["at"], row["stage"], row["count"]) for row in rows]


async def time_series(
    connection: Connection, tenants: Sequence[str], measure: str, since: datetime, size: int, step: int
) -> dict[datetime, dict[int, int]]:
    """Buckets of a measure by step of time."""
    rows = await connection.fetch(
        f"select {stepped('start', step)} as at, bucket, sum(count)::bigint as count"
        " from time_window where tenant = any($1) and measure = $2 and size = $3 and start >= $4"
        " group by 1, 2 having sum(count) > 0",
        list(tenants),
        measure,
        size,
        since,
    )
    found: dict[datetime, dict[int, int]] = {}
    for row in rows:
        found.setdefault(row["at"], {})[row["bucket"]] = row["count"]
    return found


def stepped(column: str, seconds: int) -> str:
    """:func:`floor` of a column, in SQL."""
    if seconds == DAY:
        return f"date_trunc('day', {column}, 'Europe/Paris')"
    return f"to_timestamp(floor(extract(epoch from {column}) / {seconds}) * {seconds})"


def floor(at: datetime, seconds: int) -> datetime:
    """The start of the window in which an instant lies; a day is one of Paris, as everywhere on the platform."""
    if seconds == DAY:
        return at.astimezone(PARIS).replace(hour=0, minute=0, second=0, microsecond=0)
    return datetime.fromtimestamp(int(at.timestamp() // seconds) * seconds, UTC)
