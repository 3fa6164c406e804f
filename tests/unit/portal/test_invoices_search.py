"""The conditions of a search: how they stand in the address, and what the API is asked."""

from typing import Any

from services.portal.pages import invoices_figures, invoices_search
from services.portal.pages.forms import Form
from services.portal.pages.invoices import first_ones
from services.portal.pages.invoices_spaces import BY_KEY
from services.portal.pages.words import Words
from services.status import figures

T = Words("fr")


def test_blanks_repeats_and_strangers_are_left_out_of_the_address() -> None:
    pairs = [
        ("q", " F-1 "),
        ("number", ""),
        ("fait", "saved"),
        ("status", "A"),
        ("status", "B"),
        ("q", "x"),
        ("status", "A"),
    ]
    found = invoices_search.read(pairs)
    assert found.query == "q=F-1&status=A&status=B"
    assert invoices_search.is_tidy(found.query)
    assert not invoices_search.is_tidy("q=&status=A")
    assert invoices_search.is_tidy("q=a&fait=saved")


def test_a_link_of_the_first_page_becomes_a_condition() -> None:
    assert invoices_search.read([("unchanged", "8")]).query == "unchanged_days=8"
    assert invoices_search.read([("due", "soon")]).query == "due_within=5"


def test_french_forms_become_parameters_and_days_begin_in_paris() -> None:
    asked = invoices_search.of_query("amount_from=1+234,56&deposited_from=2026-07-01&deposited_to=2026-12-31&late=1")
    form = asked.form()
    found = invoices_search.params(asked, BY_KEY["received"], form, T)
    assert form.valid
    assert found == {
        "amount_from": "1234.56",
        "since": "2026-07-01T00:00:00+02:00",
        "until": "2027-01-01T00:00:00+01:00",
        "late": "true",
        "side": "received",
    }


def test_what_cannot_be_read_is_said_beside_its_field() -> None:
    asked = invoices_search.of_query("amount_to=beaucoup&issued_from=hier")
    form = Form()
    assert invoices_search.params(asked, None, form, T) == {}
    assert [error.field for error in form.errors] == ["amount_to", "issued_from"]


def test_the_place_in_the_list_is_no_part_of_the_search() -> None:
    asked = invoices_search.of_query("q=abc&cursor=xyz")
    assert asked.query == "q=abc"
    assert asked.at("next") == "q=abc&cursor=next"
    assert asked.conditions == 1


def test_what_is_to_be_answered_first_stands_first() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "answer_by": None},
        {"id": 2, "answer_by": "2026-12-12"},
        {"id": 3, "answer_by": "2026-12-01"},
    ]
    assert [each["id"] for each in first_ones(rows)] == [3, 2, 1]
    assert len(first_ones([{"id": n, "answer_by": None} for n in range(50)])) == 20


def test_the_list_behind_a_bar_is_asked_for_the_days_that_the_bar_counts() -> None:
    nothing: dict[str, list[Any]] = {name: [] for name in ("by_status", "by_age", "by_service", "by_month")}
    bars = [{"days_from": low, "days_to": high, "count": 1, "amount": "1"} for low, high in figures.DELAYS]
    space = BY_KEY["received"]
    board = invoices_figures.board({"day": "2026-11-23", **nothing, "by_delay": bars}, space, T)
    asked = [invoices_search.of_query((bar.path or "").partition("?")[2]) for bar in board.by_delay]
    days = [invoices_search.params(each, None, Form(), T) for each in asked]
    assert [(each.get("due_from"), each.get("due_to"), each["sort"]) for each in days] == [
        (None, "2026-10-23", "due"),
        ("2026-10-24", "2026-11-22", "due"),
        ("2026-11-23", "2026-11-28", "due"),
        ("2026-11-29", "2026-12-03", "due"),
        ("2026-12-04", None, "due"),
    ]
    ages = [{"days_from": low, "days_to": high, "count": 1, "amount": "1"} for low, high in figures.AGES]
    nothing["by_delay"], nothing["by_age"] = [], ages
    bars_of_age = invoices_figures.board({"day": "2026-11-23", **nothing}, space, T).by_age
    asked = [invoices_search.of_query((bar.path or "").partition("?")[2]) for bar in bars_of_age]
    spans = [invoices_search.params(each, None, Form(), T) for each in asked]
    assert [(each.get("unchanged_days"), each.get("unchanged_under")) for each in spans] == [
        (None, "3"),
        ("3", "8"),
        ("8", "16"),
        ("16", "31"),
        ("31", None),
    ]
    assert figures.SOON_DAYS == invoices_figures.SOON_DAYS
    assert invoices_figures.soon({"day": "2026-11-23"}) == "due_from=2026-11-23&due_to=2026-11-28&sort=due"
