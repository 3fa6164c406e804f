"""What each curve shows, as numbers. Streams draw the last month at most; what goes further back is status's."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import msgspec
from fastapi import Request

from services.common.db import Connection, Pool, scoped
from services.supervision import overview, store, windows, words
from services.supervision.access import Reach
from services.supervision.neighbours import Neighbours
from services.supervision.sketch import percentile
from services.supervision.sums import HOUR, LIVE
from services.supervision.views import Curve, Notice, Point, Series
from services.supervision.words import Language

_FOR_ALL: Final = ("rates", "times", "mails", "reading", "risks", "months")
_PLATFORM: Final = ("lag", "letters")
_SHOWN: Final = {
    "rates": ("received", "submitted", "routed", "available"),
    "mails": ("mail_accepted", "mail_failed"),
}
_BUSIEST: Final = 12


class Steps(NamedTuple):
    """The points of a span: how many, how far apart, and the windows that they are added up from."""

    number: int
    seconds: int
    size: int

    def points(self, now: datetime) -> list[datetime]:
        """The instants, oldest first; the last one is under way. Days begin at midnight in Paris."""
        last = windows.floor(now, self.seconds)
        return [last - timedelta(seconds=self.seconds * back) for back in range(self.number - 1, -1, -1)]


STEPS: Final = {
    "hour": Steps(61, 60, LIVE),
    "day": Steps(25, HOUR, HOUR),
    "month": Steps(31, windows.DAY, HOUR),
}


class Asked(msgspec.Struct, frozen=True):
    """Which curve, for whom, since when, in which language; ``stage``: of the stages this one alone."""

    name: str
    reach: Reach
    span: str
    language: Language
    stage: str | None = None

    @property
    def title(self) -> str:
        """Its title."""
        if self.stage is not None:
            return words.name(words.STAGES, self.stage, self.language)
        return words.name(words.TITLES, self.name, self.language)

    @property
    def steps(self) -> Steps:
        """Its points in time."""
        return STEPS[self.span]

    @property
    def since(self) -> str:
        """The span in words."""
        return words.name(words.SPANS, self.span, self.language)

    def say(self, key: str, **values: object) -> str:
        """A sentence."""
        return words.sentence(key, self.language, **values)

    def curve(self, description: str, kind: Literal["line", "bar"], series: list[Series], unit: str = "") -> Curve:
        """The curve with these numbers."""
        return Curve(name=self.name, title=self.title, description=description, unit=unit, kind=kind, series=series)


def names(reach: Reach, language: Language) -> dict[str, str]:
    """The curves that this caller may see, with their titles."""
    shown = (*_FOR_ALL, *(_PLATFORM if reach.platform else ()))
    return {name: words.name(words.TITLES, name, language) for name in shown}


async def curve(asked: Asked, request: Request, api_pool: Pool, neighbours: Neighbours) -> Curve | None:
    """The curve; None where there is none of this name for this caller, or of this stage."""
    if asked.name not in names(asked.reach, asked.language):
        return None
    if asked.stage is not None and (asked.stage not in words.STAGES or asked.name not in _SHOWN):
        return None
    if asked.name in ("risks", "months"):
        return await _of_status(asked, request, neighbours)
    async with scoped(api_pool, dict(asked.reach.scope)) as connection:
        if asked.name == "times":
            return await _times(connection, asked)
        if asked.name == "reading":
            return await _reading(connection, asked)
        if asked.name in _PLATFORM:
            return await _samples(connection, asked)
        return await _stages(connection, asked)


async def _stages(connection: Connection, asked: Asked) -> Curve:
    steps = asked.steps
    points = steps.points(store.now())
    rows = await windows.stage_series(connection, asked.reach.tenants, points[0], steps.size, steps.seconds)
    found = {(at, stage): count for at, stage, count in rows}
    series = [
        Series(
            name=words.name(words.STAGES, stage, asked.language),
            points=_points([(at, found.get((at, stage), 0)) for at in points]),
        )
        for stage in ((asked.stage,) if asked.stage is not None else _SHOWN[asked.name])
    ]
    totals = ", ".join(f"{one.name.lower()} {_total(one)}" for one in series)
    return asked.curve(asked.say("totals", span=asked.since, totals=totals), "line", series)


async def _times(connection: Connection, asked: Asked) -> Curve:
    steps = asked.steps
    points = steps.points(store.now())
    tenants = asked.reach.tenants
    found = await windows.time_series(connection, tenants, "available", points[0], steps.size, steps.seconds)
    series = [
        Series(name=label, points=_points([(at, percentile(found.get(at, {}), share)) for at in points]))
        for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    ]
    measured = sum(sum(buckets.values()) for buckets in found.values())
    return asked.curve(asked.say("times", span=asked.since, count=measured), "line", series, "s")


async def _reading(connection: Connection, asked: Asked) -> Curve:
    found = await windows.layouts(connection, asked.reach.tenants, store.now(), hours=24 * 31, limit=_BUSIEST)
    bars = [Point(at=one.supplier, value=round(100 * (one.share or 0), 1)) for one in found.layouts]
    share = asked.say("no_share")
    if found.share is not None:
        share = f"{100 * found.share:.1f} %".replace(".", "," if asked.language == "fr" else ".")
    series = [Series(name=asked.say("fields"), points=bars)]
    return asked.curve(asked.say("reading", share=share, fields=found.fields), "bar", series, "%")


async def _samples(connection: Connection, asked: Asked) -> Curve:
    column = {"lag": "unread", "letters": "dead_letters"}[asked.name]
    points = asked.steps.points(store.now())
    rows = await connection.fetch(
        f"select service, {windows.stepped('at', asked.steps.seconds)} as point, max({column}) as most"
        " from sample where at >= $1 group by 1, 2",
        points[0],
    )
    found = {(row["service"], row["point"]): row["most"] for row in rows}
    services = sorted({row["service"] for row in rows if row["most"] is not None})
    series = [
        Series(name=service, points=_points([(at, found.get((service, at))) for at in points])) for service in services
    ]
    worst = max((point.value or 0 for one in series for point in one.points), default=0)
    return asked.curve(asked.say("highest", span=asked.since, most=f"{worst:.0f}"), "line", series)


async def _of_status(asked: Asked, request: Request, neighbours: Neighbours) -> Curve:
    notices: list[Notice] = []
    wanted = "risks" if asked.name == "risks" else "figures"
    found = await overview.asked(request, asked.reach, neighbours, wanted, notices) or {}
    if asked.name == "months":
        bars = [Point(at=str(one["month"])[:7], value=one["count"]) for one in found.get("by_month", ())]
        said = asked.say("months", count=sum(int(p.value or 0) for p in bars))
        series = [Series(name=asked.say("deposited"), points=bars)]
    else:
        given: Sequence[Mapping[str, Any]] = found.get("risks", ())
        bars = [Point(at=words.name(words.RANGES, one["range"], asked.language), value=one["count"]) for one in given]
        late = next((one for one in given if one["range"] == "late"), {"interest": 0, "indemnity": 0})
        owed = {part: words.euros(late[part], asked.language) for part in ("interest", "indemnity")}
        said = asked.say("risks", **owed)
        series = [Series(name=asked.say("invoices"), points=bars)]
    return asked.curve(" ".join([said, *(notice.text for notice in notices)]), "bar", series)


def _points(found: Sequence[tuple[datetime, float | int | None]]) -> list[Point]:
    return [Point(at=at.astimezone(UTC).isoformat().replace("+00:00", "Z"), value=value) for at, value in found]


def _total(series: Series) -> int:
    return int(sum(point.value or 0 for point in series.points))
