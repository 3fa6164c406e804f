"""Deposits as people make them: a PDF dropped, read over and sent; many at once; one refused and made again."""

import time
from uuid import uuid4

import pytest
from playwright.sync_api import FilePayload

from tests.browser import deposits
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.visit import Visit
from tests.browser.world import Platform
from tests.documents import scanned

BOTH = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)


def number() -> str:
    """A number that no invoice has."""
    return f"N{uuid4().hex[:10]}"


def chosen(name: str, content: bytes, kind: str = "application/pdf") -> FilePayload:
    """A file as a person chooses it."""
    return {"name": name, "mimeType": kind, "buffer": content}


def until_title(seen: Visit, words: str) -> None:
    """Wait for a page whose heading has these words; without script by pressing « Actualiser »."""
    until = time.monotonic() + 120
    while words not in seen.title():
        assert time.monotonic() < until, seen.title()
        again = seen.page.locator("main").get_by_role("link", name="Actualiser")
        if again.count() and not seen.script:
            again.first.click()
        else:
            seen.page.wait_for_timeout(100)


@pytest.mark.long
@BOTH
def test_a_pdf_is_dropped_read_over_and_sent(world: Platform, visit: Opens, script: bool) -> None:
    seen, mine = visit("claire", width=360, script=script), number()
    seen.open("/deposer")
    seen.page.set_input_files("[name=file]", [chosen("facture.pdf", paper(mine))])
    seen.press("Déposer")
    until_title(seen, f"Facture {mine}")
    assert "Brouillon, non envoyé" in seen.text()
    assert seen.page.locator("[name=invoice_number]").input_value() == mine
    assert seen.page.locator("[name=service_code]").input_value() == "DRH"
    assert seen.page.locator("[name=issue_date]").input_value() == "15/08/2026"
    assert "Alpes-Maritimes" in seen.page.locator("#recipient").inner_text()
    assert seen.sideways() <= 0
    seen.press("Valider et envoyer")
    until_title(seen, "envoyée")
    assert seen.title() == f"Facture {mine} envoyée"
    assert "Numéro de dépôt" in seen.text()
    certificate = seen.page.request.get(seen.page.locator("a[href$='certificat.pdf']").get_attribute("href") or "")
    assert certificate.body().startswith(b"%PDF")
    document = seen.page.request.get(seen.page.locator("a[href$='/document']").get_attribute("href") or "")
    assert document.body() == paper(mine)
    assert document.headers["content-security-policy"].startswith("sandbox")
    assert "attachment" in document.headers["content-disposition"]
    assert seen.seen.errors == []


@pytest.mark.long
def test_going_to_a_field_outlines_its_words_on_the_page(world: Platform, visit: Opens) -> None:
    path = f"/brouillons/{deposits.draft(world, 'contour')}"
    seen = visit("claire")
    page = seen.open(path)
    page.locator(".sheet img").first.wait_for()
    page.wait_for_function("() => document.querySelector('.sheet img').naturalWidth > 0")
    page.locator("[name=invoice_number]").focus()
    assert page.locator("rect.on").get_attribute("id") == "m-invoice_number"
    page.locator("[name=total_incl_tax]").focus()
    assert page.locator("rect.on").get_attribute("id") == "m-total_incl_tax"
    assert seen.seen.errors == []
    # Without script the link beside the field leads to the words, which are then filled.
    plain = visit("claire", script=False)
    page = plain.open(path)
    page.locator("#s-invoice_number a.seen").click()
    assert page.url.endswith("#m-invoice_number")
    assert page.locator("rect:target").get_attribute("id") == "m-invoice_number"


@pytest.mark.long
def test_a_field_that_was_not_found_says_which_words_would_be_recognised(world: Platform, visit: Opens) -> None:
    seen = visit("claire")
    seen.open(f"/brouillons/{deposits.draft(world, 'mots')}")
    assert "« Engagement »" in seen.page.locator("#s-engagement").inner_text().replace("\xa0", " ")


