"""How long originals are kept: terms held as data, per kind of body (data/retention.yaml)."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from invoice import packaged
from invoice.kinds import KINDS


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``years`` are counted from the end of the year of the deposit, ``months`` from its day."""

    ground: str
    years: int = 0
    months: int = 0


def _load() -> Mapping[str, Term]:
    """Raises ValueError for a kind that there is not, or whose originals would not be kept at all."""
    found = msgspec.convert(packaged.load("retention.yaml"), dict[str, Term])
    for kind, each in found.items():
        if kind not in (*KINDS, "default", "refused") or (each.years < 1 and kind != "refused"):
            raise ValueError(f"retention.yaml: {kind}")
    return found


TERMS = _load()


def term(kind: str | None) -> Term:
    """The term of a body of this kind."""
    return TERMS.get(kind or "default", TERMS["default"])


def kept_until(deposited: date, kind: str | None) -> date:
    """The last day on which the original of an accepted invoice must be there."""
    return date(deposited.year + term(kind).years, 12, 31)


def first_free_day(deposited: date, kind: str | None) -> date:
    """From when on the original of an accepted invoice may be deleted."""
    return kept_until(deposited, kind) + timedelta(days=1)


def refused_first_free_day(refused: date) -> date:
    """From when on a deposit that was refused may be deleted: so many months later, the day after the same day."""
    months = refused.year * 12 + refused.month - 1 + TERMS["refused"].months
    year, month = divmod(months, 12)
    day = min(refused.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day) + timedelta(days=1)
