"""Drafts without a PDF, their cadre and attachments, certificates and trials, as people use them."""

import json
import time

import pytest
from playwright.sync_api import APIResponse, Route

from tests.browser import deposits
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import BOTH, PNG, chosen, number, until_title
from tests.browser.world import TOWN, Platform
from tests.documents import scanned


@pytest.mark.long
@BOTH
def test_an_invoice_is_typed_with_its_lines_to_the_cent(world: Platform, visit: Opens, script: bool) -> None:
    seen, mine = visit("claire", width=360, script=script), number()
    seen.open("/saisir")
    seen.fill(recipient=TOWN)
    seen.press("Commencer le brouillon")
    until_title(seen, "Brouillon")
    page = seen.page
    seen.fill(invoice_number=mine, issue_date="02/03/2026", supplier_name="Atelier Berthier")
    page.select_option("[name=service_code]", "DRH")
    page.fill("[name=lines-1-label]", "Pose de fenêtres")
    page.fill("[name=lines-1-quantity]", "2,5")
    page.fill("[name=lines-1-unit_price]", "480,333")
    page.fill("[name=lines-1-vat_rate]", "20")
    seen.press("Ajouter une ligne")
    page.locator("[name=lines-2-label]").wait_for()
    page.fill("[name=lines-2-label]", "Documentation")
    page.fill("[name=lines-2-unit_price]", "35,90")
    page.fill("[name=lines-2-vat_rate]", "5,5")
    page.select_option("[name=payment_mode]", "CHEQUE")
    seen.press("Vérifier")
    page.wait_for_url("**/brouillons/*?vue=controle*")
    sums = page.locator("#sums").inner_text().replace("\u202f", " ")
    assert "1 200,83 €" in sums  # 2.5 × 480.333 = 1200.8325
    assert "240,17 €" in sums
    assert "1 478,87 €" in sums
    assert seen.page.locator(".summary").count() == 0, seen.text()
    seen.press("Valider et envoyer")
    until_title(seen, f"Facture {mine} envoyée")
    assert seen.seen.errors == []


@pytest.mark.long
def test_under_the_franchise_no_line_bears_vat(world: Platform, visit: Opens) -> None:
    seen, mine = visit("claire", script=False), number()
    seen.open(f"/saisir?siret={TOWN}&service=DRH")
    assert "Alpes-Maritimes" in seen.text()
    seen.press("Commencer le brouillon")
    assert seen.page.locator("[name=service_code]").input_value() == "DRH"
    seen.fill(invoice_number=mine, issue_date="02/03/2026", supplier_name="Atelier Berthier")
    seen.page.fill("[name=lines-1-label]", "Atelier de lecture")
    seen.page.fill("[name=lines-1-unit_price]", "60")
    seen.page.fill("[name=lines-1-vat_rate]", "20")
    seen.page.select_option("[name=vat_regime]", "FRANCHISE")
    seen.page.select_option("[name=payment_mode]", "CHEQUE")
    seen.press("Vérifier")
    assert seen.page.locator(".summary").count() == 1
    seen.page.fill("[name=lines-1-vat_rate]", "")
    seen.press("Valider et envoyer")
    assert seen.title() == f"Facture {mine} envoyée"
    again = visit("claire", script=False)
    again.open("/saisir")
    again.fill(recipient=TOWN)
    again.page.check("[name=how][value=last]")
    again.press("Commencer le brouillon")
    # What she sent herself is hers to copy, though she has not proved that she belongs to her firm.
    until_title(again, "Brouillon")
    assert again.page.locator("[name=vat_regime]").input_value() == "FRANCHISE"
    assert again.page.locator("[name=lines-1-label]").input_value() == "Atelier de lecture"
    assert again.page.locator("[name=invoice_number]").input_value() == ""


@pytest.mark.long
def test_the_cadre_is_found_by_plain_questions(world: Platform, visit: Opens) -> None:
    seen = visit("claire", width=360, script=False)
    seen.open(f"/brouillons/{deposits.draft(world, 'cadre')}")
    seen.press("Ce n'est pas ma situation")
    assert "situation" in seen.title()
    seen.press("Continuer")
    assert "Choisissez une réponse" in seen.text()
    seen.page.get_by_label("Je suis sous-traitant").check()
    seen.press("Continuer")
    seen.page.get_by_label("Ma facture, en paiement direct").check()
    seen.press("Continuer")
    assert "Facture d'un sous-traitant" in seen.text()
    assert seen.page.locator("[name=validator_1_siret]").count() == 1
    seen.press("Vérifier")
    assert seen.page.locator(".summary a[href='#f-validator_1_siret'], .summary a[href='#f-controle']").count() >= 1


@pytest.mark.long
def test_attachments_are_added_used_again_and_go_with_the_draft(world: Platform, visit: Opens) -> None:
    first, second = deposits.draft(world, "pieces-1"), deposits.draft(world, "pieces-2")
    seen = visit("claire", script=False)
    seen.open(f"/brouillons/{first}/pieces")
    seen.fill(label="   ")
    seen.page.set_input_files("[name=file]", [chosen("bl.png", PNG, "image/png")])
    seen.press("Joindre")
    assert seen.page.locator("[name=label]").first.get_attribute("aria-invalid") == "true"
    seen.page.select_option("[name=type]", "BON_LIVRAISON")
    seen.fill(label="Livraison du 27 février")
    seen.page.set_input_files("[name=file]", [chosen("bl.png", PNG, "image/png")])
    seen.press("Joindre")
    assert "Livraison du 27 février" in seen.text()
    link = seen.page.locator("td a", has_text="bl.png").get_attribute("href") or ""
    assert seen.page.request.get(link).headers["content-security-policy"].startswith("sandbox")
    seen.open(f"/brouillons/{second}/pieces")
    seen.page.locator("section", has_text="déjà envoyée").get_by_role("button").click()
    assert "Bon de livraison" in seen.page.locator("table").inner_text()
    seen.open(f"/brouillons/{second}/suppression")
    seen.press("Supprimer")
    assert "Le brouillon est supprimé" in seen.text()
    seen.open(f"/brouillons/{second}", 404)


