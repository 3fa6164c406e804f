"""The main tasks of a supplier, a manager and a validator, by the keyboard alone."""

import pytest

from tests.browser import lives
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import chosen, number, until_title
from tests.browser.visit import Visit
from tests.browser.walking import fine, tab_to, tab_to_field, walk_to
from tests.browser.world import TOWN, Platform

CINEMA = "22060001901170"


def _choose(seen: Visit, name: str, content: bytes) -> None:
    """Go to the field of files and choose one."""
    tab_to_field(seen, "file")
    with seen.page.expect_file_chooser() as asked:
        seen.page.keyboard.press("Space")
    asked.value.set_files([chosen(name, content)])


def _press(seen: Visit, words: str) -> None:
    tab_to(seen, words)
    seen.page.keyboard.press("Enter")


def _done(seen: Visit) -> None:
    seen.page.locator(".notice.done").first.wait_for()


@pytest.mark.long
def test_a_first_invoice_is_sent_by_keys(world: Platform, visit: Opens) -> None:
    seen, read, mine = visit("claire"), number(), number()
    page = seen.open("/")
    _press(seen, "Aller au contenu")
    page.goto("/deposer")
    _choose(seen, "facture.pdf", paper(read))
    _press(seen, "Déposer")
    until_title(seen, f"Facture {read}")
    page.locator("form[data-typing]").wait_for()
    tab_to_field(seen, "invoice_number")
    page.keyboard.type(mine)  # what Tab comes to is marked, and written over
    _press(seen, "Valider et envoyer")
    until_title(seen, f"Facture {mine} envoyée")
    fine(seen)


@pytest.mark.long
def test_a_suspended_invoice_is_completed_by_keys(world: Platform, visit: Opens) -> None:
    invoice = lives.suspended(world, "touches")
    seen = visit("claire")
    page = seen.open("/factures/emises")
    walk_to(seen, "2026-touches")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Facture 2026-touches").wait_for()
    page.keyboard.press("a")
    _press(seen, "Compléter")
    page.wait_for_url("**/agir/complete*")
    tab_to_field(seen, "comment")
    page.keyboard.type("Voici le bon de livraison signé.")
    _choose(seen, "bon.pdf", paper(number()))
    tab_to_field(seen, "file_type")
    page.keyboard.type("Bon de l")
    _press(seen, "Compléter")
    _done(seen)
    found = lives.reach(world, invoice, "COMPLETEE")
    assert any(each["comment"] == "Voici le bon de livraison signé." for each in found["history"])
    assert any(change["field"] == "attachment" for each in found["history"] for change in each["changes"])
    fine(seen)


@pytest.mark.long
def test_somebody_is_let_in_by_keys(world: Platform, visit: Opens) -> None:
    who = f"c{number()}"
    world.account(who, f"Candidat {who}")
    world.place(who, CINEMA, ("AGENT", "MERCURY"))
    asked = {"message": "Je viens d'arriver au service.", "works_there": True}
    world.ask(who, "POST", f"/api/v1/accounts/structures/{TOWN}/requests", asked)
    seen = visit("agnes")
    page = seen.open("/gestion")
    _press(seen, f"Examiner Candidat {who}")
    page.wait_for_url("**/gestion/demandes/*")
    tab_to_field(seen, "role", "FINANCE")
    page.keyboard.press("Space")
    _press(seen, "Accepter")
    _done(seen)
    mine = world.ask(who, "GET", "/api/v1/accounts/structures")["structures"]
    assert any(each["structure"] == TOWN for each in mine)
    fine(seen)


@pytest.mark.long
def test_a_subcontractors_invoice_is_validated_by_keys(world: Platform, visit: Opens) -> None:
    mine = number()
    invoice = lives.to_validate(world, mine)
    seen = visit("bruno")
    page = seen.open("/factures/a-valider")
    walk_to(seen, f"2026-{mine}")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Facture 2026-{mine}").wait_for()
    page.keyboard.press("a")
    _press(seen, "Valider")
    _done(seen)
    lives.reach(world, invoice, "VALIDEE_1")
    fine(seen)
