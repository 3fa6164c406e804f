"""What stands around and above pages: announcements, limits, frames, lists that go on; and nothing that breaks."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.portal.pages.format import PARIS
from tests.browser import later, lives, offices
from tests.browser.conftest import Opens
from tests.browser.world import Platform

#: What is broken over two lines though it is one word to its reader: dates, amounts, SIRETs.
BROKEN = """() => [...document.querySelectorAll('main time, main .nowrap, main td.num > div')]
  .filter(e => { const r = document.createRange(); r.selectNodeContents(e);
    return new Set([...r.getClientRects()].map(b => Math.round(b.top))).size > 1 && !e.querySelector('br, div, p'); })
  .map(e => e.outerHTML.slice(0, 120))"""
#: By how much a row's box is higher or lower than the first line of its row.
ASKEW = """() => [...document.querySelectorAll('td.pick input')].map(box => {
  const middle = b => b.top + b.height / 2;
  const line = box.closest('tr').querySelector('.row-link').getClientRects()[0];
  return Math.abs(middle(box.getBoundingClientRect()) - middle(line)); })"""


@pytest.mark.long
@pytest.mark.parametrize("width", [1024, 1280])
def test_dates_amounts_and_sirets_never_break_and_boxes_stand_with_their_rows(
    world: Platform, visit: Opens, width: int
) -> None:
    lives.available(world, "entiere")
    for who, path in (("agnes", "/factures/recues/recherche"), ("claire", "/factures/emises/recherche")):
        seen = visit(who, width=width)
        seen.open(path)
        assert seen.page.locator(".row-link").count() >= 1
        assert seen.page.evaluate(BROKEN) == []
        assert max(seen.page.evaluate(ASKEW)) <= 4
        assert seen.sideways() <= 0


def test_a_maintenance_stands_above_every_page_until_it_is_withdrawn(world: Platform, visit: Opens) -> None:
    title = f"Maintenance {uuid4().hex[:6]}"
    now = datetime.now(UTC).astimezone(PARIS)
    seen, anybody = visit("otto"), visit(width=360, script=False)
    seen.open("/annonces")
    seen.page.select_option("[name=kind]", "maintenance")
    seen.page.fill("main [name=title]", title)
    seen.page.fill("main [name=body]", "La plateforme sera fermée de 1 h à 3 h.")
    for name, moved in (("shown_from", -60), ("shown_until", 60), ("ends_at", 50)):
        seen.page.fill(f"[name={name}]", (now + timedelta(minutes=moved)).strftime("%Y-%m-%dT%H:%M"))
    seen.press("Publier")
    assert "L'annonce est publiée" in seen.text()
    for path in ("/", "/annuaire", "/connexion"):
        anybody.open(path)
        assert "Maintenance" in anybody.page.locator(".announced").inner_text()
        assert anybody.sideways() <= 0
    seen.open("/compte")
    assert seen.page.locator(".announced a").get_attribute("href") == "/annonces"
    assert seen.serious() == []
    seen.open("/annonces")
    seen.page.get_by_role("button", name=f"Retirer {title}").click()
    assert "L'annonce est retirée" in seen.text()
    anybody.open("/")
    assert title not in anybody.page.content()


def test_who_reads_too_often_is_told_when_he_may_again(world: Platform, visit: Opens) -> None:
    seen = visit("oscar")
    later.asked_too_often(world, "oscar", "status")
    try:
        seen.open("/")
        assert "Trop de demandes" in seen.text()
        assert "Réessayez dans" in seen.text()
        seen.open(f"/factures/{uuid4()}", 429)
        assert seen.title() == "Trop de demandes"
        assert "Réessayez dans" in seen.text()
        assert int(seen.seen.headers["retry-after"]) > 0
        assert seen.page.get_by_role("link", name="Réessayer").count() == 1
    finally:
        later.begin(world, "oscar", "status")


#: So many reads of one service a page may cost at most, of the 12,000 in a minute that a person has.
MOST = 10


@pytest.mark.long
def test_one_page_costs_few_of_the_reads_that_a_person_has(world: Platform, visit: Opens) -> None:
    invoice = lives.available(world, "entiere")
    costs = {}
    services = ("status", "ingest", "routing", "notify", "ocr", "portal")
    for who, path in (
        ("claire", "/"),
        ("claire", "/deposer"),
        ("claire", f"/factures/{invoice}"),
        ("agnes", "/factures/recues"),
        ("agnes", "/gestion"),
        ("bruno", f"/structures/{offices.workshop(world)}/personnes"),
    ):
        for service in services:
            later.begin(world, who, service)
        visit(who).open(path)
        costs[path] = {service: found for service in services if (found := later.reads(world, who, service))}
    assert max(number for cost in costs.values() for number in cost.values()) <= MOST


@pytest.mark.long
def test_the_frame_of_a_document_says_why_it_is_empty(world: Platform, visit: Opens) -> None:
    invoice = lives.available(world, "entiere")
    at = f"/factures/{invoice}/document"
    for who, status in (("claire", 200), ("oscar", 404), (None, 401)):
        seen = visit(who)
        seen.open(at, status)
        assert seen.seen.headers["x-frame-options"] == "SAMEORIGIN"
        assert (seen.page.locator("img.sheet").count() > 0) == (status == 200)
        assert ("Vous ne voyez plus cette facture" in seen.text()) == (status != 200)


@pytest.mark.long
def test_long_lists_go_on_without_script(world: Platform, visit: Opens) -> None:
    at = f"/structures/{offices.workshop(world)}"
    offices.arrive(world, "rita")
    api = f"{offices.A}/structures/{offices.SIRET}/members?limit=1"
    first = world.ask("bruno", "GET", api)
    second = world.ask("bruno", "GET", f"{api}&cursor={first['next']}")["members"][0]
    seen = visit("bruno", width=360, script=False)
    seen.open(f"{at}/personnes?suite={first['next']}")
    assert second["name"] in seen.text()
    assert seen.page.locator(f"a[href$='/personnes/{first['members'][0]['subject'].replace(':', '%3A')}']").count() == 0
    seen.page.get_by_role("link", name="Début de la liste").click()
    assert first["members"][0]["name"] in seen.text()
    seen.open(f"{at}/personnes?suite=inconnue", 404)
    seen.open("/structures?suite=inconnue", 404)
    # Somebody who is not on the first page has a page all the same.
    seen.open(offices.person(world))
