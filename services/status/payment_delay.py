"""When the payment delay starts and ends (decisions.md 18, chorus-pro.md 13). Pure."""

from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

PARIS: Final = ZoneInfo("Europe/Paris")
#: Local bodies pay within 30 days (L2192-10, R2192-10; chorus-pro.md 13).
PAYMENT_DAYS: Final = 30
#: How long the notice may take to be accepted before the day of the portal counts (decisions.md 18).
NOTICE_PATIENCE: Final = timedelta(hours=24)


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """When the payment delay started: the legal day (Paris), the instant, and what proves it.

    ``notice``: a relay accepted the notice to the body. ``portal``: none had after 24 hours, so the day on which the
    invoice could be seen counts; that is our rule, not the law's (decisions.md 18).
    """

    started_on: date
    started_at: datetime
    source: Literal["notice", "portal"]


def paris_day(instant: datetime) -> date:
    """The legal day of an aware instant."""
    return instant.astimezone(PARIS).date()


def delay_after_notice(available_at: datetime, accepted_at: datetime, current: Delay | None) -> Delay:
    """The start of the delay once a notice to the body is known to have been accepted (decisions.md 18).

    The first acceptance counts, in whatever order the acceptances become known; one that came after 24 hours finds
    the delay already running from the day of the portal.
    """
    if accepted_at > available_at + NOTICE_PATIENCE:
        return current or delay_without_notice(available_at)
    if current is not None and current.source == "notice" and current.started_at <= accepted_at:
        return current
    return Delay(started_on=paris_day(accepted_at), started_at=accepted_at, source="notice")


def delay_without_notice(available_at: datetime) -> Delay:
    """The start of the delay when no notice was accepted within 24 hours (decisions.md 18)."""
    return Delay(started_on=paris_day(available_at), started_at=available_at, source="portal")


def due_on(started_on: date) -> date:
    """The last day on which the body pays in time (L2192-10)."""
    return started_on + timedelta(days=PAYMENT_DAYS)
