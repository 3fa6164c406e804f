"""What leads to the pages that no address leads to, pressed each time that such a page is looked at."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from tests.browser import deposits, later, lives, offices
from tests.browser.test_deposits import chosen, number
from tests.browser.visit import Visit
from tests.browser.world import TOWN, Platform

_HEAD = "entree;siret;code;nom;actif\r\n"
_SENDS = """([path, fields]) => {
  const form = document.createElement('form');
  Object.assign(form, { method: 'post', action: path });
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement('input');
    Object.assign(field, { type: 'hidden', name, value });
    form.append(field);
  }
  document.body.append(form);
  setTimeout(() => form.submit()); // once this script has answered
}"""


def tries(platform: Platform, seen: Visit) -> None:
    """Try a PDF: it would be refused."""
    seen.page.set_input_files("[name=file]", [chosen("essai.pdf", deposits.paper(number(), service_code="NEXISTEPAS"))])
    seen.press("Essayer")


def tries_well(platform: Platform, seen: Visit) -> None:
    """Try one that could be sent."""
    seen.page.set_input_files("[name=file]", [chosen("essai.pdf", deposits.paper(number()))])
    seen.press("Essayer")


def deposits_one(platform: Platform, seen: Visit) -> None:
    """Deposit a PDF, which a script sends."""
    seen.page.set_input_files("[name=file]", [chosen("facture.pdf", deposits.paper(number()))])
    with seen.page.expect_navigation():
        seen.press("Déposer")


def sends_too_early(platform: Platform, seen: Visit) -> None:
    """Send a draft in which something is missing."""
    seen.press_as_it_is("Valider et envoyer")


def _certificate(platform: Platform) -> dict[str, Any]:
    found: dict[str, Any] = platform.ask("claire", "GET", f"/api/v1/certificates/{deposits.sent(platform)}")
    return found


def verifies(platform: Platform, seen: Visit) -> None:
    """Have a certificate checked, which somebody has changed."""
    signed = _certificate(platform)
    signed["certificate"]["payable"] = "1.00"
    _verifies(seen, signed)


def verifies_the_same(platform: Platform, seen: Visit) -> None:
    """Have one checked that is as it was given."""
    _verifies(seen, _certificate(platform))


def _verifies(seen: Visit, signed: dict[str, Any]) -> None:
    content = json.dumps(signed).encode()
    seen.page.set_input_files("[name=certificate]", [chosen("c.json", content, "application/json")])
    seen.press("Vérifier")


def _imports(seen: Visit, open_: str, words: str) -> None:
    lines = f"{_HEAD}service;{TOWN};FICHIER-PAGE;Service du fichier;{open_}\r\n"
    seen.page.set_input_files("[name=file]", [chosen("annuaire.csv", lines.encode(), "text/csv")])
    seen.press(words)


def import_refused(platform: Platform, seen: Visit) -> None:
    """Try a file of the directory in which something is wrong."""
    _imports(seen, "peut-être", "Essayer sans rien changer")


def import_tried(platform: Platform, seen: Visit) -> None:
    """Try one that would change something."""
    _imports(seen, "oui", "Essayer sans rien changer")


def import_done(platform: Platform, seen: Visit) -> None:
    """Load one: a service that nobody can address, by another name each time."""
    name = f"Service du fichier {uuid4().hex[:6]}"
    lines = f"{_HEAD}service;{TOWN};FICHIER-CHARGE;{name};non\r\n"
    seen.page.set_input_files("[name=file]", [chosen("annuaire.csv", lines.encode(), "text/csv")])
    seen.press("Charger sans essai")


def _sends(seen: Visit, path: str, **fields: str) -> None:
    """Send a form as a page does that was opened a while ago."""
    with seen.page.expect_navigation():
        seen.page.evaluate(_SENDS, [path, fields])


def sends_after_the_night(platform: Platform, seen: Visit) -> None:
    """Send what one wrote while one's session ended."""
    comment = "Le bon de livraison n° 12 manque, nous l'avons demandé à l'atelier le 3 novembre."
    _sends(seen, f"/factures/{uuid4()}/agir/suspend", csrf="0", motif="JUSTIF_ABS", comment=comment)


def sends_an_old_form(platform: Platform, seen: Visit) -> None:
    """Send the form of a page that was shown to whoever had signed in before."""
    _sends(seen, "/compte/adresse", csrf="0", email="wilma@atelier.example")


