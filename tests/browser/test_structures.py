"""Structures, their people and programs, and the directory, as those who manage them keep them."""

import re
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest

from tests.browser import later, lives, offices
from tests.browser.conftest import Opens
from tests.browser.test_deposits import BOTH, chosen
from tests.browser.world import TOWN, Platform
from tests.integration.account_world import SIRET

PDF = b"%PDF-1.7 a paper"
BODY = "22060001901170"


@pytest.mark.long
def test_a_manager_says_yes_to_somebody_who_asked_and_gives_a_role(world: Platform, visit: Opens) -> None:
    at = f"/structures/{offices.workshop(world)}"
    name = f"Véra {uuid4().hex[:6]}"
    world.account("vera", name)
    hers = visit("vera", width=360)
    hers.open("/structures")
    hers.fill(q=offices.SIRET)
    hers.press("Chercher")
    hers.page.get_by_role("link", name="Demander le rattachement").click()
    hers.fill(message="Je remplace Rita au bureau.")
    hers.press("Envoyer la demande")
    assert "Votre demande est partie" in hers.text()
    assert "En attente" in hers.text()
    assert hers.serious() == []

    his = visit("bruno")
    his.open("/gestion")
    his.page.get_by_role("link", name=f"Examiner {name}").click()
    assert "Je remplace Rita au bureau." in his.text()
    assert his.page.locator("[name=role]").count() >= 3
    assert his.serious() == []
    his.page.check("[name=role][value=VALIDATEUR]")
    his.press("Accepter")
    assert "C'est accepté" in his.text()
    assert his.serious() == []
    hers.open(at)
    assert "Fournisseur" in hers.text()
    assert "Valideur" in hers.text()
    hers.open("/")
    assert hers.page.locator("a[href='/factures/a-valider']").count() >= 1


@pytest.mark.long
def test_a_refusal_says_why_and_a_paper_is_looked_at_by_who_decides(world: Platform, visit: Opens) -> None:
    at = f"/structures/{offices.workshop(world)}"
    world.account("tom", "Tom Roux")
    offices.arrive(world, "tom")
    his = visit("tom", width=360)
    page = his.open(f"{at}/justificatif")
    page.check("[name=kind][value=KBIS]")
    his.fill(dated=page.evaluate("new Date().toISOString().slice(0, 10)"))
    page.set_input_files("[name=file]", [chosen("notes.txt", b"bonjour", "text/plain")])
    his.press("Envoyer")
    assert "PDF" in page.locator(".summary").inner_text()
    assert his.serious() == []
    page.check("[name=kind][value=KBIS]")
    his.fill(dated=page.evaluate("new Date().toISOString().slice(0, 10)"))
    page.set_input_files("[name=file]", [chosen("kbis.pdf", PDF)])
    his.press("Envoyer")
    assert "Le justificatif est envoyé" in his.text()
    assert his.serious() == []

    decides = visit("bruno")
    decides.open("/gestion")
    waiting = [str(each["id"]) for each in world.ask("tom", "GET", f"{offices.A}/proofs")["proofs"]]
    decides.page.locator(f"a[href='/gestion/justificatifs/{waiting[0]}']").click()
    link = decides.page.get_by_role("link", name="Télécharger le document").get_attribute("href") or ""
    document = decides.page.request.get(link)
    assert document.body() == PDF
    assert document.headers["content-security-policy"].startswith("sandbox")
    decides.fill(reason="Illisible")
    decides.press("Refuser ce justificatif")
    assert "dix caractères" in decides.text()
    assert decides.serious() == []
    decides.fill(reason="La photographie est illisible.")
    decides.press("Refuser ce justificatif")
    assert "C'est refusé" in decides.text()
    assert decides.serious() == []
    his.open(at)
    assert "La photographie est illisible." in his.text()
    # The paper of another leads nowhere.
    visit("claire").open(f"/gestion/justificatifs/{waiting[0]}", 404)


def test_somebody_is_invited_and_the_invitation_is_taken_back(world: Platform, visit: Opens) -> None:
    at = f"/structures/{offices.workshop(world)}"
    seen, email = visit("bruno", width=360, script=False), f"nina.{uuid4().hex[:6]}@atelier.example"
    seen.open(f"{at}/invitations")
    seen.fill(email=email)
    seen.page.check("[name=role][value=LECTURE]")
    seen.press("Envoyer l'invitation")
    assert "à corriger" in seen.text()  # reading alone always has an end
    assert seen.page.locator("[name=email]").input_value() == email
    assert seen.page.locator("[name=until-LECTURE]").get_attribute("aria-invalid") == "true"
    seen.page.uncheck("[name=role][value=LECTURE]")
    seen.press("Envoyer l'invitation")
    assert "L'invitation est partie" in seen.text()
    assert email in seen.text()
    seen.page.get_by_role("button", name=re.compile(f"Annuler {email}")).click()
    assert "L'invitation est annulée" in seen.text()


