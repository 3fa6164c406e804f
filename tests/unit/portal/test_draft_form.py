"""A draft's form: how values are shown, what a form changes, what is said beside which field."""

from decimal import Decimal
from typing import Any

import pytest

from invoice.money import parse_amount
from services.portal.pages import draft_form, draft_view
from services.portal.pages.forms import Form
from services.portal.pages.trial import ASKED, fields_of

EVIDENCE = {"page": 1, "box": (100.0, 700.0, 180.0, 712.0), "keyword": "N° facture", "raw": "F-1", "value": "F-1"}


def draft(**values: str) -> dict[str, Any]:
    """A draft as the API answers it."""
    names = (*draft_form.FIELDS, "cadre", "call_off")
    return {
        "fields": [
            {
                "name": name,
                "label": name,
                "value": values.get(name),
                "source": "read" if name in values else None,
                "evidence": EVIDENCE if name == "invoice_number" and name in values else None,
                "proposals": [{**EVIDENCE, "value": "2026-03-02"}] if name == "due_date" else [],
            }
            for name in names
        ],
        "checks": [
            {
                "code": "FORM_MISSING",
                "level": "refuse",
                "field": "engagement",
                "message": "Vide.",
                "action": "Écrivez.",
            },
            {"code": "SERVICE_UNKNOWN", "level": "refuse", "field": "service_code", "message": "Inconnu."},
            {"code": "FORM_MALFORMED", "level": "refuse", "field": "lines.2.vat_rate", "message": "Taux."},
            {"code": "TOTALS", "level": "warn", "field": None, "message": "Sommes."},
        ],
        "pages": {"sizes": [(595.0, 842.0)]},
        "lines": [],
    }


def sent(**values: str) -> Form:
    return Form({name.replace("__", "-"): [value] for name, value in values.items()})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("issue_date", "2026-03-02", "02/03/2026"),
        ("issue_date", "2 mars", "2 mars"),
        ("tax", "1234.50", "1\u202f234,50"),
        ("payable", "-1234567", "-1\u202f234\u202f567"),
        ("prepaid", "0.05", "0,05"),
        ("tax", "1 234,5O", "1 234,5O"),
        ("invoice_number", "12.50", "12.50"),
        ("note", None, ""),
    ],
)
def test_values_are_shown_as_people_write_them(name: str, value: str | None, words: str) -> None:
    assert draft_form.shown(name, value) == words


def test_what_is_not_touched_is_not_sent_back() -> None:
    before = draft(issue_date="2026-03-02", total_incl_tax="120.00", invoice_number="F-1", note="Merci")
    form = sent(issue_date="02/03/2026", total_incl_tax="120,00", invoice_number="F-2", note="", cadre="A9")
    assert draft_form.changes(before, form) == {"invoice_number": "F-2", "note": None}


def test_a_field_that_the_form_does_not_have_stays() -> None:
    assert draft_form.changes(draft(invoice_number="F-1"), sent(engagement="CP1")) == {"engagement": "CP1"}


def test_lines_are_taken_in_their_order_without_the_empty_and_the_dropped_ones() -> None:
    values = {"lines": "1", "act": "drop|3"}
    for number, label in ((10, "dix"), (2, "deux"), (3, "trois"), (4, "")):
        values |= {f"lines__{number}__label": label, f"lines__{number}__unit_price": "1" if label else ""}
    found = draft_form.lines(sent(**values))
    assert found is not None
    assert [line["label"] for line in found] == ["deux", "dix"]
    assert {line["quantity"] for line in found} == {"1"}
    assert draft_form.lines(sent(act="save")) is None
    assert draft_form.lines(sent(lines="1")) == []


def test_an_outline_stands_where_the_words_stand_from_the_top() -> None:
    mark = draft_form.entries(draft(invoice_number="F-1"), None, {}, asked=False)["invoice_number"].mark
    assert mark is not None
    assert (mark.page, mark.x, mark.y, mark.width, mark.height) == (1, 100, 130, 80, 12)


@pytest.mark.parametrize("evidence", [None, {"page": 0, "box": (0, 0, 0, 0)}, {"page": 2, "box": (1, 1, 2, 2)}])
def test_what_no_page_shows_has_no_outline(evidence: dict[str, Any] | None) -> None:
    assert draft_form.box(evidence, [(595.0, 842.0)]) is None


def test_what_is_only_missing_is_no_error_until_the_checks_are_asked_for() -> None:
    quiet = draft_form.entries(draft(), None, {}, asked=False)
    asked = draft_form.entries(draft(), None, {}, asked=True)
    assert not quiet["engagement"].wrong
    assert asked["engagement"].wrong
    assert quiet["service_code"].wrong


def test_a_field_that_was_not_found_says_what_would_have_been_recognised() -> None:
    found = draft_form.entries(draft(), None, {}, asked=False)
    assert "Engagement" in found["engagement"].keywords
    assert found["due_date"].proposals[0]["shown"] == "02/03/2026"


