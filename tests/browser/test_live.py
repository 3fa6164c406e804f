"""Pages of invoices follow what happens elsewhere, without taking anything out of somebody's hands; and on paper."""

import pytest

from tests.browser import lives
from tests.browser.conftest import Opens
from tests.browser.test_deposits import number
from tests.browser.visit import Visit
from tests.browser.world import Platform

MISSING = {"motif": "JUSTIF_ABS", "comment": "Le bon de livraison manque."}
UPDATED, CHANGED = "La page vient d'être mise à jour.", "Quelque chose a changé."


def _followed(seen: Visit, path: str) -> None:
    """Open a page and wait until it is told what happens."""
    seen.open(path).locator(".live[data-open=yes]").wait_for(state="attached")


def test_an_open_invoice_follows_what_others_do_with_it(world: Platform, visit: Opens) -> None:
    invoice = lives.available(world, "direct")
    seen = visit("claire", width=360)
    _followed(seen, f"/factures/{invoice}")
    assert seen.page.get_by_role("link", name="Compléter").count() == 0
    lives.act(world, "agnes", invoice, "suspend", **MISSING)
    seen.page.locator("#standing .badge", has_text="Suspendue").wait_for()
    assert UPDATED in seen.page.locator(".live-text").inner_text()
    assert "Le bon de livraison manque." in seen.page.locator("#story-part").inner_text()
    assert seen.page.locator("#acts-panel").get_by_role("link", name="Compléter").count() == 1
    assert seen.serious() == []
    assert seen.seen.errors == []


@pytest.mark.long
def test_what_is_no_longer_possible_leaves_an_open_invoice(world: Platform, visit: Opens) -> None:
    invoice = lives.to_validate(world, f"direct-{number()}")
    seen = visit("bruno")
    _followed(seen, f"/factures/{invoice}")
    assert seen.page.locator("main").get_by_role("button", name="Valider").count() == 1
    lives.act(world, "bruno", invoice, "validate")
    seen.page.locator("#standing .badge", has_not_text="À valider").wait_for()
    assert seen.page.locator("main").get_by_role("button", name="Valider").count() == 0
    assert seen.page.get_by_role("link", name="Refuser", exact=True).count() == 0


@pytest.mark.long
def test_a_list_follows_and_asks_first_where_a_box_is_ticked(world: Platform, visit: Opens) -> None:
    mark = number()
    one, other = (lives.available(world, f"{mark}-{place}") for place in range(2))
    seen = visit("agnes")
    _followed(seen, f"/factures/recues/recherche?q=2026-{mark}")
    badge = seen.page.locator("tr", has=seen.page.locator(f"#i-{one}")).locator(".badge")
    seen.page.locator(f"#i-{other}").focus()
    lives.act(world, "agnes", one, "suspend", **MISSING)
    badge.filter(has_text="Suspendue").wait_for()
    assert UPDATED in seen.page.locator(".live-text").inner_text()
    assert seen.page.evaluate("document.activeElement.id") == f"i-{other}"
    box = seen.page.locator(f"#c-{other}")
    box.check()
    lives.act(world, "agnes", one, "lift_suspension")
    seen.page.get_by_text(CHANGED).wait_for()
    assert box.is_checked()
    assert "Suspendue" in badge.inner_text()
    assert seen.serious() == []
    seen.page.get_by_role("link", name="Recharger la page").click()
    badge.filter(has_not_text="Suspendue").wait_for()
    assert seen.page.locator(f"#i-{other}").count() == 1
    assert seen.seen.errors == []


@pytest.mark.long
def test_an_empty_list_says_when_there_is_something(world: Platform, visit: Opens) -> None:
    mark = number()
    seen = visit("agnes")
    _followed(seen, f"/factures/recues/recherche?q=2026-{mark}")
    invoice = lives.available(world, mark)
    seen.page.get_by_text(CHANGED).wait_for()
    seen.page.get_by_role("link", name="Recharger la page").click()
    seen.page.locator(f"#i-{invoice}").wait_for()
    assert seen.seen.errors == []


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_invoice_on_paper_is_its_data_and_its_story(world: Platform, visit: Opens, scheme: str) -> None:
    invoice = lives.suspended(world, "papier")
    seen = visit("claire", scheme=scheme)
    page = seen.open(f"/factures/{invoice}")
    page.emulate_media(media="print")
    for hidden in (".top", ".side", ".menu", ".foot", ".skip", ".crumb", ".live", ".acts-panel", ".document", ".keys"):
        assert page.locator(hidden).count() >= 1, hidden
        assert not any(each.is_visible() for each in page.locator(hidden).all()), hidden
    assert not any(each.is_visible() for each in page.locator("button, .act").all())
    for shown in ("h1", "#standing", "#clock", ".data", "#story-part"):
        assert page.locator(shown).is_visible(), shown
    assert "Le bon de livraison manque." in page.locator("#story-part").inner_text()
    colours = (
        "() => [getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
