"""Whole tasks of suppliers, as they walk through them from their first page to their last.

What another side does meanwhile is done by the API. The craftsman's first invoice is walked in every run, the others in
the long one; some in Firefox too.
"""

import io
import zipfile
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.browser import lives
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import BOTH, chosen, number, until_title
from tests.browser.visit import Visit
from tests.browser.walking import drop, fine, reload_until, sent, today, until_over
from tests.browser.world import Platform
from tests.carriers import facts_of
from tests.documents import SUPPLIER, InvoicePdf, scanned
from tests.integration.account_world import PASSWORD, SIRET, new_address
from tests.unit.invoice.syntax.write_ubl import ubl


def walk_to_payment(world: Platform, seen: Visit) -> None:
    """The craftsman: an account, a PDF, what was read, the invoice sent, and at last paid."""
    mine, email = number(), new_address()
    seen.open("/")
    seen.page.get_by_role("link", name="Créer un compte").first.click()
    seen.fill(name="Paul Renard", email=email, identifier=SIRET, structure_name="Menuiserie Renard")
    seen.press("Créer le compte")
    assert seen.title() == "Regardez vos courriels"
    seen.page.goto(world.link(email, "Activez"))
    seen.fill(password=PASSWORD, again=PASSWORD)
    seen.press("Activer le compte")
    assert seen.title() == "Bonjour Paul Renard"

    seen.page.get_by_role("link", name="Déposer une première facture").click()
    seen.page.set_input_files("[name=file]", [chosen("facture.pdf", paper(mine))])
    seen.press("Déposer")
    until_title(seen, f"Facture {mine}")
    assert "non envoyé" in seen.text()
    assert seen.page.locator("[name=service_code]").input_value() == "DRH"
    assert seen.sideways() <= 0
    seen.press("Valider et envoyer")
    until_title(seen, "envoyée")
    invoice = seen.page.url.partition("?")[0].rpartition("/")[2]

    reload_until(seen, f"/factures/{invoice}", "sur 30")  # the body has been told: the law's clock runs
    assert "Mise à disposition du destinataire" in seen.text()
    lives.act(world, "agnes", invoice, "mandate", fields={"mandate_number": "M-1"})
    lives.act(world, "agnes", invoice, "put_in_payment", fields={"paid_on": today()})
    reload_until(seen, f"/factures/{invoice}", "mise en paiement dans le délai")
    assert seen.sideways() <= 0
    seen.page.goto("/factures/emises/recherche")
    row = seen.page.locator("tr", has_text=mine)
    assert "Mise en paiement" in row.inner_text()
    seen.page.goto("/")
    assert "Déposer une première facture" not in seen.page.locator("main a").all_inner_texts()
    fine(seen)


def test_a_craftsmans_first_invoice_goes_from_sign_up_to_payment_on_a_telephone(world: Platform, visit: Opens) -> None:
    walk_to_payment(world, visit(width=360))


@pytest.mark.long
def test_the_first_invoice_needs_no_script(world: Platform, visit: Opens) -> None:
    walk_to_payment(world, visit(width=360, script=False))


@pytest.mark.long
def test_the_first_invoice_is_walked_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_to_payment(world, fox_visit(width=360))


@pytest.mark.long
@BOTH
def test_a_scan_is_typed_in_and_sent(world: Platform, visit: Opens, script: bool) -> None:
    walk_a_scan(visit("claire", width=360, script=script))


@pytest.mark.long
def test_a_scan_is_typed_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_a_scan(fox_visit("claire", width=360))


def walk_a_scan(seen: Visit) -> None:
    """A page of which nothing can be read is typed in beside its picture."""
    mine = number()
    drop(seen, "numerisation", scanned(int(mine[1:6], 16)))
    until_title(seen, "Brouillon")
    assert "n'a pas pu être lu" in seen.text()
    assert seen.page.locator(".sheet img").count() >= 1
    seen.fill(recipient_siret="220 600 019 00016", invoice_number=mine, issue_date="02/03/2026")
    seen.fill(total_excl_tax="100", tax="20,00", total_incl_tax="120,00", payable="120,00")
    if seen.script:
        seen.page.locator("[name=service_code] option[value=DRH]").first.wait_for(state="attached")
    else:
        seen.press("Vérifier")
    seen.page.select_option("[name=service_code]", "DRH")
    seen.press("Valider et envoyer")
    until_title(seen, f"Facture {mine} envoyée")
    fine(seen)


@pytest.mark.long
def test_a_clerk_sends_two_hundred_and_mends_those_that_failed(world: Platform, visit: Opens) -> None:
    walk_two_hundred(visit("claire"))


@pytest.mark.long
def test_two_hundred_are_sent_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_two_hundred(fox_visit("claire"))


@pytest.mark.long
def test_what_failed_of_a_batch_is_mended_without_script(world: Platform, visit: Opens) -> None:
    walk_two_hundred(visit("claire", script=False), 20)


