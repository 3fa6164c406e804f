"""What a list of invoices is asked for, and which statuses that leaves. Pure."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

import msgspec

from invoice.lifecycle import ACTORS, STATUSES, turn

Sort = Literal["recent", "due"]
#: As whom one looks: issued by one's own structures, received by one's own body or service, to validate, of works.
Side = Literal["issued", "received", "to_validate", "works"]
#: Statuses that an invoice can have; those of a preparation belong to deposits.
SHOWN: Final = tuple(code for code, status in STATUSES.items() if status.group != "preparation")
#: Those in which somebody still has to act.
OPEN: Final = tuple(code for code in SHOWN if not STATUSES[code].terminal)
#: More words than these are not looked for.
MAX_WORDS: Final = 6


class After(msgspec.Struct, frozen=True):
    """The last invoice of the page before: its place in the order asked for, and its id."""

    place: datetime | date
    invoice: UUID


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Every condition is optional and all hold together. Amounts are net to pay; days are Paris days.

    ``service`` is a service's code, or ``siret/code``. ``unchanged_days``: in the same status for so many days at
    least, ``unchanged_under``: for fewer than so many; days of the calendar, as figures count them. ``due_within``: to
    be paid within so many days, or late. ``late``: the last day to pay has passed. ``due_from`` and ``due_to``: the
    last day to pay, both included. ``side``: None for all that may be seen. ``file``: the pieces of one works file.
    """

    number: str | None = None
    supplier: str | None = None
    structure: str | None = None
    service: str | None = None
    engagement: str | None = None
    market: str | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    since: datetime | None = None
    until: datetime | None = None
    issued_from: date | None = None
    issued_to: date | None = None
    status: tuple[str, ...] = ()
    turn: str | None = None
    unchanged_days: int | None = None
    unchanged_under: int | None = None
    late: bool = False
    due_within: int | None = None
    due_from: date | None = None
    due_to: date | None = None
    words: tuple[str, ...] = ()
    side: Side | None = None
    file: UUID | None = None
    sort: Sort = "recent"
    after: After | None = None

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses in which an invoice can meet the conditions."""
        found = self.status or SHOWN
        if self.turn is not None:
            found = tuple(code for code in found if code in waiting_for(self.turn))
        days = (self.due_within, self.due_from, self.due_to, self.unchanged_days, self.unchanged_under)
        if self.late or self.sort == "due" or any(each is not None for each in days):
            found = tuple(code for code in found if code in OPEN)
        return found

    def due_before(self, today: date) -> date | None:
        """Lateness as a day: the last day to pay lies before it."""
        if self.late:
            return today
        return None if self.due_within is None else today + timedelta(days=self.due_within + 1)


def waiting_for(actor: str) -> tuple[str, ...]:
    """The statuses in which it is this actor's turn. ``actor`` is a code of ``lifecycle.yaml``."""
    return tuple(code for code in SHOWN if turn(code) == actor)


def is_actor(code: str) -> bool:
    """Whether somebody can be waited for under this code."""
    return code in ACTORS
