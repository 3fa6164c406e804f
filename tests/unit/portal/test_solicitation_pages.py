"""Asking a person from a page: what the page hands on, and what it keeps to itself."""

from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pydantic
import pytest
from starlette.requests import Request

from services.portal.pages import solicitations_new
from services.portal.pages.page import Page
from services.portal.solicitation_views import SolicitationIn

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
