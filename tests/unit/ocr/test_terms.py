"""VAT regime, way to pay and account: said in words, never guessed."""

import pytest

from tests.unit.ocr.pages import Text, column, lines, read, sure

TAXED = ("Total HT 100,00", "Total TVA 20,00", "Total TTC 120,00")
IBAN = "FR76 3000 1007 9412 3456 7890 185"


@pytest.mark.parametrize(
    ("text", "regime"),
    [
        ("TVA sur les débits", "TVA_SUR_DEBIT"),
        ("Option pour le paiement de la TVA d'après les débits", "TVA_SUR_DEBIT"),
        ("TVA acquittée sur les encaissements", "TVA_SUR_ENCAISSEMENT"),
        ("Autoliquidation de la TVA, article 283 du CGI", "AUTOLIQUIDATION"),
        ("TVA non applicable, art. 293 B du CGI", "FRANCHISE"),
        ("Exonération de TVA, article 261-4-4° du CGI", "EXONERATION"),
        ("Exonération de TVA, article 293 B du CGI", "FRANCHISE"),
        ("La TVA de nos factures est exigible dès l'encaissement", "TVA_SUR_ENCAISSEMENT"),
        ("Facture sans TVA : application de l'article 293-B", "FRANCHISE"),
    ],
)
def test_the_regime_is_told_by_its_words(text: str, regime: str) -> None:
    assert lines("Total HT 100,00", text)["vat_regime"] == regime


def test_a_regime_without_vat_is_not_given_beside_a_tax() -> None:
    assert "vat_regime" not in read(column(*TAXED, "Autoliquidation"))
    assert lines(*TAXED, "TVA sur les débits", "Motif si exonération")["vat_regime"] == "TVA_SUR_DEBIT"


def test_two_regimes_leave_the_field_empty() -> None:
    assert "vat_regime" not in read(column(*TAXED, "TVA sur les débits", "TVA sur les encaissements"))


def test_where_no_vat_is_due_the_one_total_is_the_total_with_and_without_tax() -> None:
    values = lines("Montant total TTC 740,00 €", "TVA non applicable, art. 293 B du CGI")
    assert (values["total_excl_tax"], values["tax"], values["total_incl_tax"]) == ("740.00", "0.00", "740.00")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("Mode de règlement : Virement", "VIREMENT"),
        ("Moyen de paiement : prélèvement SEPA", "PRELEVEMENT"),
        ("Règlement par chèque à l'ordre de la régie", "CHEQUE"),
        ("Paiement en espèces", "ESPECE"),
        ("Mode de paiement : carte bancaire", "AUTRE"),
        ("Prélevé le 12/03/2026", "PRELEVEMENT"),
    ],
)
def test_the_way_to_pay_is_told_by_its_words(text: str, mode: str) -> None:
    assert lines(text)["payment_mode"] == mode


def test_the_way_to_pay_may_stand_beside_or_below_its_label() -> None:
    label: list[Text] = [(50, 700, "Mode de règlement")]
    assert sure([*label, (200, 700, "Chèque")])["payment_mode"] == "CHEQUE"
    assert sure([*label, (50, 686, "Chèque")])["payment_mode"] == "CHEQUE"


@pytest.mark.parametrize(
    "text", ["Règlement par chèque ou virement", f"IBAN {IBAN}", "Votre virement est attendu", "Règlement à réception"]
)
def test_a_choice_an_account_or_prose_tells_no_way_to_pay(text: str) -> None:
    assert "payment_mode" not in read(column(text))


@pytest.mark.parametrize(
    "text",
    [f"IBAN : {IBAN}", f"IBAN {IBAN.replace(' ', '')} BIC BDFEFRPPCCT", f"Virement : {IBAN}", f"Notre I.B.A.N. {IBAN}"],
)
def test_the_account_to_pay_to_is_read(text: str) -> None:
    assert lines(text)["supplier_iban"] == IBAN.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [
        "IBAN : FR76 3000 1007 9412 3456 7890 186",
        f"Compte débité : {IBAN}",
        f"Votre IBAN : {IBAN}",
        f"IBAN de l'affactureur : {IBAN}",
    ],
)
def test_an_account_that_fails_its_check_or_is_anothers_is_not_read(text: str) -> None:
    assert "supplier_iban" not in read(column(text))


def test_two_accounts_leave_the_field_empty() -> None:
    assert "supplier_iban" not in read(column(f"IBAN {IBAN}", "IBAN FR14 2004 1010 0505 0001 3M02 606"))
