"""What somebody wrote is never lost: a session that is over, a service that is away, a button pressed twice; and what
is done with a selection."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser import deposits, later, lives
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import chosen, number
from tests.browser.visit import Visit
from tests.browser.world import Platform
from tests.integration.account_world import PASSWORD

COMMENT = "Le bon de livraison n° 12 manque, nous l'avons demandé. « Voir le marché », article 4.\r\n" * 40


@contextmanager
def _busy(world: Platform, who: str, service: str) -> Iterator[None]:
    """A service that answers nothing to somebody for a while."""
    later.asked_too_often(world, who, service)
    try:
        yield
    finally:
        later.begin(world, who, service)


def _sign_in_beside(seen: Visit, world: Platform, who: str, words: str) -> None:
    """Sign in in the tab that a link opens, which is closed then."""
    with seen.page.expect_popup() as opened:
        seen.page.locator("main").get_by_role("link", name=words).first.click()
    beside: Page = opened.value
    beside.fill("[name=email]", world.account(who))
    beside.fill("[name=password]", PASSWORD)
    beside.locator("main button.main").first.click()
    beside.wait_for_url("**/compte" if "/deposer" not in seen.page.url else "**/deposer")
    beside.close()


@pytest.mark.parametrize("script", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_comment_outlives_the_session_that_it_was_written_in(world: Platform, visit: Opens, script: bool) -> None:
    invoice = lives.available(world, f"nuit-{script}")
    seen = visit("agnes", width=360, script=script)
    seen.open(f"/factures/{invoice}/agir/suspend")
    seen.page.select_option("[name=motif]", "JUSTIF_ABS")
    seen.fill(comment=COMMENT[:1_900])
    seen.context.clear_cookies()  # the night
    seen.press("Suspendre")
    assert seen.title() == "Votre session est terminée"
    if script:
        assert seen.serious() == []
    assert seen.sideways() <= 0
    assert "article 4" in seen.page.get_by_label("Ce que vous avez écrit").input_value()
    seen.press("Renvoyer")  # too early: nothing is lost by that
    assert seen.title() == "Votre session est terminée"
    _sign_in_beside(seen, world, "agnes", "Se connecter (dans un nouvel onglet)")
    seen.press("Renvoyer")
    seen.page.get_by_text("C'est fait.").first.wait_for()
    found = lives.reach(world, invoice, "SUSPENDUE")
    [told] = [each for each in found["history"] if each["status_to"] == "SUSPENDUE"]
    assert told["comment"].split() == COMMENT[:1_900].split()


@pytest.mark.long
def test_a_draft_an_action_and_a_selection_are_sent_again_when_a_service_answers(world: Platform, visit: Opens) -> None:
    seen = visit("claire", script=False)
    draft = world.ask("claire", "POST", "/api/v1/drafts", {"fields": {}}, once=uuid4().hex)["id"]
    seen.open(f"/brouillons/{draft}")
    seen.fill(note="Deux colis, livrés le 3 novembre à la loge.", invoice_number=number())
    with _busy(world, "claire", "ingest"):
        seen.press("Enregistrer le brouillon")
        assert "Deux colis" in seen.page.get_by_label("Ce que vous avez écrit").input_value()
    seen.press("Renvoyer")
    seen.page.get_by_text("Le brouillon est enregistré").first.wait_for()
    fields = world.ask("claire", "GET", f"/api/v1/drafts/{draft}")["fields"]
    assert next(each["value"] for each in fields if each["name"] == "note").startswith("Deux colis")

    invoice = lives.available(world, "occupe")
    seen = visit("agnes", script=False)
    seen.open(f"/factures/{invoice}/agir/suspend")
    seen.page.select_option("[name=motif]", "JUSTIF_ABS")
    seen.fill(comment="Il manque le bon de livraison signé.")
    with _busy(world, "agnes", "status"):
        seen.press("Suspendre")
        assert "Il manque le bon" in seen.page.get_by_label("Ce que vous avez écrit").input_value()
    seen.press("Renvoyer")
    seen.page.get_by_text("C'est fait.").first.wait_for()
    lives.reach(world, invoice, "SUSPENDUE")


@pytest.mark.parametrize("script", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_selection_is_acted_on_and_downloaded(world: Platform, visit: Opens, script: bool) -> None:
    mark = number()
    ids = [lives.available(world, f"{mark}-{place}") for place in range(2)]
    seen = visit("agnes", script=script)
    search = f"/factures/recues/recherche?q=2026-{mark}"
    seen.open(search)
    for each in ids:
        seen.page.check(f"[name=id][value='{each}']")
    with seen.page.expect_download() as download:
        seen.press("Télécharger la sélection")
    with zipfile.ZipFile(download.value.path()) as packed:
        assert sum(name.endswith(".pdf") for name in packed.namelist()) >= 2

    seen.press("Agir sur la sélection")
    assert "2 factures choisies" in seen.text()
    assert not script or seen.serious() == []
    seen.page.locator("main").get_by_role("link", name="Suspendre", exact=True).click()
    seen.page.select_option("[name=motif]", "JUSTIF_ABS")
    seen.fill(comment="Le bon de livraison manque aux deux factures.")
    with _busy(world, "agnes", "status"):
        seen.page.locator("main form button").first.click()
        assert seen.title() == "Trop de demandes"
        assert not script or seen.serious() == []
    seen.press("Renvoyer")
    assert seen.title() == "Ce qu'il en est"
    assert "Faites\u00a0: 2" in seen.text()
    assert not script or seen.serious() == []
    for each in ids:
        found = lives.reach(world, each, "SUSPENDUE")
        [told] = [each for each in found["history"] if each["status_to"] == "SUSPENDUE"]
        assert told["comment"] == "Le bon de livraison manque aux deux factures."


@pytest.mark.long
def test_a_space_is_exported_and_a_search_of_it_kept(world: Platform, visit: Opens) -> None:
    mark = number()
    lives.available(world, mark)
    seen = visit("agnes", script=False)
    seen.open(f"/factures/recues/recherche?q=2026-{mark}")
    csv = seen.page.request.get(f"/factures/recues/export.csv?q=2026-{mark}")
    assert f"2026-{mark}"[:20] in csv.text()
    archive = seen.page.request.get(f"/factures/recues/archive.zip?q=2026-{mark}")
    assert zipfile.ZipFile(io.BytesIO(archive.body())).testzip() is None
    seen.page.locator("details.keep summary").click()
    seen.fill(name=f"Les miennes {mark}")
    seen.press("Enregistrer")
    seen.page.locator("main").get_by_role("link", name=f"Les miennes {mark}").first.click()
    assert mark in seen.page.url
    seen.open("/factures/recherches")
    seen.page.locator("li", has_text=f"Les miennes {mark}").get_by_role("button").click()
    assert f"Les miennes {mark}" not in seen.text()


@pytest.mark.long
def test_files_are_deposited_by_who_signs_in_again_beside_the_form(world: Platform, visit: Opens) -> None:
    mine, seen = number(), visit("claire")
    seen.open("/deposer")
    seen.context.clear_cookies()
    file = [chosen("facture.pdf", paper(mine))]
    seen.page.set_input_files("[name=file]", file)
    seen.press("Déposer")
    expect(seen.page.locator("main")).to_contain_text("Votre session est terminée")
    _sign_in_beside(seen, world, "claire", "Se connecter (dans un nouvel onglet)")
    seen.page.set_input_files("[name=file]", file)
    seen.press("Déposer")
    seen.page.wait_for_url("**/brouillons/**")
    assert deposits.settled(world, seen.page.url.rpartition("/")[2].partition("?")[0])["state"] == "to_verify"


def _sent(seen: Visit, path: str, form: str, **more: str) -> list[int | str]:
    """What a form of the page is answered with, sent twice as it is."""
    fields = {
        each["name"]: each["value"]
        for each in seen.page.eval_on_selector_all(
            f"{form} input[name]", "all => all.map(e => ({name: e.name, value: e.value}))"
        )
    }
    site = {"Origin": seen.url, "Sec-Fetch-Site": "same-origin"}
    made = [seen.page.request.post(path, form={**fields, **more}, headers=site, max_redirects=0) for _ in range(2)]
    return [each.headers.get("location") or each.status for each in made]


def test_what_is_pressed_twice_is_done_once(world: Platform, visit: Opens) -> None:
    invoice = lives.to_validate(world, "deux-fois")
    seen = visit("bruno", script=False)
    seen.open(f"/factures/{invoice}")
    action = seen.page.locator("form[action*='/agir/']").first.get_attribute("action") or ""
    assert _sent(seen, action, f"form[action='{action}']") == [f"/factures/{invoice}?fait=acted"] * 2

    world.account("wanda", "Wanda Weber")
    seen = visit("wanda", script=False)
    seen.open("/webhooks")
    url = f"https://hooks.example/{number()}"
    form = "form[action='/webhooks']"
    assert _sent(seen, "/webhooks", form, url=url, description="ERP", signature="hmac", sandbox="1") == [200, 200]
    assert [each["url"] for each in world.ask("wanda", "GET", "/api/v1/webhooks")] == [url]


def test_a_link_cannot_say_what_was_done(world: Platform, visit: Opens) -> None:
    seen = visit("oscar")
    seen.open("/compte?fait=password")
    assert "nouveau mot de passe" not in seen.text()