def keeps_a_search(platform: Platform) -> str:
    """The kept searches of somebody who has one."""
    if "search" not in platform.made:
        headers = {"Cookie": f"chorale={platform.cookie('claire')['value']}", "Sec-Fetch-Site": "same-origin"}
        asked = {"space": "issued", "name": "En retard", "query": "late=1&sort=due"}
        answer = platform.http.post(f"{platform.url}/api/v1/accounts/me/searches", json=asked, headers=headers)
        platform.made["search"] = str(answer.raise_for_status().json()["id"])
    return "/factures/recherches"


def manages_a_body(platform: Platform) -> str:
    """The directory for who manages a public body and administers no tenant."""
    if "manager" not in platform.made:
        platform.place("paco", TOWN, manager="secondaire")
        platform.made["manager"] = TOWN
    return "/gestion/annuaire"


def joins_wrongly(platform: Platform, seen: Visit) -> None:
    """Sign up with nothing filled in."""
    seen.press_as_it_is("Créer le compte")


def makes_a_webhook(platform: Platform, seen: Visit) -> None:
    """Make one: its secret is shown."""
    seen.fill(url=f"https://{uuid4().hex}.example/in")
    seen.press("Créer le webhook")


def few_webhooks(platform: Platform) -> str:
    """The list of somebody who can have another one."""
    for each in platform.ask("wilma", "GET", "/api/v1/webhooks"):
        platform.ask("wilma", "DELETE", f"/api/v1/webhooks/{each['id']}")
    return "/webhooks"


def without_secrets(platform: Platform) -> str:
    """The page of a program that can have another secret."""
    at = offices.program(platform)
    api = f"{offices.A}/software/{at.rpartition('/')[2]}"
    for each in platform.ask("bruno", "GET", api)["secrets"]:
        if each["state"] == "active":
            platform.ask("bruno", "DELETE", f"{api}/secrets/{each['id']}")
    return at


def makes_a_secret(platform: Platform, seen: Visit) -> None:
    """Make one: it is shown this once."""
    seen.press("Faire un secret")


def saves_what_another_changed(platform: Platform, seen: Visit) -> None:
    """Save a draft that was changed in another window meanwhile."""
    api = f"/api/v1/drafts/{deposits.draft(platform, 'conflit')}"
    version = platform.ask("claire", "GET", api)["version"]
    headers = platform.token("claire") | {"If-Match": f'"{version}"'}
    changed = {"fields": {"engagement": f"CP{uuid4().hex[:8]}"}}
    platform.http.patch(f"{platform.url}{api}", headers=headers, json=changed).raise_for_status()
    seen.fill(engagement="CP2026-1")
    seen.press("Enregistrer le brouillon")


def acts_too_late(platform: Platform, seen: Visit) -> None:
    """Act on what is shown as it was before somebody else acted."""
    seen.page.evaluate("document.querySelector('main form [name=version]').value = '\"1\"'")
    seen.page.select_option("[name=motif]", "JUSTIF_ABS")
    seen.fill(comment="Le bon de livraison manque.")
    seen.press("Suspendre")


def new_ones(platform: Platform) -> str:
    """Two invoices that nobody has acted on, one of them rejected by the time that the form is sent."""
    ids = [lives.available(platform, f"{number()}") for _ in range(2)]
    query = [*(("id", each) for each in ids), ("dans", "/factures/recues"), ("action", "suspend")]
    return f"/factures/actions?{urlencode(query)}"


def suspends_both(platform: Platform, seen: Visit) -> None:
    """Suspend them; what became of each is told."""
    first = seen.page.locator("[name=chosen]").first.input_value().partition(" ")[0]
    lives.act(platform, "agnes", first, "reject", motif="CREANCIER_ERR", comment="Nous n'avons rien commandé.")
    lives.reach(platform, first, "REJETEE")
    seen.page.select_option("[name=motif]", "JUSTIF_ABS")
    seen.fill(comment="Le bon de livraison manque.")
    seen.page.locator("main form button").first.click()


def too_many(platform: Platform) -> str:
    """A page for which somebody has asked too often."""
    later.asked_too_often(platform, "paco", "status", 86_400)
    return "/factures/0190e8a0-0000-7000-8000-000000000042"
