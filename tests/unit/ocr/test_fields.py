"""Numbers, dates, references and kinds of document: where a value is taken from, and when the reader says nothing."""

import pytest

from tests.unit.ocr.pages import Text, column, lines, read, sure, unsure


def test_a_value_stands_after_its_keyword_beside_it_or_below_it() -> None:
    assert lines("Facture n° : FA-1")["invoice_number"] == "FA-1"
    assert sure([(50, 700, "Facture n°"), (200, 700, "FA-1")])["invoice_number"] == "FA-1"
    assert sure([(50, 700, "Facture n°"), (50, 686, "FA-1")])["invoice_number"] == "FA-1"


@pytest.mark.parametrize(
    "text", ["Facture n°:FA-1", "FACTURE N° FA-1", "facture no FA-1", "N° facture FA-1", "Facture nº FA-1"]
)
def test_a_glued_colon_and_any_spelling_of_number_are_read(text: str) -> None:
    assert lines(text)["invoice_number"] == "FA-1"


def test_a_row_of_labels_over_a_row_of_values_is_read_by_column() -> None:
    head: list[Text] = [
        (50, 700, "N° facture"),
        (180, 700, "Date"),
        (300, 700, "N° engagement"),
        (440, 700, "Code service"),
    ]
    row: list[Text] = [(50, 686, "FA-1"), (180, 686, "12/03/2026"), (300, 686, "CP2026/X123456/1"), (440, 686, "DRH")]
    values = sure([*head, *row])
    assert values["invoice_number"] == "FA-1"
    assert values["issue_date"] == "2026-03-12"
    assert values["engagement"] == "CP2026/X123456/1"
    assert values["service_code"] == "DRH"


def test_a_label_without_value_takes_none_from_its_neighbours() -> None:
    assert "engagement" not in read(
        [(50, 700, "N° engagement :"), (200, 700, "Code service : DRH"), (50, 660, "4500001")]
    )


@pytest.mark.parametrize("title", ["FACTURE", "Facture"])
def test_the_number_under_the_title_is_the_invoices(title: str) -> None:
    assert lines(title, "N° FA-1")["invoice_number"] == "FA-1"
    assert lines(title, "N° client 4411").get("invoice_number") is None


def test_evidence_names_the_page_the_place_the_keyword_and_the_text() -> None:
    field = read([], column("Date de facture : 1er mars 2026"))["issue_date"]
    assert (field.value, field.page, field.raw, field.keyword) == ("2026-03-01", 2, "1er mars 2026", "Date de facture")
    x0, y0, x1, y1 = field.box
    assert 120 < x0 < x1 < 200
    assert 775 < y0 < 780 < y1 < 792


def test_the_due_date_is_not_the_date_of_the_invoice() -> None:
    assert "issue_date" not in read(
        column("Date d'échéance : 12/04/2026", "Échéance 12/04/2026", "À régler le 12/04/2026")
    )
    values = lines("Date : 12/03/2026", "Date d'échéance : 12/04/2026", "Date de livraison : 01/03/2026")
    assert values["issue_date"] == "2026-03-12"


def test_the_date_behind_the_number_or_behind_a_town_is_read() -> None:
    assert lines("Facture n° 12-A du 12 mars 2026")["issue_date"] == "2026-03-12"
    assert lines("Toulouse, le 12/03/2026")["issue_date"] == "2026-03-12"
    assert "issue_date" not in read(column("Livré le 12/03/2026", "Vu le contrat du 12/03/2026"))


def test_the_date_of_an_order_is_not_the_date_of_the_invoice() -> None:
    assert "issue_date" not in read(column("N° commande : 450001 Date : 02/01/2026"))
    assert lines("Facture n° F-1 Date : 02/01/2026")["issue_date"] == "2026-01-02"


def test_a_common_word_needs_a_colon_or_the_end_of_the_text() -> None:
    assert lines("commande : 450001")["engagement"] == "450001"
    assert "engagement" not in read(column("Suite à la commande 45000 pièces sont parties"))


def test_two_dates_under_one_kind_of_keyword_leave_the_field_empty() -> None:
    assert "issue_date" not in read(column("Date de facture : 12/03/2026", "Date de facture : 13/03/2026"))


def test_two_invoice_numbers_leave_the_field_empty_and_a_repeated_one_is_sure() -> None:
    assert "invoice_number" not in read(column("Facture n° A-1", "Facture n° A-2"))
    assert sure(column("Facture n° A-1"), column("Facture n° A-1"))["invoice_number"] == "A-1"


@pytest.mark.parametrize(
    "text",
    [
        "Facture d'origine n° F-1",
        "N° de facture associée : F-1",
        "Annule et remplace la facture n° F-1",
        "Facture n° du 12/03/2026",
    ],
)
def test_another_invoices_number_is_not_this_ones(text: str) -> None:
    assert "invoice_number" not in read(column(text))


def test_an_engagement_silences_a_mere_order_number() -> None:
    assert lines("Engagement : CP2020/X123456/1", "Votre commande 450001")["engagement"] == "CP2020/X123456/1"


