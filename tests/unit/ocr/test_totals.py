"""Amounts are sure only where excl. tax + tax = incl. tax, to the cent."""

import pytest

from tests.unit.ocr.pages import Text, column, lines, read, sure, unsure

AMOUNTS = ("total_excl_tax", "tax", "total_incl_tax", "payable")


def amounts(values: dict[str, str]) -> tuple[str | None, ...]:
    return tuple(values.get(name) for name in AMOUNTS)


def test_a_sum_that_holds_makes_all_amounts_sure() -> None:
    values = lines("Total HT 100,00 €", "Total TVA 20,00 €", "Total TTC 120,00 €", "Net à payer 120,00 €")
    assert amounts(values) == ("100.00", "20.00", "120.00", "120.00")


def test_one_cent_is_tolerated_and_two_are_not() -> None:
    assert lines("Total HT 100,00", "TVA 20,00", "Total TTC 120,01")["total_incl_tax"] == "120.01"
    assert amounts(lines("Total HT 100,00", "TVA 20,00", "Total TTC 120,02")) == (None,) * 4


def test_a_sum_that_fails_leaves_every_amount_unsure() -> None:
    texts = ("Total HT 100,00", "Total TVA 20,00", "Total TTC 130,00", "Net à payer 130,00")
    assert amounts(lines(*texts)) == (None,) * 4
    assert unsure(*texts)["total_incl_tax"] == "130.00"


@pytest.mark.parametrize(
    "line",
    ["Acompte : 20,00 €", "Retenue de garantie : 6,00 €", "Pénalité : - 10,00 €", "Frais de port : 5,00 €"],
)
def test_an_amount_behind_the_total_leaves_no_net_to_pay(line: str) -> None:
    values = read(column("Total HT 100,00 €", "Total TVA 20,00 €", "Total TTC 120,00 €", line))
    assert values["total_incl_tax"].value == "120.00"
    assert "payable" not in values


def test_an_amount_without_the_others_is_unsure() -> None:
    assert unsure("Total TTC 120,00 €")["total_incl_tax"] == "120.00"


def test_totals_under_a_row_of_labels_are_read_by_column() -> None:
    head: list[Text] = [(250, 300, "Total HT"), (350, 300, "Total TVA"), (450, 300, "Total TTC")]
    row: list[Text] = [(250, 286, "1 100,00 €"), (350, 286, "220,00 €"), (450, 286, "1 320,00 €")]
    assert amounts(sure([*head, *row])) == ("1100.00", "220.00", "1320.00", "1320.00")


def test_the_columns_of_the_lines_are_no_totals() -> None:
    head: list[Text] = [(50, 500, "Désignation"), (250, 500, "Qté"), (320, 500, "TVA"), (400, 500, "Montant HT")]
    row: list[Text] = [(50, 486, "Étude"), (250, 486, "1"), (320, 486, "5,00"), (400, 486, "25,00")]
    assert read([*head, *row]) == {}


def test_rates_without_a_total_are_added() -> None:
    values = lines("Total HT 300,00", "TVA 5,5 % 5,50", "TVA 20 % 40,00", "Total TTC 345,50")
    assert values["tax"] == "45.50"


def test_of_a_base_and_its_tax_on_one_row_the_tax_is_read() -> None:
    row: list[Text] = [(50, 300, "TVA 20 %"), (200, 300, "100,00"), (300, 300, "20,00")]
    assert sure([*column("Total HT 100,00", "Total TTC 120,00"), *row])["tax"] == "20.00"
    other: list[Text] = [(50, 300, "TVA 20 %"), (200, 300, "90,00"), (300, 300, "20,00")]
    assert "tax" not in read([*column("Total HT 100,00", "Total TTC 120,00"), *other])


def test_a_carried_forward_total_does_not_pass_for_the_total() -> None:
    first = column("À reporter 80,00", "Sous-total HT 80,00")
    second = column("Report 80,00", "Total HT 100,00", "TVA 20,00", "Total TTC 120,00")
    assert amounts(sure(first, second)) == ("100.00", "20.00", "120.00", "120.00")


def test_two_complete_sets_of_totals_are_sure_of_nothing() -> None:
    first = column("Total HT 100,00", "Total TVA 20,00", "Total TTC 120,00")
    second = column("Total HT 300,00", "Total TVA 60,00", "Total TTC 360,00")
    assert amounts(sure(first, second)) == (None,) * 4


def test_the_share_capital_and_the_vat_number_are_no_tax() -> None:
    values = lines(
        "SARL au capital de 20,00 €", "N° TVA FR12999000011", "TVA intracommunautaire : FR 12 999 000 011",
        "Total HT 100,00 €", "Total TVA 20,00 €", "Total TTC 120,00 €",
    )  # fmt: skip
    assert values["tax"] == "20.00"


def test_what_was_paid_before_explains_the_difference() -> None:
    values = lines("Total HT 100,00", "TVA 20,00", "Total TTC 120,00", "Acompte versé 50,00", "Net à payer 70,00")
    assert (values["prepaid"], values["payable"]) == ("50.00", "70.00")


def test_a_net_amount_that_nothing_explains_is_unsure() -> None:
    texts = ("Total HT 100,00", "TVA 20,00", "Total TTC 120,00", "Net à payer 70,00")
    assert unsure(*texts)["payable"] == "70.00"
    assert lines(*texts)["total_incl_tax"] == "120.00"


@pytest.mark.parametrize("deduction", ["Retenue de garantie 5 %", "Acompte", "Avance", "Net à payer :"])
def test_the_total_is_not_payable_for_sure_where_something_may_be_deducted(deduction: str) -> None:
    texts = ("Total HT 100,00", "TVA 20,00", "Total TTC 120,00", deduction)
    assert unsure(*texts)["payable"] == "120.00"