@pytest.mark.long
def test_a_paper_that_is_no_invoice_becomes_an_attachment(world: Platform, visit: Opens) -> None:
    invoice, other = deposits.draft(world, "facture-a"), deposits.draft(world, "attestation")
    seen = visit("claire", script=False)
    seen.open(f"/brouillons/{other}/pieces")
    seen.page.select_option("[name=to]", invoice)
    seen.press("En faire une pièce jointe")
    assert "pièce jointe de l'autre facture" in seen.text()
    seen.open(f"/brouillons/{invoice}/pieces")
    assert "attestation" in seen.text()


def test_a_typed_draft_gets_its_pdf(world: Platform, visit: Opens) -> None:
    made = world.ask("claire", "POST", "/api/v1/drafts", {"fields": {}}, once=f"pdf-{number()}")
    seen = visit("claire", script=False)
    seen.open(f"/brouillons/{made['id']}/pieces")
    seen.page.set_input_files("[name=document]", [chosen("f.pdf", paper(number()))])
    seen.press("Joindre le document")
    assert "Le document est joint" in seen.text()


@pytest.mark.long
@BOTH
def test_a_certificate_is_checked_by_anybody(world: Platform, visit: Opens, script: bool) -> None:
    sent = deposits.sent(world)
    mine = visit("claire")
    pdf = mine.page.request.get(f"/depots/{sent}/certificat.pdf").body()
    signed = world.ask("claire", "GET", f"/api/v1/certificates/{sent}")
    seen = visit(script=script)
    seen.open("/certificats/verifier")
    seen.page.set_input_files("[name=certificate]", [chosen("c.pdf", pdf)])
    seen.page.set_input_files("[name=document]", [chosen("f.pdf", paper("E-2026-ENVOYEE"))])
    seen.press("Vérifier")
    assert "authentique et entier" in seen.text()
    assert "E-2026-ENVOYEE" in seen.text()
    assert "bien celui qui a été déposé" in seen.text()
    if script:
        assert seen.serious() == []
    signed["certificate"]["payable"] = "1.00"
    forged = json.dumps(signed).encode()
    seen.page.set_input_files("[name=certificate]", [chosen("c.json", forged, "application/json")])
    seen.press("Vérifier")
    assert "a été modifié" in seen.text()
    seen.page.set_input_files("[name=certificate]", [chosen("c.txt", b"bonjour", "text/plain")])
    seen.press("Vérifier")
    assert "n'est pas un certificat" in seen.text()


@pytest.mark.long
@BOTH
def test_a_pdf_is_tried_without_an_account_and_nothing_is_kept(world: Platform, visit: Opens, script: bool) -> None:
    before = world.ask("claire", "GET", "/api/v1/deposits")["deposits"][:1]
    seen, mine = visit(width=360, script=script), number()
    seen.open("/essayer")
    seen.press("Essayer") if not script else seen.page.evaluate(
        "document.querySelector('[name=file]').required = false"
    )
    seen.page.set_input_files("[name=file]", [chosen("essai.pdf", paper(mine))])
    seen.press("Essayer")
    assert mine in seen.text()
    assert "pourrait partir telle quelle" in seen.text()
    assert seen.sideways() <= 0
    if script:
        assert seen.serious() == []
    seen.page.set_input_files("[name=file]", [chosen("scan.pdf", scanned(4))])
    seen.press("Essayer")
    assert "n'a pas pu être lu" in seen.text()
    seen.page.set_input_files("[name=file]", [chosen("x.pdf", paper(number(), service_code="NEXISTEPAS"))])
    seen.press("Essayer")
    assert "SERVICE_UNKNOWN" in seen.text()
    assert world.ask("claire", "GET", "/api/v1/deposits")["deposits"][:1] == before


@pytest.mark.long
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_pages_of_deposits_are_there_in_both_languages(world: Platform, visit: Opens, language: str) -> None:
    seen = visit("claire", language=language)
    for path in (
        "/deposer",
        f"/brouillons/{deposits.draft(world)}",
        "/saisir",
        "/flux",
        "/essayer",
        "/certificats/verifier",
    ):
        seen.open(path)
        assert seen.page.locator("html").get_attribute("lang") == language


def test_what_is_sent_while_the_draft_is_being_saved_is_no_conflict(world: Platform, visit: Opens) -> None:
    seen, mine, other = visit("claire"), number(), number()
    page = seen.open(f"/brouillons/{deposits.deposit(world, mine, paper(mine), review=True)}")
    late: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if "act=live" in (route.request.post_data or ""):
            late.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/brouillons/*", hold)
    seen.fill(invoice_number=other)
    until = time.monotonic() + 60
    while not late:
        assert time.monotonic() < until
        page.wait_for_timeout(50)
    seen.press("Valider et envoyer")  # saved, and not yet known to the page
    route, answer = late.pop()
    route.fulfill(response=answer)
    until_title(seen, f"Facture {other} envoyée")
