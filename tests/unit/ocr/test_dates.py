"""The day of the invoice and the day it falls due, among all the other days of a page."""

import pytest

from tests.unit.ocr.pages import Text, column, lines, read, sure, unsure


@pytest.mark.parametrize(
    "text",
    [
        "Date d'échéance : 12/04/2026",
        "Échéance le 12 avril 2026",
        "À régler avant le 12/04/2026",
        "Payable au plus tard le 12.04.26",
        "Date limite de paiement : 2026-04-12",
        "Prélèvement le 12/04/2026",
        "Échéance : 30 jours, soit le 12/04/2026",
        "Due date: 12/04/2026",
    ],
)
def test_the_day_an_invoice_falls_due_is_read(text: str) -> None:
    assert lines(text)["due_date"] == "2026-04-12"


@pytest.mark.parametrize(
    "text",
    [
        "Échéance : 30 jours fin de mois",
        "Échéance : 30 jours à compter du 12/04/2026",
        "Date d'échéance du contrat : 12/04/2026",
        "Date de livraison : 12/04/2026",
    ],
)
def test_a_delay_or_another_day_is_no_due_date(text: str) -> None:
    assert "due_date" not in read(column(text))


def test_several_due_dates_leave_the_field_empty() -> None:
    assert "due_date" not in read(column("Échéance : 12/04/2026", "Échéance : 12/05/2026"))


def test_of_two_due_dates_only_the_one_after_the_day_of_issue_counts() -> None:
    texts = ("Date de facture : 12/03/2026", "Échéance : 12/02/2026", "Échéance : 12/04/2026")
    assert lines(*texts)["due_date"] == "2026-04-12"


def test_a_due_date_before_the_day_of_issue_is_unsure() -> None:
    assert unsure("Date de facture : 12/03/2026", "Échéance : 12/02/2026")["due_date"] == "2026-02-12"


@pytest.mark.parametrize(
    "text", ["Du : 12/03/2026", "Le 12 mars 2026", "Date : jeudi 12 mars 2026", "À Auch, le 12.03.26"]
)
def test_a_day_alone_in_its_place_is_the_day_of_issue(text: str) -> None:
    assert lines(text)["issue_date"] == "2026-03-12"


def test_a_period_is_no_day_of_issue() -> None:
    assert "issue_date" not in read(column("Du 01/03/2026 au 31/03/2026", "Prestations du 12/03/2026"))


def test_the_head_of_a_row_is_not_taken_for_part_of_its_neighbour() -> None:
    head: list[Text] = [(50, 700, "N° commande"), (150, 700, "Date"), (250, 700, "Échéance")]
    values: list[Text] = [(50, 686, "450001"), (150, 686, "12/03/2026"), (250, 686, "12/04/2026")]
    read_values = sure([*head, *values])
    assert (read_values["issue_date"], read_values["due_date"]) == ("2026-03-12", "2026-04-12")
