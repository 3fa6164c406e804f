"""Forms of structures that no walk comes to: what is asked for, changed, handed over and left."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from deploy.demo.desk import Desk
from tests.browser import offices
from tests.browser.conftest import Opens
from tests.browser.walking import fine, proved
from tests.browser.world import Platform
from tests.integration.account_world import new_address

A = offices.A
#: Firms that the pages of these tests alone know: two establishments of one, and others.
JOINERY, BUYER, NEXT_DOOR = "99900101900010", "99900103500016", "99900103500024"
ROOFERS, GLAZIERS, OWN = "99900102700013", "99900104300010", "99900105000015"
IBAN = "FR76 3000 6000 0112 3456 7890 189"


def _at(who: str, world: Platform, siret: str) -> dict[str, Any]:
    found: dict[str, Any] = world.ask(who, "GET", f"{A}/structures/{siret}")
    return found


def _of(who: str, world: Platform) -> set[str]:
    return {each["structure"] for each in world.ask(who, "GET", f"{A}/structures")["structures"]}


def _member(who: str, world: Platform, siret: str, name: str) -> dict[str, Any] | None:
    members = world.ask(who, "GET", f"{A}/structures/{siret}/members")["members"]
    return next((each for each in members if each["name"] == name), None)


@pytest.mark.long
def test_a_structure_is_added_asked_for_and_left(world: Platform, visit: Opens) -> None:
    offices.workshop(world)
    world.account("quinn", "Quinn Albert")
    seen = visit("quinn", width=360)
    seen.open("/structures/ajouter")
    seen.press_as_it_is("Ajouter")
    assert "à corriger" in seen.text()
    fine(seen)
    seen.fill(identifier=OWN, name="Vitrages Albert", town="Nice")
    seen.press("Ajouter")
    assert "La structure est ajoutée" in seen.text()
    assert "Vitrages Albert" in seen.title()
    assert OWN in _of("quinn", world)
    fine(seen)

    seen.open(f"/structures/{offices.SIRET}/rattachement")
    seen.fill(message="Je viens aider au bureau.")
    seen.press("Envoyer la demande")
    seen.page.get_by_role("button", name="Retirer la demande").first.click()
    assert "Votre demande est retirée" in seen.text()
    [asked] = world.ask("quinn", "GET", f"{A}/requests")["requests"]
    assert asked["state"] == "withdrawn"
    fine(seen)

    seen.open(f"/structures/{OWN}")
    seen.page.get_by_role("link", name="Quitter cette structure").click()
    assert seen.title() == "Quitter Vitrages Albert"
    seen.press("Quitter")
    assert "vous n'agissez plus pour cette structure" in seen.text()
    assert OWN not in _of("quinn", world)
    fine(seen)


@pytest.mark.long
def test_name_address_and_bank_are_changed(world: Platform, visit: Opens) -> None:
    who, at = proved(world, "bea", "Béa Simon", GLAZIERS), f"/structures/{GLAZIERS}"
    seen = visit(who, width=360)
    seen.open(f"{at}/modifier")
    seen.fill(name="")
    seen.press_as_it_is("Enregistrer")
    assert "à corriger" in seen.text()
    fine(seen)
    seen.fill(name="Miroiterie Simon", street="4 quai des Docks", postal_code="06300", town="Nice")
    seen.press("Enregistrer")
    assert "Vos réglages sont enregistrés" in seen.text()
    found = _at(who, world, GLAZIERS)
    assert (found["name"], found["address"]["town"]) == ("Miroiterie Simon", "Nice")
    fine(seen)

    seen.open(f"{at}/banque")
    seen.press_as_it_is("Enregistrer")
    assert "Donnez l'IBAN" in seen.text()
    seen.fill(iban=IBAN[:-1] + "8", holder="Miroiterie Simon")
    seen.press("Enregistrer")
    assert seen.page.locator("[name=iban]").get_attribute("aria-invalid") == "true"
    assert seen.page.locator("[name=holder]").input_value() == "Miroiterie Simon"
    fine(seen)
    seen.fill(iban=IBAN)
    seen.press("Enregistrer")
    assert "Les coordonnées bancaires sont enregistrées" in seen.text()
    assert IBAN.replace(" ", "") not in seen.page.content()
    assert _at(who, world, GLAZIERS)["bank"]["iban"] == IBAN.replace(" ", "")
    fine(seen)
    seen.open(f"{at}/banque")
    assert f"se termine par {IBAN[-3:]}" in seen.text()
    seen.press("Oublier ces coordonnées")
    assert "Les coordonnées bancaires sont effacées" in seen.text()
    assert _at(who, world, GLAZIERS)["bank"] is None
    fine(seen)


@pytest.mark.long
def test_a_manager_settles_somebody_and_hands_over_for_a_while(world: Platform, visit: Opens) -> None:
    who, name = proved(world, "rolf", "Rolf Meyer", ROOFERS, "VALIDATEUR"), f"Noé {uuid4().hex[:6]}"
    world.account("noe", name)
    world.ask("noe", "POST", f"{A}/structures", {"identifier": ROOFERS, "name": ""})
    new = _member(who, world, ROOFERS, name)
    assert new is not None
    assert not new["verified"]
    seen = visit(who, width=360)
    at = f"/structures/{ROOFERS}/personnes/{quote(new['subject'], safe='')}"

    def settled() -> dict[str, Any]:
        fine(seen)
        found = _member(who, world, ROOFERS, name)
        assert found is not None
        return found

    seen.open(at)
    seen.press("Je réponds de cette personne")
    assert "la personne voit désormais toute la structure" in seen.text()
    assert settled()["verified"]
    seen.page.check("[name=role][value=MOE]")
    seen.press("Enregistrer ces droits")
    assert "Ces droits valent dès maintenant" in seen.text()
    assert "MOE" in {each["role"] for each in settled()["roles"]}
    seen.press("Copier")
    assert "Les droits sont copiés" in seen.text()
    assert "VALIDATEUR" in {each["role"] for each in settled()["roles"]}
    seen.page.check("[name=level][value=secondaire]")
    seen.press("Enregistrer")
    assert "C'est enregistré" in seen.text()
    assert settled()["manager"] == "secondaire"

    _delegates(world, visit(who), name)
    seen.open(at)
    seen.press("Retirer tous ses droits")
    assert "la personne n'a plus de droits ici" in seen.text()
    fine(seen)
    assert _member(who, world, ROOFERS, name) is None
    assert ROOFERS not in _of("noe", world)


def _delegates(world: Platform, seen: Any, name: str) -> None:
    """Rolf hands over to Noé, and takes it back."""
    seen.open(f"/structures/{ROOFERS}/delegations")
    seen.press_as_it_is("Confier ces droits")
    assert "Donnez le premier jour" in seen.text()
    fine(seen)
    today = datetime.now(UTC).date()
    seen.page.select_option("[name=giver]", label="Rolf Meyer")
    seen.page.select_option("[name=receiver]", label=name)
    seen.fill(since=today.isoformat(), until=(today + timedelta(days=7)).isoformat())
    seen.press("Confier ces droits")
    assert "les deux personnes en sont prévenues" in seen.text()
    [made] = world.ask("rolf", "GET", f"{A}/structures/{ROOFERS}/delegations")["delegations"]
    assert made["ended_at"] is None
    fine(seen)
    seen.page.get_by_role("button", name=re.compile("Y mettre fin")).first.click()
    assert "La délégation est terminée" in seen.text()
    [made] = world.ask("rolf", "GET", f"{A}/structures/{ROOFERS}/delegations")["delegations"]
    assert made["ended_at"] is not None
    fine(seen)


@pytest.mark.long
def test_a_program_is_opened_changed_and_closed(world: Platform, visit: Opens) -> None:
    at, name = f"/structures/{offices.workshop(world)}/logiciels", f"Compta {uuid4().hex[:6]}"
    seen = visit("bruno", width=360)
    seen.open(at)
    seen.fill(name=name)
    seen.press_as_it_is("Ouvrir le compte")
    assert "Cochez au moins une portée" in seen.text()
    fine(seen)
    seen.page.check("[name=roles][value=FOURNISSEUR]")
    seen.page.check("[name=scopes][value='deposits.read']")
    seen.press("Ouvrir le compte")
    assert "Le compte du logiciel est ouvert" in seen.text()
    client = seen.page.url.partition("?")[0].rpartition("/")[2]
    api = f"{A}/software/{client}"
    assert world.ask("bruno", "GET", api)["scopes"] == ["deposits.read"]
    fine(seen)
    seen.page.check("[name=scopes][value='invoices.read']")
    seen.press("Enregistrer")
    assert "Vos réglages sont enregistrés" in seen.text()
    assert sorted(world.ask("bruno", "GET", api)["scopes"]) == ["deposits.read", "invoices.read"]
    fine(seen)
    seen.press("Révoquer ce compte")
    assert "Le compte du logiciel est révoqué" in seen.text()
    assert world.ask("bruno", "GET", api)["revoked_at"] is not None
    fine(seen)
    seen.open(f"{at}/{client}")
    assert "Ce compte est révoqué pour toujours" in seen.text()
    assert seen.page.locator("main button").count() == 0


@pytest.mark.long
def test_a_change_of_siret_is_refused_then_accepted(world: Platform, visit: Opens) -> None:
    who = proved(world, "soline", "Soline Faure", JOINERY)
    seen, decides = visit(who, width=360), visit("otto")
    _asks(seen, JOINERY, BUYER)
    assert "En attente" in seen.text()
    _decides(decides, world, JOINERY)
    decides.fill(reason="non")
    decides.press("Refuser")
    assert "dix caractères" in decides.text()
    fine(decides)
    decides.fill(reason="Aucun acte ne prouve cette reprise.")
    decides.press("Refuser")
    assert "celui qui a demandé lira votre motif" in decides.text()
    fine(decides)
    seen.open(f"/structures/{JOINERY}/succession")
    assert "Aucun acte ne prouve cette reprise." in seen.text()
    fine(seen)

    _asks(seen, JOINERY, BUYER)
    _decides(decides, world, JOINERY)
    decides.press("Accepter la succession")
    assert "sont passés au nouveau SIRET" in decides.text()
    fine(decides)
    assert BUYER in _of(who, world)

    # Within one firm nobody is asked.
    _asks(seen, BUYER, NEXT_DOOR, done="sont passés au nouveau SIRET")
    assert NEXT_DOOR in _of(who, world)


def _asks(seen: Any, old: str, new: str, done: str = "La demande est partie") -> None:
    seen.open(f"/structures/{old}/succession")
    seen.fill(identifier=new)
    seen.press("Changer de SIRET")
    assert done in seen.text()
    fine(seen)


def _decides(seen: Any, world: Platform, old: str) -> None:
    """Open the page of the change that waits."""
    known = world.ask("otto", "GET", f"{A}/successions")["successions"]
    asked = next(each["id"] for each in known if each["old"] == old and each["state"] == "asked")
    seen.open("/gestion")
    seen.page.locator(f"main a[href='/gestion/successions/{asked}']").click()
    seen.page.locator("form[action$='/accord']").wait_for()


@pytest.mark.long
def test_a_paper_is_accepted_and_an_invitation_taken(world: Platform, visit: Opens) -> None:
    offices.workshop(world)
    world.account("tess", "Tess Caron")
    offices.arrive(world, "tess")
    paper = offices.send_paper(world, "tess")
    seen = visit("bruno", width=360)
    seen.open(f"/gestion/justificatifs/{paper}")
    seen.press("Accepter ce justificatif")
    assert "C'est accepté" in seen.text()
    assert _at("tess", world, offices.SIRET)["verified"]
    fine(seen)

    email = world.account("ugo", "Ugo Lenoir")
    invited = visit("ugo", width=360)
    invited.open(_invitation(world, email))
    fine(invited)
    invited.press("Accepter l'invitation")
    assert "vous agissez désormais pour cette structure" in invited.text()
    assert offices.SIRET in _of("ugo", world)
    fine(invited)

    stranger, address = visit(width=360), new_address()
    stranger.open(_invitation(world, address))
    stranger.press_as_it_is("Demander un compte")
    assert stranger.page.locator("[name=name]").get_attribute("aria-invalid") == "true"
    fine(stranger)
    stranger.fill(name="Yann Petit")
    stranger.press("Demander un compte")
    assert stranger.title() == "Regardez vos courriels"
    assert world.link(address, "Activez")
    fine(stranger)


def _invitation(world: Platform, email: str) -> str:
    """The way of the mail to whoever is invited to the workshop."""
    given = {"email": email, "roles": []}
    world.ask("bruno", "POST", f"{A}/structures/{offices.SIRET}/invitations", given)
    with Desk(world.stack) as desk:
        return f"/invitation?token={desk.word(email, 'invité')}"