@pytest.mark.long
def test_the_secret_of_a_program_is_shown_once(world: Platform, visit: Opens) -> None:
    seen = visit("bruno", script=False)
    seen.open(offices.program(world))
    seen.press("Faire un secret")
    secret = seen.page.locator("#secret").inner_text()
    assert secret.startswith("chorale_")
    seen.page.get_by_role("link").filter(has_text=re.compile("gardé|noté|copié|C'est")).first.click()
    assert secret not in seen.page.content()
    assert secret[-4:] in seen.text()
    assert "Bruno Verdier" in seen.page.locator("#secrets ~ table").inner_text()
    assert "Ne gère plus" not in seen.text()
    # Its maker leaves: those who stay see that he knows it.
    who = "update software_secret set made_by = $2 where hint = $1"
    later.run(world, "portal", who, secret[-4:], later.subject(world, "oscar"))
    seen.page.reload()
    assert f"Secrets connus de qui ne gère plus la structure : …{secret[-4:]}" in seen.text().replace("\xa0", " ")
    assert "Oscar" in seen.page.locator("#secrets ~ table").inner_text()
    seen.press(f"Révoquer {secret[-4:]}")
    assert "Le secret est révoqué" in seen.text()
    assert "Secrets connus" not in seen.text()


@pytest.mark.long
def test_what_a_body_asks_for_is_changed_and_said_to_suppliers(world: Platform, visit: Opens) -> None:
    code = f"ESSAI-{uuid4().hex[:6].upper()}"
    seen = visit("agnes", script=False)
    seen.open(f"/gestion/annuaire/{TOWN}")
    seen.fill(contact_nom="Bureau des factures", contact_courriel="factures@dept.example")
    seen.press("Enregistrer")
    assert "L'annuaire est changé" in seen.text()
    form = seen.page.locator("form[action$='/services']").last
    form.locator("[name=code]").fill(code)
    form.get_by_role("button").click()
    assert "Donnez le nom du nouveau service" in seen.text()
    form.locator("[name=nom]").fill("Service d'essai")
    form.get_by_role("button").click()
    assert "L'annuaire est changé" in seen.text()
    assert code in seen.text()
    anybody = visit()
    anybody.open(f"/annuaire/{TOWN}")
    assert "Bureau des factures" in anybody.text()
    seen.page.get_by_role("button", name=re.compile(f"Fermer {code}")).click()
    assert seen.page.get_by_role("button", name=re.compile(f"Rouvrir {code}")).count() == 1


@pytest.mark.long
def test_a_manager_who_is_nothing_else_keeps_the_entry_of_his_own_body(world: Platform, visit: Opens) -> None:
    code = f"GESTION-{uuid4().hex[:6].upper()}"
    if "mona" not in world.accounts:
        world.account("mona", "Mona Garnier")
        world.place("mona", BODY, manager="principal")
    seen = visit("mona", script=False)
    seen.open("/gestion")
    seen.page.locator("main a", has_text="Services et références").first.click()
    assert seen.page.locator("[name=delai_paiement]").count() == 0
    form = seen.page.locator("form[action$='/services']").last
    form.locator("[name=code]").fill(code)
    form.locator("[name=nom]").fill("Service ouvert par son gestionnaire")
    form.get_by_role("button").click()
    assert "L'annuaire est changé" in seen.text()
    seen.page.get_by_role("button", name=re.compile(f"Fermer {code}")).click()
    assert seen.page.get_by_role("button", name=re.compile(f"Rouvrir {code}")).count() == 1
    seen.page.check("[name=demands][value=engagement_obligatoire]")
    seen.press("Enregistrer")
    assert "L'annuaire est changé" in seen.text()
    seen.page.uncheck("[name=demands][value=engagement_obligatoire]")
    seen.press("Enregistrer")
    assert "Mona Garnier" in visit("agnes", script=False).open(f"/gestion/annuaire/{BODY}").locator("main").inner_text()
    seen.open("/gestion/annuaire")
    assert seen.page.locator(f"a[href='/gestion/annuaire/{BODY}']").count() == 1
    seen.open(f"/structures/{BODY}")
    assert seen.page.locator(f"a[href='/gestion/annuaire/{BODY}']").count() == 1
    for other in (TOWN, "22310001700423"):  # another body of his tenant, and of another
        seen.open(f"/gestion/annuaire/{other}", 404)
    seen.open("/gestion/import", 404)


