"""Late interest and indemnity: amounts worked by hand, and the statement that tells them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.clock import Clock, Terms, clock
from invoice.interest import INDEMNITY, POINTS, RATES, Rate, half_year, owed, rate_on
from invoice.interest_statement import Subject, statement
from tests.unit.invoice.clock_stories import story
from tests.unit.invoice.sample import pure

THERE = ("2026-03-02 DEPOSEE", "2026-03-02 available", "2026-03-02 notice")  # due on 1 April 2026
SUBJECT = Subject(
    invoice_number="F-2026-001",
    issue_date=date(2026, 3, 1),
    supplier_siret="73282932000074",
    recipient_siret="22060001900016",
    recipient_name="Département des Alpes-Maritimes",
    engagement="CP2026/X123456/1",
)


def made(*lines: str, payable: str = "10000.00") -> Clock:
    return clock(story(*THERE, *lines), Terms(payable=Decimal(payable)))


def interest(found: Clock, on: str) -> tuple[Decimal, Decimal]:
    answer = owed(found, date.fromisoformat(on))
    return answer.interest, answer.indemnity


NOTHING = (Decimal("0.00"), Decimal("0.00"))


@pytest.mark.parametrize(
    ("lines", "on", "expected"),
    [
        # 10,000 x 10.15 % x days / 365; the ECB's rate of 1 January 2026 is 2.15 %.
        (("2026-04-01 MISE_EN_PAIEMENT",), "2026-12-31", NOTHING),
        (("2026-04-02 MISE_EN_PAIEMENT",), "2026-12-31", (Decimal("2.78"), Decimal("40.00"))),
        (("2026-05-01 MISE_EN_PAIEMENT",), "2026-12-31", (Decimal("83.42"), Decimal("40.00"))),
        ((), "2027-04-01", (Decimal("1015.00"), Decimal("40.00"))),
        ((), "2026-04-01", NOTHING),
        # 4,000 paid in time: interest on 6,000 only. 30 days: 50.05.
        (("2026-03-20 partial 2026-03-20 4000", "2026-05-01 MISE_EN_PAIEMENT"), "2026-12-31",
         (Decimal("50.05"), Decimal("40.00"))),
        # 4,000 paid after 10 days late: 27.81 on the whole, then 20 days on 6,000: 33.37.
        (("2026-04-11 partial 2026-04-11 4000", "2026-05-01 MISE_EN_PAIEMENT"), "2026-12-31",
         (Decimal("61.18"), Decimal("40.00"))),
        # All paid in time, in two parts.
        (("2026-03-20 partial 2026-03-20 4000", "2026-03-30 MISE_EN_PAIEMENT"), "2026-12-31", NOTHING),
        # 8,000 admitted and paid in time: nothing on the 2,000 that wait.
        (("2026-03-10 admits 8000", "2026-04-01 pays 2026-04-01 8000"), "2026-12-31", NOTHING),
        # Then 9,000 are agreed on: interest on the difference of 1,000 from the end of the delay. 30 days: 8.34.
        (("2026-03-10 admits 8000", "2026-04-01 pays 2026-04-01 8000", "2026-04-20 settles 9000"), "2026-05-01",
         (Decimal("8.34"), Decimal("40.00"))),
        (("2026-03-10 admits 8000", "2026-04-01 pays 2026-04-01 8000", "2026-04-20 settles 8000"), "2026-05-01",
         NOTHING),
        (("2026-03-10 admits 8000", "2026-04-01 partial 2026-04-01 8000", "2026-04-20 settles 9000",
          "2026-05-01 pays 2026-05-01 1000"), "2026-12-31", (Decimal("8.34"), Decimal("40.00"))),
        # Rejected after the end: nothing.
        (("2026-05-01 REJETEE",), "2026-12-31", NOTHING),
        (("2026-03-12 SUSPENDUE",), "2026-12-31", NOTHING),
    ],
)  # fmt: skip
def test_interest_and_indemnity_are_what_a_hand_computes(
    lines: tuple[str, ...], on: str, expected: tuple[Decimal, Decimal]
) -> None:
    assert interest(made(*lines), on) == expected


def test_each_line_is_rounded_to_the_cent_half_up_and_the_sum_is_of_the_rounded_lines() -> None:
    rates = (Rate(since=date(2026, 1, 1), ecb=Decimal("28.5"), source="test", verified=False),)
    half = made("2026-04-02 MISE_EN_PAIEMENT", payable="50.00")  # 50 x 36.5 % / 365 = 0.05 exactly
    assert owed(half, date(2026, 12, 31), rates).interest == Decimal("0.05")
    up = made("2026-04-02 MISE_EN_PAIEMENT", payable="5.00")  # 0.005: half a cent
    assert owed(up, date(2026, 12, 31), rates).interest == Decimal("0.01")
    down = made("2026-04-02 MISE_EN_PAIEMENT", payable="4.99")
    assert owed(down, date(2026, 12, 31), rates).interest == Decimal("0.00")


def test_the_rate_is_that_of_the_half_year_in_which_interest_began_and_stays() -> None:
    rates = (
        Rate(since=date(2026, 1, 1), ecb=Decimal("2.00"), source="test", verified=True),
        Rate(since=date(2026, 7, 1), ecb=Decimal("4.00"), source="test", verified=True),
    )
    assert rate_on(date(2026, 6, 30), rates).percent == Decimal("10.00")
    assert rate_on(date(2026, 7, 1), rates).percent == Decimal("12.00")
    through = owed(made(), date(2026, 12, 31), rates)  # begins on 2 April, goes on into the second half-year
    assert [line.percent for line in through.lines] == [Decimal("10.00")]


def test_a_delay_that_ends_on_30_june_earns_the_rate_of_july() -> None:
    found = clock(story("2026-05-31 DEPOSEE", "2026-05-31 available", "2026-05-31 notice"), Terms(payable=Decimal(1)))
    assert found.due_on == date(2026, 6, 30)
    answer = owed(found, date(2026, 8, 1))
    assert answer.rate is not None
    assert answer.rate.half_year == date(2026, 7, 1)


def test_a_half_year_that_the_table_does_not_hold_is_provisional_and_before_the_table_there_is_no_rate() -> None:
    later = rate_on(date(2031, 3, 1))
    assert later.provisional
    assert later.ecb == RATES[-1].ecb
    assert not rate_on(RATES[-1].since).provisional
    with pytest.raises(LookupError, match="interest"):
        rate_on(date(2012, 12, 31))


def test_the_table_holds_every_half_year_once_and_names_its_source() -> None:
    expected = [RATES[0].since]
    while expected[-1] < RATES[-1].since:
        last = expected[-1]
        expected.append(date(last.year, 7, 1) if last.month == 1 else date(last.year + 1, 1, 1))
    assert [rate.since for rate in RATES] == expected
    assert all(rate.source and not rate.verified for rate in RATES)
    assert (Decimal(8), Decimal("40.00")) == (POINTS, INDEMNITY)


@pure
@given(st.dates(date(2013, 1, 1), date(2040, 1, 1)))
def test_a_half_year_begins_on_its_first_of_january_or_july(day: date) -> None:
    start = half_year(day)
    assert (start.day, start.month in (1, 7)) == (1, True)
    assert 0 <= (day - start).days <= 184


@pure
@given(
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 2000)), max_size=4),
    st.integers(0, 80),
)
def test_paying_a_part_sooner_never_costs_more_and_the_indemnity_is_owed_at_most_once(
    parts: list[tuple[int, int]], last: int
) -> None:
    def after(shift: int) -> str:
        return date.fromordinal(date(2026, 3, 2).toordinal() + shift).isoformat()

    lines = [f"{after(shift)} partial {after(shift)} {amount}" for shift, amount in sorted(parts)]
    paid = f"{after(last)} MISE_EN_PAIEMENT"
    some, none = made(*lines, paid), made(paid)
    on = date(2026, 12, 31)
    # Each line is rounded by itself: as many half cents as there are lines.
    slack = Decimal("0.01") * (len(parts) + 1)
    assert owed(some, on).interest <= owed(none, on).interest + slack
    assert owed(some, on).indemnity in (Decimal(0), INDEMNITY)


def test_both_sums_are_to_be_paid_within_45_days_of_the_principal() -> None:
    answer = owed(made("2026-05-01 MISE_EN_PAIEMENT"), date(2026, 6, 1))
    assert answer.settle_by == date(2026, 6, 15)
    assert owed(made(), date(2026, 6, 1)).settle_by is None


def test_the_statement_tells_the_delay_each_line_the_sums_and_the_articles() -> None:
    told = statement(SUBJECT, made("2026-05-01 MISE_EN_PAIEMENT"), date(2026, 6, 1))
    assert ("Facture", "n° F-2026-001 du 1er mars 2026") in told.subject
    assert ("Débiteur", "Département des Alpes-Maritimes (SIRET 22060001900016)") in told.subject
    assert dict(told.delay)["Fin du délai"] == "1er avril 2026"
    assert dict(told.delay)["Jours de retard"] == "30"
    (row,) = told.rows
    assert (row.period, row.days) == ("du 2 avril 2026 au 1er mai 2026", "30")
    assert [value.replace("\u202f", " ").replace("\xa0", " ") for _, value in told.sums] == [
        "83,42 €",
        "40,00 €",
        "123,42 €",
    ]
    assert told.total == Decimal("123.42")
    for article in ("L2192-13", "R2192-31", "D2192-35", "R2192-36"):
        assert any(article in line for line in told.articles)
    assert any("15 juin 2026" in line for line in told.caveats)
    assert any("rapproché" in line for line in told.caveats), "an unverified rate must be said to be one"


def test_the_statement_of_an_invoice_in_time_claims_nothing_and_says_so() -> None:
    told = statement(SUBJECT, made(), date(2026, 4, 1))
    assert (told.rows, told.total) == ((), Decimal("0.00"))
    assert told.caveats[0].startswith("Aucun intérêt n'est dû au 1er avril 2026")


def test_a_provisional_rate_an_unknown_payment_and_a_rule_of_ours_are_told() -> None:
    late = clock(
        story("2026-08-01 DEPOSEE", "2026-08-01 available", "2026-08-02T11:00+00:00 overdue"),
        Terms(payable=Decimal(100), payment_reported=False),
    )
    told = " ".join(statement(SUBJECT, late, date(2026, 10, 1)).caveats)
    for words in ("semestre n'est pas encore", "continuent de courir", "règle de la plateforme", "ne transmet pas"):
        assert words in told
