"""Supervision in a browser: figures that are live, curves, and dead letters settled with a reason."""

import pytest

from tests.browser import lives
from tests.browser.conftest import Opens
from tests.browser.parked import park
from tests.browser.world import TOWN, Platform

PATIENCE = 60_000
_DRAWN = "() => [...document.querySelectorAll('.curve img')].every(each => each.complete && each.naturalWidth > 0)"


def _key(number: int) -> str:
    return f"7d4f0f63-6666-4222-8333-44445555666{number}"


@pytest.mark.long
def test_an_operator_settles_a_dead_letter_and_says_why(world: Platform, visit: Opens) -> None:
    first, _ = park(world, _key(1), "BROWSER_RULE", "BEHIND")
    seen = visit("otto")
    page = seen.open("/supervision")
    page.locator(".figure a[href='/supervision/lettres']").click()
    page.get_by_role("heading", name="Par motif").wait_for()
    assert seen.title() == "Lettres mortes"
    page.get_by_role("link", name="BROWSER_RULE").first.click()
    page.locator(f"a[href='{first}']").click()
    page.get_by_text("Une autre lettre de la même facture").wait_for()

    page.evaluate("document.querySelector('[name=note]').required = false")
    seen.press("Rejouer")
    page.locator(".summary a[href='#f-note']").wait_for()
    assert seen.serious() == []
    page.evaluate("document.querySelector('[name=reason]').required = false")
    seen.press("Afficher le contenu")
    page.locator(".summary a[href='#f-reason']").wait_for()
    seen.fill(reason="Pourquoi le statut est refusé à la mairie")
    seen.press("Afficher le contenu")
    assert "invoice_number" in page.locator("pre.code").inner_text()
    assert seen.serious() == []

    seen.fill(note="événement en double")
    seen.press("Abandonner")
    page.get_by_text("C'est abandonné").wait_for()
    assert "événement en double" in seen.text()
    assert "par vous" in seen.text()
    assert page.locator("[name=note]").count() == 0  # settled: nothing is left to decide
    assert seen.seen.errors == []


@pytest.mark.long
def test_all_letters_of_a_reason_are_settled_at_once(world: Platform, visit: Opens) -> None:
    for number in (2, 3):
        park(world, _key(number), "BROWSER_MANY", tenant="cd06")
    seen = visit("otto", width=360)
    page = seen.open("/supervision/lettres?service=status&reason=BROWSER_MANY")
    page.get_by_role("link", name="Régler toutes celles de ce motif").click()
    page.get_by_text("2 lettres seraient abandonnées").wait_for()
    seen.fill(note="essai du motif")
    seen.press("Tout abandonner")
    page.get_by_text("C'est abandonné").wait_for()
    seen.open("/supervision/lettres?service=status&reason=BROWSER_MANY")
    assert "Aucune lettre morte" in seen.text()
    seen.open("/supervision/lettres?service=status&reason=BROWSER_MANY&settled=1")
    assert page.locator("tbody tr").filter(has_text="Abandonnée").count() == 2


def test_an_administrator_sees_what_is_his_tenants_alone(world: Platform, visit: Opens) -> None:
    [mine], [others] = (
        park(world, _key(number), "BROWSER_OWN", tenant=tenant) for number, tenant in ((4, "cd06"), (5, "cd31"))
    )
    seen = visit("agnes")
    page = seen.open("/supervision")
    assert page.locator("#services").count() == 0
    assert page.get_by_role("heading", name="Délais de paiement à risque").count() == 1
    seen.open("/supervision/lettres?reason=BROWSER_OWN")
    assert page.locator(f"a[href='{mine}']").count() == 1
    assert page.locator(f"a[href='{others}']").count() == 0
    seen.open(others, status=404)
    seen.open("/supervision/courbes/lag", status=404)
    seen.open("/supervision?tenant=cd31", status=404)
    seen.open(mine)
    assert page.locator("[name=reason]").count() == 0  # an invoice of his own: he need not say why
    seen.press("Afficher le contenu")
    assert "invoice_number" in page.locator("pre.code").inner_text()


