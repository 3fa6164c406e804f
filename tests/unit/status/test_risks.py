"""What delays at risk would cost: sums of days against invoices reckoned one by one."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from invoice.clock import PARIS, ClockEvent, Entered, Noticed, Terms, clock
from invoice.interest import INDEMNITY, owed
from services.status import table_csv
from services.status.risks import interest_of, reckon

TODAY = date(2026, 11, 23)


def _invoice(started: date, amount: Decimal) -> tuple[date, Decimal, Decimal]:
    """Last day to pay, interest and indemnity on ``TODAY``, by the clock of one invoice."""
    at = datetime.combine(started, time(9), PARIS).astimezone(UTC)
    events: list[ClockEvent] = [
        Entered(entry=1, at=at, status="DEPOSEE"),
        Entered(entry=2, at=at, status="MISE_A_DISPOSITION", structure="x"),
        Noticed(entry=3, at=at, about=2),
    ]
    found = clock(events, Terms(payable=amount))
    assert found.due_on is not None
    what = owed(found, TODAY)
    return found.due_on, what.interest, what.indemnity


def test_sums_of_days_are_the_sums_of_the_invoices_to_half_a_cent_each() -> None:
    chance = Random(3)
    days: dict[date, list[int]] = {}
    interest = indemnity = Decimal(0)
    amounts: dict[str, Decimal] = {"late": Decimal(0), "all": Decimal(0)}
    for _ in range(400):
        amount = Decimal(chance.randint(100, 5_000_000)).scaleb(-2)
        due, owes, flat = _invoice(TODAY - timedelta(days=chance.randint(0, 400)), amount)
        counted = days.setdefault(due, [0, 0])
        counted[0] += 1
        counted[1] += int(amount * 100)
        interest, indemnity = interest + owes, indemnity + flat
        assert interest_of(due, amount, TODAY) == owes
        amounts["all"] += amount
        amounts["late"] += amount if due < TODAY else Decimal(0)
    found = reckon([(day, n, cents) for day, (n, cents) in days.items()], "operator", TODAY)
    by_range = {risk.range: risk for risk in found.risks}
    late = by_range["late"]
    assert indemnity
    assert late.indemnity == indemnity == INDEMNITY * late.count
    assert abs(late.interest - interest) <= Decimal("0.005") * late.count + Decimal("0.01")
    assert late.amount == amounts["late"]
    assert sum(risk.amount for risk in found.risks) == amounts["all"]
    assert late.if_late == 0


def test_what_is_still_in_time_costs_nothing_yet_and_says_what_the_first_late_day_would() -> None:
    found = reckon([(TODAY + timedelta(days=3), 2, 100_000_00)], "tenant", TODAY)
    soon = next(risk for risk in found.risks if risk.range == "due_5")
    assert (soon.count, soon.interest, soon.indemnity) == (2, Decimal("0.00"), Decimal("0.00"))
    assert soon.each_day > 0
    assert soon.if_late == soon.each_day + 2 * INDEMNITY


def test_the_last_day_itself_is_not_late() -> None:
    found = reckon([(TODAY, 1, 100), (TODAY - timedelta(days=1), 1, 100)], "tenant", TODAY)
    assert {risk.range: risk.count for risk in found.risks} == {"late": 1, "due_5": 1, "due_10": 0, "due_30": 0}


@pytest.mark.parametrize(
    ("status", "currency", "days", "shown"),
    [
        ("MISE_A_DISPOSITION", "EUR", 10, True),
        ("MISE_A_DISPOSITION", "EUR", 0, False),
        ("MISE_A_DISPOSITION", "CHF", 10, False),
        ("REJETEE", "EUR", 10, False),
    ],
)
def test_the_table_tells_the_interest_of_what_is_open_and_late(
    status: str, currency: str, days: int, shown: bool
) -> None:
    due = TODAY - timedelta(days=days)
    header = {
        "issue_date": "2026-01-01",
        "supplier_siret": "s",
        "recipient_siret": "r",
        "payable": "1000000.00",
        "currency": currency,
    }
    row: dict[str, Any] = dict.fromkeys(("number", "recipient_name", "service_code", "service_label"))
    row |= {"id": 1, "header": json.dumps(header), "status": status, "due_on": due, "payment_delay_started_on": None}
    row |= {"submitted_at": datetime(2026, 1, 1, tzinfo=UTC), "status_at": datetime(2026, 1, 1, tzinfo=UTC)}
    cells = dict(zip(table_csv.HEAD, table_csv.cells(row, TODAY), strict=True))
    wanted = str(interest_of(due, Decimal(1_000_000), TODAY)).replace(".", ",")
    assert cells["interets_moratoires"] == (wanted if shown else "")