@pytest.mark.long
def test_the_trails_name_people_and_invoices(world: Platform, visit: Opens) -> None:
    mine = lives.available(world, "regardee")
    headers = world.token("otto") | {"X-Chorale-Reason": "Reclamation 4711 : facture introuvable"}
    world.http.get(f"{world.url}/api/v1/invoices/{mine}", headers=headers).raise_for_status()
    seen = visit("agnes", script=False)
    seen.open("/gestion/consultations")
    row = seen.page.locator("tr", has_text="Reclamation 4711").first
    assert "Otto Bernard" in row.inner_text()
    shown = row.locator(f"a[href^='/factures/{mine}']")
    assert shown.inner_text() == "2026-regardee"
    assert mine not in row.inner_text()
    row.locator(f"a[href='/gestion/consultations?facture={mine}']").click()
    assert "Reclamation 4711" in seen.text()
    for asked, there in (
        ({"facture": "2026-regardee"}, True),
        ({"qui": "otto bernard"}, True),
        ({"facture": "2026-regardee", "qui": "Otto Bernard"}, True),
        ({"facture": "2026-regardee", "qui": "Agnès Dubois"}, False),
        ({"facture": "2026-INCONNUE"}, False),
    ):
        seen.open(f"/gestion/consultations?{urlencode(asked)}")
        assert ("Reclamation 4711" in seen.text()) is there, asked
    assert "écrivez-les comme ils sont affichés" in seen.text()
    bruno = visit("bruno", script=False)
    offices.validator(world)
    bruno.open("/gestion/journal")
    row = bruno.page.locator("tr", has_text="A donné des rôles").first
    row.locator("summary").click()
    assert "Valideur" in row.inner_text()
    assert offices.NAME in row.inner_text()
    assert "person:" not in row.inner_text()


@pytest.mark.long
@BOTH
def test_a_file_is_tried_before_it_is_loaded(world: Platform, visit: Opens, script: bool) -> None:
    code = f"FICHIER-{uuid4().hex[:6].upper()}"
    lines = f"entree;siret;code;nom;actif\r\nservice;{TOWN};{code};Service du fichier;oui\r\n"
    right = chosen("annuaire.csv", lines.encode(), "text/csv")
    wrong = chosen("annuaire.csv", lines.replace("oui", "peut-être").encode(), "text/csv")
    seen = visit("agnes", script=script)
    page = seen.open("/gestion/import")
    page.set_input_files("[name=file]", [wrong])
    seen.press("Essayer sans rien changer")
    assert seen.title() == "Fichier refusé"
    assert "Ligne 2" in seen.text()
    assert not script or seen.serious() == []
    seen.open("/gestion/import")
    page.set_input_files("[name=file]", [right])
    seen.press("Essayer sans rien changer")
    assert seen.title() == "Ce que ce fichier changerait"
    assert code in seen.text()
    assert not script or seen.serious() == []
    there = f"/api/v1/directory/structures/{TOWN}"
    assert code not in str(world.ask("agnes", "GET", there))
    seen.press("Charger pour de bon")
    assert seen.title() == "Annuaire chargé"
    assert not script or seen.serious() == []
    assert code in str(world.ask("agnes", "GET", there))


def test_nobody_manages_what_is_anothers(world: Platform, visit: Opens) -> None:
    at = f"/structures/{offices.workshop(world)}"
    seen = visit("claire")
    for path in ("", "/personnes", "/invitations", "/delegations", "/logiciels", "/banque", "/modifier", "/quitter"):
        seen.open(f"{at}{path}", 404)
    for path in ("/gestion", "/gestion/annuaire", f"/gestion/annuaire/{TOWN}", "/gestion/import", "/gestion/journal"):
        seen.open(path, 404)
    seen.open(f"/gestion/demandes/{offices.request(world)}", 404)
    for path in ("banque", "succession", "personnes", "logiciels"):
        seen.open(f"/structures/{quote(SIRET)}/{path}", 404)  # a member who may change nothing there
    other = visit("agnes")
    other.open("/gestion/annuaire/22310001700423", 404)  # a body of another département
