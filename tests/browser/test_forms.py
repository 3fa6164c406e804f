"""Forms that no walk comes to: each is pressed, and what it did is asked of the API or of the page that follows.

That every form has its test is held by the first; those of structures are in a file of their own.
"""

import csv
import io
import json
import re
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from services.portal.pages import AREAS
from tests.browser import lives
from tests.browser.conftest import Opens
from tests.browser.deposits import PATIENCE
from tests.browser.every_form import PRESSED
from tests.browser.walking import fine
from tests.browser.world import Platform
from tests.integration.account_world import PASSWORD, new_address


def test_every_form_is_pressed_by_a_test() -> None:
    router = APIRouter()
    for add in AREAS:
        add(router)
    forms = {route.path for route in router.routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())}
    pressed = [path for tests in PRESSED.values() for paths in tests.values() for path in paths]
    assert sorted(forms) == sorted(pressed)
    for file, tests in PRESSED.items():
        there = set(re.findall(r"^def (test_\w+)", Path(__file__).with_name(f"{file}.py").read_text("utf-8"), re.M))
        assert tests.keys() - there == set(), file


def test_messages_come_as_often_and_where_one_says(world: Platform, visit: Opens) -> None:
    world.account("mara", "Mara Colin")
    seen, email = visit("mara", width=360), new_address()
    page = seen.open("/messages/reglages")
    page.locator("main details summary").first.click()
    page.select_option("[name=every]", "weekly")
    one = page.locator("select[name^=kind-]").first
    kind = str(one.get_attribute("name")).removeprefix("kind-")
    one.select_option("daily")
    seen.press("Enregistrer")
    assert "Vos réglages sont enregistrés" in seen.text()
    chosen = world.ask("mara", "GET", "/api/v1/messages/preferences")
    assert chosen["every_kind"] == "weekly"
    assert {each["kind"]: each["chosen"] for each in chosen["kinds"] if each["chosen"]} == {kind: "daily"}
    seen.fill(email="nulle part")
    seen.press_as_it_is("Demander cette adresse")
    assert page.locator("[name=email]").get_attribute("aria-invalid") == "true"
    assert page.locator("[name=every]").input_value() == "weekly"
    assert seen.serious() == []
    seen.fill(email=email)
    seen.press("Demander cette adresse")
    assert "Un message est parti à cette adresse" in seen.text()
    assert f"{email} attend d'être confirmée" in seen.text()
    assert world.ask("mara", "GET", "/api/v1/messages/contact")["waiting"] == email
    assert seen.serious() == []


def test_ones_name_is_changed_and_ones_data_are_taken_along(world: Platform, visit: Opens) -> None:
    email = world.account("nora", "Nora Blin")
    seen = visit("nora", width=360)
    seen.open("/compte")
    seen.fill(name="")
    seen.press_as_it_is("Enregistrer")
    assert seen.page.locator("[name=name]").get_attribute("aria-invalid") == "true"
    seen.fill(name="Nora Blin-Roux")
    seen.press("Enregistrer")
    assert "Vos réglages sont enregistrés" in seen.text()
    assert seen.serious() == []
    assert "Nora Blin-Roux" in visit("nora").open("/").locator("h1").inner_text()
    seen.open("/compte/donnees")
    seen.fill(password="ce n'est pas le bon")
    seen.press("Recevoir le fichier")
    assert "à corriger" in seen.text()
    assert seen.serious() == []
    seen.fill(password=PASSWORD)
    with seen.page.expect_download() as saving:
        seen.press("Recevoir le fichier")
    assert saving.value.suggested_filename == "mes-donnees.jsonl"
    content = seen.page.request.get(saving.value.url).text()
    lines = [json.loads(line) for line in content.splitlines()]
    assert len(lines) > 2
    assert email in content
    assert "Nora Blin-Roux" in content


@pytest.mark.long
def test_a_webhook_is_made_tried_renewed_paused_and_removed(world: Platform, visit: Opens) -> None:
    world.account("willy", "Willy Bost")
    seen = visit("willy", width=360)
    seen.open("/webhooks")
    seen.fill(url=f"https://{uuid4().hex}.example/in")
    seen.press("Créer le webhook")
    first = seen.page.locator("code.secret").inner_text()
    fine(seen)
    seen.page.get_by_role("link", name="C'est noté").click()
    [made] = world.ask("willy", "GET", "/api/v1/webhooks")
    at, api = f"/webhooks/{made['id']}", f"/api/v1/webhooks/{made['id']}"
    assert first not in seen.page.content()

    seen.press("Envoyer un essai")
    assert "Un essai est parti" in seen.text()
    _until(lambda: any(each["attempts"] for each in _log(world, api)), "nothing was tried")
    seen.open(at)
    assert re.search(r"\d essais?", seen.page.locator("table").inner_text())
    fine(seen)
    assert seen.page.locator("table form").count() == 0, "a trial is nothing to go on from"
    seen.press_as_it_is("Renvoyer")
    assert "Donnez un jour" in seen.text()
    fine(seen)
    seen.fill(since="2026-01-01")
    seen.press("Renvoyer")
    assert "Le renvoi est demandé" in seen.text()
    assert len(world.ask("willy", "GET", f"{api}/replays")) == 1
    fine(seen)

    seen.press("Changer de secret")
    assert seen.title() == "Secret du webhook"
    assert seen.page.locator("code.secret").inner_text() != first
    fine(seen)
    assert len(world.ask("willy", "GET", api)["secrets"]) == 2
    seen.open(at)
    for words, state in (("Mettre en pause", "paused"), ("Reprendre", "active")):
        seen.press(words)
        assert "Vos réglages sont enregistrés" in seen.text()
        assert world.ask("willy", "GET", api)["state"] == state
        fine(seen)
    seen.press("Supprimer")
    assert "Le webhook est supprimé" in seen.text()
    assert world.ask("willy", "GET", "/api/v1/webhooks") == []
    fine(seen)


