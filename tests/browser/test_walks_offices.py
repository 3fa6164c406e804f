"""Whole tasks of bodies, validators and operators, as they walk through them."""

from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from tests.browser import deposits, lives, parked
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import BOTH, number, until_title
from tests.browser.visit import Visit
from tests.browser.walking import (
    agent,
    drop,
    fine,
    focused,
    proved,
    reload_until,
    tab_to,
    tab_to_field,
    today,
    walk_to,
)
from tests.browser.world import TOWN, Platform
from tests.documents import SUPPLIER, InvoicePdf

GARONNE = "99900002900010"
CINEMA = "22060001901170"
RIVE = "99900003700013"


@pytest.mark.long
def test_an_agents_morning_is_done_by_the_keyboard_alone(world: Platform, visit: Opens) -> None:
    walk_by_keys(world, visit(agent(world)))


@pytest.mark.long
def test_an_agents_morning_is_done_by_the_keyboard_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_by_keys(world, fox_visit(agent(world)))


def walk_by_keys(world: Platform, seen: Visit) -> None:
    """Three invoices: one is taken in charge, one suspended, one certified."""
    numbers = [number() for _ in range(3)]
    for each in numbers:
        _given(world, each)
    page = seen.open("/factures/recues")
    keys = page.keyboard

    # One is taken in charge: the list by j, the invoice by Enter, its first action by a.
    walk_to(seen, numbers[0])
    keys.press("Enter")
    page.get_by_role("heading", name=f"Facture {numbers[0]}").wait_for()
    keys.press("a")
    assert focused(seen) == "Prendre en charge"
    keys.press("Enter")
    page.get_by_text("C'est fait.").first.wait_for()

    # One is suspended, with a motif and a comment.
    walk_to(seen, numbers[1])
    keys.press("Enter")
    page.get_by_role("heading", name=f"Facture {numbers[1]}").wait_for()
    keys.press("a")
    tab_to(seen, "Suspendre")
    keys.press("Enter")
    page.wait_for_url("**/agir/suspend*")
    tab_to_field(seen, "motif")
    keys.type("Justificatif")
    tab_to_field(seen, "comment")
    keys.type("Il manque le bon de livraison signé.")
    tab_to(seen, "Suspendre")
    keys.press("Enter")
    page.get_by_text("C'est fait.").first.wait_for()

    # One is certified.
    walk_to(seen, numbers[2])
    keys.press("Enter")
    page.get_by_role("heading", name=f"Facture {numbers[2]}").wait_for()
    keys.press("a")
    tab_to(seen, "Attester le service fait")
    keys.press("Enter")
    page.wait_for_url("**/agir/service_done*")
    tab_to_field(seen, "done_on")
    keys.type(f"0101{today()[:4]}")  # whichever of day and month the browser asks for first
    tab_to(seen, "Attester le service fait")
    keys.press("Enter")
    page.get_by_text("C'est fait.").first.wait_for()
    for each, status in zip(numbers, ("PRISE_EN_COMPTE_DESTINATAIRE", "SUSPENDUE", "SERVICE_FAIT"), strict=True):
        [found] = world.ask("agnes", "GET", f"/api/v1/invoices?number={each}")["invoices"]
        assert found["status"]["code"] == status
    fine(seen)


def _given(world: Platform, invoice: str) -> str:
    """An invoice of this number that the département has; its id."""
    sent = deposits.deposit(world, invoice, paper(invoice), review=False)
    lives.reach(world, sent, "MISE_A_DISPOSITION")
    return sent


@pytest.mark.long
@BOTH
def test_a_manager_accepts_one_and_refuses_another(world: Platform, visit: Opens, script: bool) -> None:
    walk_approvals(world, visit("agnes", script=script))


@pytest.mark.long
def test_a_manager_accepts_and_refuses_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_approvals(world, fox_visit("agnes"))


