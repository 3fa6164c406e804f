"""What happens when a timer fires: somebody is reminded, the platform moves the invoice, or the delay starts.

In the transaction that marks the timers fired, under the invoices' locks: all of it happens, or none and it is tried
again. What holds no longer has been cancelled by the transaction that ended it, so a timer that fires holds.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from contracts.envelope import NAMESPACE
from contracts.events import DelayAtRisk
from invoice.clock import paris_day
from invoice.lifecycle import turn
from services.common import telemetry
from services.common.deliver import Tx
from services.common.timers import Timer
from services.common.trace import RequestCause
from services.status import metrics, store, timer_store
from services.status.domain import overdue
from services.status.model import Applied, Invoice
from services.status.moves import platform_move
from services.status.plan import act
from services.status.timers import TIMERS, TimerRow, last_day, wanted
from services.status.writing import write

#: Set by a migration for invoices that were there before there were timers: they get those that they should have.
FOLLOW: Final = "follow"


async def fire(tx: Tx, timers: Sequence[Timer]) -> None:
    """Do what each says, in the order in which they were due. One that an earlier one has ended is cancelled."""
    invoices = await store.load(tx.conn, {UUID(timer.key) for timer in timers})
    ended: list[UUID] = []
    for timer in timers:
        invoice = invoices.get(UUID(timer.key))
        row = TIMERS.get(timer.kind)
        if invoice is None or row is None:
            continue
        if all(timer.id != each.id for each in wanted(invoice)):
            ended.append(timer.id)
            continue
        if row.does == "remind":
            _remind(tx, timer, row, invoice)
        else:
            invoices[invoice.id] = await _write(tx, timer, _applied(row, invoice, tx.now), invoice)
        metrics.TIMERS.labels(kind=row.kind).inc()
        telemetry.logger().info("timer.fired", kind=row.kind, invoice=timer.key)
    await timer_store.cancel(tx.conn, ended, tx.now)
    await timer_store.follow(tx.conn, list(invoices.values()), tx.now)  # the next step of a payment delay


def _remind(tx: Tx, timer: Timer, row: TimerRow, invoice: Invoice) -> None:
    tx.emit(at_risk(row, invoice, tx.now), key=timer.key, cause=timer, tenant=invoice.tenant)


def at_risk(row: TimerRow, invoice: Invoice, now: datetime) -> DelayAtRisk:
    """What others are told when a delay is about to end, or has ended. Pure."""
    header, due = invoice.header, last_day(invoice)
    return DelayAtRisk(
        timer=row.kind,
        entry=invoice.entries,
        status=invoice.status,
        since=invoice.status_at,
        waited_for=turn(invoice.status, invoice.circuit.table),
        audiences=row.tells,
        at=now,
        due_on=due,
        days_left=None if due is None else (due - paris_day(now)).days,
        invoice_number=header.invoice_number,
        issue_date=header.issue_date,
        supplier_siret=header.supplier_siret,
        recipient_siret=header.recipient_siret,
        payable=header.payable,
        currency=header.currency,
        recipient_name=invoice.recipient_name,
        service_code=invoice.service_code,
        service_label=invoice.service_label,
        tenant=invoice.tenant,
    )


def _applied(row: TimerRow, invoice: Invoice, now: datetime) -> Applied | None:
    """What the platform does of itself; None where the invoice is no longer where the timer found it."""
    if row.does == "start_delay":
        return overdue(invoice, uuid5(NAMESPACE, f"{invoice.id}/delay/{invoice.available_entry}"), now)
    target = row.to.get(invoice.status)
    if target is None:
        return None
    cause = uuid5(NAMESPACE, f"{invoice.id}/timer/{row.kind}/{invoice.entries + 1}")
    done = platform_move(invoice, target, now, cause)
    return done if isinstance(done, Applied) else None


async def _write(tx: Tx, timer: Timer, applied: Applied | None, invoice: Invoice) -> Invoice:
    if applied is None:
        return invoice
    await write(tx, act(applied, RequestCause(id=applied.entry.cause, traceparent=timer.traceparent)))
    if applied.entry.kind == "delay":
        telemetry.logger().warning("delay.started_without_notice", invoice=timer.key)
    found = await store.load(tx.conn, [invoice.id])
    return found[invoice.id]  # with the payment delay as it was reckoned