def test_what_is_wrong_is_said_while_typing_and_what_is_typed_is_saved(world: Platform, visit: Opens) -> None:
    path = f"/brouillons/{deposits.draft(world, 'frappe')}"
    seen = visit("claire")
    page = seen.open(path)
    page.fill("[name=recipient_siret]", "220600019 00017")
    page.locator("#w-recipient_siret .said.refuse").wait_for()
    assert page.locator("[name=recipient_siret]").get_attribute("aria-invalid") == "true"
    page.fill("[name=recipient_siret]", "22310001700423")
    page.get_by_text("Haute-Garonne").first.wait_for()
    beside = page.locator("#recipient").inner_text()
    assert all(form in beside for form in ("CPaaaa/X-----/n", "CP2020/X123456/1", "aaMXXX", "19MXXX")), beside
    page.locator("#w-service_code .said, [name=service_code] option[value='TEST-DSI']").first.wait_for(state="attached")
    assert page.locator("[name=service_code] option[value='TEST-DSI']").count() == 1
    assert page.locator("#w-recipient_siret .said.refuse").count() == 0
    assert seen.seen.errors == []
    again = visit("claire", script=False)
    again.open(path)
    assert again.page.locator("[name=recipient_siret]").input_value() == "22310001700423"


@pytest.mark.long
def test_two_windows_never_overwrite_each_other_in_silence(world: Platform, visit: Opens) -> None:
    path = f"/brouillons/{deposits.draft(world, 'fenetres')}"
    one, two = visit("claire", script=False), visit("claire", script=False)
    one.open(path)
    two.open(path)
    one.fill(engagement="CP2026-1")
    one.press("Enregistrer le brouillon")
    assert "n'est pas envoyée" in one.text()
    two.fill(engagement="CP2026-2")
    two.press("Enregistrer le brouillon")
    assert "Modifié dans une autre fenêtre" in two.text()
    row = two.page.locator("#conflict tbody tr").inner_text()
    assert "CP2026-2" in row
    assert "CP2026-1" in row
    assert two.page.locator("[name=engagement]").input_value() == "CP2026-2"
    assert world.ask("claire", "GET", f"/api/v1/drafts{path.removeprefix('/brouillons')}")["version"] == 2
    two.press("Enregistrer le brouillon")
    two.open(path)
    assert two.page.locator("[name=engagement]").input_value() == "CP2026-2"


@pytest.mark.long
@BOTH
def test_what_is_missing_keeps_a_draft_from_being_sent_and_is_named(
    world: Platform, visit: Opens, script: bool
) -> None:
    path = f"/brouillons/{deposits.draft(world, f'manque-{script}', service_code=None)}"
    seen = visit("claire", width=360, script=script)
    seen.open(path)
    seen.fill(invoice_number="")
    seen.press("Valider et envoyer")
    seen.page.locator(".summary").wait_for()
    assert "Rien n'est envoyé" in seen.text()
    assert seen.page.locator(".summary a[href='#f-invoice_number']").count() == 1
    assert seen.page.locator(".summary a[href='#f-service_code']").count() == 1
    assert seen.serious() == [] if script else True
    seen.page.locator(".summary a[href='#f-invoice_number']").click()
    seen.fill(invoice_number=number())
    seen.page.select_option("[name=service_code]", "DRH")
    seen.press("Valider et envoyer")
    until_title(seen, "envoyée")


@pytest.mark.long
def test_a_scan_is_typed_in_beside_its_picture_and_sent(world: Platform, visit: Opens) -> None:
    seen, mine = visit("claire", script=False), number()
    seen.open(f"/brouillons/{deposits.deposit(world, mine, scanned(int(mine[1:5], 16)), review=True)}")
    assert "Le document n'a pas pu être lu" in seen.text()
    assert seen.page.locator(".sheet img").count() >= 1
    seen.fill(recipient_siret="220 600 019 00016", invoice_number=mine, issue_date="02/03/2026")
    seen.fill(total_excl_tax="100", tax="20,00", total_incl_tax="120,00", payable="120,00")
    seen.press("Vérifier")
    assert seen.page.locator("[name=service_code]").evaluate("each => each.tagName") == "SELECT"
    seen.page.select_option("[name=service_code]", "DRH")
    seen.press("Valider et envoyer")
    assert seen.title() == f"Facture {mine} envoyée"


