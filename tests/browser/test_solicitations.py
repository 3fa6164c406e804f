"""A question about an invoice, from the supplier who asks it to the agent who answers, and back."""

import time
from typing import Any

from tests.browser import lives
from tests.browser.conftest import Opens
from tests.browser.deposits import PATIENCE
from tests.browser.test_deposits import chosen, number
from tests.browser.walking import agent, fine, reload_until
from tests.browser.world import Platform

NOTE, SLIP = b"%PDF-1.7 a delivery note", b"%PDF-1.7 a signed slip"


def test_a_supplier_asks_about_an_invoice_and_the_service_answers(world: Platform, visit: Opens) -> None:
    invoice, samir, title = lives.available(world, "question"), agent(world), f"Paiement attendu {number()}"
    claire = visit("claire", width=360, script=False)
    claire.open(f"/factures/{invoice}")
    claire.page.locator("footer a.act").click()
    claire.page.select_option("[name=subject]", "FACTURES_EMISES/RETARD_PAIEMENT")
    claire.fill(title=title, text="Bonjour, le délai est passé : que manque-t-il ?")
    claire.page.set_input_files("[name=files]", [chosen("bon.pdf", NOTE)])
    claire.press("Envoyer")
    assert "Votre question est envoyée" in claire.text()
    at = claire.page.url.replace(world.url, "").partition("?")[0]
    written(world, samir, "Question S-")

    clerk = visit(samir)
    clerk.open("/")
    assert "Quelqu'un vous pose une question" in clerk.text()
    clerk.page.get_by_role("link", name="Questions auxquelles répondre").click()
    clerk.page.get_by_role("link", name=title).click()
    assert "Claire Martin" not in clerk.text(), "the other side is a structure, not a person"
    sent = clerk.page.get_by_role("link", name="bon.pdf").get_attribute("href")
    assert clerk.page.request.get(str(sent)).body() == NOTE
    clerk.fill(text="Bonjour, le bon signé manquait : le voici, le paiement suit.")
    clerk.page.set_input_files("[name=files]", [chosen("signe.pdf", SLIP)])
    clerk.press("Envoyer")
    assert "Votre message est envoyé" in clerk.text()
    fine(clerk)
    written(world, "claire", "Réponse à votre question")

    claire.open("/")
    assert "Votre question a une réponse" in claire.text()
    claire.page.get_by_role("link", name="Réponses à vos questions").click()
    claire.page.get_by_role("link", name=title).click()
    assert "le paiement suit" in claire.text()
    signed = claire.page.get_by_role("link", name="signe.pdf").get_attribute("href")
    assert claire.page.request.get(str(signed)).body() == SLIP
    claire.press("Clore la sollicitation")
    assert "La sollicitation est close" in claire.text()
    assert claire.sideways() <= 0

    until = time.monotonic() + PATIENCE
    while len(questions(world, invoice)) < 3:
        assert time.monotonic() < until, "the story of the invoice does not tell of the question"
        time.sleep(0.2)
    reload_until(claire, f"/factures/{invoice}", f"Sollicitation close : {title}")
    assert claire.page.locator("#story-part .told.question").count() == 3
    assert claire.page.locator("#story-part .told.solicitation").count() == 0
    assert claire.page.locator(f"#story-part a[href='{at}']").count() == 3
    fine(claire)


def questions(world: Platform, invoice: str) -> list[dict[str, Any]]:
    """The lines about questions in the invoice's history, as the API has it."""
    found = world.ask("claire", "GET", f"/api/v1/invoices/{invoice}")
    return [each for each in found["history"] if each["kind"] == "solicitation"]


def written(world: Platform, who: str, subject: str) -> None:
    """Wait for a mail to this account whose subject has these words."""
    until, params = time.monotonic() + PATIENCE, {"to": world.account(who), "bodies": "0"}
    while True:
        found = world.http.get(f"{world.stack.smtp.url}/api/messages", params=params).json()
        if any(subject in mail["subject"] for mail in found):
            return
        assert time.monotonic() < until, [mail["subject"] for mail in found]
        time.sleep(0.2)
