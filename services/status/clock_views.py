"""What the API says of an invoice's payment delay: the steps with their articles, what is left, what lateness costs."""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from invoice.clock import Clock
from invoice.interest import Owed, owed
from services.status.model import DelayState, Source
from services.status.words import SOURCES, STATES


class StepView(BaseModel):
    """One thing that counted: the entry of the history, the legal day, the article, what it did to the delay.

    ``platform_rule``: the rule is the platform's, where the law is silent.
    """

    entry: int
    at: datetime
    day: date
    code: str
    label: str
    article: str
    platform_rule: bool
    effect: str
    due_on: date | None


class PaymentView(BaseModel):
    """Money paid on a day; ``amount`` null: all that was left."""

    paid_on: date
    amount: Decimal | None


class InterestLine(BaseModel):
    """Interest on one base from ``first`` to ``last``, both included."""

    first: date
    last: date
    days: int
    base: Decimal
    percent: Decimal
    amount: Decimal


class InterestView(BaseModel):
    """What the body owes for its lateness on ``on``. ``provisional``: the rate of that half-year is not known yet.

    ``settle_by``: interest and indemnity are to be paid by that day (45 days after the principal).
    """

    on: date
    lines: list[InterestLine]
    interest: Decimal
    indemnity: Decimal
    total: Decimal
    percent: Decimal | None
    rate_source: str | None
    rate_verified: bool | None
    provisional: bool | None
    settle_by: date | None


class RemarkView(BaseModel):
    """What has to be known whatever the day: a stable code and a sentence."""

    code: str
    text: str


class ClockView(BaseModel):
    """The payment delay of an invoice, in legal days (Europe/Paris), as of ``on``.

    ``proof`` says what proves the start (decisions.md 18), ``proof_label`` in words. ``payment_reported`` false: the
    body does not say when it pays. ``days_left`` is negative when the delay is over; ``due`` is what is owed for sure,
    ``disputed`` what waits for an agreement.
    """

    invoice: UUID
    on: date
    state: DelayState
    state_label: str
    days: int
    started_on: date | None
    proof: Source | None
    proof_label: str | None
    due_on: date | None
    days_left: int | None
    days_late: int
    interrupted_on: date | None
    completed_on: date | None
    balance: int | None
    paid_on: date | None
    payments: list[PaymentView]
    due: Decimal
    disputed: Decimal
    currency: str
    payment_reported: bool | None
    remarks: list[RemarkView]
    steps: list[StepView]
    interest: InterestView


def clock_view(invoice: UUID, clock: Clock, on: date, visible: Collection[int]) -> ClockView:
    """The clock in the words of the API. ``visible``: the entries of the history that the reader may see."""
    state: DelayState = "none" if clock.terms.nothing_due is not None else clock.state
    return ClockView(
        invoice=invoice,
        on=on,
        state=state,
        state_label=STATES[state],
        days=clock.days,
        started_on=clock.started_on,
        proof=clock.proof,
        proof_label=None if clock.proof is None else SOURCES[clock.proof],
        due_on=clock.due_on,
        days_left=clock.days_left(on),
        days_late=clock.days_late(on),
        interrupted_on=clock.interrupted_on,
        completed_on=clock.completed_on,
        balance=clock.balance,
        paid_on=clock.paid_on,
        payments=[PaymentView(paid_on=each.paid_on, amount=each.amount) for each in clock.payments],
        due=clock.due,
        disputed=clock.disputed,
        currency=clock.terms.currency,
        payment_reported=clock.terms.payment_reported,
        remarks=[RemarkView(code=remark.code, text=remark.text) for remark in clock.remarks],
        steps=[
            StepView(
                entry=step.entry,
                at=step.at,
                day=step.day,
                code=step.code,
                label=step.label,
                article=step.article,
                platform_rule=step.ours,
                effect=step.text,
                due_on=step.due_on,
            )
            for step in clock.steps
            if step.entry in visible
        ],
        interest=_interest(owed(clock, on)),
    )


def _interest(found: Owed) -> InterestView:
    rate = found.rate
    return InterestView(
        on=found.on,
        lines=[
            InterestLine(
                first=line.first,
                last=line.last,
                days=line.days,
                base=line.base,
                percent=line.percent,
                amount=line.amount,
            )
            for line in found.lines
        ],
        interest=found.interest,
        indemnity=found.indemnity,
        total=found.total,
        percent=None if rate is None else rate.percent,
        rate_source=None if rate is None else rate.source,
        rate_verified=None if rate is None else rate.verified,
        provisional=None if rate is None else rate.provisional,
        settle_by=found.settle_by,
    )
