"""Accounts as people use them: joining, a second factor, sessions, passwords, closing; with and without script."""

import pyotp
import pytest

from tests.browser import lives
from tests.browser.conftest import Opens
from tests.browser.world import TOWN, Platform
from tests.integration.account_world import PASSWORD, new_address

ANOTHER = "cinq chiens bleus chantent"


@pytest.mark.long
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_craftsman_joins_on_his_telephone(world: Platform, visit: Opens, script: bool) -> None:
    seen, email = visit(width=360, script=script), new_address()
    seen.open("/")
    seen.page.get_by_role("link", name="Créer un compte").first.click()
    # What is wrong is said on top and beside the field, and what was written stays.
    seen.fill(name="Paul Renard", email=email, identifier="999 000 011 00019")
    seen.press("Créer le compte")
    assert "Une chose est à corriger" in seen.text()
    assert seen.page.locator("[name=identifier]").get_attribute("aria-invalid") == "true"
    assert seen.page.locator("[name=email]").input_value() == email
    seen.page.locator(".summary a").click()
    assert seen.page.url.endswith("#f-identifier")
    seen.fill(identifier="999 000 011 00018", structure_name="Menuiserie Renard")
    seen.press("Créer le compte")
    assert seen.title() == "Regardez vos courriels"

    seen.page.goto(world.link(email, "Activez"))
    seen.fill(password="trop court", again="trop court")
    seen.press("Activer le compte")
    assert seen.page.locator("[name=password]").get_attribute("aria-invalid") == "true"
    seen.fill(password=PASSWORD, again=PASSWORD)
    seen.press("Activer le compte")
    assert seen.title() == "Bonjour Paul Renard"
    assert "Déposant non vérifié" in seen.text()
    assert "Rien ne vous attend" in seen.text()
    assert seen.seen.errors == []


@pytest.mark.long
def test_a_second_factor_is_set_up_asked_for_and_replaced_by_a_recovery_code(world: Platform, visit: Opens) -> None:
    email = world.account("fanny")
    seen = visit("fanny")
    seen.open("/compte/securite")
    seen.press("Mettre en place")
    secret = seen.page.locator("code.secret").inner_text().replace(" ", "")
    assert seen.page.locator("svg.qr").is_visible()
    assert seen.serious() == []
    seen.fill(code="000000")
    seen.press("Confirmer le code")
    assert seen.page.locator("[name=code]").count() == 1
    seen.fill(code=pyotp.TOTP(secret).now())
    seen.press("Confirmer le code")
    codes = seen.page.locator(".codes code").all_inner_texts()
    assert len(codes) >= 8
    assert seen.serious() == []

    other = visit(width=360, script=False)
    other.open("/compte")
    assert other.title() == "Connexion"
    other.fill(email=email, password=PASSWORD)
    other.press("Se connecter")
    assert other.title() == "Second facteur"
    other.fill(recovery="xxxx-xxxx-xxxx-xxxx")
    other.press("Continuer")
    assert "à corriger" in other.text()
    other.fill(recovery=codes[0])
    other.press("Continuer")
    assert other.title() == "Mes comptes et mes espaces"


def test_a_wrong_password_and_an_address_without_account_look_alike(world: Platform, visit: Opens) -> None:
    said = []
    for email in (world.account("oscar"), new_address()):
        seen = visit()
        seen.open("/connexion")
        seen.fill(email=email, password="ce n'est pas le bon")
        seen.press("Se connecter")
        said.append(seen.page.locator(".summary").inner_text())
        assert seen.serious() == []
    assert said[0] == said[1]


@pytest.mark.long
def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail(world: Platform, visit: Opens) -> None:
    email = world.account("rene")
    seen = visit(script=False)
    seen.open("/mot-de-passe")
    seen.fill(email=email)
    seen.press("Envoyer le message")
    assert seen.title() == "Regardez vos courriels"
    link = world.link(email, "mot de passe")
    seen.page.goto(link)
    seen.fill(password=ANOTHER, again=PASSWORD)
    seen.press("Enregistrer")
    assert "ne sont pas les mêmes" in seen.text()
    seen.fill(password=ANOTHER, again=ANOTHER)
    seen.press("Enregistrer")
    assert "Connectez-vous" in seen.text()
    seen.fill(email=email, password=ANOTHER)
    seen.press("Se connecter")
    assert seen.title().startswith("Bonjour")
    seen.open(link.removeprefix(world.url), 410)
    assert seen.title() == "Ce lien ne sert plus"


def test_a_form_of_before_signing_out_does_nothing(world: Platform, visit: Opens) -> None:
    seen = visit("oscar")
    seen.open("/compte")
    word = seen.page.locator("main input[name=csrf]").first.input_value()
    site = {"Origin": world.url, "Sec-Fetch-Site": "same-origin"}
    right = seen.page.request.post("/compte", form={"csrf": word, "name": "Oscar", "language": "fr"}, headers=site)
    assert right.ok
    broken: tuple[dict[str, str | float | bool], ...] = ({"name": "Eve"}, {"csrf": word[:-4] + "AAAA", "name": "Eve"})
    for wrong in broken:
        assert seen.page.request.post("/compte", form=wrong, headers=site).status == 403
    stranger = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert seen.page.request.post("/compte", form={"csrf": word, "name": "Eve"}, headers=stranger).status == 403
    seen.open("/compte")
    assert seen.page.locator("[name=name]").input_value() == "Oscar"


