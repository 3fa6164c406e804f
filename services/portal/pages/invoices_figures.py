"""The *tableau de bord* of a space: the figures of the API as bars, each of which leads to its list."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from services.portal.pages.help_names import label
from services.portal.pages.invoices_spaces import Space
from services.portal.pages.words import Words

_FULL: Final = 1000
#: As the API's synthesis counts them.
SOON_DAYS: Final = 5


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One row: ``width`` in thousandths of the longest; ``path`` None where no list stands behind it."""

    label: str
    count: int
    amount: str
    width: int
    path: str | None = None
    tone: str = ""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the page. ``by_service`` rows are named by structure and service."""

    day: str
    open_count: int
    by_status: tuple[Bar, ...]
    by_age: tuple[Bar, ...]
    by_delay: tuple[Bar, ...]
    by_service: tuple[tuple[str, str | None, Bar], ...]
    by_month: tuple[Bar, ...]


def board(found: Mapping[str, Any], space: Space, t: Words, service: str = "") -> Board:
    """The board of what the API's figures say. ``service``: the one that they are of: it goes along with each way."""
    services = found["by_service"]
    bars = _bars(services, lambda each: each["service"] or t("invoices.no_service"), lambda each: _at(space, each))

    def listed(query: str) -> str:
        return f"{space.path}/recherche?{query}" + (f"&{urlencode({'service': service})}" if service else "")

    return Board(
        day=found["day"],
        open_count=sum(each["count"] for each in found["by_age"]),
        by_status=_bars(found["by_status"], lambda e: _named(e, t), lambda e: listed(urlencode({"status": e["code"]}))),
        by_age=_bars(found["by_age"], lambda e: _age(e, t), lambda e: listed(since(e))),
        by_delay=_bars(found["by_delay"], lambda e: _delay(e, t), lambda e: listed(_due(found, e)), _late),
        by_service=tuple((each["structure"], each["service"], bar) for each, bar in zip(services, bars, strict=True)),
        by_month=_bars(found["by_month"], lambda e: _month(e["month"]), lambda e: _in_month(space, e["month"])),
    )


def _bars(rows: Sequence[Mapping[str, Any]], label: Any, path: Any, tone: Any = lambda row: "") -> tuple[Bar, ...]:
    most = max((row["count"] for row in rows), default=0) or 1
    return tuple(
        Bar(
            label=label(row),
            count=row["count"],
            amount=str(row["amount"]),
            width=max(round(_FULL * row["count"] / most), 4 if row["count"] else 0),
            path=path(row) if row["count"] else None,
            tone=tone(row),
        )
        for row in rows
    )


def _path(space: Space, **asked: object) -> str:
    return f"{space.path}/recherche?{urlencode(asked)}"


def _at(space: Space, row: Mapping[str, Any]) -> str:
    if row["service"]:
        return _path(space, service=f"{row['structure']}/{row['service']}")
    return _path(space, structure=row["structure"])


def _named(row: Mapping[str, Any], t: Words) -> str:
    return label(row["code"], t.language, row["label"])


def _age(row: Mapping[str, Any], t: Words) -> str:
    if row["days_to"] is None:
        return t("invoices.age_more", days=row["days_from"])
    return t("invoices.age_between", low=row["days_from"], high=row["days_to"])


def since(row: Mapping[str, Any]) -> str:
    """What the list is asked of those that are so many days in their status: a range of days, both ends included."""
    low, high = row["days_from"], row["days_to"]
    ends = {"unchanged_days": low or None, "unchanged_under": None if high is None else high + 1}
    return urlencode({name: days for name, days in ends.items() if days is not None})


def _delay(row: Mapping[str, Any], t: Words) -> str:
    low, high = row["days_from"], row["days_to"]
    if low is None:
        return t("invoices.delay_very_late", days=-high - 1)
    if high is None:
        return t("invoices.delay_far", days=low)
    if high < 0:
        return t("invoices.delay_late", days=-low)
    return t("invoices.delay_soon", low=low, high=high)


def _due(found: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    return due(found["day"], row["days_from"], row["days_to"])


def due(day: str, low: int | None, high: int | None) -> str:
    """What the list is asked of those whose last day to pay is so far from ``day``, both ends included; None: open."""
    ends = {"due_from": low, "due_to": high}
    days = {name: date.fromisoformat(day) + timedelta(days=far) for name, far in ends.items() if far is not None}
    return urlencode({**days, "sort": "due"})


def soon(found: Mapping[str, Any] | None) -> str:
    """The same of those that a synthesis counts as due soon."""
    return due(found["day"], 0, SOON_DAYS) if found else ""


def _late(row: Mapping[str, Any]) -> str:
    return "late" if row["days_to"] is not None and row["days_to"] < 0 else ""


def _month(day: str) -> str:
    found = date.fromisoformat(day)
    return f"{found:%m/%Y}"


def _in_month(space: Space, day: str) -> str:
    first = date.fromisoformat(day).replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return _path(space, deposited_from=first.isoformat(), deposited_to=last.isoformat())
