"""What a text after a keyword is: an amount, a date, a SIRET, a number, or nothing certain."""

import pytest

from services.ocr import values


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        (" : 1 234,56 €", "1234.56"),
        ("1\u00a0234,56".replace("\u00a0", " "), "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1234.56", "1234.56"),
        ("12 345 678,90 EUR", "12345678.90"),
        ("EUR 100,00", "100.00"),
        ("(EUR) 100,00", "100.00"),
        ("-90,00 EUR", "-90.00"),
        ("−90,00", "-90.00"),
        ("120,00-", "-120.00"),
        ("(120,00)", "-120.00"),
        ("20 % 20,00", "20.00"),
        ("(20,00 %) : 20,00 €", "20.00"),
        ("1 500 €", "1500.00"),
        ("0,00 €", "0.00"),
    ],
)
def test_an_amount_is_read_in_every_usual_form(text: str, amount: str) -> None:
    found = values.read_amount(text)
    assert found is not None
    assert found.text == amount


@pytest.mark.parametrize(
    "text",
    [
        "1234",
        "20,00 %",
        "1.234",
        "1,234",
        "12/03/2026",
        "FR12 345",
        "100,00 20,00",
        "100,00 jours",
        "",
        ":",
        "5,5%",
        "1,2,3",
    ],
)
def test_a_text_that_may_be_something_else_is_no_amount(text: str) -> None:
    assert values.read_amount(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        (" : 22/11/2026", "2026-11-22"),
        ("22.11.26", "2026-11-22"),
        ("22-11-2026", "2026-11-22"),
        ("2026-11-22", "2026-11-22"),
        ("20261122", "2026-11-22"),
        ("22 novembre 2026", "2026-11-22"),
        ("1er janvier 2026", "2026-01-01"),
        ("le 1ER AOÛT 2026", "2026-08-01"),
        ("du 3 févr. 2026", "2026-02-03"),
        ("14 juillet 2026", "2026-07-14"),
        ("3 juin 2026", "2026-06-03"),
        ("lundi 22 novembre 2026", "2026-11-22"),
        ("22 / 11 / 2026", "2026-11-22"),
        ("22-nov.-26", "2026-11-22"),
        ("22 nov. 2026", "2026-11-22"),
        ("(22/11/2026)", "2026-11-22"),
        ("Toulouse, le 22 novembre 2026", "2026-11-22"),
    ],
)
def test_a_date_is_read_in_every_usual_form(text: str, day: str) -> None:
    found = values.read_date(text)
    assert found is not None
    assert found.text == day


@pytest.mark.parametrize(
    "text", ["31/02/2026", "22/13/2026", "22/11/1926", "12345678", "05 61 00 11 22", "22/11", "1.2.3.4"]
)
def test_an_impossible_day_is_no_date(text: str) -> None:
    assert values.read_date(text) is None


@pytest.mark.parametrize(
    "text", ["22060001900016", "220 600 019 00016", "220.600.019.00016", "220 600 019 000 16", "220600019 00016"]
)
def test_a_siret_is_read_with_spaces_and_dots(text: str) -> None:
    found = values.read_siret(f" : {text}")
    assert found is not None
    assert found.text == "22060001900016"


@pytest.mark.parametrize(
    "text", ["22060001900017", "220 600 019", "3000 1007 9412 3456 7890 185", "0561001122", "220600019000161", "—"]
)
def test_digits_that_fail_the_check_are_no_siret(text: str) -> None:
    assert values.read_siret(text) is None


@pytest.mark.parametrize("text", ["FA-2026-0001", "2026/0012", "F000123", "AB_1+2", "12345", "20561638"])
def test_an_invoice_number_is_kept_as_written(text: str) -> None:
    found = values.read_number(f" : {text} du 12/03/2026")
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize("text", ["12/03/2026", "FACTURE", "", "à venir"])
def test_a_date_or_a_word_is_no_invoice_number(text: str) -> None:
    assert values.read_number(text) is None


@pytest.mark.parametrize(
    "text", ["CP2020 / X123456 / 1", "4500 0123", "CP2020 -X12", "CP2020/", "F2026 A 12", "F" * 60 + "1"]
)
def test_a_reference_whose_end_cannot_be_told_is_not_cut(text: str) -> None:
    found = values.read_reference(text)
    assert found is not None
    assert found.text == ""


@pytest.mark.parametrize(
    ("text", "code"), [("DRH", "DRH"), (": TEST-DSI", "TEST-DSI"), ("DRH - Ressources", "DRH"), ("d_12", "d_12")]
)
def test_a_service_code_is_one_word(text: str, code: str) -> None:
    found = values.read_service(text)
    assert found is not None
    assert found.text == code


@pytest.mark.parametrize("text", ["Direction des finances", "à préciser", "12/03/2026", ""])
def test_the_name_of_a_service_is_no_code(text: str) -> None:
    assert values.read_service(text) is None


def test_a_capital_word_before_more_words_is_not_cut_to_a_code() -> None:
    found = values.read_service("DIRECTION DES FINANCES")
    assert found is not None
    assert found.text == ""
