"""What holds for every page: axe, console, hosts, weight, width, heading, headers; in light and in dark."""

import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from services.portal.pages import AREAS
from services.portal.pages.route import POLICY
from tests.browser.conftest import Opens
from tests.browser.every_page import ROWS, WAYS, Row
from tests.browser.visit import Visit
from tests.browser.world import Platform

HEAVIEST = 150_000


def test_every_page_is_looked_at() -> None:
    router = APIRouter()
    for add in AREAS:
        add(router)
    paths = {route.path for route in router.routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())}
    looked_at = {row.route or row.path.partition("?")[0] for row in ROWS}
    assert sorted(paths - looked_at - WAYS) == []


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.name, marks=[pytest.mark.long] if row.long else []) for row in ROWS]
)
def test_nothing_is_wrong_with_it_on_a_telephone(row: Row, world: Platform, look: Opens) -> None:
    seen = look(row.who, 360, "light", row.language)
    whole(seen, row, world)
    assert seen.small_targets() == []
    # 200 % of a window of 1280 px leaves 640 px for the page.
    seen.resize(640)
    aside = seen.sideways()
    seen.resize(360)
    assert aside <= 0


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_nothing_is_wrong_with_it_in_the_dark(row: Row, world: Platform, look: Opens) -> None:
    whole(look(row.who, 1280, "dark", row.language), row, world)


def whole(seen: Visit, row: Row, world: Platform) -> None:
    """What holds for every page, however wide and in whatever colours."""
    where = row.where(world)
    row.look(world, seen, where)
    assert seen.serious() == []
    assert seen.seen.errors == []
    assert seen.seen.strangers == []
    assert seen.seen.weight < HEAVIEST
    shape = seen.shape()
    assert shape["sideways"] <= 0
    assert (shape["headings"], shape["language"]) == (1, row.language)
    headers = seen.seen.headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in headers["content-security-policy"]
    # An address with the word of a mail is as private as a session, and so is what somebody wrote.
    private = row.who is not None or "token=" in where or row.status == 401
    assert headers["cache-control"] == ("private, no-store" if private else "private, no-cache")
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_files_are_kept_for_good_and_pages_are_packed(world: Platform, visit: Opens) -> None:
    seen = visit()
    page = seen.open("/")
    sheet = page.locator("link[rel=stylesheet]").get_attribute("href")
    assert sheet is not None
    assert re.fullmatch(r"/static/chorale\.[0-9a-f]{12}\.css", sheet)
    answer = page.request.get(sheet)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert page.request.get("/").headers["content-encoding"] == "gzip"
    assert page.request.get("/static/chorale.000000000000.css").status == 404


def test_the_portal_can_be_installed_and_keeps_nothing_on_the_device(world: Platform, visit: Opens) -> None:
    seen = visit("claire")
    page = seen.open("/")
    manifest = page.request.get("/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    for icon in manifest.json()["icons"]:
        assert page.request.get(icon["src"]).ok
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(found => found.length)") == 0
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_programs_get_json_where_people_get_a_page(world: Platform, visit: Opens) -> None:
    seen = visit()
    seen.open("/rien/ici", 404)
    assert seen.title() == "Page introuvable"
    for path, accept in (("/rien/ici", "application/json"), ("/api/v1/rien", "text/html"), ("/rien/ici", "*/*")):
        answer = seen.page.request.get(path, headers={"Accept": accept})
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("application/problem+json"), path


def test_the_language_is_the_browsers_until_another_is_chosen(world: Platform, visit: Opens) -> None:
    seen = visit(language="en")
    seen.open("/connexion")
    assert seen.title() == "Sign in"
    seen.page.get_by_label("Français").click()
    assert seen.title() == "Connexion"
    seen.open("/inscription")
    assert seen.title() == "Créer un compte"
