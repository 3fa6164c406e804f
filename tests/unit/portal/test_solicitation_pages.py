"""Asking a person from a page: what the page hands on, and what it keeps to itself."""

from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pydantic
import pytest
from starlette.requests import Request

from services.portal.pages import solicitations_new
from services.portal.pages.forms import Form
from services.portal.pages.page import Page
from services.portal.pages.words import catalogue
from services.portal.solicitation_views import SolicitationIn
from services.portal.solicitation_words import UNANSWERED
from tests.unit.portal.page_world import SITE, World

INVOICE = "0190e8a0-0000-7000-8000-000000000042"


def page_at(path: str, query: str = "") -> Page:
    """A page of which nothing but its address is known."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"factures.example")],
        "server": ("factures.example", 443),
        "scheme": "https",
    }
    made = Page.__new__(Page)
    made.request = Request(cast(Any, scope))
    made.house = cast(Any, SimpleNamespace())
    return made


@pytest.mark.parametrize(
    ("path", "query", "handed"),
    [
        ("/lien", "token=secret", {}),
        ("/invitation", "token=secret", {}),
        ("/connexion", "suite=/invitation?token=secret", {}),
        ("/factures/emises/recherche", "q=mots", {"page": ["/factures/emises/recherche"]}),
        (f"/factures/{INVOICE}", "dans=/x", {"page": [f"/factures/{INVOICE}"], "facture": [INVOICE]}),
        ("/annuaire/22060001900016", "", {"page": ["/annuaire/22060001900016"], "siret": ["22060001900016"]}),
    ],
)
def test_the_link_to_ask_somebody_says_where_one_is_and_nothing_that_was_asked_there(
    path: str, query: str, handed: dict[str, list[str]]
) -> None:
    link = urlsplit(page_at(path, query).ask_path)
    assert link.path == "/sollicitations/nouvelle"
    assert parse_qs(link.query) == handed
    assert "secret" not in link.query


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/compte", "/compte"),
        ("/lien?token=secret", "/lien"),
        ("//evil.example/x", ""),
        ("/\\evil.example", ""),
        ("https://evil.example/", ""),
    ],
)
def test_what_an_address_says_to_have_come_from_is_a_path_of_the_platform(given: str, kept: str) -> None:
    assert solicitations_new.came_from(page_at("/sollicitations/nouvelle", f"page={given}")) == kept


@pytest.mark.parametrize("path", ["//evil.example/x", "///x", "/\\evil.example", "/a\\b", "/a b", "evil", ""])
def test_the_api_takes_no_path_that_leads_elsewhere(path: str) -> None:
    given = {"category": "COMPTES", "subcategory": "CONNEXION", "title": "Code perdu", "text": "Que faut-il faire ?"}
    for good in ("/", "/a", "/a//b?c=/d"):
        assert SolicitationIn.model_validate({**given, "page": good}).page == good
    with pytest.raises(pydantic.ValidationError):
        SolicitationIn.model_validate({**given, "page": path})


@pytest.mark.parametrize(
    ("page", "left", "back"),
    [
        ("/factures/emises/recherche", "/factures/emises/recherche?q=b%C3%A9ton&late=1", None),
        ("", "/sollicitations?vue=recues&etat=attente", None),
        ("/factures/emises", "/annuaire?q=nice", "/factures/emises"),
        ("/compte", None, "/compte"),
        ("", "/lien?token=secret", "/sollicitations"),
    ],
)
def test_back_leads_to_the_list_as_it_was_left(page: str, left: str | None, back: str | None) -> None:
    said = {"referer": f"{SITE}{left}"} if left else {}
    assert solicitations_new.way_back(World().page(f"/sollicitations/nouvelle?page={page}", **said)) == (back or left)
    elsewhere = {"referer": f"https://evil.example{left}"}
    assert solicitations_new.way_back(World().page("/sollicitations/nouvelle", **elsewhere)) == "/sollicitations"


def closed(text: str, side: str = "platform") -> dict[str, Any]:
    """A question that is closed, as the API gives it."""
    place = {"kind": "person", "name": "Claire", "service": None, "mine": True}
    last = {"at": "2026-11-23T10:00:00Z", "side": side, "act": "closed", "text": text, "mine": False, "author": None}
    return {
        "id": INVOICE,
        "title": "Question",
        "reference": "S-1",
        "my_turn": False,
        "state": "closed",
        "late": False,
        "due_at": None,
        "asker": place,
        "addressee": {**place, "kind": "support"},
        "invoice": None,
        "may": [],
        "turn": None,
        "history": [{**last, "attachments": []}],
    }


def test_what_the_platform_says_of_a_question_that_nobody_answered_is_in_the_readers_language() -> None:
    assert catalogue("fr")["solicitations.unanswered"] == UNANSWERED.replace(" :", "\u00a0:")
    shown: dict[str, Any] = {"came_from": "", "label": "", "form": Form(), "tones": {"closed": "off"}}
    made = World().page(language="en").render("solicitations/one.html", one=closed(UNANSWERED), **shown)
    text = bytes(made.body).decode()
    assert "nobody has answered or written for a year" in text
    assert "Close par la plateforme" not in text
    own = World().page(language="en").render("solicitations/one.html", one=closed("Merci !", "asker"), **shown)
    assert "Merci !" in bytes(own.body).decode()
