"""A works file from its first piece to the one that is paid, by the pages of the three who make it."""

from dataclasses import replace
from datetime import date

import pytest

from tests.browser import deposits, lives, offices
from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import number, until_title
from tests.browser.visit import Visit
from tests.browser.walking import proved, reload_until
from tests.browser.world import Platform
from tests.documents import SUPPLIER

MOE, MOA = "99900007800017", "99900008600010"


def test_a_validator_sees_by_which_day_he_answers(world: Platform, visit: Opens) -> None:
    asked = lives.to_validate(world)
    last = world.ask("bruno", "GET", f"/api/v1/invoices/{asked}")["answer_by"]
    shown = date.fromisoformat(last).strftime("%d/%m/%Y")
    seen = visit("bruno", width=360, script=False)
    seen.open("/factures/a-valider")
    row = seen.page.locator("tr", has_text="2026-sous-traitance")
    assert f"{shown}\npour répondre" in row.inner_text()
    row.get_by_role("link").first.click()
    assert f"Réponse attendue jusqu'au {shown} compris." in seen.text()


@pytest.mark.long
def test_each_piece_of_a_works_file_follows_the_one_before(world: Platform, visit: Opens) -> None:
    offices.workshop(world)
    maeva = visit(proved(world, "maeva", "Maéva Roche", MOE, "MOE"), script=False)
    moussa = visit(proved(world, "moussa", "Moussa Fabre", MOA, "MOA"), width=360, script=False)
    first = number()
    content = paper(first, supplier=replace(SUPPLIER, siret=offices.SIRET))
    file = deposits.deposit(world, first, content, review=False, who="bruno", cadre="A4", moe_siret=MOE, moa_siret=MOA)
    lives.reach(world, file, "MISE_A_DISPOSITION_MOE", who="bruno")
    at = f"/factures/travaux/dossiers/{file}"

    his = visit("bruno", script=False)
    his.open(at)
    assert "A15 – État d'acompte du maître d'œuvre" in his.text()
    assert "Entreprise de Maéva Roche" in his.text()
    assert f"Dès que la pièce {first} sera prise en compte" in his.text()
    assert his.page.get_by_role("button", name="Déposer la pièce suivante").count() == 0

    _accept(maeva, file)
    second = _follow(maeva, at, first, "A15")
    reload_until(his, at, second)
    assert "Associée" in his.text()
    _accept(moussa, _piece(world, "moussa", second))
    third = _follow(moussa, at, second, "A19")
    lives.reach(world, _piece(world, "moussa", third), "MISE_A_DISPOSITION", who="moussa")
    reload_until(moussa, at, "Plus aucune pièce n'est attendue")


def _accept(seen: Visit, piece: str) -> None:
    """Take the piece in charge and accept it."""
    for words in ("Prendre en charge", "Accepter la pièce"):
        reload_until(seen, f"/factures/{piece}", words)
        seen.press(words)
        seen.page.locator(".notice.done").first.wait_for()


def _follow(seen: Visit, file: str, before: str, piece: str) -> str:
    """From the file to the draft of the next piece, to its sending; its number."""
    mine = number()
    seen.open(file)
    seen.page.get_by_role("button", name=f"Déposer la pièce suivante {piece}").click()
    until_title(seen, "Brouillon")
    assert piece in seen.page.locator(".cadre").inner_text()
    chosen = seen.page.locator("[name=previous_piece] option:checked").inner_text()
    assert before in chosen
    assert seen.page.locator("[name=supplier_siret]").input_value() == offices.SIRET
    seen.fill(invoice_number=mine, issue_date="02/03/2026", supplier_name=offices.NAME)
    seen.page.fill("[name=lines-1-label]", "Gros œuvre")
    seen.page.fill("[name=lines-1-unit_price]", "1000")
    seen.page.fill("[name=lines-1-vat_rate]", "20")
    seen.page.select_option("[name=payment_mode]", "CHEQUE")
    seen.press("Valider et envoyer")
    until_title(seen, f"Facture {mine} envoyée")
    return mine


def _piece(world: Platform, who: str, mine: str) -> str:
    [found] = world.ask(who, "GET", f"/api/v1/invoices?number={mine}")["invoices"]
    return str(found["id"])
