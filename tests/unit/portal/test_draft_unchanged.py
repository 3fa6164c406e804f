"""What a draft's form sends back unchanged: days and texts in another writing of the same."""

from typing import Any

import pytest

from services.portal.pages import draft_form
from services.portal.pages.forms import Form


def draft(name: str, value: str | None) -> dict[str, Any]:
    """A draft of one field as the API answers it."""
    return {"fields": [{"name": name, "value": value}]}


def changed(name: str, saved: str | None, written: str) -> dict[str, str | None]:
    return draft_form.changes(draft(name, saved), Form.of(**{name: written}))


@pytest.mark.parametrize("saved", ["2026-03-02", "2/3/2026", "02.03.2026", "20260302"])
@pytest.mark.parametrize("written", ["02/03/2026", "2/3/2026", "2.3.2026", "02-03-2026", "2026-03-02", "20260302"])
def test_a_day_in_another_writing_is_no_change_and_no_conflict(saved: str, written: str) -> None:
    assert changed("issue_date", saved, written) == {}
    assert draft_form.differing(draft("issue_date", saved), Form.of(issue_date=written), {}) == []


@pytest.mark.parametrize(
    ("saved", "written", "sent"),
    [
        ("2026-03-02", "3/2/2026", "3/2/2026"),
        ("2026-03-02", "2 mars", "2 mars"),
        ("2 mars", "02/03/2026", "02/03/2026"),
        ("2026-03-02", "", None),
        (None, "2026-03-02", "2026-03-02"),
        ("2026-03-02", f"{'0' * 200}2/3/2026", f"{'0' * 200}2/3/2026"),
    ],
)
def test_another_day_and_what_is_none_are_sent(saved: str | None, written: str, sent: str | None) -> None:
    assert changed("issue_date", saved, written) == {"issue_date": sent}


def test_what_looks_like_a_day_elsewhere_is_a_text() -> None:
    assert changed("invoice_number", "2026-03-02", "02/03/2026") == {"invoice_number": "02/03/2026"}


@pytest.mark.parametrize("value", ["2/3/2026", "02.03.2026", "2026-03-02"])
def test_a_day_is_shown_in_one_writing(value: str) -> None:
    assert draft_form.shown("due_date", value) == "02/03/2026"


@pytest.mark.parametrize("saved", ["1 rue A\n06000 Nice", "1 rue A\r\n06000 Nice", "1 rue A\n06000 Nice\n"])
@pytest.mark.parametrize("written", ["1 rue A\n06000 Nice", "1 rue A\r\n06000 Nice"])
def test_lines_ended_in_another_way_are_no_change(saved: str, written: str) -> None:
    assert changed("supplier_address", saved, written) == {}
    assert changed("supplier_address", saved, f"{written}\r\nFrance") == {
        "supplier_address": "1 rue A\n06000 Nice\nFrance"
    }
