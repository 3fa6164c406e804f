"""When mail to one address is gathered instead of sent one by one (decisions.md 13). Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final

import msgspec

from services.notify.domain import PARIS, Gathering, Message
from services.notify.matrix import Cadence

#: How long a count of mails to an address runs before it begins again.
WINDOWS: Final[dict[Gathering, timedelta]] = {"notice": timedelta(minutes=1), "flood": timedelta(hours=1)}
#: Digests leave at this hour in Paris, weekly ones on Mondays.
DIGEST_HOUR: Final = 7


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How many mails an address gets before they are gathered, and for how long they then wait.

    ``digest_seconds``: digests leave so soon instead of the next morning (demonstrations and tests).
    """

    notices_a_minute: int = 10
    gather_seconds: float = 60.0
    optional_an_hour: int = 10
    digest_seconds: float | None = None


class Window(msgspec.Struct, frozen=True):
    """The mails to an address since ``opened_at``, those being written now included."""

    opened_at: datetime
    mails: int


class Place(msgspec.Struct, frozen=True):
    """Where a message begins: sent at once (``gathering`` None), or held with others until ``due_at``."""

    gathering: Gathering | None
    due_at: datetime


def window_of(message: Message, cadence: Cadence) -> Gathering | None:
    """The count that a message sent at once belongs to; None for one that waits for a digest anyway."""
    if cadence != "at_once":
        return None
    return "notice" if message.legal else "flood"


def allowed(window: Window, wanted: int, limit: int) -> int:
    """How many of ``wanted`` new mails may still leave at once in this window, which counts them already."""
    return max(0, min(wanted, limit - (window.mails - wanted)))


def place(gathering: Gathering | None, now: datetime, limits: Limits, window: Window | None) -> Place:
    """Where a message begins. ``window`` is its address's for notices and floods."""
    match gathering:
        case None:
            return Place(None, now)
        case "notice":
            return Place(gathering, now + timedelta(seconds=limits.gather_seconds))
        case "flood":
            if limits.digest_seconds is not None or window is None:
                return Place(gathering, now + timedelta(seconds=limits.digest_seconds or 0))
            return Place(gathering, window.opened_at + WINDOWS["flood"])
        case "daily" | "weekly":
            if limits.digest_seconds is not None:
                return Place(gathering, now + timedelta(seconds=limits.digest_seconds))
            return Place(gathering, next_digest(now, weekly=gathering == "weekly"))


def next_digest(now: datetime, *, weekly: bool) -> datetime:
    """The next morning, or the next Monday morning, at seven in Paris; aware, in the zone of Paris."""
    local = now.astimezone(PARIS)
    day = local.date() if local.hour < DIGEST_HOUR else local.date() + timedelta(days=1)
    if weekly:
        day += timedelta(days=-day.weekday() % 7)
    return datetime.combine(day, time(DIGEST_HOUR), PARIS)


def monday(instant: datetime) -> str:
    """The Monday of the week of an instant in Paris, as an ISO date."""
    day = instant.astimezone(PARIS).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def places(
    wanted: Sequence[tuple[Message, Cadence]],
    windows: Mapping[tuple[str, Gathering], Window],
    now: datetime,
    limits: Limits,
) -> list[Place]:
    """Where each message begins; the first of an address go at once, in their order."""
    counts = Counter((message.address, window_of(message, cadence)) for message, cadence in wanted)
    left = {key: allowed(window, counts[key], _limit(key[1], limits)) for key, window in windows.items()}
    found: list[Place] = []
    for message, cadence in wanted:
        gathering = window_of(message, cadence)
        if gathering is None:
            found.append(place("weekly" if cadence == "weekly" else "daily", now, limits, None))
            continue
        key = (message.address, gathering)
        if left[key] > 0:
            left[key] -= 1
            found.append(place(None, now, limits, None))
        else:
            found.append(place(gathering, now, limits, windows[key]))
    return found


def _limit(gathering: Gathering, limits: Limits) -> int:
    return limits.notices_a_minute if gathering == "notice" else limits.optional_an_hour