@pytest.mark.long
def test_whoever_treats_invoices_sees_what_late_ones_cost(world: Platform, visit: Opens) -> None:
    lives.available(world, "delais")
    world.place("fanny", TOWN, ("FINANCE", None))
    seen = visit("fanny", width=360)
    page = seen.open("/factures/recues/tableau")
    assert page.locator("section[aria-labelledby=risks] tbody tr").count() == 4
    assert "Délais de paiement à risque" in seen.text()
    assert seen.serious() == []
    own = visit("claire")
    assert own.open("/factures/emises/tableau").locator("#risks").count() == 0


@pytest.mark.long
def test_a_stage_has_a_curve_of_its_own_in_every_span(world: Platform, visit: Opens) -> None:
    seen = visit("otto")
    page = seen.open("/supervision")
    page.get_by_role("link", name="Flux avec factures rejetées", exact=True).click()
    page.get_by_role("link", name="Flux avec factures rejetées : courbe").click()
    page.get_by_role("link", name="Une heure", exact=True).click()
    page.wait_for_function(_DRAWN, timeout=PATIENCE)
    page.get_by_role("link", name="31 jours", exact=True).click()
    page.wait_for_function(_DRAWN, timeout=PATIENCE)
    assert seen.title() == "Flux avec factures rejetées"
    assert " à 0" not in page.locator("tbody").inner_text()  # days, no hours


@pytest.mark.parametrize("who", [None, "claire"])
def test_for_others_there_is_no_supervision(world: Platform, visit: Opens, who: str | None) -> None:
    seen = visit(who)
    for path in ("/supervision", "/supervision/lettres", "/supervision/lecture", "/supervision/courbes/rates"):
        if who is None:
            seen.open(path)
            assert seen.title() == "Connexion"
        else:
            seen.open(path, status=404)


@pytest.mark.long
def test_figures_change_while_one_looks_until_one_stops_them(world: Platform, visit: Opens) -> None:
    seen = visit("otto")
    page = seen.open("/supervision")
    page.locator(".curve img").last.scroll_into_view_if_needed()  # they are loaded as one comes to them
    page.wait_for_function(_DRAWN, timeout=PATIENCE)
    park(world, _key(6), "BROWSER_LIVE")
    page.get_by_role("link", name="BROWSER_LIVE").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Arrêter la mise à jour").click()
    assert page.get_by_role("button", name="Reprendre la mise à jour").count() == 1
    assert seen.seen.errors == []
    assert seen.seen.strangers == []


@pytest.mark.long
def test_every_figure_leads_somewhere_and_every_curve_is_drawn(world: Platform, visit: Opens) -> None:
    seen = visit("otto")
    page = seen.open("/supervision")
    addresses = page.locator("main a").evaluate_all("links => links.map(each => each.href)")
    assert len(addresses) > 20
    for address in sorted({each.partition("#")[0] for each in addresses}):
        assert page.request.get(address).ok, address
    curves = [each for each in addresses if "/supervision/courbes/" in each and "span=hour" in each]
    for address in sorted(set(curves)):
        seen.open(address.removeprefix(world.url))
        page.wait_for_function(_DRAWN, timeout=PATIENCE)
    for span in ("Un jour", "31 jours"):
        seen.open("/supervision/courbes/rates")
        page.get_by_role("link", name=span, exact=True).click()
        page.wait_for_function(_DRAWN, timeout=PATIENCE)


def test_without_script_and_in_english_the_page_is_whole(world: Platform, visit: Opens) -> None:
    park(world, _key(7), "BROWSER_PLAIN", tenant="cd06")
    plain = visit("agnes", script=False, language="en")
    page = plain.open("/supervision")
    assert page.locator("[data-refresh-stop]").is_hidden()
    assert "Payment delays at risk" in plain.text()
    plain.open("/supervision/lettres?service=status&reason=BROWSER_PLAIN")
    page.locator("tbody a[href^='/supervision/lettres/status/']").first.click()
    plain.fill(note="mended")
    plain.press("Replay")
    page.get_by_text("Asked for: the service").wait_for()
    plain.open("/supervision/courbes/rates")
    assert plain.title() == "Stages"


@pytest.mark.long
def test_without_supervision_the_pages_say_so(world: Platform, visit: Opens) -> None:
    seen = visit("otto")
    world.stack.stop("supervision")
    try:
        for path in ("/supervision", "/supervision/lettres"):
            seen.open(path)
            assert "Une partie de la page manque" in seen.text()
        seen.open("/supervision/lecture", status=503)
    finally:
        world.stack.start("supervision")
