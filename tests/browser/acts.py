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


def tries(platform: Platform, seen: Visit) -> None:
    """Try a PDF: it would be refused."""
    seen.page.set_input_files("[name=file]", [chosen("essai.pdf", deposits.paper(number(), service_code="NEXISTEPAS"))])
    seen.press("Essayer")


def verifies(platform: Platform, seen: Visit) -> None:
    """Have a certificate checked, which somebody has changed."""
    signed: dict[str, Any] = platform.ask("claire", "GET", f"/api/v1/certificates/{deposits.sent(platform)}")
    signed["certificate"]["payable"] = "1.00"
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