def walk_approvals(world: Platform, seen: Visit) -> None:
    """Two ask to belong to the body: one is let in, the other reads why not."""
    names = [f"c{number()}" for _ in range(2)]
    for who in names:
        world.account(who, f"Candidat {who}")
        world.place(who, CINEMA, ("AGENT", "MERCURY"))  # whoever supplies has nothing to ask of a body
        asked = {"message": "Je viens d'arriver au service.", "works_there": True}
        world.ask(who, "POST", f"/api/v1/accounts/structures/{TOWN}/requests", asked)
    seen.open("/")
    seen.page.get_by_role("link", name="Demandes de rattachement").first.click()
    seen.page.locator("tr", has_text=f"Candidat {names[0]}").get_by_role("link").click()
    assert "N'acceptez que quelqu'un que vous connaissez" in seen.text()
    seen.page.locator("input[type=checkbox][value*=FINANCE], input[name*=FINANCE]").first.check()
    seen.press("Accepter")
    seen.page.locator(".notice.done").first.wait_for()
    _readable(seen)
    seen.page.goto("/gestion")
    seen.page.locator("tr", has_text=f"Candidat {names[1]}").get_by_role("link").click()
    seen.fill(reason="Nous ne vous connaissons pas au service.")
    seen.press("Refuser")
    seen.page.locator(".notice.done").first.wait_for()
    _readable(seen)
    seen.page.goto("/gestion")
    assert not any(who in seen.text() for who in names)
    mine = world.ask(names[0], "GET", "/api/v1/accounts/structures")["structures"]
    assert any(each["structure"] == TOWN for each in mine)
    [refused] = world.ask(names[1], "GET", "/api/v1/accounts/requests")["requests"]
    assert refused["state"] == "refused"
    fine(seen)


@pytest.mark.long
@BOTH
def test_a_subcontractor_names_his_validator_who_validates(world: Platform, visit: Opens, script: bool) -> None:
    marc, ines = _contractors(world)
    walk_validation(visit(marc, width=360, script=script), visit(ines, script=script))


@pytest.mark.long
def test_a_subcontractors_validator_validates_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    marc, ines = _contractors(world)
    walk_validation(fox_visit(marc, width=360), fox_visit(ines))


def _readable(seen: Visit) -> None:
    """What an act has led to is a page as any other."""
    if seen.script:
        assert seen.serious() == []


def _contractors(world: Platform) -> tuple[str, str]:
    marc = proved(world, "marc", "Marc Leroy", RIVE)
    return marc, proved(world, "ines", "Inès Moreau", GARONNE, "VALIDATEUR")


def walk_validation(seen: Visit, validator: Visit) -> None:
    """The subcontractor sends his invoice to a company that has to agree, which does."""
    mine = number()
    drop(seen, "sous-traitance", InvoicePdf(number=mine, service_code="DRH", supplier=_party(RIVE)).render())
    until_title(seen, f"Facture {mine}")
    seen.press("Ce n'est pas ma situation")
    seen.page.get_by_label("Je suis sous-traitant").check()
    seen.press("Continuer")
    seen.page.get_by_label("Ma facture, en paiement direct").check()
    seen.press("Continuer")
    seen.fill(validator_1_siret=GARONNE)
    seen.press("Valider et envoyer")
    until_title(seen, "envoyée")
    invoice = seen.page.url.partition("?")[0].rpartition("/")[2]
    reload_until(seen, f"/factures/{invoice}", "À valider")

    reload_until(validator, "/factures/a-valider", mine)
    validator.page.get_by_role("link", name=mine).click()
    validator.press("Valider")
    validator.page.locator(".notice.done").first.wait_for()
    reload_until(seen, f"/factures/{invoice}", "Mise à disposition du destinataire")
    assert "Validée" in seen.text()
    fine(seen)
    fine(validator)


def _party(siret: str) -> Any:
    return replace(SUPPLIER, siret=siret)


@pytest.mark.long
@BOTH
def test_an_operator_settles_a_dead_letter(world: Platform, visit: Opens, script: bool) -> None:
    walk_a_dead_letter(world, visit("otto", script=script), "VIF" if script else "SIMPLE")


@pytest.mark.long
def test_an_operator_settles_a_dead_letter_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_a_dead_letter(world, fox_visit("otto"), "RENARD")


def walk_a_dead_letter(world: Platform, seen: Visit, name: str) -> None:
    """From the figure of supervision to the letter, which is replayed with a note."""
    [letter] = parked.park(world, str(uuid5(NAMESPACE_URL, name)), f"WALK_{name}", tenant="cd06")
    seen.open("/supervision")
    seen.page.locator(".figure a[href='/supervision/lettres']").click()
    seen.page.get_by_role("link", name=f"WALK_{name}").first.click()
    seen.page.locator(f"a[href='{letter}']").click()
    seen.fill(note="corrigé chez nous")
    seen.press("Rejouer")
    seen.page.locator(".notice.done").first.wait_for()
    assert "corrigé chez nous" in seen.text()
    fine(seen)
