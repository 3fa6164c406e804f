"""What is done with an invoice on its way, by the pages of those who do it: recycled, mandated and paid, refused,
validated, and looked at by the operator."""

from typing import Any

import pytest

from tests.browser import deposits, lives, offices
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import BOTH, number
from tests.browser.visit import Visit
from tests.browser.walking import agent, fine, reload_until, today
from tests.browser.world import TOWN, Platform


def _done(seen: Visit) -> None:
    seen.page.locator(".notice.done").first.wait_for()


def _act(seen: Visit, words: str) -> None:
    """Go to the form of an action."""
    seen.page.locator("main").get_by_role("link", name=words, exact=True).click()


def _comptable(world: Platform) -> str:
    """Clara keeps the accounts of the département."""
    if "clara" not in world.accounts:
        world.account("clara", "Clara Blanc")
        world.place("clara", TOWN, ("COMPTABLE", None))
    return "clara"


def _found(world: Platform, invoice: str) -> dict[str, Any]:
    found = lives.seen(world, invoice)
    assert found is not None
    return found


@pytest.mark.long
@BOTH
def test_an_invoice_is_recycled_with_a_suggestion_in_two_clicks(world: Platform, visit: Opens, script: bool) -> None:
    invoice = lives.returned(world, f"deux-clics-{script}")
    lives.act(world, "claire", invoice, "recycle", fields={"service_code": "PRESS"})  # one letter is missing
    seen = visit("claire", width=360, script=script)
    reload_until(seen, f"/factures/{invoice}", "Vouliez-vous dire")
    assert "C'est à vous d'agir" in seen.text()
    seen.page.get_by_role("link", name="Recycler avec Cabinet-Presse").click()
    assert seen.page.locator("[name=service_code]").input_value() == "PRESSE"
    seen.press("Recycler")
    _done(seen)
    reload_until(seen, f"/factures/{invoice}", "· Cabinet-Presse")
    lives.reach(world, invoice, "MISE_A_DISPOSITION")
    assert _found(world, invoice)["recipient"]["service_code"] == "PRESSE"
    fine(seen)


@pytest.mark.long
@BOTH
def test_an_agent_mandates_and_the_comptable_pays(world: Platform, visit: Opens, script: bool) -> None:
    invoice = lives.available(world, f"payee-{script}")
    seen = visit(agent(world), script=script)
    seen.open(f"/factures/{invoice}")
    _act(seen, "Mandater")
    seen.fill(mandate_number="M-2026-118")
    seen.press("Mandater")
    _done(seen)
    comptable = visit(_comptable(world), width=360, script=script)
    comptable.open(f"/factures/recues/recherche?q=2026-payee-{script}")
    comptable.page.locator(f"#i-{invoice}").click()
    assert "M-2026-118" in comptable.text()
    _act(comptable, "Mettre en paiement")
    comptable.fill(paid_on=today())
    comptable.press("Mettre en paiement")
    _done(comptable)
    assert _found(world, invoice)["status"]["code"] == "MISE_EN_PAIEMENT"
    fine(seen)
    fine(comptable)


@pytest.mark.long
def test_a_selection_is_mandated_and_put_in_payment(world: Platform, visit: Opens) -> None:
    mark = number()
    ids = [lives.available(world, f"{mark}-{place}") for place in range(2)]
    seen, comptable = visit(agent(world)), visit(_comptable(world), script=False)
    _all_of(seen, mark, ids, "Mandater", mandate_number="M-2026-119")
    _all_of(comptable, mark, ids, "Mettre en paiement", paid_on=today())
    for each in ids:
        assert _found(world, each)["status"]["code"] == "MISE_EN_PAIEMENT"
    fine(seen)


def _all_of(seen: Visit, mark: str, ids: list[str], words: str, **fields: str) -> None:
    """Do something with all of a list at once."""
    seen.open(f"/factures/recues/recherche?q=2026-{mark}")
    for each in ids:
        seen.page.check(f"[name=id][value='{each}']")
    seen.press("Agir sur la sélection")
    _act(seen, words)
    seen.fill(**fields)
    seen.page.locator("main form button").first.click()
    assert "Faites\u00a0: 2" in seen.text(), seen.text()


@pytest.mark.long
@BOTH
def test_the_supplier_reads_who_refused_and_why(world: Platform, visit: Opens, script: bool) -> None:
    invoice = lives.to_validate(world, f"refus-{script}")
    validator = visit("bruno", width=360, script=script)
    validator.open(f"/factures/{invoice}")
    _act(validator, "Refuser")
    validator.page.select_option("[name=motif]", index=1)
    validator.fill(comment="Ces travaux ne sont pas au contrat de sous-traitance.")
    validator.press("Refuser")
    _done(validator)
    seen = visit("claire", width=360, script=script)
    seen.open(f"/factures/{invoice}")
    assert "Refusée" in seen.page.locator("#standing .badge").inner_text()
    told = seen.page.locator("td.lane-validator .told", has_text="Ces travaux ne sont pas au contrat").inner_text()
    assert "Autre motif que" in told
    assert offices.NAME in seen.text()  # which company: names of its people are its own
    fine(seen)
    fine(validator)


@pytest.mark.long
def test_a_cocontractors_invoice_is_validated_by_the_mandataire(world: Platform, visit: Opens) -> None:
    mine, siret = number(), offices.validator(world)
    form = {"cadre": "A12", "validator_1_siret": siret}
    invoice = deposits.deposit(world, mine, paper(mine), review=False, **form)
    lives.reach(world, invoice, "A_VALIDER_1")
    validator = visit("bruno")
    validator.open(f"/factures/a-valider/recherche?q={mine}")
    validator.page.locator(f"#i-{invoice}").click()
    assert "A12 – Facture d'un cotraitant" in validator.text()
    validator.press("Valider")
    _done(validator)
    lives.reach(world, invoice, "MISE_A_DISPOSITION")
    seen = visit("claire", width=360, script=False)
    reload_until(seen, f"/factures/{invoice}", "Mise à disposition du destinataire")
    assert "Validée" in seen.page.locator("td.lane-validator .told").first.inner_text()
    fine(validator)


@pytest.mark.long
@BOTH
def test_the_operator_finds_the_whole_story_by_number(world: Platform, visit: Opens, script: bool) -> None:
    mine, why = number(), f"Demande 4711 de la mairie {script}"
    invoice = lives.suspended(world, mine)
    seen = visit("otto", width=360, script=script)
    seen.open(f"/factures/recues/recherche?number=2026-{mine}")
    assert seen.title() == "Pourquoi regardez-vous\u202f?"
    seen.fill(reason="bref")
    seen.press("Continuer")
    assert "Écrivez 10 caractères au moins" in seen.text()
    seen.fill(reason=why)
    seen.press("Continuer")
    seen.page.locator(f"#i-{invoice}").click()
    told = seen.page.locator("#story-part").inner_text()
    for each in world.ask("agnes", "GET", f"/api/v1/invoices/{invoice}")["history"]:
        assert " ".join(each["label"].split()) in " ".join(told.split())
    assert "Le bon de livraison manque." in told
    fine(seen)
    tenant = visit("agnes", width=360, script=script)
    tenant.open(f"/gestion/consultations?facture=2026-{mine}")
    looks = tenant.page.locator("main tbody tr", has_text=why).filter(has_text=f"2026-{mine}")
    assert "Otto Bernard" in looks.first.inner_text()
    fine(tenant)