@pytest.mark.long
def test_a_suggested_value_is_taken_with_one_press(world: Platform, visit: Opens) -> None:
    refused = deposits.refused(world)
    seen = visit("claire", width=360)
    seen.open(f"/depots/{refused}")
    assert "NEXISTEPAS" in seen.text()
    assert "SERVICE_UNKNOWN" in seen.text()
    assert "À qui s'adresser" in seen.text()
    assert seen.serious() == []
    seen.press("Refaire")
    until_title(seen, "Facture E-2026-REFUSEE")
    assert "non envoyé" in seen.text()
    assert seen.page.locator("#w-service_code .said.refuse").count() == 1
    seen.page.select_option("[name=service_code]", "DRH")
    assert seen.page.locator(".sheet img").count() >= 1, "the page that was refused lies beside the form"
    seen.press("Valider et envoyer")
    until_title(seen, "envoyée")


@pytest.mark.long
def test_a_name_in_place_of_a_siret_offers_the_bodies_that_may_be_meant(world: Platform, visit: Opens) -> None:
    seen = visit("claire", script=False)
    seen.open(f"/brouillons/{deposits.draft(world, 'nom')}")
    seen.fill(recipient_siret="valdeblore")
    seen.press("Vérifier")
    seen.page.locator("#recipient button", has_text="Choisir").first.click()
    assert seen.page.locator("[name=recipient_siret]").input_value().startswith("20002983300")


@pytest.mark.long
def test_many_files_are_sent_and_one_that_is_none_is_told_apart(world: Platform, visit: Opens) -> None:
    files = [chosen(f"lot-{n}.pdf", paper(number())) for n in range(3)]
    files.append(chosen("photo.png", PNG, "image/png"))
    seen = visit("claire", script=False)
    seen.open("/deposer")
    seen.page.set_input_files("[name=file]", files)
    seen.press("Déposer")
    assert "« photo.png » n'est pas enregistré" in seen.text().replace("\xa0", " ")
    for n in range(3):
        assert f"« lot-{n}.pdf » est enregistré" in seen.text().replace("\xa0", " ")

    live = visit("claire")
    page = live.open("/deposer")
    page.set_input_files("[name=file]", [chosen(f"vif-{n}.pdf", paper(number())) for n in range(3)])
    live.press("Déposer")
    until_title(live, "Suivi des dépôts")
    page.wait_for_function("() => document.querySelectorAll('.file .badge.wait').length === 3")
    assert page.locator(".stages .reached").count() == 12
    assert live.serious() == []
    assert live.seen.errors == []


def test_the_same_form_sent_twice_makes_one_deposit(world: Platform, visit: Opens) -> None:
    seen, mine = visit("claire", script=False), number()
    seen.open("/deposer")
    fields = {
        name: seen.page.locator(f"main form [name={name}]").first.get_attribute("value") or ""
        for name in ("csrf", "once")
    }
    ends = set()
    for _ in range(2):
        answer = seen.page.request.post(
            "/deposer",
            multipart={**fields, "review": "oui", "file": chosen("deux.pdf", paper(mine))},
            headers={"Origin": world.url, "Accept": "text/html"},
        )
        assert answer.ok, answer.status
        ends.add(answer.url.partition("?")[0].rpartition("/")[2])
    assert len(ends) == 1


def test_a_form_without_its_word_is_refused_before_any_file_is_taken(world: Platform, visit: Opens) -> None:
    seen = visit("claire")
    answer = seen.page.request.post(
        "/deposer",
        multipart={"file": chosen("x.pdf", paper(number()))},
        headers={"Origin": world.url, "Accept": "application/json"},
    )
    assert answer.status == 403
    assert "problem" in answer.json()


@pytest.mark.long
def test_who_deposits_for_nobody_is_told_what_helps(world: Platform, visit: Opens) -> None:
    seen = visit("agnes")
    seen.open("/deposer")
    assert "reliez votre compte" in seen.text()


def test_nobody_sees_the_draft_of_another(world: Platform, visit: Opens) -> None:
    draft, deposit = deposits.draft(world), deposits.sent(world)
    other = visit("agnes")
    for path in (
        f"/brouillons/{draft}",
        f"/depots/{deposit}",
        f"/depots/{deposit}/document",
        f"/depots/{deposit}/certificat.pdf",
    ):
        other.open(path, 404)
        assert other.title() == "Page introuvable"