def test_several_orders_are_unsure_and_so_is_one_whose_end_cannot_be_told() -> None:
    assert unsure("Bon de commande n° 450001", "Bon de commande n° 450002")["engagement"] == "450001"
    assert "engagement" in unsure("Engagement : CP2020 / X123456 / 1")


@pytest.mark.parametrize(
    "text",
    [
        "Notre engagement 2026 : la qualité",
        "Toute commande implique nos conditions",
        "N° client 450001",
        "Bon de livraison n° 450001",
        "Commande du 12/03/2026",
        "Tél. 05 61 00 11 22",
    ],
)
def test_prose_and_other_numbers_are_no_engagement(text: str) -> None:
    assert "engagement" not in read(column(text))


def test_a_market_number_is_read_apart_from_the_engagement() -> None:
    values = lines("Marché n° 19M001", "N° EJ 4500012345")
    assert (values["contract"], values["engagement"]) == ("19M001", "4500012345")


def test_a_credit_note_is_told_by_its_title_and_keeps_its_own_number() -> None:
    values = lines("AVOIR", "Avoir n° AV-7", "Sur facture n° F-1")
    assert (values["type_code"], values["invoice_number"]) == ("381", "AV-7")


def test_the_verb_avoir_makes_no_credit_note() -> None:
    assert lines("Facture n° F-1", "avoir un an de garantie", "Sans avoir préalable")["type_code"] == "380"


def test_titles_of_both_kinds_ask_for_a_person() -> None:
    assert unsure("Facture n° F-1", "Avoir n° A-1")["type_code"] == "381"


@pytest.mark.parametrize("title", ["FACTURE PROFORMA", "Facture d'acompte", "FACTURE RECTIFICATIVE"])
def test_a_kind_that_the_reader_does_not_tell_is_unsure(title: str) -> None:
    assert unsure(title, "Montant : 12,00 €")["type_code"] == "380"


def test_euro_is_sure_and_another_currency_asks_for_a_person() -> None:
    assert lines("Total TTC 120,00 €")["currency"] == "EUR"
    assert unsure("Total 120,00 USD", "soit 110,00 €")["currency"] == "USD"
    assert "currency" not in read(column("Total TTC 120,00"))


def test_a_page_that_announces_nothing_gives_nothing() -> None:
    assert read(column("Le vent se lève.", "Il faut tenter de vivre.")) == {}


@pytest.mark.parametrize(
    "text",
    [
        "Avoir sur facture n° F-1",
        "Facture d'origine : F-1",
        "Annule et remplace la facture n° F-1",
        "Concerne la facture n° F-1 du 12/03/2026",
        "Réf. facture initiale F-1",
    ],
)
def test_the_invoice_that_a_credit_note_corrects_is_read(text: str) -> None:
    values = lines("AVOIR", "Avoir n° AV-7", text)
    assert (values["invoice_number"], values["preceding_invoice"]) == ("AV-7", "F-1")


def test_on_a_credit_note_the_number_of_an_invoice_is_the_one_it_corrects() -> None:
    page = [*column("Facture n° F-1"), (50.0, 700.0, "n° AV-7")]
    assert "preceding_invoice" not in read(page)
    head: list[Text] = [(200, 780, "AVOIR n° AV-7")]
    assert read([*head, *column("", "", "Rappel : facture n° F-1")])["invoice_number"].value == "AV-7"


def test_two_corrected_invoices_leave_the_field_empty() -> None:
    assert "preceding_invoice" not in read(column("Avoir n° AV-7", "Sur facture n° F-1", "Sur facture n° F-2"))


def test_a_title_that_was_cut_is_read_on() -> None:
    title: list[Text] = [(50, 700, "Facture"), (120, 700, "d'avoir")]
    assert read(title)["type_code"].value == "381"


def test_the_number_may_follow_words_about_the_invoice_or_stand_alone_under_its_title() -> None:
    assert lines("Facture de travaux n° F-1")["invoice_number"] == "F-1"
    assert lines("FACTURE", "F-2026-1")["invoice_number"] == "F-2026-1"
    assert lines("Facture du 12/03/2026", "n° F-1")["invoice_number"] == "F-1"


def test_a_number_that_looks_like_a_year_is_read_where_it_stands_alone() -> None:
    assert lines("Facture n° : 2059")["invoice_number"] == "2059"
    assert "invoice_number" not in read(column("Facture n° 2059 et suivantes"))


def test_the_currency_of_the_amounts_outweighs_a_mention_of_another() -> None:
    assert lines("Total TTC 120,00 €", "Contre-valeur : 130,00 USD à titre indicatif")["currency"] == "EUR"
    assert lines("Devise : EUR", "Total TTC 120,00", "soit 130,00 USD")["currency"] == "EUR"


def test_your_reference_is_no_engagement() -> None:
    assert "engagement" not in read(column("Votre référence : 450001", "Vos réf. : AB-12"))


def test_words_before_the_colon_belong_to_the_label_of_a_service() -> None:
    assert "service_code" not in read(column("CODE SERVICE GESTIONNAIRE INTERNE : DRH"))
    assert lines("Code service : DRH")["service_code"] == "DRH"
