"""The table of timers as a page for people: ``python -m services.status.timers_page > docs/timers.md``."""

import sys
from collections.abc import Iterator

from services.status.timers import TIMERS, TimerRow

_HEAD = """# Timers

Written by `python -m services.status.timers_page` from `services/status/timers.yaml`.

What the platform does by itself when nobody does anything. A timer is a row of status' own PostgreSQL (`timer`), set
and cancelled in the transaction of the entry that starts or ends it. Nobody has to remember that: the timers of an
invoice follow from the invoice as it stands (`services/status/timers.py`, pure), and whoever writes an entry makes the
timers that it has those that it should have (`timer_store.py`, called by `writing.write`).

* **Once, whatever is killed.** A timer fires in one transaction with its effects, under the invoice's lock: the mark
  *fired*, the entry, the event. A process killed in the middle leaves none of the three, and another one fires it.
  Event ids follow from the timer's id, and the same cause gives the same timer, so nothing is ever told twice.
* **Late, never lost.** After an outage what has become due fires at the next look (every second), oldest first. An
  acceptance by silence found late counts from the day on which the 15 days ended, not from the day it was found.
* **Days are legal days in Paris**: *over* is midnight after the last day, which was the other's in whole; *morning* is
  08:00. *Instant*: so many hours, to the second.
* **Of a payment delay only the next step is set**; each sets the one after it. A suspension cancels it, the new day
  to pay sets others. A piece that no body has (works, validation) has none.
* **Reminders change nothing** of the invoice: they are `delay.at_risk` on `chorale.lifecycle.v1`, for whoever mails.
  None is set for a day more than 30 days back.
* The number of days of *Statut inchangé* is the tenant's to change (`policies.unchanged_days` in the directory); it
  counts from the next entry on.

| Timer | | Set in | Counted from | Days | Fires | What it does | Source |
|---|---|---|---|---|---|---|---|
"""
_TAIL = """
In development the time can be moved: `CHORALE_CLOCK_FILE` names a file with the seconds to add, which every service
that is given it reads whenever it asks for the time (`services/common/clock.py`). Outside development the setting is
refused. `make scenarios` plays whole lives that way.
"""
_FROM = {
    "status": "the day of the status",
    "available": "the body could see it",
    "due": "the last day to pay in time",
}


def render() -> str:
    """The page."""
    return _HEAD + "".join(f"| {' | '.join(line)} |\n" for line in _rows()) + _TAIL


def _rows() -> Iterator[tuple[str, ...]]:
    for row in TIMERS.values():
        yield f"`{row.kind}`", row.label, _set_in(row), _FROM[row.since], _length(row), row.at, _does(row), row.source


def _set_in(row: TimerRow) -> str:
    if isinstance(row.statuses, str):
        return {"waiting": "every status in which somebody is waited for", "payable": "while the delay runs"}[
            row.statuses
        ]
    where = ", ".join(f"`{status}`" for status in row.statuses) or "no payment delay has started"
    return where + (f" ({', '.join(row.cadres)})" if row.cadres else "")


def _length(row: TimerRow) -> str:
    return f"{row.hours} hours" if row.hours else f"{row.days}" + (" *" if row.policy else "")


def _does(row: TimerRow) -> str:
    match row.does:
        case "remind":
            return f"`delay.at_risk` to {', '.join(row.tells)}"
        case "move":
            return "; ".join(f"→ `{target}`" for target in dict.fromkeys(row.to.values()))
        case "start_delay":
            return "the delay starts on the day of the portal"


if __name__ == "__main__":
    sys.stdout.write(render())