def test_without_a_total_incl_tax_the_net_amount_confirms_the_sum() -> None:
    values = lines("Total HT 100,00", "TVA 20,00", "Net à payer 120,00")
    assert (values["total_incl_tax"], values["payable"]) == ("120.00", "120.00")


def test_a_supplier_without_vat_has_a_tax_of_zero() -> None:
    values = lines("Total HT 100,00 €", "TVA non applicable, art. 293 B du CGI", "Net à payer 100,00 €")
    assert amounts(values) == ("100.00", "0.00", "100.00", "100.00")


def test_negative_amounts_of_a_credit_note_are_kept() -> None:
    values = lines("Total HT -100,00", "TVA -20,00", "Total TTC -120,00", "Net à payer -120,00")
    assert amounts(values) == ("-100.00", "-20.00", "-120.00", "-120.00")


def test_a_rate_is_no_amount() -> None:
    values = lines("Total HT 100,00 €", "TVA (20,00 %) 20,00 €", "Total TTC 120,00 €")
    assert values["tax"] == "20.00"


def test_an_amount_beside_a_label_of_two_lines_is_its_own() -> None:
    texts = column("Total HT 100,00", "TVA 20,00", "Total TTC 120,00", "Net à payer 90,00", top=400)
    label: list[Text] = [
        (300, 300, "Montant déjà payé :"),
        (300, 289, "(ou à payer par un tiers)"),
        (480, 294.5, "30,00"),
    ]
    assert sure([*texts, *label])["prepaid"] == "30.00"


def test_common_words_announce_totals_where_the_sum_confirms_them() -> None:
    assert amounts(lines("HT 100,00", "TVA 20 % 20,00", "TTC 120,00"))[:3] == ("100.00", "20.00", "120.00")
    assert amounts(lines("Sous-total 100,00", "TVA 20,00", "Total 120,00"))[:3] == ("100.00", "20.00", "120.00")
    assert "total_incl_tax" not in read(column("Total 120,00", "Sous-total 90,00"))


def test_an_amount_may_stand_before_its_word() -> None:
    assert amounts(lines("100,00 € HT", "TVA 20,00 €", "120,00 € TTC"))[:3] == ("100.00", "20.00", "120.00")
    assert "total_incl_tax" not in read(column("Frais de dossier de nos agences : 25,00 € HT, soit 30,00 € TTC"))


def test_words_that_make_something_else_of_a_label_weaken_it() -> None:
    texts = ("TVA sur situations précédentes 18,00", "Total HT 100,00", "TVA 20,00", "Total TTC 120,00")
    assert lines(*texts)["tax"] == "20.00"


def test_what_a_label_says_of_an_earlier_payment_is_no_figure_of_it() -> None:
    texts = ("Total HT 100,00", "TVA 20,00", "Total TTC 120,00")
    for label in ("Acompte versé (facture AC-91)", "Acompte déduit le 12/03/2026", "Règlements reçus le 2026-03-12"):
        assert lines(*texts, f"{label} : -50,00", "Net à payer 70,00")["prepaid"] == "50.00", label


def test_what_is_held_back_explains_the_net_amount() -> None:
    texts = ("Total HT 100,00", "TVA 20,00", "Total TTC 120,00", "Retenue de garantie 5 % -6,00", "Net à payer 114,00")
    assert lines(*texts)["payable"] == "114.00"


def test_without_a_total_incl_tax_what_was_paid_confirms_the_sum() -> None:
    texts = ("Total HT 100,00", "Autoliquidation", "Acompte versé 30,00", "Net à payer 70,00")
    fields = read(column(*texts))
    assert "total_incl_tax" not in fields
    assert (fields["prepaid"].value, fields["payable"].confidence) == ("30.00", "sure")


def rows(*pairs: tuple[str, str]) -> list[Text]:
    """Labels with their amounts beside them, one row under the other."""
    return [
        cell
        for at, (label, value) in enumerate(pairs)
        for cell in ((50, 400 - 14 * at, label), (200, 400 - 14 * at, value))
    ]


def test_an_amount_after_the_total_that_nothing_announces_leaves_the_net_amount_empty() -> None:
    totals = (("Total HT", "100,00"), ("TVA", "20,00"), ("Total TTC", "120,00"))
    assert "payable" not in read(rows(*totals, ("Ristourne", "-20,00"), ("À virer", "100,00")))
    assert sure(rows(*totals))["payable"] == "120.00"


def test_the_third_amount_of_a_sum_needs_no_known_word() -> None:
    assert sure(rows(("Total HT", "100,00"), ("Impôt", "20,00"), ("Total TTC", "120,00")))["tax"] == "20.00"


def test_amounts_beside_a_table_are_not_those_of_its_columns() -> None:
    head: list[Text] = [(50, 400, "Base"), (120, 400, "Total TVA"), (300, 400, "Total brut HT"), (450, 400, "-3,31")]
    row: list[Text] = [(50, 386, "-3,21"), (120, 386, "-0,18"), (300, 386, "Remise 3 %"), (450, 386, "0,10")]
    rest = column("Total HT -3,21", "TVA 5,5 % -0,18", "Total TTC -3,39", x=300, top=372)
    assert sure([*head, *row, *rest])["tax"] == "-0.18"


@pytest.mark.parametrize("text", ["1 234,56", "1.234,56", "1234.56", "1 234,56 EUR", "1'234,56"])
def test_totals_are_read_in_every_form_of_figures(text: str) -> None:
    assert unsure(f"Total TTC {text}")["total_incl_tax"] == "1234.56"
