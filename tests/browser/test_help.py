"""The help as people use it: found by a search, from a refusal, in either language, with script or without."""

from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.browser import deposits
from tests.browser.conftest import Opens
from tests.browser.world import Platform


def test_an_answer_is_found_without_script_and_whatever_the_accents(world: Platform, visit: Opens) -> None:
    seen = visit(width=360, script=False)
    page = seen.open("/aide")
    page.fill("[name=q]", "pourquoi MISE A DISPOSITION")
    seen.press("Chercher")
    page.get_by_role("link", name="Pourquoi ma facture est-elle toujours").click()
    assert page.url.endswith("/aide/faq#mise-a-disposition")
    assert "facultatifs" in seen.text()
    assert seen.sideways() <= 0


@pytest.mark.long
def test_a_refusal_leads_to_the_meaning_of_its_code(world: Platform, visit: Opens) -> None:
    seen = visit("claire")
    page = seen.open(f"/depots/{deposits.refused(world)}")
    link = page.locator("main a[href^='/aide/refus']").first
    code = link.inner_text()
    link.click()
    entry = page.locator(f"[id='{code}']")
    assert entry.is_visible()
    assert "Que faire" in entry.inner_text()
    assert page.evaluate("document.querySelector(':target').id") == code


def test_an_address_with_a_code_of_another_page_leads_on_to_it(world: Platform, visit: Opens) -> None:
    page = visit().open("/aide/refus#BR-CO-15")
    page.locator("[id='BR-CO-15']").click()
    assert page.url.endswith("/aide/refus/norme#BR-CO-15")


@pytest.mark.long
def test_the_models_are_saved_and_open(world: Platform, visit: Opens) -> None:
    seen = visit()
    page = seen.open("/aide/regles-pdf")
    for ending, entry in (("odt", "content.xml"), ("docx", "word/document.xml")):
        with page.expect_download() as saving:
            page.locator(f"a[href$='.{ending}']").click()
        assert saving.value.suggested_filename == f"facture-modele.{ending}"
        answer = page.request.get(f"/aide/modeles/facture-modele.{ending}")
        assert ZipFile(BytesIO(answer.body())).read(entry)
    assert page.request.get("/aide/modeles/facture-modele.pdf").body().startswith(b"%PDF")
    for other in ("facture-modele.exe", "autre.pdf", "..%2F..%2Fsecret.pdf"):
        assert page.request.get(f"/aide/modeles/{other}", headers={"Accept": "text/html"}).status == 404


@pytest.mark.long
def test_what_is_french_on_an_english_page_is_marked_so(world: Platform, visit: Opens) -> None:
    seen = visit(language="en")
    page = seen.open("/aide/refus")
    assert seen.title() == "Refusals and warnings"
    assert page.locator("dl.help-terms").first.get_attribute("lang") == "fr"
    page = seen.open("/aide/statuts")
    assert "At the recipient's disposal" in seen.text()
    assert page.locator("footer").get_by_text("does not replace the French national").is_visible()


@pytest.mark.long
def test_pictures_are_those_that_were_taken_and_none_is_broken(world: Platform, visit: Opens) -> None:
    seen = visit()
    for name in ("deposer", "suivre", "agent"):
        page = seen.open(f"/aide/{name}")
        for picture in page.locator("figure img").all():
            picture.scroll_into_view_if_needed()
            page.wait_for_function(
                "picture => picture.complete && picture.naturalWidth > 0", arg=picture.element_handle()
            )
        assert seen.seen.errors == []
