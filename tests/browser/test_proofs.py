"""What protects an account is changed by who shows the password and a factor; then the act goes on by itself."""

import pyotp
import pytest

from tests.browser import later
from tests.browser.conftest import Opens
from tests.browser.visit import Visit
from tests.browser.world import Platform
from tests.integration.account_world import PASSWORD, new_address


def _with_totp(seen: Visit) -> tuple[str, list[str]]:
    """The secret of one-time passwords that are set up, and the recovery codes."""
    seen.open("/compte/securite")
    seen.press("Mettre en place")
    secret = seen.page.locator("code.secret").inner_text().replace(" ", "")
    seen.fill(code=pyotp.TOTP(secret).now())
    seen.press("Confirmer le code")
    return secret, seen.page.locator(".codes code").all_inner_texts()


def _with_keys(seen: Visit) -> None:
    """A device that makes passkeys and shows them."""
    device = seen.context.new_cdp_session(seen.page)
    device.send("WebAuthn.enable")
    made = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**made, "isUserVerified": True}})


@pytest.mark.parametrize("script", [pytest.param(True, marks=pytest.mark.long), False])
def test_factors_are_changed_with_the_password_and_a_code(world: Platform, visit: Opens, script: bool) -> None:
    name = f"flore-{script}".lower()
    world.account(name, "Flore Petit")
    seen = visit(name, width=360, script=script)
    _, codes = _with_totp(seen)
    later.proofs_are_old(world, name)
    seen.open("/compte/securite")
    seen.press("Faire de nouveaux codes")
    assert seen.title() == "Confirmez que c'est vous"
    if script:
        assert seen.serious() == []
        assert seen.small_targets() == []
    seen.fill(password=PASSWORD)
    seen.press("Confirmer")
    assert "Donnez un code" in seen.text()
    seen.fill(password="ce n'est pas le bon", recovery=codes[0])
    seen.press("Confirmer")
    assert "à corriger" in seen.text()
    seen.fill(password=PASSWORD, recovery=codes[0])
    seen.press("Confirmer")
    assert seen.title() == "Codes de secours"
    fresh = seen.page.locator(".codes code").all_inner_texts()
    assert set(fresh).isdisjoint(codes)

    # The password was shown lately, the factor was not: the factor alone is asked for.
    later.proofs_are_old(world, name, password=False)
    seen.open("/compte/securite")
    seen.press("Retirer le code")
    assert "Qui a votre mot de passe n'a pas votre téléphone" in seen.text()
    assert seen.page.locator("[name=password]").count() == 0
    seen.fill(recovery=fresh[0])
    seen.press("Confirmer")
    assert "C'est retiré" in seen.text()
    assert "Mettre en place" in seen.text()
    assert seen.seen.errors == []


@pytest.mark.long
def test_a_passkey_shows_who_it_is_and_its_codes_are_shown_once(world: Platform, visit: Opens) -> None:
    world.account("perle", "Perle Roy")
    seen = visit("perle")
    _with_keys(seen)
    seen.open("/compte/securite")
    seen.press("Ajouter une clé d'accès")
    codes = seen.page.locator("[data-codes] code")
    codes.first.wait_for()
    assert codes.count() >= 8
    assert seen.serious() == []
    seen.page.get_by_role("link", name="Je les ai gardés").click()
    seen.page.get_by_role("button", name="Retirer").wait_for()
    later.proofs_are_old(world, "perle")
    seen.press("Ajouter une clé d'accès")  # the script is led to the proof, too
    seen.page.wait_for_url("**/compte/preuve?**")
    seen.press("Confirmer avec une clé d'accès")
    seen.page.wait_for_url(world.url + "/compte/securite")
    later.proofs_are_old(world, "perle")
    seen.open("/compte/securite")
    seen.page.get_by_role("button", name="Retirer").first.click()
    assert seen.title() == "Confirmez que c'est vous"
    assert seen.serious() == []
    seen.press("Confirmer avec une clé d'accès")
    seen.page.get_by_text("C'est retiré").wait_for()
    assert "Ils vous seront donnés" in seen.text()


@pytest.mark.long
def test_what_was_written_goes_along_with_the_proof(world: Platform, visit: Opens) -> None:
    world.account("lise", "Lise Morel")
    seen, email = visit("lise", script=False), new_address()
    later.proofs_are_old(world, "lise")
    seen.open("/compte/adresse")
    seen.fill(email=email)
    seen.press("Envoyer les messages")
    assert seen.title() == "Confirmez que c'est vous"
    assert seen.page.locator("[name=recovery]").count() == 0
    seen.fill(password=PASSWORD)
    seen.press("Confirmer")
    assert "Un courriel est parti aux deux adresses" in seen.text()
    assert world.link(email, "adresse")
    later.proofs_are_old(world, "lise")
    seen.open("/compte/mot-de-passe")  # a new password is no field of the proof: it is written anew
    seen.fill(password="cinq chiens bleus chantent", again="cinq chiens bleus chantent")
    seen.press("Enregistrer")
    seen.fill(password=PASSWORD)
    seen.press("Confirmer")
    assert seen.title() == "Changer de mot de passe"
    assert "Merci, c'est bien vous" in seen.text()


def test_a_proof_leads_to_no_act_that_asks_for_none(world: Platform, visit: Opens) -> None:
    world.account("milo", "Milo Faure")
    seen = visit("milo")
    seen.open("/compte/preuve?suite=/compte/securite")
    word = seen.page.locator("main input[name=csrf]").first.input_value()
    site = {"Origin": world.url, "Sec-Fetch-Site": "same-origin"}
    for act in ("/deconnexion", "/compte/connexions/fermer", "https://elsewhere.example/"):
        form: dict[str, str | float | bool] = {"csrf": word, "password": PASSWORD, "act": act, "then": act}
        answer = seen.page.request.post("/compte/preuve", form=form, headers=site, max_redirects=0)
        assert answer.status == 303, act
        assert answer.headers["location"].startswith(("/compte", "/deconnexion?fait"))
    seen.open("/compte/securite/code/retrait")
    assert seen.page.url == world.url + "/compte/securite"
