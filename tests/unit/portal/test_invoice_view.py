"""One invoice as its page shows it: whose line an entry stands on, what the clock says, what is offered and how."""

from typing import Any

import pytest

from services.portal.pages import invoice_questions, invoice_view
from services.portal.pages.words import Words, catalogue
from services.status.actions import ACTIONS

T = Words("fr")


def entry(number: int = 1, **more: Any) -> dict[str, Any]:
    """An entry of the API's history."""
    return {
        "entry": number,
        "kind": "status",
        "label": "Suspendue",
        "status_from": None,
        "status_to": "SUSPENDUE",
        "actor": "D",
        "actor_label": "Destinataire",
        "at": f"2026-03-{number:02}T09:00:00Z",
        "reasons": [],
        "notice": None,
        "action": None,
        "motif": None,
        "comment": None,
        "changes": [],
        "by": None,
        **more,
    }


@pytest.mark.parametrize(
    ("given", "lane"),
    [
        ({"actor": "F"}, "supplier"),
        ({"actor": "V2"}, "validator"),
        ({"actor": "MOE"}, "works"),
        ({"actor": "D", "action": "suspend"}, "service"),
        ({"actor": "D", "action": "mandate", "status_to": "MANDATEE"}, "finance"),
        ({"actor": "C", "status_to": "COMPTABILISEE"}, "accountant"),
        ({"actor": "S", "kind": "notice"}, "platform"),
    ],
)
def test_an_entry_stands_on_the_line_of_whoever_acted(given: dict[str, Any], lane: str) -> None:
    assert invoice_view.lane_of(entry(**given)) == lane


def test_the_story_names_only_whom_the_service_named() -> None:
    history = [entry(2, by="person:agnes", comment="Il manque un bon."), entry(1, actor="F", status_to="DEPOSEE")]
    found = invoice_view.story(history, T, people={"person:agnes": "Agnès Dubois"}, files={})
    assert [(one.entry, one.who) for one in found.told] == [(1, ""), (2, "Agnès Dubois")]
    assert found.lanes == ("supplier", "service")
    assert found.told[1].comment == "Il manque un bon."


def test_a_question_stands_once_in_the_story_with_its_link() -> None:
    seen, other = "0190e8a0-0000-7000-8000-000000000077", "0190e8a0-0000-7000-8000-000000000078"
    history = [
        entry(n, kind="solicitation", actor="F", label="Question posée", solicitation={"id": id_, "reference": "S-1"})
        for n, id_ in ((1, seen), (2, seen), (3, other))
    ]
    side = {"kind": "supplier", "name": None}
    found = {
        "id": seen,
        "title": "Quel code ?",
        "asker": side,
        "addressee": {"kind": "body", "name": None},
        "history": [
            {"entry": n, "act": act, "side": who, "label": act, "author": None, "text": None, "at": at}
            for n, act, who, at in (
                (1, "asked", "asker", "2026-03-01T09:00:00Z"),
                (2, "reminded", "platform", "2026-03-02T08:00:00Z"),
                (3, "overdue", "platform", "2026-03-02T09:00:00Z"),
            )
        ],
    }
    told = invoice_view.story(history, T, people={}, files={}, more=invoice_questions.told_of(found)).told
    assert [(one.title, one.lane, one.path) for one in told] == [
        ("asked : Quel code ?", "supplier", f"/sollicitations/{seen}"),
        ("overdue : Quel code ?", "platform", f"/sollicitations/{seen}"),
        ("Question posée", "supplier", None),
    ]


def test_every_entry_of_two_questions_has_a_place_of_its_own() -> None:
    told = [
        each
        for n in (77, 78)
        for each in invoice_questions.told_of(
            {
                "id": f"0190e8a0-0000-7000-8000-0000000000{n}",
                "title": "Quel code ?",
                "asker": {"kind": "supplier"},
                "addressee": {"kind": "body"},
                "history": [
                    {"entry": e, "act": "asked", "side": "asker", "label": "", "author": None, "text": None, "at": ""}
                    for e in (1, 2)
                ],
            }
        )
    ]
    told += invoice_view.story([entry(1), entry(2)], T, people={}, files={}).told
    assert len({each.anchor for each in told}) == len(told) == 6