def _log(world: Platform, api: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.ask("willy", "GET", f"{api}/deliveries")["deliveries"]
    return found


def _until(done: Any, otherwise: str) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, otherwise
        time.sleep(0.2)


@pytest.mark.long
def test_the_keys_of_lists_are_switched_off(world: Platform, visit: Opens) -> None:
    lives.available(world, "page")
    seen = visit("agnes")
    page = seen.open("/factures/recues/recherche")
    for words, state in (("Désactiver les raccourcis", "off"), ("Activer les raccourcis", "on")):
        page.locator("details.keys summary").click()
        seen.press(words)
        page.locator(f"details.keys[data-keys={state}]").wait_for()
        assert page.url.endswith("/factures/recues/recherche")
        kept = {each["name"]: each["value"] for each in seen.context.cookies()}
        assert kept["keys"] == state
        fine(seen)


@pytest.mark.long
def test_an_operator_says_why_he_looks(world: Platform, visit: Opens) -> None:
    invoice, reason = lives.available(world, "motif"), f"Réclamation {uuid4().hex[:8]} du fournisseur"
    seen = visit("otto", width=360)
    seen.open(f"/factures/motif?suite=/factures/{invoice}")
    seen.fill(reason="court")
    seen.press("Continuer")
    assert seen.page.locator("[name=reason]").get_attribute("aria-invalid") == "true"
    fine(seen)
    seen.fill(reason=reason)
    seen.press("Continuer")
    assert seen.page.url.endswith(f"/factures/{invoice}")
    assert "2026-motif" in seen.title()
    fine(seen)
    body = visit("agnes")
    body.open("/gestion/consultations")
    assert "Otto Bernard" in body.page.locator("tr", has_text=reason).first.inner_text()


@pytest.mark.long
def test_what_is_over_is_found_in_its_year_and_taken_along(world: Platform, visit: Opens) -> None:
    invoice = lives.rejected(world)
    year = lives.reach(world, invoice, "REJETEE")["history"][0]["at"][:4]
    seen = visit("claire")
    seen.open("/archives")
    seen.page.locator("main").get_by_role("link", name=f"Archives {year}").click()
    seen.fill(q="2026-rejetee")
    seen.page.locator("main form button.main").first.click()
    assert "2026-rejetee" in seen.page.locator("main table").first.inner_text()
    fine(seen)
    export = seen.page.locator("main a[href*='export.csv']").get_attribute("href") or ""
    rows = list(csv.reader(io.StringIO(seen.page.request.get(export).text()), delimiter=";"))
    assert any("2026-rejetee" in row for row in rows)
    seen.fill(q="rien-de-tel")
    seen.page.locator("main form button.main").first.click()
    assert f"Aucune facture close de {year}" in seen.text()
    fine(seen)


@pytest.mark.long
def test_the_papers_of_an_invoice_and_the_state_of_the_platform_are_there(world: Platform, visit: Opens) -> None:
    invoice = lives.suspended(world)
    seen = visit("claire", width=360)
    seen.open(f"/factures/{invoice}")
    link = seen.page.locator("main a[href$='/histoire.json']").first.get_attribute("href") or ""
    story = seen.page.request.get(link)
    assert "attachment" in story.headers["content-disposition"]
    assert invoice in story.text()
    assert "SUSPENDUE" in json.dumps(story.json())
    owed = seen.page.request.get(f"/factures/{invoice}/interets.pdf")
    assert owed.body().startswith(b"%PDF")
    other = visit("oscar")
    for file in ("histoire.json", "interets.pdf"):
        assert other.page.request.get(f"/factures/{invoice}/{file}").status == 404
    anybody = visit(width=360)
    anybody.open("/etat")
    assert "Tous les services répondent" in anybody.text()
    assert anybody.page.locator(".badge.done").count() == 7
    fine(anybody)
