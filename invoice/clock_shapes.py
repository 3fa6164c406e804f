"""What the payment delay is computed from, and what it comes to. :mod:`invoice.clock` says how."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from invoice.policies import Kind

PARIS: Final = ZoneInfo("Europe/Paris")
#: How long the notice may take to be accepted before the day of the portal counts (decisions.md 18).
NOTICE_PATIENCE: Final = timedelta(hours=24)
#: Days that a validator has to answer (R2193-12).
VALIDATOR_DAYS: Final = 15
#: The new delay that the reception of the pieces opens (R2192-29).
NEW_DELAY_DAYS: Final = 30
#: Days after the payment of the principal in which interest and indemnity are paid (R2192-36).
SETTLEMENT_DAYS: Final = 45

State = Literal["not_started", "running", "interrupted", "stopped", "closed"]
Proof = Literal["notice", "portal", "service_done", "agreement", "tacit", "moe"]
NothingDue = Literal["already_paid", "credit_note"]


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something in the invoice's history. ``entry``: its number there, which is the order; ``at``: an aware instant."""

    entry: int
    at: datetime


class Entered(_Event, frozen=True, kw_only=True, tag=True):
    """The invoice entered a status. ``structure``: the recipient's SIRET, with *mise à disposition*."""

    status: str
    structure: str | None = None


class Noticed(_Event, frozen=True, kw_only=True, tag=True):
    """A relay accepted the notice to the body. ``about``: the entry of the *mise à disposition* that it tells of."""

    about: int


class NoticeOverdue(_Event, frozen=True, kw_only=True, tag=True):
    """No notice had been accepted 24 hours after the *mise à disposition* (decisions.md 18)."""


class ServiceDone(_Event, frozen=True, kw_only=True, tag=True):
    """The body attests that the delivery was made on a day. The last one counts."""

    done_on: date


class FileStarted(_Event, frozen=True, kw_only=True, tag=True):
    """An earlier piece of the billing file had started the delay: ``on``, with its proof (its own clock's)."""

    on: date
    proof: Literal["moe", "agreement", "tacit"] = "moe"


class Admitted(_Event, frozen=True, kw_only=True, tag=True):
    """The body admits part of the amount; the rest waits for an agreement (R2192-34)."""

    amount: Decimal


class Settled(_Event, frozen=True, kw_only=True, tag=True):
    """The disagreement has ended: ``amount`` is due in all, from the beginning (R2192-34)."""

    amount: Decimal


class Paid(_Event, frozen=True, kw_only=True, tag=True):
    """Money was paid on a day. ``amount`` None: all the rest. ``final``: nothing more will come."""

    paid_on: date
    amount: Decimal | None = None
    final: bool = True


ClockEvent = Entered | Noticed | NoticeOverdue | ServiceDone | FileStarted | Admitted | Settled | Paid


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What does not happen but is: length in days, whose invoice, the amount, what the body reports.

    ``payment_reported`` False: *mise en paiement* will not be told, and the supplier is told so from the first day.
    ``nothing_due``: an invoice already paid and a credit note have no payment delay. Made by
    :mod:`invoice.clock_terms`.
    """

    days: int = 30
    kind: Kind = "simple"
    payable: Decimal = Decimal(0)
    currency: str = "EUR"
    recycling_restarts_delay: bool = True
    payment_reported: bool | None = None
    nothing_due: NothingDue | None = None


class Payment(msgspec.Struct, frozen=True):
    """An amount and the day on which it was paid; ``amount`` None: all that was left."""

    paid_on: date
    amount: Decimal | None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the clock's story. ``code`` is a key of ``data/clock.yaml``; ``day`` the legal day; French texts.

    ``ours``: the rule is the platform's, where the law is silent. ``due_on``: the end of the delay as of this step.
    """

    entry: int
    at: datetime
    day: date
    code: str
    label: str
    article: str
    ours: bool
    text: str
    due_on: date | None


class Remark(msgspec.Struct, frozen=True):
    """What the supplier must know whatever the day: a stable code and a French sentence."""

    code: str
    text: str


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """The delay as it stands. Days are legal days (Paris).

    ``started_on`` and ``proof``: since when and by what; ``days``: the length in force (that of the new delay after an
    interruption); ``due_on``: the last day of payment in time. ``balance``: days left when it was interrupted.
    ``due``: what is due for sure, ``disputed``: what waits for an agreement; ``payments`` in their order.
    """

    state: State
    terms: Terms
    days: int
    started_on: date | None = None
    proof: Proof | None = None
    due_on: date | None = None
    interrupted_on: date | None = None
    completed_on: date | None = None
    balance: int | None = None
    paid_on: date | None = None
    due: Decimal = Decimal(0)
    disputed: Decimal = Decimal(0)
    payments: tuple[Payment, ...] = ()
    steps: tuple[Step, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def days_late(self, on: date) -> int:
        """Days past the end of the delay: to the payment, that day included, or to ``on`` while it has not come."""
        if self.due_on is None or self.state in ("closed", "interrupted", "not_started"):
            return 0
        until = on if self.paid_on is None else min(on, self.paid_on)
        return max(0, (until - self.due_on).days)

    def days_left(self, on: date) -> int | None:
        """Days until the end of the delay, negative when it is past; None while none runs."""
        return (self.due_on - on).days if self.state == "running" and self.due_on is not None else None

    def settle_by(self) -> date | None:
        """The last day on which interest and indemnity are paid in time (R2192-36); None before the payment."""
        return None if self.paid_on is None else self.paid_on + timedelta(days=SETTLEMENT_DAYS)


def paris_day(instant: datetime) -> date:
    """The legal day of an aware instant."""
    return instant.astimezone(PARIS).date()