def test_values_of_an_entry_are_written_the_french_way() -> None:
    changes = [
        {"field": "paid_on", "before": None, "after": "2026-03-30"},
        {"field": "paid_amount", "before": None, "after": "1234.50"},
        {"field": "attachment", "before": None, "after": "a-1"},
    ]
    told = invoice_view.story([entry(changes=changes)], T, people={}, files={"a-1": "bl.pdf"}).told[0]
    assert [after for _, _, after in told.changes] == ["30/03/2026", "1\u202f234,50\u202f€", "bl.pdf"]


LATE = {"total": "41.20", "lines": [{"first": "2026-04-01"}]}


def clock(**more: Any) -> dict[str, Any]:
    """The API's clock."""
    return {
        "on": "2026-03-13",
        "state": "running",
        "days": 30,
        "started_on": "2026-03-01",
        "due_on": "2026-03-31",
        "days_left": 18,
        "days_late": 0,
        "balance": None,
        "paid_on": None,
        "proof_label": None,
        "remarks": [],
        "steps": [],
        "interest": {"total": "0.00", "lines": []},
        **more,
    }


@pytest.mark.parametrize(
    ("given", "state", "day"),
    [
        ({}, "running", 12),
        ({"state": "interrupted", "due_on": None, "days_left": None, "balance": 10}, "suspended", 20),
        ({"days_left": -4, "days_late": 4, "interest": LATE}, "late", 34),
        ({"state": "not_started", "started_on": None, "due_on": None, "days_left": None}, "waiting", None),
        ({"state": "stopped", "days_left": None, "paid_on": "2026-03-21"}, "over", 20),
        ({"state": "closed", "days_left": None}, "over", None),
    ],
)
def test_the_clock_says_which_day_it_is(given: dict[str, Any], state: str, day: int | None) -> None:
    found = invoice_view.delay(clock(**given), T)
    assert found is not None
    assert (found.state, found.day) == (state, day)
    assert (found.interest is not None) == (state == "late")


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({}, "2026-04-01"),
        ({"days_left": -4, "days_late": 4, "interest": LATE}, "2026-04-01"),
        (
            {"state": "stopped", "days_left": None, "paid_on": "2026-04-05", "days_late": 5, "interest": LATE},
            "2026-04-01",
        ),
        ({"state": "stopped", "days_left": None, "paid_on": "2026-03-21"}, None),
        ({"state": "interrupted", "due_on": None, "days_left": None, "balance": 10}, None),
        ({"state": "not_started", "started_on": None, "due_on": None, "days_left": None}, None),
    ],
)
def test_the_clock_says_from_which_day_interest_runs(given: dict[str, Any], first: str | None) -> None:
    found = invoice_view.delay(clock(**given), T)
    assert found is not None
    assert found.interest_from == first


def possible(name: str, **more: Any) -> dict[str, Any]:
    """An action that the API says is possible."""
    given = {"label": name, "motif": "none", "comment": "optional", "fields": [], "attachments": False, "warning": None}
    return {"action": name, **given, **more}


def test_what_needs_words_leads_to_a_form_and_what_needs_none_is_a_button() -> None:
    asked = [
        possible("reject", motif="required", comment="required"),
        possible("comment", comment="required"),
        possible("download"),
        possible("take_in_charge"),
        possible("complete", attachments=True),
    ]
    found = invoice_view.offered(asked, T)
    assert [(one.name, one.direct) for one in found] == [
        ("take_in_charge", True),
        ("complete", False),
        ("reject", False),
        ("comment", False),
    ]
    assert all(one.cause for one in found)


def test_every_action_says_what_it_causes_in_both_languages() -> None:
    shown = [name for name in ACTIONS if name != "download"]
    for said in (catalogue("fr"), catalogue("en")):
        assert [name for name in shown if not {f"acting.do_{name}", f"acting.cause_{name}"} <= set(said)] == []


def test_the_surest_suggestion_of_the_last_return_comes_first() -> None:
    def proposed(value: str, confidence: float) -> dict[str, Any]:
        return {"field": "service_code", "value": value, "label": None, "confidence": confidence, "sentence": value}

    old = entry(1, status_to="A_RECYCLER", reasons=[{"suggestions": [proposed("OLD", 1.0)]}])
    last = entry(3, status_to="A_RECYCLER", reasons=[{"suggestions": [proposed("B", 0.4), proposed("A", 0.9)]}])
    assert [one["value"] for one in invoice_view.suggestions([old, last])] == ["A", "B"]
    assert invoice_view.suggestions([entry()]) == []