def walk_two_hundred(seen: Visit, size: int = 200) -> None:
    """An archive of two hundred, of which two are refused and two lack something: all are mended."""
    run = number()
    whole = [f"{run}-{n:03d}" for n in range(size - 4)]
    files = {f"{each}.xml": ubl(facts_of(_of_claire(each))) for each in whole}
    files |= {f"{run}-s{n}.pdf": paper(f"{run}-s{n}", wrong_sum=Decimal("10.00")) for n in range(2)}
    files |= {f"{run}-r{n}.pdf": paper(f"{run}-r{n}", service_code="NEXISTEPAS") for n in range(2)}
    page = seen.open("/flux")
    archive = chosen(f"lot-de-{size}.zip", _packed(files), "application/zip")
    page.set_input_files("[name=file]", [archive])
    seen.press("Envoyer")
    until_title(seen, f"lot-de-{size}.zip")
    flow = page.url.partition("?")[0]
    page.goto("/")  # it can be left and come back to
    page.goto(flow)
    until_over(seen)
    said = page.locator("#state").inner_text().replace("\n", " ")
    assert str(len(whole)) in said
    for refused in range(2):
        page.goto(flow)
        page.locator(".item", has_text=f"{run}-r{refused}").get_by_role("button", name="Refaire").click()
        until_title(seen, "Facture")
        page.select_option("[name=service_code]", "DRH")
        assert page.locator(".sheet img").count() >= 1
        sent(seen)
    for lacking in range(2):
        page.goto(flow)
        page.locator(".item", has_text=f"{run}-s{lacking}").locator("a.act.main").click()
        until_title(seen, "Facture")
        # Amounts that disagree are not taken over: all of them are written, as they ought to stand on the page.
        seen.fill(total_excl_tax="2535,00", tax="507,00", total_incl_tax="3042,00", payable="3042,00")
        sent(seen)
    for each in (whole[0], f"{run}-r1", f"{run}-s1"):
        lives_path = f"/factures/emises/recherche?q={each}"
        reload_until(seen, lives_path, each)
    fine(seen)


def _of_claire(invoice: str) -> InvoicePdf:
    return InvoicePdf(number=invoice, service_code="DRH", supplier=replace(SUPPLIER, siret=SIRET))


def _packed(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return made.getvalue()


@pytest.mark.long
@BOTH
def test_a_suspended_invoice_is_completed(world: Platform, visit: Opens, script: bool) -> None:
    walk_completion(world, f"walk-{script}", visit("claire", width=360, script=script), visit("agnes", script=script))


@pytest.mark.long
def test_a_suspended_invoice_is_completed_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_completion(world, "walk-fox", fox_visit("claire", width=360), fox_visit("agnes"))


def walk_completion(world: Platform, name: str, seen: Visit, body: Visit) -> None:
    """The supplier adds what the body asks for, and the body sees it."""
    invoice = lives.suspended(world, name)
    seen.open("/factures/emises")
    seen.page.locator(f"#i-{invoice}").click()
    assert "C'est à vous d'agir" in seen.text()
    assert "Le bon de livraison manque." in seen.text()
    assert "À qui s'adresser" in seen.text()
    seen.page.get_by_role("link", name="Compléter").click()
    seen.fill(comment="Voici le bon de livraison signé.")
    seen.page.set_input_files("[name=file]", [chosen("bon.pdf", paper(number()))])
    seen.page.select_option("[name=file_type]", "BON_LIVRAISON")
    seen.press("Compléter")
    seen.page.locator(".notice.done").first.wait_for()
    assert "Complétée" in _status(world, invoice)
    body.open(f"/factures/{invoice}")
    assert "Voici le bon de livraison signé." in body.text()
    assert body.page.get_by_role("link", name="bon.pdf").count() >= 1
    fine(seen)


def _status(world: Platform, invoice: str) -> str:
    found = lives.seen(world, invoice)
    assert found is not None
    return str(found["status"]["label"])


@pytest.mark.long
@BOTH
def test_a_rejected_invoice_is_made_anew(world: Platform, visit: Opens, script: bool) -> None:
    walk_anew(lives.rejected(world, f"walk-{script}"), visit("claire", width=360, script=script))


@pytest.mark.long
def test_a_rejected_invoice_is_made_anew_in_firefox_too(world: Platform, fox_visit: Opens) -> None:
    walk_anew(lives.rejected(world, "walk-fox"), fox_visit("claire", width=360))


def walk_anew(invoice: str, seen: Visit) -> None:
    """A rejected invoice is closed: another one takes its place, under another number."""
    mine = number()
    seen.open(f"/factures/{invoice}")
    assert "Nous n'avons rien commandé." in seen.text()
    seen.press("Refaire cette facture")
    until_title(seen, "Brouillon")
    assert "non envoyé" in seen.text()
    assert seen.page.locator("[name=invoice_number]").input_value() == ""
    assert seen.page.locator("[name=service_code]").input_value() == "DRH"
    seen.fill(invoice_number=mine)
    seen.press("Enregistrer le brouillon")
    until_title(seen, f"Facture {mine}")
    # Its lines were on the document that was rejected: the new one is joined, or lines are typed.
    seen.page.locator("button[name=act][value=pieces]").click()
    seen.page.set_input_files("[name=document]", [chosen("refaite.pdf", paper(mine))])
    seen.press("Joindre le document")
    assert "Le document est joint" in seen.text()
    until_title(seen, f"Facture {mine}")
    sent(seen)
    fine(seen)