def test_what_takes_an_account_over_asks_for_the_password_first(world: Platform, visit: Opens) -> None:
    email = world.account("zoe")
    seen = visit(script=False)
    seen.open("/connexion?suite=/compte/fermeture")
    seen.fill(email=email, password=PASSWORD)
    seen.press("Se connecter")
    assert seen.title() == "Fermer mon compte"
    seen.fill(confirm="fermer")
    seen.press("Fermer mon compte")
    assert "Votre compte est fermé" in seen.text()
    seen.fill(email=email, password=PASSWORD)
    seen.press("Se connecter")
    assert "à corriger" in seen.text()


@pytest.mark.long
def test_a_passkey_opens_the_account_without_a_password(world: Platform, visit: Opens) -> None:
    seen = visit()
    device = seen.context.new_cdp_session(seen.page)
    device.send("WebAuthn.enable")
    made = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**made, "isUserVerified": True}})
    seen.open("/connexion?suite=/compte/securite")
    seen.fill(email=world.account("paule"), password=PASSWORD)
    seen.press("Se connecter")
    assert seen.title() == "Second facteur"
    seen.press("Ajouter une clé d'accès")
    seen.page.get_by_role("link", name="Je les ai gardés").click()
    seen.page.get_by_role("button", name="Retirer").wait_for()
    assert seen.serious() == []
    seen.page.get_by_role("button", name="Se déconnecter").click()
    seen.page.get_by_text("Vous êtes déconnecté.").wait_for()
    seen.open("/connexion?suite=/compte")
    seen.press("Se connecter avec une clé d'accès")
    seen.page.wait_for_url(world.url + "/compte")
    assert seen.title() == "Mes comptes et mes espaces"
    assert seen.seen.errors == []


@pytest.mark.long
def test_signing_in_needs_no_mouse(world: Platform, visit: Opens) -> None:
    seen = visit()
    keys = seen.open("/connexion").keyboard
    keys.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Aller au contenu"
    keys.press("Enter")
    keys.press("Tab")
    keys.type(world.account("oscar"))
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    seen.page.wait_for_url(world.url + "/")
    assert seen.title().startswith("Bonjour")


@pytest.mark.long
def test_a_session_is_closed_from_another_one(world: Platform, visit: Opens) -> None:
    here, there = visit(script=False), visit()
    for seen in (here, there):
        seen.open("/connexion?suite=/compte")
        seen.fill(email=world.account("irma"), password=PASSWORD)
        seen.press("Se connecter")
        assert seen.title() == "Mes comptes et mes espaces"
    here.press("Fermer toutes les autres connexions")
    assert "C'est fermé" in here.text()
    there.open("/compte")
    assert there.title() == "Connexion"


@pytest.mark.long
def test_who_works_for_a_body_sees_what_waits_there_and_nothing_of_suppliers(world: Platform, visit: Opens) -> None:
    lives.available(world, "page")  # whatever other tests left: one waits at least
    seen = visit("agnes")
    seen.open("/")
    assert "Département des Alpes-Maritimes – Budget Principal" in seen.text()
    waiting = seen.page.locator("section[aria-labelledby=awaiting]")
    assert "Mise à disposition" in waiting.inner_text()
    waiting.get_by_role("link", name="Mise à disposition").click()
    assert "status=MISE_A_DISPOSITION" in seen.page.url
    seen.open("/")
    assert "Déposer une première facture" not in seen.text()


@pytest.mark.long
def test_pages_of_others_look_like_pages_that_are_not_there(world: Platform, visit: Opens) -> None:
    seen = visit()
    seen.open("/compte")
    assert "/connexion?suite=/compte" in seen.page.url
    seen.open("/connexion?suite=https://elsewhere.example/")
    assert seen.page.locator("[name=then]").input_value() == "/"


def test_anybody_finds_a_body_and_reads_how_to_invoice_it(world: Platform, visit: Opens) -> None:
    seen = visit(width=360, script=False)
    seen.open("/")
    seen.page.fill("main [name=q]", "alpes maritimes budget principal")
    seen.press("Chercher")
    seen.page.locator(f".results a[href='/annuaire/{TOWN}']").click()
    said = seen.text()
    assert "Comment nous facturer" in said
    assert "Le SIRET du destinataire" in said
    assert "DRH" in said
    seen.open("/annuaire/22060001900017", 404)


@pytest.mark.long
def test_a_service_that_is_away_leaves_the_page_with_a_plain_notice(world: Platform, visit: Opens) -> None:
    seen = visit("claire")
    world.stack.stop("routing")
    try:
        seen.open("/annuaire?q=nice")
        assert "ne répond pas" in seen.text()
        seen.open(f"/annuaire/{TOWN}", 503)
        assert seen.title() == "Service momentanément indisponible"
        seen.open("/")
        assert seen.title().startswith("Bonjour")
    finally:
        world.stack.start("routing")
