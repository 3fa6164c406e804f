"""The legal payment delay of one invoice, as a fold over what happened to it. Code de la commande publique.

* Start: the day (Paris) on which the e-mail that tells the body of the invoice was accepted (R2192-15; which e-mail,
  and what counts when none is accepted within 24 hours: decisions.md 18); the day of execution when later (R2192-13);
  for sub-contractors the validator's agreement, or the end of his 15 days (R2192-22, R2192-23, R2193-12, R2193-13); for
  works the reception by the maître d'œuvre (R2192-12), for the balance that of the general account (R2192-16).
* Length: 30, 50 or 60 days by kind of body, or less by contract (L2192-10, R2192-10, R2192-11).
* Interrupted once, before ordonnancement only (R2192-27), notified with its reasons (R2192-28); reception of the pieces
  opens a new delay of 30 days, or the balance if that is more (R2192-29). A suspension lifted without new pieces leaves
  it as it was (decisions.md 17); recycling lets it run on, or starts it anew at another structure (decisions.md 2).
* Rejection closes it; what is rejected earns no interest. Admitted sums are due, the rest waits (R2192-34).

Interest and indemnity: :mod:`invoice.interest`.
"""

from collections.abc import Iterable

from invoice.clock_fold import Run, order
from invoice.clock_shapes import (
    NEW_DELAY_DAYS,
    NOTICE_PATIENCE,
    PARIS,
    SETTLEMENT_DAYS,
    VALIDATOR_DAYS,
    Admitted,
    Clock,
    ClockEvent,
    Entered,
    FileStarted,
    Noticed,
    NoticeOverdue,
    Paid,
    Payment,
    Remark,
    ServiceDone,
    Settled,
    State,
    Step,
    Terms,
    paris_day,
)

__all__ = [
    "NEW_DELAY_DAYS",
    "NOTICE_PATIENCE",
    "PARIS",
    "SETTLEMENT_DAYS",
    "VALIDATOR_DAYS",
    "Admitted",
    "Clock",
    "ClockEvent",
    "Entered",
    "FileStarted",
    "NoticeOverdue",
    "Noticed",
    "Paid",
    "Payment",
    "Remark",
    "ServiceDone",
    "Settled",
    "State",
    "Step",
    "Terms",
    "clock",
    "paris_day",
]


def clock(events: Iterable[ClockEvent], terms: Terms) -> Clock:
    """Fold what happened into the delay. The order of ``events`` and repeats of one do not matter.

    ``entry`` says the order; one entry of the history may give a status and what came with it (a payment, a service
    fait), which are two events with one number: the status goes first.
    """
    run = Run(terms)
    seen: set[tuple[int, int]] = set()
    for event in sorted(events, key=order):
        if order(event) not in seen:
            seen.add(order(event))
            run.take(event)
    return run.clock()
