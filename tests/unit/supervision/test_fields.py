"""Whether a field was read as the invoice was accepted."""

import pytest

from services.supervision.fields import digests, judge


@pytest.mark.parametrize(
    ("name", "read", "given"),
    [
        ("total_incl_tax", "120.0", "120.00"),
        ("engagement", "cp 2020/1", "CP2020/1"),
        ("supplier_siret", "732 829 320 00074", "73282932000074"),
        ("invoice_number", "F-1", "F-1"),
    ],
)
def test_one_value_written_two_ways_is_kept(name: str, read: str, given: str) -> None:
    assert judge(digests([(name, read)]), digests([(name, given)])) == {name: "kept"}


def test_what_a_person_changed_emptied_or_added_is_told_apart() -> None:
    read = digests([("invoice_number", "F-1"), ("contract", "M1"), ("payable", "5")])
    given = digests([("invoice_number", "F-2"), ("engagement", "E1"), ("payable", "5.00"), ("tax", "1")])
    outcomes = {"invoice_number": "changed", "contract": "changed", "engagement": "missed", "payable": "kept"}
    assert judge(read, given) == outcomes  # the tax follows from the totals: not read is no fault


def test_the_first_value_of_a_name_counts_and_other_names_do_not() -> None:
    assert digests([("payable", "1"), ("payable", "2"), ("supplier_iban", "x")]) == digests([("payable", "1.0")])
