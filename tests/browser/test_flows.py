"""Archives as a clerk sends them: progress that can be left, what failed and why, and the way to mend it."""

import pytest

from tests.browser import deposits
from tests.browser.conftest import Opens
from tests.browser.deposits import archive, paper
from tests.browser.test_deposits import BOTH, chosen, number, until_title
from tests.browser.world import Platform
from tests.documents import encrypted


@pytest.mark.long
@BOTH
def test_an_archive_is_sent_and_what_failed_leads_to_its_mending(world: Platform, visit: Opens, script: bool) -> None:
    seen, good, lacking, wrong = visit("claire", width=360, script=script), number(), number(), number()
    packed = archive(
        bonne=paper(good),
        incomplete=paper(lacking, wrong_sum=1),
        refusee=paper(wrong, service_code="NEXISTEPAS"),
        chiffree=encrypted(int(good[1:5], 16)),
    )
    seen.open("/flux")
    seen.page.set_input_files("[name=file]", [chosen("lot.zip", packed, "application/zip")])
    seen.press("Envoyer")
    until_title(seen, "Archive lot.zip")
    page = seen.page
    if script:
        page.locator("#state[data-going=off]").wait_for(state="attached")
        assert seen.serious() == []
    else:
        for _ in range(300):
            again = page.locator("#state").get_by_role("link", name="Actualiser")
            if not again.count():
                break
            again.click()
    page.goto(page.url.partition("?")[0])
    assert "Intégrée en partie" in seen.text()
    items = page.locator("#items-list")
    assert wrong in items.inner_text()
    assert "NEXISTEPAS" in items.inner_text()
    assert good not in items.inner_text()
    assert items.locator("aside.contact").count() == 1
    report = page.request.get(f"{page.url.partition('?')[0]}/compte-rendu.csv")
    assert report.ok
    assert wrong in report.text()
    assert page.request.get(f"{page.url.partition('?')[0]}/compte-rendu.pdf").body().startswith(b"%PDF")
    page.get_by_role("link", name="Déposées", exact=True).click()
    assert good in page.locator("#items-list").inner_text()
    page.get_by_role("link", name="À traiter", exact=True).click()
    page.locator(".item", has_text=wrong).get_by_role("button", name="Refaire").click()
    until_title(seen, "Facture")
    assert "non envoyé" in seen.text()
    assert seen.seen.errors == []


def test_flows_are_listed_and_left_and_found_again(world: Platform, visit: Opens) -> None:
    flow = deposits.flow(world)
    seen = visit("claire", script=False)
    seen.open("/flux")
    seen.page.locator(f"a[href='/flux/{flow}']").click()
    assert "archive.zip" in seen.title()
    assert "facture déposée" in seen.text()


def test_nobody_sees_the_flow_of_another(world: Platform, visit: Opens) -> None:
    flow = deposits.flow(world)
    other = visit("agnes")
    other.open(f"/flux/{flow}", 404)
    other.open(f"/flux/{flow}/compte-rendu.csv", 404)
