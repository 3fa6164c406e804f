"""Terms are data, and count from the end of the year."""

from datetime import date

from invoice.retention import TERMS, kept_until, term


def test_an_original_is_kept_to_the_end_of_the_tenth_year_after_its_own() -> None:
    assert kept_until(date(2026, 1, 1), "commune") == kept_until(date(2026, 12, 31), None) == date(2036, 12, 31)
    assert term("nothing known") == TERMS["default"]
    assert all(each.ground and (each.years or each.months) for each in TERMS.values())
