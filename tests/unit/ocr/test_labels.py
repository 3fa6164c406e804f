"""Labels as pages write them: over two lines, in two languages, with raised letters, before or after their value."""

from services.ocr.layout import lines_of
from services.ocr.text import read_pages
from tests.unit.ocr.pages import Text, column, lines, pdf, read, sure


def test_a_label_over_two_lines_of_its_cell_is_one() -> None:
    head: list[Text] = [(50, 700, "Numéro"), (50, 689, "de facture"), (200, 700, "Date"), (200, 689, "d'échéance")]
    values = sure([*head, (50, 674, "FA-1"), (200, 674, "12/04/2026")])
    assert (values["invoice_number"], values["due_date"]) == ("FA-1", "2026-04-12")


def test_labels_under_each_other_with_values_beside_are_two() -> None:
    rows: list[Text] = [(50, 700, "Date"), (200, 700, "12/03/2026"), (50, 689, "Échéance"), (200, 689, "12/04/2026")]
    values = sure(rows)
    assert (values["issue_date"], values["due_date"]) == ("2026-03-12", "2026-04-12")


def test_a_label_in_two_languages_is_one() -> None:
    assert lines("Facture n° / Invoice no. : FA-1")["invoice_number"] == "FA-1"
    assert lines("N° facture / Rechnung Nr : FA-1")["invoice_number"] == "FA-1"
    assert sure([(50, 700, "Date de facture / Date"), (50, 686, "12/03/2026")])["issue_date"] == "2026-03-12"


def test_a_raised_letter_belongs_to_the_word_before_it() -> None:
    page = read_pages(pdf([(50, 700, "Facture N")], [])).read[0]
    last = page.words[-1]
    small = last._replace(text="o", x0=last.x1, x1=last.x1 + 3, y0=last.y0 + 4, y1=last.y0 + 10)
    page.words.append(small)
    assert lines_of(page)[0].segments[0].text == "Facture No"


def test_a_value_before_or_over_its_label_is_read_where_no_other_label_claims_it() -> None:
    assert sure([(50, 700, "450001"), (110, 700, "N° commande")])["engagement"] == "450001"
    claimed: list[Text] = [(50, 700, "N° client"), (110, 700, "450001"), (160, 700, "N° commande")]
    assert "engagement" not in read(claimed)


def test_in_a_row_of_labels_the_neighbour_is_no_value() -> None:
    head: list[Text] = [(50, 700, "Code service"), (150, 700, "PERIODE"), (250, 700, "N° commande")]
    assert sure([*head, (50, 686, "DRH2"), (250, 686, "450001")])["service_code"] == "DRH2"


def test_a_number_under_its_head_in_a_row_with_the_date_is_the_invoices() -> None:
    head: list[Text] = [(50, 700, "Numéro"), (150, 700, "Date"), (250, 700, "Code client")]
    values: list[Text] = [(50, 686, "FA-1"), (150, 686, "12/03/2026"), (250, 686, "C12")]
    assert sure([*head, *values])["invoice_number"] == "FA-1"


def test_a_label_in_the_middle_of_a_sentence_gives_way_to_one_that_begins_its_text() -> None:
    assert lines("Prière de rappeler la facture n° F-1", "Facture n° F-2")["invoice_number"] == "F-2"


def test_words_drawn_over_each_other_in_pieces_are_read_once() -> None:
    width = 5.0
    drawn: list[Text] = [(50, 700, "FACTURE"), (50, 700, "FAC"), (50 + 3 * 6.3 - width, 700, "CTURE")]
    page = read_pages(pdf(drawn)).read[0]
    assert "FACTURE" in lines_of(page)[0].segments[0].text


def test_a_stamp_over_a_line_is_no_part_of_it() -> None:
    page = read_pages(pdf([(50, 700, "Mode de paiement : Virement")])).read[0]
    page.words.append(page.words[0]._replace(text="DUPLICATA", x0=100, x1=190, y0=690, y1=730))
    texts = [segment.text for line in lines_of(page) for segment in line.segments]
    assert "Mode de paiement : Virement" in texts


def test_a_code_that_ends_like_a_label_is_not_cut() -> None:
    assert lines("Code service : DGA-HT")["service_code"] == "DGA-HT"


def test_the_box_of_a_value_glued_to_its_label_holds_the_value_only() -> None:
    field = read(column("SIRET client:22060001900016"))["recipient_siret"]
    assert field.box[0] > 100


def test_a_value_is_read_from_its_own_edge_where_the_cell_before_runs_up_to_it() -> None:
    head: list[Text] = [(50, 700, "Période"), (190, 700, "N° commande"), (300, 700, "Date")]
    row: list[Text] = [(50, 686, "du 28/05/2026 au 07/06/2026"), (190, 686, "450001"), (300, 686, "12/03/2026")]
    values = sure([*head, *row])
    assert (values["engagement"], values["issue_date"]) == ("450001", "2026-03-12")
