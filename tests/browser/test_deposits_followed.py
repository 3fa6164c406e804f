"""Where many deposits are followed: with and without script, and after a sending too long for an address."""

from uuid import uuid4

from playwright.sync_api import Route

from services.portal.pages.deposit import MOST
from tests.browser import deposits
from tests.browser.conftest import Opens
from tests.browser.test_deposits import chosen, until_title
from tests.browser.world import Platform


def _stored(route: Route) -> None:
    """Each file is said to be stored."""
    if route.request.method != "POST":
        return route.continue_()
    id_ = str(uuid4())
    told = {"name": "lot.pdf", "path": f"/depots/{id_}", "archive": False, "id": id_, "problem": None}
    return route.fulfill(json={"files": [told]})


def test_a_sending_too_long_for_an_address_is_followed_among_all_and_the_refused_by_themselves(
    world: Platform, visit: Opens
) -> None:
    refused, draft = deposits.refused(world), deposits.draft(world, "suivi")
    seen = visit("claire", width=360)
    page = seen.open("/deposer")
    page.route("**/deposer", _stored)
    page.set_input_files("[name=file]", [chosen(f"lot-{n}.pdf", b"%PDF-") for n in range(MOST + 1)])
    seen.press("Déposer")
    until_title(seen, "Suivi des dépôts")
    assert page.url.endswith("/deposer/suivi")
    for each in (seen, visit("claire", script=False)):
        each.open(f"/deposer/suivi?d={draft}&d={refused}&d={uuid4()}")
        assert each.page.locator(".file").count() == 2
        assert "1 autre dépôt de cet envoi" in each.text().replace("\xa0", " ")
        each.page.get_by_role("link", name="Refusés (1)").click()
        each.page.locator("[aria-current=page]", has_text="Refusés").wait_for()
        assert each.page.locator(".file-head a").get_attribute("href") == f"/depots/{refused}"
        each.page.get_by_role("link", name="Tous vos dépôts").click()
        each.page.wait_for_url("**/deposer/suivi?etat=refuses")
        assert each.page.locator(f".file-head a[href='/depots/{refused}']").count() == 1
        assert each.page.locator(f".file-head a[href='/brouillons/{draft}']").count() == 0
    assert seen.serious() == []
    assert seen.sideways() <= 0
    assert seen.seen.errors == []
