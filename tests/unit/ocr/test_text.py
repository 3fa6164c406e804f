"""The text layer: words with boxes, upright whatever the page's rotation, in reading order whatever the file's."""

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth

from services.ocr.document import MAX_OBJECTS, MAX_PAGES, Unreadable
from services.ocr.layout import as_shown, lines_of
from services.ocr.reader import read
from services.ocr.text import DocumentText, read_pages
from tests import documents
from tests.hostile import many_pages, page
from tests.unit.ocr.pages import Text, column, pdf


def texts(document: DocumentText) -> list[str]:
    return [" | ".join(s.text for s in line.segments) for p in document.read for line in lines_of(p)]


def test_lines_follow_the_page_and_not_the_file() -> None:
    drawn: list[Text] = [(50, 600, "third"), (300, 700, "right"), (50, 700, "left"), (50, 650, "second")]
    assert texts(read_pages(pdf(drawn))) == ["left | right", "second", "third"]


def test_pieces_of_a_word_are_joined_and_spaces_kept() -> None:
    drawn: list[Text] = [(50, 700, "Net"), (50 + 16.67, 700, " à pa"), (50 + 16.67 + 22.24, 700, "yer")]
    assert texts(read_pages(pdf(drawn))) == ["Net à payer"]


def test_letter_spaced_text_is_one_word() -> None:
    spaced = [(50.0 + 12 * place, 700.0, letter) for place, letter in enumerate("FACTURE")]
    assert texts(read_pages(pdf(spaced))) == ["FACTURE"]


def test_a_letter_spaced_number_is_one_word_and_figures_in_columns_are_not() -> None:
    number = "FA-2026-01"
    places = [50 + stringWidth(number[:at], "Helvetica", 10) + 3 * at for at in range(len(number))]
    spaced = [(x, 700.0, letter) for x, letter in zip(places, number, strict=True)]
    assert texts(read_pages(pdf(spaced))) == [number]
    columns = [(50.0 + 15 * place, 700.0, figure) for place, figure in enumerate("12345")]
    assert texts(read_pages(pdf(columns))) == ["1 2 3 4 5"]


def test_text_drawn_twice_to_look_bold_is_read_once() -> None:
    assert texts(read_pages(pdf([(50, 700, "TOTAL"), (50.3, 700, "TOTAL")]))) == ["TOTAL"]


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_rotated_page_reads_like_an_upright_one(rotate: int) -> None:
    upright = documents.sample(7, layout="label_left").render()
    turned = upright.replace(b"/Rotate 0", b"/Rotate %d" % rotate)
    assert turned.count(b"/Rotate %d" % rotate) == 1
    assert texts(read_pages(turned)) == texts(read_pages(upright))


def test_boxes_are_those_of_the_page_as_it_is_shown() -> None:
    upright = documents.sample(7, layout="label_left")
    plain = read_pages(upright.render()).read[0]
    stored_sideways = read_pages(documents.sample(7, layout="turned_page").render()).read[0]
    assert (round(stored_sideways.width), round(stored_sideways.height)) == (595, 842)
    first = as_shown(lines_of(plain)[0].segments[0].box(0, 5), plain)
    same = as_shown(lines_of(stored_sideways)[0].segments[0].box(0, 5), stored_sideways)
    assert same == pytest.approx(first, abs=0.5)


def test_text_that_runs_up_a_page_is_boxed_where_it_stands() -> None:
    sideways = page(b"BT /F1 12 Tf 0 1 -1 0 100 200 Tm (Facture n 12) Tj ET", b"<< >>")
    read = read_pages(sideways).read[0]
    assert texts(read_pages(sideways)) == ["Facture n 12"]
    x0, y0, x1, y1 = as_shown(lines_of(read)[0].segments[0].box(0, 7), read)
    assert 85 < x0 < x1 < 105
    assert 195 < y0 < y1 < 270


def test_only_the_first_three_pages_are_read() -> None:
    document = read_pages(pdf(*[column(f"page {n}") for n in range(1, 6)]))
    assert document.pages == 5
    assert texts(document) == ["page 1", "page 2", "page 3"]


def test_the_last_page_is_read_where_the_first_three_do_not_tell() -> None:
    pages = pdf(*[column(f"page {n}") for n in range(1, 6)])
    assert [page.number for page in read_pages(pages, last=lambda read: len(read) == 3).read] == [1, 2, 3, 5]
    assert [page.number for page in read_pages(pages, last=lambda read: False).read] == [1, 2, 3]


def test_totals_on_the_last_page_of_many_are_read_with_their_page() -> None:
    totals = column("Total HT 100,00 €", "TVA 20,00 €", "Total TTC 120,00 €")
    reading = read(pdf(column("Facture n° F-1"), *[column("Repas, 12 jours")] * 3, totals))
    fields = {field.name: (field.value, field.page) for field in reading.fields}
    assert (fields["invoice_number"], fields["total_incl_tax"]) == (("F-1", 1), ("120.00", 5))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GIF89a", "NOT_A_PDF"),
        (b"", "NOT_A_PDF"),
        (documents.encrypted(), "PDF_ENCRYPTED"),
        (documents.damaged(), "PDF_DAMAGED"),
        (many_pages(MAX_PAGES + 1), "PDF_TOO_MANY_PAGES"),
        (page(b"0 0 m 9 9 l S\n" * (MAX_OBJECTS + 1)), "PDF_TOO_COMPLEX"),
    ],
)
def test_what_cannot_be_read_has_a_named_reason(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as failure:
        read_pages(data)
    assert failure.value.code == code


def test_a_picture_without_text_is_told_from_a_page_of_words() -> None:
    assert read_pages(documents.scanned()).images
    assert read_pages(documents.scanned()).words == 0
    assert read_pages(documents.without_keywords()).words > 100


def test_a_slanted_stamp_is_no_text_of_a_line() -> None:
    stamped = page(
        b"BT /F1 12 Tf 1 0 0 1 100 300 Tm (Service) Tj ET BT /F1 60 Tf 0.7 0.7 -0.7 0.7 150 300 Tm (ORIGINAL) Tj ET",
        b"<< >>",
    )
    assert texts(read_pages(stamped)) == ["Service"]