def test_what_was_written_stands_in_place_of_what_is_saved() -> None:
    found = draft_form.entries(draft(note="avant"), sent(note="après"), {}, asked=False)
    assert found["note"].value == "après"


def test_checks_stand_beside_their_field_their_line_or_on_top() -> None:
    assert [said.code for said in draft_form.elsewhere(draft(), asked=True)] == ["TOTALS"]
    assert list(draft_form.of_lines(draft(), asked=True)) == ["lines-2-vat_rate"]
    assert len(draft_form.blocking(draft())) == 3


def test_what_forbids_the_sending_is_told_in_the_order_of_the_page() -> None:
    fields = ("payable", "lines.1.label", "cadre", "service_code", None, "issue_date", "recipient_siret")
    checks = [{"code": "FORM_MISSING", "level": "refuse", "field": field, "message": "."} for field in fields]
    found = [each["field"] for each in draft_form.blocking({"checks": checks})]
    assert found == [None, "recipient_siret", "service_code", "cadre", "issue_date", "lines.1.label", "payable"]


def test_an_amount_that_comes_back_as_it_was_shown_is_no_change_and_one_written_anew_is_read() -> None:
    shown = draft_form.shown("tax", "1234.50")
    assert draft_form.changes(draft(tax="1234.50"), sent(tax=shown)) == {}
    assert parse_amount(shown.replace("4", "5")) == Decimal("1235.50")


@pytest.mark.parametrize("written", ["1234,50", "1 234,5", "1\u00a0234,50 €", "1.234,50"])
def test_an_amount_written_in_another_way_is_no_change_and_no_conflict(written: str) -> None:
    before = draft(tax="1234.50")
    assert draft_form.changes(before, sent(tax=written)) == {}
    assert draft_form.differing(before, sent(tax=written), {}) == []


@pytest.mark.parametrize(
    ("written", "read"), [("1\u202f2345,50", "12345.50"), ("1\u202f23,50", "123.50"), ("91\u202f234,50", "91234.50")]
)
def test_a_digit_more_or_less_within_a_grouped_amount_is_read(written: str, read: str) -> None:
    changed = draft_form.changes(draft(tax="1234.50"), sent(tax=written))["tax"]
    assert parse_amount(changed or "") == Decimal(read)


def test_what_is_no_amount_is_sent_as_it_was_written_and_its_own_spaces_are_kept() -> None:
    before = draft(tax="1234.50", prepaid="12 5O")
    long = f"1{' ' * 1_000_000}2"  # not read at all: that would take minutes
    changed = draft_form.changes(before, sent(tax="12 50", prepaid="12 5O", payable=long))
    assert changed == {"tax": "12 50", "payable": long}
    assert draft_form.changes(before, sent(tax="", prepaid="")) == {"tax": None, "prepaid": None}


def test_two_windows_are_told_where_they_differ() -> None:
    before = draft(invoice_number="F-9", note="là")
    rows = draft_form.differing(before, sent(invoice_number="F-1", note="là"), {"invoice_number": "Numéro"})
    assert rows == [("Numéro", "F-1", "F-9")]


@pytest.mark.parametrize(
    ("act", "found"),
    [
        ("use|service_code|DRH", {"service_code": "DRH"}),
        ("use|note|a|b", {"note": "a|b"}),
        ("use|depositor|x", None),
        ("use|note|", None),
        ("save", None),
    ],
)
def test_only_a_field_of_the_form_is_written_by_a_button(act: str, found: dict[str, str] | None) -> None:
    assert draft_form.used(act) == found


def test_a_trial_says_of_every_field_what_was_read_or_what_would_be() -> None:
    whole = {"fields": [{"name": "tax", "value": "20.00", "confidence": "sure", "page": 1, "keyword": "TVA"}]}
    found = {read.name: read for read in fields_of(whole)}
    assert tuple(found) == ASKED
    assert found["tax"].value == "20,00"
    assert found["tax"].sure
    assert found["engagement"].keywords


def body(**demands: Any) -> dict[str, Any]:
    """A recipient as the directory answers it, which asks for nothing but what is said."""
    asked = {"service_required": False, "engagement_required": False, "service_or_engagement": False, "market": "off"}
    services = [{"code": "EJ", "engagement_required": True}, {"code": "SANS", "engagement_required": False}]
    return {"demands": asked | demands, "services": services}


@pytest.mark.parametrize(
    ("demands", "service", "found"),
    [
        ({}, "", set()),
        ({}, "EJ", {"engagement"}),
        ({"service_required": True}, "", {"service_code"}),
        ({"engagement_required": True}, "", {"engagement"}),
        ({"engagement_required": True}, "SANS", set()),
        ({"service_or_engagement": True}, "", {"service_code", "engagement"}),
        ({"market": "refuse"}, "", {"contract"}),
        ({"market": "warn"}, "", set()),
    ],
)
def test_what_a_recipient_asks_for_is_not_called_optional(demands: Any, service: str, found: set[str]) -> None:
    assert draft_view.needed(body(**demands), service) == found


def test_nothing_is_asked_for_by_nobody() -> None:
    assert draft_view.needed(None, "") == frozenset()
