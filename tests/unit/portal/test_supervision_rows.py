"""Rows of supervision's pages: words of durations, and ways to lists only where these are."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.portal.pages import invoices_search, supervision_letters
from services.portal.pages.call import Answer
from services.portal.pages.problems import Problem
from services.portal.pages.supervision_names import Names
from services.portal.pages.supervision_rows import Rows
from services.portal.pages.words import LANGUAGES, Language, Words
from services.status.figures import AGES
from services.status.risks import RANGES as RISKS
from services.supervision.domain import MEASURES, STAGES
from services.supervision.examples import EXAMPLES
from services.supervision.fields import FIELDS
from services.supervision.words import RANGES
from services.supervision.words import STAGES as SAID_STAGES
from tests.unit.portal.page_world import INVOICE, World


def _rows(*there: str, tenant: str = "", language: Language = "fr", **more: Any) -> Rows:
    page: Any = SimpleNamespace(
        t=Words(language),
        language=language,
        house=SimpleNamespace(there=frozenset(there)),
    )
    return Rows(page, {**EXAMPLES["GET /api/v1/supervision"], **more}, Names(), tenant)


@pytest.mark.parametrize(
    ("seconds", "french", "english"),
    [
        (0.0123, "0,01 s", "0.01 s"),
        (9.5, "9,5 s", "9.5 s"),
        (75.4, "75 s", "75 s"),
        (3_600, "60 min", "60 min"),
        (90_000, "25 h", "25 h"),
        (400_000, "4 j", "4 d"),
        (None, "rien encore", "nothing yet"),
    ],
)
def test_a_duration_is_shown_in_the_unit_in_which_it_is_read(seconds: float | None, french: str, english: str) -> None:
    assert _rows().took(seconds) == french
    assert _rows(language="en").took(seconds) == english


def test_a_figure_leads_to_a_list_that_is_there_and_nowhere_else() -> None:
    risks = {
        "day": "2026-11-23",
        "risks": [
            {"range": name, "count": 2, "days_from": low, "days_to": high} for name, (low, high) in RISKS.items()
        ],
        "provisional": False,
    }
    ages = [{"days_from": low, "days_to": high, "count": 1, "amount": "1"} for low, high in AGES]
    rates = [{"stage": stage, "last_minute": 0, "last_hour": 0, "last_day": 0, "per_second": 0.0} for stage in STAGES]
    more: dict[str, Any] = {"risks": risks, "rates": rates, "stocks": {"by_age": ages}}
    with_list, without = _rows("/factures/recues", **more), _rows(**more)
    assert [_query(row.path) for row in with_list.risks()] == [
        "due_to=2026-11-22&sort=due",
        "due_from=2026-11-23&due_to=2026-11-28&sort=due",
        "due_from=2026-11-29&due_to=2026-12-03&sort=due",
        "due_from=2026-12-04&due_to=2026-12-23&sort=due",
    ]
    assert [_query(row.path) for row in with_list.ages()] == [
        "unchanged_under=3",
        "unchanged_days=3&unchanged_under=8",
        "unchanged_days=8&unchanged_under=16",
        "unchanged_days=16&unchanged_under=31",
        "unchanged_days=31",
    ]
    assert {row.path for row in (*without.risks(), *without.ages())} == {None}


def _query(path: str | None) -> str:
    """What a way asks its list for, after the list has read it."""
    address, _, query = (path or "").partition("?")
    assert address == "/factures/recues/recherche"
    assert invoices_search.is_tidy(query)
    return invoices_search.of_query(query).query


def test_a_stage_leads_to_its_own_curve() -> None:
    counted = {"last_minute": 6, "last_hour": 1234, "last_day": 0, "per_second": 0.1}
    rates = [{"stage": stage, **counted} for stage in STAGES]
    rows = {row.name: row for row in _rows(rates=rates, tenant="cd06").stages()}
    refused = rows["Flux avec factures rejetées"]
    assert refused.path == "/supervision/courbes/rates?span=hour&stage=flow_rejected&tenant=cd06"
    assert rows["Courriels en échec"].path == "/supervision/courbes/mails?span=hour&tenant=cd06"
    assert refused.cells == {"second": "0,1", "minute": "6", "hour": "1\u202f234", "day": "0"}


@pytest.mark.parametrize(
    ("standing", "there", "tenant", "listed"),
    [
        ("operator", ["/supervision/flux"], "", True),
        ("operator", ["/supervision/flux"], "cd06", False),
        ("operator", [], "", False),
        ("tenant", ["/supervision/flux"], "", False),
    ],
)
def test_flows_with_refusals_are_a_list_for_whoever_sees_the_platform(
    standing: str, there: list[str], tenant: str, listed: bool
) -> None:
    counted = {"last_minute": 6, "last_hour": 1234, "last_day": 0, "per_second": 0.1}
    rates = [{"stage": stage, **counted} for stage in STAGES]
    rows = {row.name: row for row in _rows(*there, rates=rates, standing=standing, tenant=tenant).stages()}
    refused = rows.pop("Flux avec factures rejetées")
    assert (refused.path == "/supervision/flux", refused.charted) == (listed, not listed)
    assert all(row.charted for row in rows.values())


def test_statuses_are_called_as_in_the_pages_language() -> None:
    stocks = {"by_status": [{"code": "SUSPENDUE", "label": "Suspendue", "count": 1, "amount": "1"}]}
    names: dict[Language, str] = {"fr": "Suspendue", "en": "Suspended"}
    for language, name in names.items():
        assert [row.name for row in _rows(stocks=stocks, language=language).statuses()] == [name]


def test_the_tenant_that_was_asked_for_goes_along() -> None:
    rows = _rows(tenant="cd06")
    assert rows.letters(reason="X") == "/supervision/lettres?reason=X&tenant=cd06"
    assert rows.curve("rates") == "/supervision/courbes/rates?span=hour&tenant=cd06"


def test_everything_that_is_counted_has_words_in_both_languages() -> None:
    for language in LANGUAGES:
        words = Words(language)
        wanted = [f"stage_{stage}" for stage in STAGES] + [f"measure_{measure}" for measure in MEASURES]
        wanted += [f"field_{field}" for field in FIELDS] + [f"range_{name}" for name in RANGES]
        assert set(STAGES) == set(SAID_STAGES)
        wanted += [f"kind_{kind}" for kind in ("poison", "rejected", "bug", "behind")]
        wanted += [f"letter_{state}" for state in ("parked", "replay", "replayed", "dropped")]
        assert [name for name in wanted if words.get(f"supervision.{name}") is None] == []


@pytest.mark.parametrize(("back", "said"), [("/supervision/lettres/status/3", True), ("/factures/emises", False)])
async def test_a_letter_without_an_invoice_says_so_and_leads_back(back: str, said: bool) -> None:
    gone = Answer(status=404, problem=Problem(status=404, code="INVOICE_UNKNOWN"))
    world = World()
    world.service.answers = [gone] * 9
    answer = await world.http.get(f"/factures/{INVOICE}", params={"dans": back})
    assert answer.status_code == 404
    assert ("Aucune facture derrière cette lettre" in answer.text) is said
    assert (f'href="{back}"' in answer.text) is said


def test_a_letter_leads_to_its_invoice_and_back() -> None:
    page: Any = SimpleNamespace(house=SimpleNamespace(there=frozenset(["/factures/{invoice}"])))
    letter = {"service": "status", "id": 3}
    shown = [supervision_letters._shown(page, {**letter, "key": key})["invoice"] for key in (INVOICE, "cd06", None)]
    assert shown == [f"/factures/{INVOICE}?dans=/supervision/lettres/status/3", None, None]
